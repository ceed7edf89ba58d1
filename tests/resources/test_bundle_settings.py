"""A mistake in ``databricks.yml``'s own keys is refused, with its line and the closest names."""

from dataclasses import fields
from pathlib import Path

import pytest
from databricks.bundles.jobs import JobRunAs

from feature_store.yaml_files import InvalidFile
from resources.job_verb import checked_bundle
from resources.settings import Principal

SOUND = """\
bundle:
  name: shop
  engine: direct
  git: {branch: main}
  deployment:
    lock: {enabled: true}
include: [resources/*.yml]
sync:
  exclude: [docs/**]
  paths: [.]
artifacts:
  shop:
    type: whl
    build: uv build
    path: .
    files:
      - source: dist/*.whl
permissions:
  - level: CAN_VIEW
    group_name: users
run_as:
  user_name: me@example.com
workspace:
  root_path: /Workspace/shop
presets:
  name_prefix: shop_
  trigger_pause_status: PAUSED
  jobs_max_concurrent_runs: 2
  tags: {team: shop}
experimental:
  skip_artifact_cleanup: true
  scripts: {prebuild: make}
scripts:
  greet:
    content: echo hello
variables:
  catalog:
    description: Where tables are.
    default: main
  cluster:
    type: complex
    default: {workers: 1}
  warehouse:
    lookup: {warehouse: Starter}
  pause:
    default: UNPAUSED
targets:
  dev:
    mode: development
    default: true
    presets:
      trigger_pause_status: ${var.pause}
      pipelines_development: true
  prod:
    mode: production
    variables:
      catalog:
        default: prod
      cluster: {workers: 8}
    permissions:
      - level: CAN_MANAGE
        service_principal_name: 0a1b
    sync: {include: [data/**]}
    bundle: {cluster_id: big}
    git: {branch: release}
"""


def problems(root: Path, text: str, recorder, **options: str) -> list[str]:
    (root / "databricks.yml").write_text(text)
    try:
        checked_bundle(root, entry_points=recorder.entry_points, **options)
    except InvalidFile as error:
        return [str(problem).removeprefix("databricks.yml, ") for problem in error.problems]
    return []


@pytest.mark.parametrize("target", ["dev", "prod"])
def test_a_sound_file_has_no_problems(tmp_path: Path, recorder, target: str) -> None:
    assert problems(tmp_path, SOUND, recorder, target=target) == []


SLIPS = {
    "sync": ("  exclude:", "  exlude:", "line 9: unknown key 'exlude' in sync; did you mean exclude or include?"),
    "what is excluded is a list": (
        "exclude: [docs/**]", "exclude: docs/**", "line 9: exclude in sync must be a list, not 'docs/**'",
    ),
    "a key of an artifact": ("    build:", "    biuld:", "line 14: unknown key 'biuld' in artifacts.shop; did you mean build?"),
    "the type of an artifact": ("type: whl", "type: wheel", "line 13: type is 'wheel' in artifacts.shop; did you mean whl?"),
    "a file of an artifact": (
        "- source:", "- sources:",
        "line 17: key 'source' is missing in artifacts.shop.files[0]",
        "line 17: unknown key 'sources' in artifacts.shop.files[0]; did you mean source?",
    ),
    "a level that only single resources have": (
        "CAN_VIEW", "CAN_READ", "line 19: level is 'CAN_READ' in permissions[0]; did you mean CAN_RUN or CAN_VIEW?",
    ),
    "nobody who is permitted": (
        "    group_name: users\n", "",
        "line 19: permissions[0] needs exactly one of user_name, group_name, service_principal_name; it has none of them",
    ),
    "two who are permitted": (
        "    group_name: users\n", "    group_name: users\n    user_name: me\n",
        "line 19: permissions[0] needs exactly one of user_name, group_name, service_principal_name; "
        "it has user_name, group_name",
    ),
    "run_as": ("  user_name:", "  user:", "line 22: unknown key 'user' in run_as; did you mean user_name?"),
    "workspace": ("root_path", "root_pth", "line 24: unknown key 'root_pth' in workspace; did you mean root_path?"),
    "presets": ("name_prefix", "prefix", "line 26: unknown key 'prefix' in presets; did you mean name_prefix?"),
    "a state that there is not": (
        "PAUSED\n  jobs", "PAUSE\n  jobs", "line 27: trigger_pause_status is 'PAUSE' in presets; did you mean PAUSED or UNPAUSED?",
    ),
    "text for a number": (
        "runs: 2", "runs: two", "line 28: jobs_max_concurrent_runs in presets must be a whole number, not 'two'",
    ),
    "experimental": (
        "skip_artifact_clean", "skip_artefact_clean",
        "line 31: unknown key 'skip_artefact_cleanup' in experimental; did you mean skip_artifact_cleanup?",
    ),
    "a moment for a script": (
        "prebuild", "beforebuild", "line 32: unknown key 'beforebuild' in experimental.scripts; did you mean prebuild or postbuild?",
    ),
    "the engine": ("engine: direct", "engine: driect", "line 3: engine is 'driect' in bundle; did you mean direct?"),
    "bundle": ("git: {branch: main}", "gti: {branch: main}", "line 4: unknown key 'gti' in bundle; did you mean git?"),
    "bundle.git": ("git: {branch: m", "git: {brnch: m", "line 4: unknown key 'brnch' in bundle.git; did you mean branch?"),
    "bundle.deployment": ("lock:", "locks:", "line 6: unknown key 'locks' in bundle.deployment; did you mean lock?"),
    "a variable's key": (
        "description: W", "descripton: W", "line 38: unknown key 'descripton' in variables.catalog; did you mean description?",
    ),
    "a variable's type": ("type: complex", "type: map", "line 41: type is 'map' in variables.cluster; it can be: complex"),
    "what is looked up": (
        "{warehouse:", "{warehose:", "line 44: unknown key 'warehose' in variables.warehouse.lookup; did you mean warehouse?",
    ),
    "two things looked up": (
        "Starter}", "Starter, job: nightly}", "line 44: variables.warehouse.lookup needs exactly one of alert, cluster,",
    ),
    "a target's key": ("    mode: p", "    mod: p", "line 55: unknown key 'mod' in targets.prod; did you mean mode?"),
    "a target's mode": (
        "mode: production", "mode: prod", "line 55: mode is 'prod' in targets.prod; it can be: development, production",
    ),
    "a target's level": (
        "CAN_MANAGE", "CAN_MANAGE_RUN",
        "line 61: level is 'CAN_MANAGE_RUN' in targets.prod.permissions[0]; did you mean CAN_MANAGE or CAN_RUN?",
    ),
    "a target's files": (
        "{include:", "{includes:", "line 63: unknown key 'includes' in targets.prod.sync; did you mean include or exclude?",
    ),
    "a target's bundle": (
        "{cluster_id", "{cluster", "line 64: unknown key 'cluster' in targets.prod.bundle; did you mean cluster_id?",
    ),
    "a target's branch": (
        "{branch: release", "{branches: release", "line 65: unknown key 'branches' in targets.prod.git; did you mean branch?",
    ),
}  # fmt: skip


@pytest.mark.parametrize("slip", SLIPS.values(), ids=SLIPS)
def test_a_slip_is_refused_with_its_line_and_the_closest_names(tmp_path: Path, recorder, slip: tuple[str, ...]) -> None:
    before, after, *said = slip
    assert SOUND.count(before) == 1

    found = problems(tmp_path, SOUND.replace(before, after), recorder)

    assert len(found) == len(said)
    for problem, start in zip(found, said, strict=True):
        assert problem.startswith(start)


def test_what_a_reference_becomes_is_checked_when_it_is_filled_in(tmp_path: Path, recorder) -> None:
    wrong = SOUND.replace("default: UNPAUSED", "default: RUNNING")

    assert problems(tmp_path, wrong, recorder, target="dev") == [
        "line 52: trigger_pause_status is 'RUNNING' in targets.dev.presets; it can be: PAUSED, UNPAUSED"
    ]
    assert problems(tmp_path, wrong, recorder, target="prod") == []


def test_a_misspelt_key_is_told_also_if_a_reference_is_its_value(tmp_path: Path, recorder) -> None:
    wrong = SOUND.replace("root_path: /Workspace/shop", "root_pth: /Workspace/${bundle.name}")

    assert problems(tmp_path, wrong, recorder) == [
        "line 24: unknown key 'root_pth' in workspace; did you mean root_path?"
    ]


def test_a_slip_that_an_anchor_puts_into_several_targets_is_told_once(tmp_path: Path, recorder) -> None:
    text = """\
bundle: {name: shop}
targets:
  test:
    workspace: &own
      root_pth: /Workspace/shop
  prod:
    workspace: *own
"""

    assert problems(tmp_path, text, recorder) == [
        "line 5: unknown key 'root_pth' in targets.test.workspace; did you mean root_path?"
    ]


def test_a_reference_may_stand_for_whole_settings_but_not_for_targets(tmp_path: Path, recorder) -> None:
    head = "bundle: {name: shop}\nvariables:\n  who:\n    type: complex\n    default: [{level: CAN_SEE, group_name: users}]\n"

    assert problems(tmp_path, head + "permissions: ${var.who}\ntargets: {dev: {}}\n", recorder) == [
        "line 6: level is 'CAN_SEE' in permissions[0]; did you mean CAN_VIEW?"
    ]
    assert problems(tmp_path, head + "targets: ${var.who}\n", recorder) == [
        "line 1: a ${…} stands where the bundle's own structure is expected"
    ]


VARIABLES = """\
bundle: {name: shop}
variables:
  catalog: {default: main}
  cluster: {type: complex, default: {workers: 1}}
  job: {description: Which job.}
targets:
  dev:
    variables:
"""


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ("catalog: dev, cluster: {workers: 8}, job: {lookup: {job: nightly}}", []),
        ("catalog: {default: dev}, cluster: {type: complex, default: {workers: 8}}, job: {default: x}", []),
        (
            "job: x, catalog: {defalt: dev}",
            ["unknown key 'defalt' in targets.dev.variables.catalog; did you mean default?"],
        ),
        (
            "job: x, cluster: {typ: complex, default: {}}",
            ["unknown key 'typ' in targets.dev.variables.cluster; did you mean type?"],
        ),
        (
            "job: {lookup: {jobs: nightly}}",
            ["unknown key 'jobs' in targets.dev.variables.job.lookup; did you mean job?"],
        ),
    ],
)
def test_a_target_gives_a_value_or_defines_the_variable_anew(
    tmp_path: Path, recorder, variables: str, said: list[str]
) -> None:
    found = problems(tmp_path, f"{VARIABLES}      {{{variables}}}\n", recorder)

    assert [problem.split(": ", 1)[1] for problem in found] == said


def test_a_complex_value_of_a_target_takes_the_place_of_the_default(tmp_path: Path, recorder) -> None:
    (tmp_path / "databricks.yml").write_text(
        "bundle: {name: shop}\n"
        "variables: {tags: {type: complex, default: {team: a}}}\n"
        "targets: {dev: {variables: {tags: {team: b}}}}\n"
        "resources: {jobs: {main: {name: main, tags: '${var.tags}', tasks: ["
        "{task_key: t, condition_task: {op: EQUAL_TO, left: a, right: a}}]}}}\n"
    )

    assert checked_bundle(tmp_path, entry_points=recorder.entry_points).jobs["main"].tags == {"team": "b"}


def test_jobs_run_as_whoever_the_vendors_model_of_jobs_knows() -> None:
    assert set(Principal.model_fields) == {one.name for one in fields(JobRunAs)}
