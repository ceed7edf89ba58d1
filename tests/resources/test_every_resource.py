"""Resources of every kind are held against the vendor's models, and what those do not say is looked for, too."""

import textwrap
from pathlib import Path

import pytest

from feature_store.yaml_files import InvalidFile
from resources.job_verb import checked_bundle
from resources.schedules import cron_problem, zone_problem

HEADER = """
bundle:
  name: shop
include:
  - resources/*.yml
targets:
  dev:
    default: true
"""
SOUND = """
resources:
  jobs:
    main:
      name: main
      tasks:
        - task_key: say
          existing_cluster_id: any
          python_wheel_task: {package_name: shop, entry_point: say}
  schemas:
    shop:
      catalog_name: dev
      name: shop
  quality_monitors:
    scores:
      table_name: dev.${resources.schemas.shop.name}.scores
      output_schema_name: dev.quality
      assets_dir: /Shared/quality
      inference_log:
        problem_type: PROBLEM_TYPE_CLASSIFICATION
        prediction_col: prediction
        timestamp_col: at
        model_id_col: version
        granularities: ["1 day"]
      schedule:
        quartz_cron_expression: 0 0 5 * * ?
        timezone_id: UTC
  apps:
    review:
      name: review
      source_code_path: ..
      config:
        env:
          - name: RETRAIN
            value_from: train_model
      resources:
        - name: train_model
          job: {id: "7", permission: CAN_VIEW}
"""


@pytest.fixture
def problems(tmp_path: Path, recorder):
    def found(text: str) -> list[str]:
        (tmp_path / "resources").mkdir(exist_ok=True)
        (tmp_path / "databricks.yml").write_text(HEADER.lstrip())
        (tmp_path / "resources" / "shop.yml").write_text(textwrap.dedent(text).lstrip())
        try:
            checked_bundle(tmp_path, entry_points=recorder.entry_points)
        except InvalidFile as error:
            return [str(problem).removeprefix("resources/shop.yml, ") for problem in error.problems]
        return []

    return found


def test_a_sound_bundle_of_several_kinds_has_no_problems(problems) -> None:
    assert problems(SOUND) == []


SLIPS = {
    "an unknown kind": ("  schemas:\n", "  schema:\n", ["line 10: unknown kind of resources 'schema'; did you mean schemas?", "line 15: ${resources.schemas.shop.name} refers to nothing."]),
    "an unknown field": (
        "      catalog_name: dev\n",
        "      catalog: dev\n",
        ["line 10: key 'catalog_name' is missing in schemas.shop", "line 11: unknown key 'catalog' in schemas.shop; did you mean catalog_name?"],
    ),
    "a value that is none of those there are": (
        "PROBLEM_TYPE_CLASSIFICATION",
        "CLASSIFICATION",
        ["line 19: problem_type is 'CLASSIFICATION' in quality_monitors.scores; did you mean PROBLEM_TYPE_CLASSIFICATION"],
    ),
    "text where a list belongs": (
        'granularities: ["1 day"]',
        "granularities: 1 day",
        ["line 23: granularities in quality_monitors.scores must be a list, not '1 day'"],
    ),
    "a number where text belongs": (
        "name: shop\n  quality",
        "name: 7\n  quality",
        ["line 12: name in schemas.shop must be text (put it in quotes), not 7"],
    ),
    "a key deep inside": (
        "        timestamp_col: at\n",
        "        timestamp: at\n",
        ["line 18: key 'timestamp_col' is missing in inference_log of quality_monitors.scores", "line 21: unknown key 'timestamp' in inference_log of quality_monitors.scores; did you mean timestamp_col"],
    ),
    "a reference to nothing": (
        "${resources.schemas.shop.name}",
        "${resources.schemas.shops.name}",
        ["line 15: ${resources.schemas.shops.name} refers to nothing."],
    ),
    "a cron that Quartz refuses": (
        "0 0 5 * * ?",
        "0 5 * * *",
        ["line 25: the cron expression '0 5 * * *' has 5 fields; Quartz takes 6 or 7, seconds first"],
    ),
    "a time zone that there is not": ("timezone_id: UTC", "timezone_id: Europe/Berlni", ["line 26: there is no time zone 'Europe/Berlni'; did you mean Europe/Berlin"]),
    "a folder that is not there": (
        "source_code_path: ..",
        "source_code_path: ../app",
        ["line 30: source_code_path names '../app', and there is no such file or folder beside resources/shop.yml"],
    ),
    "a key used by two kinds": ("    review:\n", "    scores:\n", ["line 28: the key 'scores' is that of one of the quality_monitors, too; keys are unique across all kinds"]),
    "a value from nothing": (
        "value_from: train_model",
        "value_from: train_modl",
        ["line 34: value_from in env[0] of apps.review names 'train_modl', which is none of the app's resources; did you mean train_model?"],
    ),
    "a variable without a name": ("- name: RETRAIN", "- name: ''", ["line 33: name in env[0] of apps.review is empty"]),
    "an app without a name": ("      name: review\n", "      name: ''\n", ["line 29: name of apps.review is empty"]),
    "a schema without a name": ("name: shop\n  quality", "name: ''\n  quality", ["line 12: name of schemas.shop is empty"]),
    "a schedule of a job": (
        "      name: main\n",
        "      name: main\n      schedule: {quartz_cron_expression: '0 0 25 * * ?', timezone_id: UTC}\n",
        ["line 5: '25' cannot be the hours of a cron expression ('0 0 25 * * ?'); it runs from 0 to 23"],
    ),
    "a field of a job that only the platform reads": (
        "      name: main\n",
        "      name: main\n      queue: {enable: true}\n",
        ["line 5: key 'enabled' is missing in queue of jobs.main", "line 5: unknown key 'enable' in queue of jobs.main; did you mean enabled?"],
    ),
}  # fmt: skip


@pytest.mark.parametrize(("before", "after", "said"), SLIPS.values(), ids=SLIPS)
def test_a_slip_is_told_with_its_line_and_the_closest_names(problems, before: str, after: str, said: list[str]) -> None:
    assert before in SOUND
    found = problems(SOUND.replace(before, after, 1))
    assert len(found) == len(said)
    for problem, start in zip(sorted(found), sorted(said), strict=True):
        assert problem.startswith(start)


@pytest.mark.parametrize(
    "expression",
    [
        "0 0 6 * * ?",
        "0 0/5 14,18 * * ?",
        "0 15 10 ? * MON-FRI",
        "0 15 10 L * ?",
        "0 15 10 ? * 6#3",
        "0 0 12 1/5 * ? 2026",
    ],
)
def test_a_cron_that_quartz_documents_is_accepted(expression: str) -> None:
    assert cron_problem(expression) is None


@pytest.mark.parametrize(
    "expression", ["0 0 6 * * *", "0 0 6 ? * ?", "0 61 6 * * ?", "0 0 6 * XXX ?", "0 0/0 6 * * ?", ""]
)
def test_a_cron_that_quartz_refuses_is_refused(expression: str) -> None:
    assert cron_problem(expression)


def test_a_target_changes_tasks_by_their_keys_and_adds_resources(tmp_path: Path, recorder) -> None:
    (tmp_path / "resources").mkdir()
    (tmp_path / "databricks.yml").write_text(HEADER.lstrip())
    (tmp_path / "resources" / "shop.yml").write_text(SOUND.lstrip())
    (tmp_path / "resources" / "dev.yml").write_text(
        textwrap.dedent("""\
            targets:
              dev:
                resources:
                  jobs:
                    main:
                      tasks:
                        - task_key: say
                          max_retries: 2
                  volumes:
                    reports: {catalog_name: dev, schema_name: shop, name: reports}
        """)
    )
    bundle = checked_bundle(tmp_path, entry_points=recorder.entry_points)
    [task] = bundle.jobs["main"].tasks
    assert (task.max_retries, task.existing_cluster_id) == (2, "any")
    assert bundle.others == 4


def test_there_is_no_such_zone_as_one_misspelt() -> None:
    assert zone_problem("America/New_York") is None
    assert zone_problem("America/NewYork")


WITH_WHEEL = """
resources:
  jobs:
    main:
      name: main
      environments:
        - environment_key: default
          spec:
            environment_version: "4"
            dependencies: [{0}]
      tasks:
        - task_key: say
          environment_key: default
          python_wheel_task: {{package_name: shop, entry_point: say}}
"""
ARTIFACTS = (
    "artifacts: {shop: {type: whl, build: make, path: .}, tools: {build: make, files: [{source: out/tools-*.whl}]}}\n"
)


@pytest.mark.parametrize(
    ("dependency", "remedy"),
    [
        ("../dist/*.whl", None),
        ("../dist/shop-1.0-py3-none-any.whl", None),
        ("'../dist/*.whl[local]'", None),
        ("../out/tools-1.0.whl", None),
        ("../kept/old.whl", None),
        ("shop==1.0", None),
        ("/Volumes/main/shop/dist/*.whl", None),
        ("../dst/*.whl", "did you mean ../dist/*.whl"),
        ("./dist/*.whl", "did you mean ../dist/*.whl"),
        ("../dist/*.wheel", "did you mean ../dist/*.whl"),
        ("../out/tool-1.0.whl", "did you mean ../out/tools-*.whl"),
    ],
)
def test_a_wheel_of_the_project_is_one_that_an_artifact_builds_or_that_is_there(
    tmp_path: Path, recorder, dependency: str, remedy: str | None
) -> None:
    (tmp_path / "resources").mkdir()
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "old.whl").touch()
    (tmp_path / "databricks.yml").write_text(HEADER.lstrip() + ARTIFACTS)
    (tmp_path / "resources" / "shop.yml").write_text(WITH_WHEEL.lstrip().format(dependency))
    found: list[str] = []
    try:
        checked_bundle(tmp_path, entry_points=recorder.entry_points)
    except InvalidFile as error:
        found = [str(problem) for problem in error.problems]

    said = f"resources/shop.yml, line 9: jobs.main installs {dependency!r}, which no artifact builds and which is not there"
    assert len(found) == (remedy is not None)
    assert all(problem.startswith(f"{said}; {remedy}") for problem in found)


@pytest.mark.parametrize("has_setup", [True, False])
def test_without_artifacts_the_wheel_is_that_of_a_setup_py(tmp_path: Path, recorder, has_setup: bool) -> None:
    (tmp_path / "resources").mkdir()
    (tmp_path / "databricks.yml").write_text(HEADER.lstrip())
    (tmp_path / "resources" / "shop.yml").write_text(WITH_WHEEL.lstrip().format("../dist/*.whl"))
    if has_setup:
        (tmp_path / "setup.py").touch()
        assert checked_bundle(tmp_path, entry_points=recorder.entry_points).jobs
    else:
        with pytest.raises(InvalidFile, match="which is not there; there are no artifacts"):
            checked_bundle(tmp_path, entry_points=recorder.entry_points)
