"""What ``run-job history`` tells of the runs that a workspace has seen."""

import json
import re

import pytest

from tests.resources.shop import Shop, call, job, loop, wheel


@pytest.fixture
def seen(shop: Shop) -> Shop:
    """A workspace in which `good` ran once and `bad` twice."""
    shop.write(
        good=job(wheel("a", "give", "rows", "3"), parameters={"day": "monday"}),
        bad=job(call("call", "inner"), loop("each", "[1, 2]", wheel("one", "say", "{{input}}"))),
        inner=job(wheel("broken", "need", "coffee")),
    )
    for name in ("bad", "good", "bad"):
        shop.run_job(name, "--at-once", "1")
    return shop


def ids(seen: Shop, *words: str) -> list[str]:
    return [str(run["run_id"])[:8] for run in seen.history(*words)]


def test_the_newest_come_first_of_all_jobs_of_one_or_only_what_failed(seen: Shop) -> None:
    assert [run["job"] for run in seen.history()] == ["bad", "good", "bad"]
    assert [run["job"] for run in seen.history("good")] == ["good"]
    assert [run["job"] for run in seen.history("--failed")] == ["bad", "bad"]
    assert ids(seen, "--limit", "1") == ids(seen)[:1]
    assert seen.history("good", "--failed") == []


def test_the_list_says_when_how_long_by_whom_and_what_failed(seen: Shop) -> None:
    lines = seen.run_job("history").stdout.splitlines()

    assert lines[0].split() == ["RUN", "JOB", "TARGET", "STATE", "STARTED", "(UTC)", "TOOK", "BY"]
    assert re.match(
        rf"{ids(seen)[0]}  bad +dev +FAILED +\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d  \d\.\d s +\S+ +in call > broken",
        lines[1],
    )
    assert "SUCCESS" in lines[2]


def test_one_run_is_shown_task_by_task_with_values_parameters_and_what_to_do(seen: Shop) -> None:
    first, good = ids(seen)[0], ids(seen, "good")[0]

    shown = re.sub(r"\d\.\d s", "0.1 s", seen.run_job("history", first).stdout)
    assert shown.split("\n\n")[1].splitlines() == [
        "bad  FAILED  0.1 s",
        "├── call  FAILED  0.1 s  job inner failed",
        "│   └── broken  FAILED  0.1 s  there is no coffee",
        "└── each  SUCCESS  0.1 s  2 iterations",
        "    ├── each[1]  SUCCESS  0.1 s",
        "    └── each[2]  SUCCESS  0.1 s",
    ]
    assert f"run-job repair {first}" in shown
    shown = seen.run_job("history", good).stdout
    assert "parameters  day=monday" in shown
    assert "values: rows=3" in shown
    assert "repair" not in shown


def test_json_holds_everything_that_a_program_may_ask(seen: Shop) -> None:
    run = seen.history("good")[0]

    assert json.loads(seen.run_job("history", run["run_id"], "--json").stdout) == run
    assert run["tasks"][0]["values"] == {"rows": 3}
    assert run["tasks"][0]["command"] == ["give", "rows", "3"]
    assert {
        "run_id",
        "job",
        "target",
        "state",
        "user",
        "process",
        "revision",
        "started_at",
        "ended_at",
        "seconds",
    } <= set(run)


def test_a_called_jobs_run_which_the_tables_commits_name_leads_to_the_whole_run(seen: Shop) -> None:
    run = seen.history("bad")[0]

    shown = seen.run_job("history", run["tasks"][0]["job_run_id"]).stdout
    assert shown.split()[:2] == ["run", run["run_id"]]


@pytest.mark.parametrize(
    ("which", "message"),
    [
        ("god", "'god' is too short to be sure which run is meant; give at least 4 characters."),
        ("goood", "And no job of that name has run. Did you mean good?"),
        ("ffffffffffff", "There is no run 'ffffffffffff' in"),
    ],
)
def test_what_never_ran_is_refused_with_what_did(seen: Shop, which: str, message: str) -> None:
    done = seen.run_job("history", which)

    assert done.exit_code == 2
    assert message in " ".join(done.stderr.split())


def test_a_record_that_cannot_be_read_is_told_and_passed_over(seen: Shop) -> None:
    file = sorted((seen.folder / "workspace" / "runs").glob("*.json"))[-1]
    file.write_text(file.read_text()[:100])

    done = seen.run_job("history")

    assert len(done.stdout.splitlines()) == 3
    assert f"Warning: {file} is not a run's record: JSONDecodeError" in done.stderr


def test_in_a_workspace_where_nothing_ran_the_history_says_so_and_makes_nothing(shop: Shop) -> None:
    assert shop.run_job("history").stdout == "Nothing has run in this workspace yet.\n"
    assert shop.history() == []
    assert not (shop.folder / "workspace").exists()


def test_a_workspace_that_cannot_be_written_is_refused_before_the_first_task(shop: Shop) -> None:
    shop.write(main=job(wheel("a", "say", "a")))
    (shop.folder / "file").touch()

    done = shop.run_job("main", "--workspace", "file/below")

    assert done.exit_code == 1
    assert "cannot be written: Not a directory." in " ".join(done.stderr.split())
    assert shop.said == []


def test_history_that_cannot_be_written_any_more_is_told_once_and_the_run_goes_on(shop: Shop) -> None:
    shop.write(main=job(wheel("a", "spoil"), wheel("b", "say", "b", after="a")))

    done = shop.run_job("main")

    assert done.exit_code == 0
    assert done.stderr.count("Warning: The run's history in") == 1
    assert shop.said == ["b"]
