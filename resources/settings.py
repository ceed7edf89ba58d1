"""``databricks.yml``'s own keys, in Databricks' words: what is deployed where, how and by whom; any other key is an error.

The vendor's models describe resources only; for these keys its command line has a schema, ``databricks bundle schema``.
"""

from typing import Literal, Self

from pydantic import Field, model_validator

from resources.models import Level, Part
from resources.open_values import OrReference, Setting, exactly_one
from resources.substitution import is_open


class Principal(Setting):
    """Whom something is about: exactly one of the three keys says it."""

    user_name: str | None = Field(default=None, min_length=1)
    group_name: str | None = Field(default=None, min_length=1)
    service_principal_name: str | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _one(self) -> Self:
        if not is_open(self):
            exactly_one(self, Principal.model_fields)
        return self


class Permission(Principal):
    """What somebody may do with all that is deployed."""

    level: Literal["CAN_VIEW", "CAN_RUN", "CAN_MANAGE"]


class Lookup(Part):
    """The name of something whose id is asked for when the bundle is deployed; exactly one of the kinds."""

    alert: str | None = None
    cluster: str | None = None
    cluster_policy: str | None = None
    dashboard: str | None = None
    instance_pool: str | None = None
    job: str | None = None
    metastore: str | None = None
    notification_destination: str | None = None
    pipeline: str | None = None
    query: str | None = None
    service_principal: str | None = None
    warehouse: str | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        exactly_one(self, Lookup.model_fields)
        return self

    @property
    def name(self) -> str:
        """What is looked up."""
        return next(str(value) for _, value in self if value is not None)


class Variable(Part):
    """A value that differs between targets."""

    description: str | None = None
    default: object = None
    type: Literal["complex"] | None = None
    lookup: Lookup | None = None


class ArtifactFile(Setting):
    """A file, or a pattern of files, that an artifact consists of."""

    source: str


class Artifact(Setting):
    """What is built before anything is deployed."""

    type: Literal["whl", "jar"] | None = None
    build: str | None = None
    path: str | None = None
    files: list[ArtifactFile] | None = None
    executable: Literal["bash", "sh", "cmd"] | None = None
    dynamic_version: bool | None = None


class Sync(Setting):
    """Which files are uploaded."""

    include: list[str] | None = None
    exclude: list[str] | None = None
    paths: list[str] | None = None


class Presets(Setting):
    """What is done to all resources of a target."""

    name_prefix: str | None = None
    pipelines_development: bool | None = None
    trigger_pause_status: Literal["PAUSED", "UNPAUSED"] | None = None
    jobs_max_concurrent_runs: int | None = Field(default=None, ge=0)
    tags: dict[str, str] | None = None
    source_linked_deployment: bool | None = None
    artifacts_dynamic_version: bool | None = None


class Workspace(Setting):
    """Where in which workspace, and how one signs in there; secrets come from the environment."""

    host: str | None = None
    profile: str | None = None
    root_path: str | None = None
    artifact_path: str | None = None
    file_path: str | None = None
    resource_path: str | None = None
    state_path: str | None = None
    auth_type: str | None = None
    client_id: str | None = None
    account_id: str | None = None
    workspace_id: str | None = None
    google_service_account: str | None = None
    azure_client_id: str | None = None
    azure_environment: str | None = None
    azure_login_app_id: str | None = None
    azure_tenant_id: str | None = None
    azure_use_msi: bool | None = None
    azure_workspace_resource_id: str | None = None
    experimental_is_unified_host: bool | None = None


class Git(Setting):
    """The repository, where it cannot be asked."""

    branch: str | None = None
    origin_url: str | None = None


class Lock(Setting):
    """Whether two deployments wait for each other."""

    enabled: bool | None = None
    force: bool | None = None


class Deployment(Setting):
    """When a deployment is refused."""

    fail_on_active_runs: bool | None = None
    lock: Lock | None = None


class BundleOfTarget(Part):
    """What a target may say of the bundle as a whole."""

    name: str | None = None
    engine: Literal["direct", "terraform"] | None = None
    uuid: str | None = None
    databricks_cli_version: str | None = None
    compute_id: str | None = None
    cluster_id: str | None = None
    deployment: Deployment | None = None
    git: Git | None = None


class BundleHeader(BundleOfTarget):
    """``bundle:`` itself."""

    name: str = Field(min_length=1)


class Hooks(Setting):
    """Commands that are run before and after the steps of a deployment."""

    preinit: str | None = None
    postinit: str | None = None
    prebuild: str | None = None
    postbuild: str | None = None
    predeploy: str | None = None
    postdeploy: str | None = None


class PythonResources(Setting):
    """Resources that are made by Python."""

    resources: list[str] | None = None
    mutators: list[str] | None = None
    venv_path: str | None = None


class PyDABs(Setting):
    """The older form of the same."""

    enabled: bool | None = None


class Experimental(Setting):
    """What the vendor may change again."""

    scripts: Hooks | None = None
    python: PythonResources | None = None
    pydabs: PyDABs | None = None
    python_wheel_wrapper: bool | None = None
    use_legacy_run_as: bool | None = None
    skip_artifact_cleanup: bool | None = None
    skip_name_prefix_for_schema: bool | None = None
    immutable_folder: bool | None = None
    record_deployment_history: bool | None = None


class Script(Setting):
    """A command line that ``databricks bundle run`` knows by a name."""

    content: str
    env: dict[str, str] | None = None


class Target(Part):
    """A place to deploy to."""

    mode: Literal["development", "production"] | None = None
    default: bool = False
    variables: dict[str, object] = Field(default={})
    workspace: Workspace | None = None
    bundle: BundleOfTarget | None = None
    artifacts: OrReference[dict[str, Artifact] | None] = None
    presets: Presets | None = None
    permissions: OrReference[list[Permission] | None] = None
    run_as: Principal | None = None
    git: Git | None = None
    cluster_id: str | None = None
    compute_id: str | None = None
    sync: Sync | None = None
    resources: Level | None = None

    @model_validator(mode="before")
    @classmethod
    def _nothing_said(cls, value: object) -> object:
        """``dev:`` alone is a target."""
        return {} if value is None else value


class BundleFile(Part):
    """All files of a bundle taken together, but for the resources, which are read one by one."""

    bundle: BundleHeader
    targets: dict[str, Target] = Field(min_length=1)
    variables: dict[str, Variable | None] = Field(default={})
    include: list[str] | None = None
    artifacts: OrReference[dict[str, Artifact] | None] = None
    workspace: Workspace | None = None
    permissions: OrReference[list[Permission] | None] = None
    presets: Presets | None = None
    run_as: Principal | None = None
    sync: Sync | None = None
    experimental: Experimental | None = None
    scripts: OrReference[dict[str, Script] | None] = None
