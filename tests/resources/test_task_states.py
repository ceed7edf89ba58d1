"""Which tasks run, and what a job's run comes to, as Databricks decides it."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from resources.models import Dependency, Task
from resources.runs.record import Run
from resources.states import Ended, State, skipped

RunJob = Callable[..., Run]


def task(key: str, *command: str, after: str = "", **more: object) -> dict[str, object]:
    """A task in YAML's form; ``after="a b:true"`` depends on a, and on b's outcome true."""
    depends_on = [dict(zip(("task_key", "outcome"), one.split(":"), strict=False)) for one in after.split()]
    wheel: dict[str, object] = (
        {"package_name": "shop", "entry_point": command[0], "parameters": [*command[1:]]} if command else {}
    )
    does = {"python_wheel_task": wheel, "existing_cluster_id": "any"} if command else {}
    return {"task_key": key, "depends_on": depends_on, **does, **more}


def condition(key: str, left: str, op: str, right: str, *, after: str = "") -> dict[str, object]:
    return task(key, after=after, condition_task={"left": left, "op": op, "right": right})


def states(run: Run) -> dict[str, str]:
    return {inner.path[-1]: str(inner.state) for inner in run.inner}


S, F, X, U = State.SUCCESS, State.FAILED, State.EXCLUDED, State.UPSTREAM_FAILED


@pytest.mark.parametrize(
    ("run_if", "dependencies", "expected"),
    [
        ("ALL_SUCCESS", [S, S], None),
        ("ALL_SUCCESS", [S, F], U),
        ("ALL_SUCCESS", [S, U], U),
        ("ALL_SUCCESS", [S, X], None),  # an excluded task counts as successful
        ("ALL_SUCCESS", [X, X], X),
        ("ALL_DONE", [F, U], None),
        ("ALL_DONE", [X, X], X),  # "regardless of its run_if"
        ("NONE_FAILED", [S, X], None),
        ("NONE_FAILED", [S, F], U),
        ("AT_LEAST_ONE_SUCCESS", [F, S], None),
        ("AT_LEAST_ONE_SUCCESS", [F, U], U),
        ("AT_LEAST_ONE_FAILED", [S, F], None),
        ("AT_LEAST_ONE_FAILED", [S, U], None),
        ("AT_LEAST_ONE_FAILED", [S, S], X),
        ("ALL_FAILED", [F, U], None),
        ("ALL_FAILED", [F, S], X),
    ],
)
def test_run_if_decides_by_how_the_dependencies_ended(
    run_if: str, dependencies: list[State], expected: State | None
) -> None:
    keys = [str(number) for number in range(len(dependencies))]
    waiting = Task.model_validate(
        {"task_key": "t", "run_if": run_if, "depends_on": [{"task_key": key} for key in keys]}
    )
    ended = {key: Ended(state) for key, state in zip(keys, dependencies, strict=True)}

    assert skipped(waiting, ended) == expected


@pytest.mark.parametrize(
    ("condition_ended", "expected"),
    [
        (Ended(S, "true"), None),
        (Ended(S, "false"), X),
        (Ended(X), X),
        (Ended(F), U),
    ],
)
def test_the_wrong_branch_of_a_condition_never_runs(condition_ended: Ended, expected: State | None) -> None:
    for run_if in ("ALL_SUCCESS", "ALL_DONE", "AT_LEAST_ONE_SUCCESS"):
        depends_on = [Dependency(task_key="c", outcome="true"), Dependency(task_key="other")]
        waiting = Task(task_key="t", run_if=run_if, depends_on=depends_on)

        assert skipped(waiting, {"c": condition_ended, "other": Ended(S)}) == expected


def test_tasks_run_in_the_order_of_their_dependencies_not_of_the_file(run: RunJob, recorder) -> None:
    ended = run({"main": [task("c", "say", "c", after="b"), task("b", "say", "b", after="a"), task("a", "say", "a")]})

    assert recorder.said == ["a", "b", "c"]
    assert ended.state == S


def test_after_a_failed_task_its_dependents_are_upstream_failed_and_others_still_run(run: RunJob, recorder) -> None:
    ended = run(
        {
            "main": [
                task("a", "refuse", "the disk is full"),
                task("b", "say", "b", after="a"),
                task("c", "say", "c", after="b"),
                task("d", "say", "d"),
            ]
        }
    )

    assert states(ended) == {"a": F, "b": U, "c": U, "d": S}
    assert ended.inner[0].message == "the disk is full"
    assert recorder.said == ["d"]
    assert ended.state == F


def test_a_job_whose_leaf_tasks_succeed_succeeds_with_failures(run: RunJob) -> None:
    ended = run({"main": [task("a", "refuse"), task("tidy", "say", after="a", run_if="ALL_DONE")]})

    assert states(ended) == {"a": F, "tidy": S}
    assert ended.state == State.SUCCESS_WITH_FAILURES
    assert ended.succeeded


def test_a_condition_on_a_task_value_chooses_the_branch(run: RunJob, recorder) -> None:
    def jobs(value: str) -> dict[str, list[dict[str, object]]]:
        return {
            "main": [
                task("check", "give", "retrain", value),
                condition("due", "{{tasks.check.values.retrain}}", "EQUAL_TO", "true", after="check"),
                task("retrain", "say", "retrain", after="due:true"),
                task("report", "say", "report", after="retrain"),
                task("rest", "say", "rest", after="due:false"),
            ]
        }

    assert states(run(jobs("true"))) == {"check": S, "due": S, "retrain": S, "report": S, "rest": X}
    assert states(run(jobs("false"))) == {"check": S, "due": S, "retrain": X, "report": X, "rest": S}
    assert recorder.said == ["retrain", "report", "rest"]


@pytest.mark.parametrize(
    ("left", "op", "right", "outcome"),
    [
        ("12.0", "EQUAL_TO", "12", "false"),  # text is compared, as on Databricks
        ("12.0", "NOT_EQUAL", "12", "true"),
        ("12.0", "GREATER_THAN_OR_EQUAL", "12", "true"),
        ("10.0", "GREATER_THAN_OR_EQUAL", "12", "false"),
        ("9", "LESS_THAN", "10", "true"),
        ("10", "LESS_THAN_OR_EQUAL", "10", "true"),
        ("10", "GREATER_THAN", "10", "false"),
    ],
)
def test_conditions_compare_text_for_equality_and_numbers_for_order(
    run: RunJob, left: str, op: str, right: str, outcome: str
) -> None:
    assert run({"main": [condition("c", left, op, right)]}).inner[0].outcome == outcome


def test_a_condition_that_orders_words_fails(run: RunJob) -> None:
    ended = run({"main": [condition("c", "many", "GREATER_THAN", "3"), task("t", "say", after="c:true")]})

    assert states(ended) == {"c": F, "t": U}
    assert ended.inner[0].message == "GREATER_THAN compares numbers, not 'many' and '3'."


def test_a_condition_on_a_value_that_was_never_set_fails_and_says_which_are(run: RunJob) -> None:
    ended = run(
        {
            "main": [
                task("check", "give", "retrain", "true"),
                condition("due", "{{tasks.check.values.retrian}}", "EQUAL_TO", "true", after="check"),
            ]
        }
    )

    assert ended.inner[1].message == (
        "{{tasks.check.values.retrian}}: task check (SUCCESS) set no value 'retrian'. "
        "Did you mean retrain? There is: retrain."
    )


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (("leave", "3"), "leave ended with exit code 3."),
        (("leave", "3", "--by", "python"), "leave ended with exit code 3."),
        (("give", "only-one"), "Missing argument 'VALUE'."),
        (("crash",), "ZeroDivisionError: division by zero"),
    ],
)
def test_a_command_fails_its_task_whichever_way_it_ends_badly(
    run: RunJob, command: tuple[str, ...], message: str
) -> None:
    ended = run({"main": [task("t", *command)]})

    assert (ended.state, ended.inner[0].message) == (F, message)


@pytest.mark.parametrize("by", ["click", "python"])
def test_a_command_that_exits_with_zero_succeeds(run: RunJob, by: str) -> None:
    assert run({"main": [task("t", "leave", "0", "--by", by)]}).state == S


def test_only_what_no_user_can_put_right_is_shown_with_its_trace(run: RunJob, recorder) -> None:
    run({"main": [task("mistake", "refuse"), task("defect", "crash")]})

    assert [event for event in recorder.events if "crashed" in event] == [
        "crashed: ZeroDivisionError('division by zero')"
    ]


def test_a_task_is_tried_again_as_often_as_it_says(run: RunJob, recorder) -> None:
    ended = run({"main": [task("t", "heal", "{{task.execution_count}}", max_retries=2)]})

    assert (ended.state, ended.inner[0].attempts) == (S, 3)
    assert recorder.events == [
        "main > t started",
        "main > t attempt 1: not at attempt 1",
        "main > t started",
        "main > t attempt 2: not at attempt 2",
        "main > t started",
        "main > t SUCCESS",
    ]
    assert run({"main": [task("t", "heal", "{{task.execution_count}}", max_retries=1)]}).state == F


def test_the_next_attempt_begins_no_sooner_than_the_interval_after_the_one_before(run: RunJob) -> None:
    task_twice = task("t", "heal", "{{task.execution_count}}", max_retries=1, min_retry_interval_millis=300)

    [twice] = run({"main": [task_twice]}).inner

    assert twice.attempts == 2
    assert (twice.started_at - datetime.fromisoformat(twice.earlier[0]["started_at"])) >= timedelta(milliseconds=299)
