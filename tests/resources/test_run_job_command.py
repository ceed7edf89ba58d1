"""The command line ``run-job``, and this repository's own bundle."""

import os
import re
import tomllib
from collections.abc import Callable
from datetime import datetime
from importlib.metadata import distribution
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from feature_store.cli import place_options
from feature_store.errors import Misuse
from feature_store.job import set_task_value
from resources.bundle import Bundle, load_bundle
from resources.entry_points import Loader, installed_entry_points
from resources.job_verb import checked_bundle
from resources.parameters import parse_pairs
from resources.run import main
from resources.running import JobError, run_shown, workspace_for_tasks
from resources.runs.execute import Runner
from resources.runs.record import Run
from resources.telling.show import duration
from tests.resources.conftest import GIVEN

ROOT = Path(__file__).parents[2]


def run_job(*arguments: str) -> Result:
    return CliRunner().invoke(main, [*arguments])


@pytest.fixture(autouse=True)
def in_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


@pytest.mark.parametrize("target", ["dev", "test", "staging", "prod"])
def test_the_repositorys_own_bundle_has_no_problems_in_any_target(target: str) -> None:
    bundle = checked_bundle(ROOT, target=target, variables=GIVEN)

    verbs = ["monitor", "publish_features", "replay", "round", "score_batch", "train_model"]
    assert {*bundle.jobs} >= {*verbs, "score_on_update", *(f"repurchase_{verb}" for verb in verbs)}
    assert {job.tasks[0].task_key for job in bundle.jobs.values()}
    catalogs = re.findall(r"--catalog', '(\w+)'", str(bundle.jobs))
    assert set(catalogs) == {target}


def test_every_command_that_a_job_names_is_one_of_the_projects_scripts() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    bundle, _ = load_bundle(ROOT)
    wheels = [task.python_wheel_task for job in bundle.jobs.values() for task in job.tasks if task.python_wheel_task]

    assert {wheel.entry_point for wheel in wheels} <= set(scripts)
    assert {wheel.package_name for wheel in wheels} == {"feature_pipelines"}


def test_every_job_has_a_description_and_every_schedule_leaves_its_pause_status_to_the_target() -> None:
    for job in load_bundle(ROOT)[0].jobs.values():
        assert job.description
        assert "pause_status" not in (job.schedule or {})


def typed(*, retrain: bool, accepted: bool = True) -> tuple[list[str], Callable[[str], dict[str, Loader]]]:
    """The project's commands, with their command lines but nothing behind them, and what was typed."""
    lines: list[str] = []

    def command(name: str, *options: str) -> click.Command:
        @click.pass_context
        def note(context: click.Context, words: tuple[str, ...], schema: str, **given: str) -> None:
            told = (f"{key}={value}" for key, value in sorted(given.items()) if value is not None)
            lines.append(" ".join([name, *words, *told]))
            if name == "check-drift":
                set_task_value("retrain", retrain)
            if given.get("step") == "validate":
                set_task_value("accepted", accepted)

        shared = [click.Option([f"--{option}"]) for option in (*options, "catalog", "schema", "as-of")]
        return click.Command(name, callback=note, params=[click.Argument(["words"], nargs=-1), *shared])

    commands = [command("score-batch", "from", "until"), command("ingest-sources"), command("publish-features")]
    commands += [
        command("check-consistency", "from", "until"),
        command("train-model", "profile", "step"),
        command("check-drift"),
        command("review-alerts"),
    ]
    return lines, lambda package: {str(one.name): (lambda one=one: one) for one in commands}


def test_a_round_publishes_scores_and_checks_its_own_window_and_retrains_when_due() -> None:
    lines, entry_points = typed(retrain=True)
    bundle = checked_bundle(ROOT, entry_points=entry_points)

    run_shown(bundle, "round", {"from": "2013-07-01", "as_of": "2013-08-01"}, entry_points=entry_points)

    assert lines == [
        "ingest-sources flights as_of=2013-08-01 catalog=dev",
        "publish-features flights as_of=2013-08-01 catalog=dev",
        "score-batch flight_delay as_of=2013-08-01 catalog=dev from=2013-07-01 until=2013-08-01",
        "check-consistency flight_delay as_of=2013-08-01 catalog=dev from=2013-07-01 until=2013-08-01",
        "check-drift airport_weather aircraft schedule as_of=2013-08-01 catalog=dev",
        "check-drift flight_delay as_of=2013-08-01 catalog=dev",
        "train-model flight_delay as_of=2013-08-01 catalog=dev profile=dev step=evaluate",
        "train-model flight_delay as_of=2013-08-01 catalog=dev profile=dev step=validate",
        "train-model flight_delay as_of=2013-08-01 catalog=dev profile=dev",
        "review-alerts outcome flight_delay as_of=2013-08-01 catalog=dev",
    ]


@pytest.mark.parametrize(("accepted", "then"), [(True, "promote"), (False, "keep_refused")])
def test_a_challenger_is_registered_whether_its_gates_accept_it_or_not(recorder, accepted: bool, then: str) -> None:
    lines, entry_points = typed(retrain=False, accepted=accepted)
    bundle = checked_bundle(ROOT, entry_points=entry_points)
    run = Runner(bundle, recorder, entry_points=entry_points).run("train_model", {"as_of": "2013-08-01"})
    assert len(lines) == 3
    assert [task.path[-1] for task in run.inner if task.state == "SUCCESS"] == [
        "train",
        "validate",
        "is_accepted",
        then,
    ]


def test_the_replay_trains_once_and_then_goes_round_once_a_month_each_as_of_its_own_end(recorder) -> None:
    lines, entry_points = typed(retrain=False)
    bundle = checked_bundle(ROOT, entry_points=entry_points)

    run = Runner(bundle, recorder, entry_points=entry_points).run("replay")

    assert run.state == "SUCCESS"
    verbs = [line.split()[0] for line in lines]
    a_round = ["ingest-sources", "publish-features", "score-batch", "check-consistency", "check-drift", "check-drift"]
    assert verbs == ["ingest-sources", "publish-features", *["train-model"] * 3, *a_round * 6, "review-alerts"]
    assert [line.split("as_of=")[1].split()[0] for line in lines if line.startswith("check-drift flight")] == [
        "2013-08-01", "2013-09-01", "2013-10-01", "2013-11-01", "2013-12-01", "2014-01-01",
    ]  # fmt: skip
    assert "replay > rounds[2013-08-01] > monitor > retrain EXCLUDED" in recorder.events


def test_the_output_is_one_line_per_start_and_end_with_the_path_of_nested_jobs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, entry_points = typed(retrain=False)
    bundle = checked_bundle(ROOT, entry_points=entry_points)

    run_shown(bundle, "monitor", {"as_of": "2013-08-01"}, entry_points=entry_points)

    assert re.sub(r"\d+\.\d s", "0.1 s", capsys.readouterr().out).splitlines() == [
        "monitor > check_tables  started",
        "monitor > check_tables  SUCCESS  0.1 s",
        "monitor > check_drift  started",
        "monitor > check_drift  SUCCESS  0.1 s",
        "monitor > is_retraining_due  SUCCESS  0.1 s  'false' == 'true': false",
        "monitor > retrain  EXCLUDED",
        "monitor > record_outcome  EXCLUDED",
        "monitor  SUCCESS  0.1 s",
    ]


def test_a_failed_run_ends_with_a_tree_of_states_opened_where_it_failed(
    run: Callable[..., Run], load, recorder, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    wheel = {"package_name": "shop", "entry_point": "refuse", "parameters": ["the disk is full"]}
    inner = [{"task_key": "write", "existing_cluster_id": "any", "python_wheel_task": wheel}]
    call = {"task_key": "publish", "run_job_task": {"job_id": "${resources.jobs.inner.id}"}}
    bundle = load({"main": [call], "inner": inner})

    with pytest.raises(JobError, match=r"^Job main failed in main > publish > write\.$"):
        run_shown(bundle, "main", {}, entry_points=recorder.entry_points)

    assert re.sub(r"\d+\.\d s", "0.1 s", capsys.readouterr().out).splitlines()[-4:] == [
        "",
        "main  FAILED  0.1 s",
        "└── publish  FAILED  0.1 s  job inner failed",
        "    └── write  FAILED  0.1 s  the disk is full",
    ]


def test_a_run_that_is_interrupted_says_where_and_starts_nothing_more(
    capsys: pytest.CaptureFixture[str],
) -> None:
    @click.command("ingest-sources", context_settings={"ignore_unknown_options": True})
    @click.argument("words", nargs=-1)
    def interrupted(words: tuple[str, ...]) -> None:
        raise KeyboardInterrupt

    lines, others = typed(retrain=False)
    bundle = checked_bundle(ROOT, entry_points=others)

    with pytest.raises(SystemExit) as end:
        run_shown(bundle, "round", {}, entry_points=lambda package: {"ingest-sources": lambda: interrupted})

    assert end.value.code == 130
    assert "Stopped in round > publish > ingest_sources." in capsys.readouterr().err
    assert lines == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["replai"], "There is no job 'replai'"),
        (["replay", "-t", "dex"], "Did you mean dev?"),
        (["round", "--params", "fro=1"], "Did you mean from?"),
        (["round", "--var", "catalogue=x"], "Did you mean catalog?"),
        (["replay", "--as-of", "2013-07-01"], "Job replay has no parameter as_of, so --as-of cannot set it."),
        (["round", "--as-of", "July"], "'July' is not a moment."),
        (["round", "--params", "2013"], "--params takes name=value pairs"),
        (["replay", "--params", "rounds=[1"], "must be a JSON array"),
        ([], "Name a job"),
    ],
)
def test_a_users_mistake_is_one_clear_sentence_and_a_bad_exit_code(arguments: list[str], message: str) -> None:
    result = run_job(*arguments)

    assert result.exit_code == 2
    assert message in " ".join(result.output.split())
    assert "Traceback" not in result.output


def test_the_help_names_the_other_forms_and_every_exit_code() -> None:
    told = run_job("--help").output

    for line in ("run-job history [JOB or RUN]", "run-job repair RUN"):
        assert line in told
    assert re.findall(r"^  +(\d+) +if", told, re.MULTILINE) == ["0", "1", "2", "130"]
    assert "Usage: run-job repair [OPTIONS] RUN" in run_job("repair", "--help").output
    assert "Usage: run-job history [OPTIONS] [JOB|RUN]" in run_job("history", "--help").output


def test_a_slip_in_the_name_of_another_form_is_told_as_such() -> None:
    told = run_job("histroy")

    assert told.exit_code == 2
    assert "There is no job 'histroy'. Did you mean the command `run-job history`?" in told.output


def test_the_list_shows_every_job_with_its_parameters() -> None:
    result = run_job("--list")

    assert result.exit_code == 0
    assert "score_batch" in result.output
    assert "from, until, as_of" in " ".join(result.output.split())


def test_outside_a_project_the_command_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    assert "There is no databricks.yml in" in run_job("--list").output


def test_tasks_take_their_workspace_from_the_one_that_run_job_was_given(
    load: Callable[..., Bundle], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PIPELINE_WORKSPACE", raising=False)
    found: list[str] = []

    @click.command("say")
    @place_options
    def say(catalog: str, schema: str, as_of: datetime, workspace: str) -> None:
        found.append(workspace)

    wheel = {"package_name": "shop", "entry_point": "say", "parameters": ["--as-of", ""]}
    bundle = load({"main": [{"task_key": "t", "existing_cluster_id": "any", "python_wheel_task": wheel}]})

    with workspace_for_tasks("elsewhere"):
        run_shown(bundle, "main", {}, entry_points=lambda package: {"say": lambda: say})

    assert found == ["elsewhere"]
    assert "PIPELINE_WORKSPACE" not in os.environ


@pytest.mark.parametrize(
    ("texts", "pairs"),
    [
        (["a=1,b=2"], {"a": "1", "b": "2"}),
        (["a=1", "a=2"], {"a": "2"}),
        (["a="], {"a": ""}),
        (["a=x=y"], {"a": "x=y"}),
        (["note=one, two,as_of=2013-07-01"], {"note": "one, two", "as_of": "2013-07-01"}),
        (['r=[{"from":"a","as_of":"b"},{"from":"c"}],x=1'], {"r": '[{"from":"a","as_of":"b"},{"from":"c"}]', "x": "1"}),
        (['r=["a,b=c"],x=1'], {"r": '["a,b=c"]', "x": "1"}),
        (['r="a,b=c",x=1'], {"r": '"a,b=c"', "x": "1"}),
    ],
)
def test_parameters_are_split_only_where_a_new_name_begins(texts: list[str], pairs: dict[str, str]) -> None:
    assert parse_pairs(texts, option="--params") == pairs


def test_a_parameter_without_a_name_is_refused() -> None:
    with pytest.raises(Misuse, match="--params takes name=value pairs separated by commas, not '7'"):
        parse_pairs(["7"], option="--params")


def test_commands_are_found_in_what_the_distribution_exports() -> None:
    exported = {entry_point.name for entry_point in distribution("feature-pipelines").entry_points}

    assert set(installed_entry_points("feature_pipelines")) == exported
    assert installed_entry_points("feature_pipelines")["run-job"]() is main


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.44, "0.4 s"), (12.2, "12 s"), (185, "3 min 05 s"), (7620, "2 h 07 min")]
)
def test_durations_are_written_as_people_say_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text
