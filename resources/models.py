"""Jobs, in Databricks' own words; any other key is an error.

What only Databricks acts on (schedules, permissions, notifications) is accepted as it is; what decides which task runs
with which arguments is typed, since ``run-job`` executes it.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Level = dict[str, object]


class Part(BaseModel):
    """A mapping with known keys; values are not converted, so ``default: 3`` is not taken for text."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Dependency(Part):
    """A task that must have ended first; ``outcome`` names the branch of a condition task."""

    task_key: str
    outcome: Literal["true", "false"] | None = None


class PythonWheelTask(Part):
    """A command line that an installed distribution exports."""

    package_name: str
    entry_point: str
    parameters: list[str] = []
    named_parameters: dict[str, str] = {}


class ConditionTask(Part):
    """A comparison whose outcome, ``true`` or ``false``, the tasks after it can depend on."""

    op: Literal["EQUAL_TO", "NOT_EQUAL", "GREATER_THAN", "GREATER_THAN_OR_EQUAL", "LESS_THAN", "LESS_THAN_OR_EQUAL"]
    left: str
    right: str


class RunJobTask(Part):
    """Another job, run to its end."""

    job_id: int
    job_parameters: dict[str, str] = {}


class BaseTask(Part):
    """A node of a job's graph: exactly one of the ``…_task`` keys says what it does."""

    task_key: str
    description: str | None = None
    depends_on: list[Dependency] = []
    run_if: Literal[
        "ALL_SUCCESS", "ALL_DONE", "NONE_FAILED", "AT_LEAST_ONE_SUCCESS", "ALL_FAILED", "AT_LEAST_ONE_FAILED"
    ] = "ALL_SUCCESS"
    python_wheel_task: PythonWheelTask | None = None
    condition_task: ConditionTask | None = None
    run_job_task: RunJobTask | None = None
    max_retries: int = Field(default=0, ge=-1)
    min_retry_interval_millis: int = Field(default=0, ge=0)
    environment_key: str | None = None
    job_cluster_key: str | None = None
    existing_cluster_id: str | None = None
    new_cluster: Level | None = None
    libraries: list[Level] | None = None
    compute: Level | None = None
    timeout_seconds: int | None = Field(default=None, ge=0)
    retry_on_timeout: bool | None = None
    disable_auto_optimization: bool | None = None
    email_notifications: Level | None = None
    notification_settings: Level | None = None
    webhook_notifications: Level | None = None
    health: Level | None = None


class ForEachTask(Part):
    """One task run for every item of a JSON array; Databricks has no loop in a loop."""

    inputs: str
    task: BaseTask
    concurrency: int = Field(default=1, ge=1, le=100)


class Task(BaseTask):
    """A task of a job, which may also be a loop over another."""

    for_each_task: ForEachTask | None = None

    @property
    def nested(self) -> BaseTask | None:
        """The task that is run for every item, if this is a loop."""
        return self.for_each_task.task if self.for_each_task else None


class JobParameter(Part):
    """A parameter of a job; its value is text."""

    name: str
    default: str


class Environment(Part):
    """What is installed where serverless tasks run."""

    environment_key: str
    spec: Level = {}


class Job(Part):
    """A graph of tasks, with parameters."""

    name: str
    tasks: list[Task] = Field(min_length=1)
    description: str | None = None
    parameters: list[JobParameter] = []
    environments: list[Environment] = []
    job_clusters: list[Level] | None = None
    schedule: Level | None = None
    trigger: Level | None = None
    continuous: Level | None = None
    tags: dict[str, str] | None = None
    queue: Level | None = None
    max_concurrent_runs: int | None = Field(default=None, ge=0)
    timeout_seconds: int | None = Field(default=None, ge=0)
    health: Level | None = None
    email_notifications: Level | None = None
    notification_settings: Level | None = None
    webhook_notifications: Level | None = None
    permissions: list[Level] | None = None
    run_as: Level | None = None
    git_source: Level | None = None
    budget_policy_id: str | None = None
    usage_policy_id: str | None = None
    performance_target: str | None = None
    edit_mode: str | None = None
    format: str | None = None
    deployment: Level | None = None
    lifecycle: Level | None = None

    @property
    def defaults(self) -> dict[str, str]:
        """Each parameter's default."""
        return {parameter.name: parameter.default for parameter in self.parameters}


RUNNABLE_TASKS = ("python_wheel_task", "condition_task", "run_job_task", "for_each_task")
# What Databricks knows too; said apart from a typo, because the remedy is another.
NOT_RUN_HERE = {
    BaseTask: (
        "alert_task", "clean_rooms_notebook_task", "dashboard_task", "dbt_cloud_task", "dbt_task", "disabled",
        "environment_variables_key", "notebook_task", "pipeline_task", "power_bi_task", "spark_jar_task",
        "spark_python_task", "spark_submit_task", "sql_task",
    ),
    Job: ("environment_variables", "triggers"),
}  # fmt: skip
