"""``run-job --check`` without ``-t``: all targets are checked, and what is wrong in all of them is said once."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from feature_store.yaml_files import InvalidFile
from resources.every_target import checked_targets
from resources.run import main

SOUND = """\
bundle: {name: shop}
variables:
  catalog: {default: main}
  owner: {description: Whom jobs run as.}
targets:
  dev:
    default: true
    variables: {owner: me}
  test: {}
  prod:
    resources:
      schemas:
        shop: {catalog_name: "${var.catalog}", name: shop}
resources:
  jobs:
    main:
      name: main
      run_as: {user_name: "${var.owner}"}
      tasks:
        - task_key: compare
          condition_task: {op: EQUAL_TO, left: a, right: a}
"""


def problems(root: Path, text: str, recorder, variables: Mapping[str, str] | None = None) -> list[str]:
    (root / "databricks.yml").write_text(text)
    try:
        checked_targets(root, variables=variables or {}, entry_points=recorder.entry_points)
    except InvalidFile as error:
        return [str(problem) for problem in error.problems]
    return []


def run_job(root: Path, text: str, monkeypatch: pytest.MonkeyPatch, *words: str) -> Result:
    (root / "databricks.yml").write_text(text)
    monkeypatch.chdir(root)
    return CliRunner().invoke(main, [*words])


@pytest.mark.parametrize("words", [["--check"], ["--all-jobs", "--check"], ["main", "--check"]])
def test_every_target_is_told_of_and_what_it_still_demands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    result = run_job(tmp_path, SOUND, monkeypatch, *words)

    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "1 job with 1 task in target dev: nothing is wrong with them.",
        "1 job with 1 task in target test: nothing is wrong with them. Still to be given there: owner.",
        "1 job with 1 task and 1 other resource in target prod: nothing is wrong with them. "
        "Still to be given there: owner.",
    ]


def test_a_target_that_is_asked_for_is_the_only_one_and_demands_what_it_needs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = run_job(tmp_path, SOUND, monkeypatch, "--all-jobs", "--check", "-t", "test")
    given = run_job(tmp_path, SOUND, monkeypatch, "--all-jobs", "--check", "-t", "test", "--var", "owner=ops")

    assert (asked.exit_code, given.exit_code) == (2, 0)
    assert "variable owner (Whom jobs run as.) has no value" in asked.stderr
    assert given.stdout == "1 job with 1 task: nothing is wrong with them.\n"


@pytest.mark.parametrize("words", [["mian", "--check"], ["mian", "--check", "-t", "dev"]])
def test_a_job_that_no_target_has_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    result = run_job(tmp_path, SOUND, monkeypatch, *words)

    assert (result.exit_code, result.stdout) == (2, "")
    assert "There is no job 'mian'" in result.stderr
    assert "Did you mean main?" in " ".join(result.stderr.split())


def test_a_job_that_another_target_than_the_default_one_has_is_checked_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    of_prod = "jobs: {only_here: {name: o, tasks: [{task_key: c, condition_task: {op: EQUAL_TO, left: a, right: a}}]}}"

    result = run_job(
        tmp_path,
        SOUND.replace("      schemas:\n", f"      {of_prod}\n      schemas:\n"),
        monkeypatch,
        "only_here",
        "--check",
    )

    assert result.exit_code == 0, result.output
    assert "2 jobs with 2 tasks and 1 other resource in target prod: nothing is wrong with them." in result.stdout


def test_a_fault_of_all_targets_is_said_once_and_one_of_some_names_them(tmp_path: Path, recorder) -> None:
    wrong = SOUND.replace("left: a", "left: '{{input}}'").replace("catalog_name", "catalog")

    assert problems(tmp_path, wrong, recorder) == [
        "databricks.yml, line 13: unknown key 'catalog' in schemas.shop; did you mean catalog_name? (in target prod)",
        "databricks.yml, line 13: key 'catalog_name' is missing in schemas.shop (in target prod)",
        "databricks.yml, line 21: task compare: {{input}} exists only in the task inside a for_each_task",
    ]


def test_a_fault_that_an_anchor_puts_into_several_targets_is_said_once(tmp_path: Path, recorder) -> None:
    wrong = SOUND.replace(
        "test: {}", "test: &own\n    permissions: [{level: '${var.catalog}', group_name: users}]\n  ops: *own"
    )

    assert problems(tmp_path, wrong, recorder) == [
        "databricks.yml, line 10: level is 'main' in permissions[0]; it can be: CAN_MANAGE, CAN_RUN, CAN_VIEW "
        "(in targets test, ops)"
    ]


def test_what_the_default_target_demands_must_be_there_to_run_anything(tmp_path: Path, recorder) -> None:
    wrong = SOUND.replace("variables: {owner: me}", "variables: {}")
    missing = "databricks.yml, line 4: variable owner (Whom jobs run as.) has no value; give it with --var owner=…"

    assert problems(tmp_path, wrong, recorder) == [f"{missing} (in target dev)"]
    assert problems(tmp_path, wrong, recorder, {"owner": "me"}) == []


def test_what_waits_for_a_value_is_not_judged(tmp_path: Path, recorder) -> None:
    cron = (
        "schedule: {quartz_cron_expression: '${var.owner}', timezone_id: UTC}\n      max_concurrent_runs: ${var.owner}"
    )
    waiting = SOUND.replace("name: main\n      run", f"name: main\n      {cron}\n      run")
    waiting = waiting.replace("variables: {owner: me}", "variables: {owner: 0 0 5 * * ?}")

    assert problems(tmp_path, waiting, recorder) == [
        "databricks.yml, line 19: max_concurrent_runs in job main must be a whole number, not '0 0 5 * * ?' (in target dev)"
    ]


def test_a_reference_that_only_one_target_can_fill_in_is_no_fault_of_the_others(tmp_path: Path, recorder) -> None:
    of_prod = 'volumes: {v: {catalog_name: a, schema_name: "${resources.schemas.shop.name}", name: v}}'

    assert problems(tmp_path, SOUND.replace("      schemas:\n", f"      {of_prod}\n      schemas:\n"), recorder) == []
