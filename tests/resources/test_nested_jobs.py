"""Jobs that run jobs, loops, and what the references between them come to."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from feature_store.errors import Misuse, NotFound
from resources.runs.record import Run

RunJob = Callable[..., Run]


def say(key: str, *words: str, **more: object) -> dict[str, object]:
    wheel = {"package_name": "shop", "entry_point": "say", "parameters": [*words]}
    return {"task_key": key, "existing_cluster_id": "any", "python_wheel_task": wheel, **more}


def call(key: str, job: str, **parameters: str) -> dict[str, object]:
    return {"task_key": key, "run_job_task": {"job_id": f"${{resources.jobs.{job}.id}}", "job_parameters": parameters}}


def loop(key: str, inputs: str, task: dict[str, object]) -> dict[str, object]:
    return {"task_key": key, "for_each_task": {"inputs": inputs, "concurrency": 2, "task": task}}


def job(*tasks: dict[str, object], **parameters: str) -> dict[str, object]:
    return {"tasks": [*tasks], "parameters": [{"name": name, "default": value} for name, value in parameters.items()]}


def test_a_called_job_gets_what_it_is_passed_and_its_defaults_otherwise(run: RunJob, recorder) -> None:
    greet = job(say("t", "{{job.parameters.word}}", "{{job.parameters.name}}"), word="hello", name="nobody")

    ended = run({"main": [call("greet", "greet", name="Ada")], "greet": greet})

    assert recorder.said == ["hello Ada"]
    assert recorder.events == ["main > greet > t started", "main > greet > t SUCCESS", "main > greet SUCCESS"]
    assert ended.inner[0].inner[0].path == ("main", "greet", "t")


def test_a_jobs_parameters_are_pushed_down_to_the_jobs_it_runs(run: RunJob, recorder) -> None:
    inner = job(say("t", "{{job.parameters.as_of}}"), as_of="default")

    run({"main": job(call("c", "inner"), as_of="outer"), "inner": inner}, as_of="given")

    assert recorder.said == ["given"]


def test_a_job_that_fails_fails_the_task_that_runs_it(run: RunJob) -> None:
    inner = {"task_key": "t", "existing_cluster_id": "any"}
    inner["python_wheel_task"] = {"package_name": "shop", "entry_point": "refuse"}

    ended = run({"main": [call("c", "inner")], "inner": [inner]})

    assert (ended.state, ended.inner[0].state, ended.inner[0].message) == ("FAILED", "FAILED", "job inner failed")


def test_a_loop_runs_its_task_for_every_item_in_turn(run: RunJob, recorder) -> None:
    months = '[{"from": "2013-07-01", "as_of": "2013-08-01"}, {"from": "2013-08-01", "as_of": "2013-09-01"}]'
    one_round = job(say("t", "{{job.parameters.since}}", "{{job.parameters.as_of}}"), since="", as_of="")
    rounds = loop(
        "rounds", "{{job.parameters.months}}", call("one", "round", since="{{input.from}}", as_of="{{input.as_of}}")
    )

    run({"main": job(rounds, months=months), "round": one_round})

    assert recorder.said == ["2013-07-01 2013-08-01", "2013-08-01 2013-09-01"]
    assert recorder.events[0] == "main > rounds[2013-08-01] > t started"


def test_a_loop_over_plain_values_a_task_value_or_nothing(run: RunJob, recorder) -> None:
    wheel = {"package_name": "shop", "entry_point": "give", "parameters": ["found", '["a", 2, true]']}
    found = {"task_key": "find", "existing_cluster_id": "any", "python_wheel_task": wheel}
    each = loop("each", "{{tasks.find.values.found}}", say("one", "{{input}}")) | {"depends_on": [{"task_key": "find"}]}

    ended = run({"main": [found, each, loop("none", "[]", say("two", "{{input}}"))]})

    assert recorder.said == ["a", "2", "true"]
    assert ended.state == "SUCCESS"


def test_a_loop_goes_on_after_an_item_that_failed_and_fails_at_its_end(run: RunJob) -> None:
    wheel = {"package_name": "shop", "entry_point": "leave", "parameters": ["{{input}}"]}
    task = {"task_key": "one", "existing_cluster_id": "any", "python_wheel_task": wheel}

    ended = run({"main": [loop("each", "[0, 7, 0]", task)]})

    assert [inner.state for inner in ended.inner[0].inner] == ["SUCCESS", "FAILED", "SUCCESS"]
    assert (ended.inner[0].state, ended.inner[0].message) == ("FAILED", "1 of 3 iterations failed")


def test_an_item_without_the_key_that_is_asked_for_fails_with_the_closest(run: RunJob) -> None:
    ended = run({"main": [loop("each", '[{"from": 1}]', say("one", "{{input.form}}"))]})

    assert ended.inner[0].inner[0].message == (
        "{{input.form}}: the item has no key 'form'. Did you mean from? There is: from."
    )


@pytest.mark.parametrize("months", ["2013-07-01", '{"from": 1}', "[1"])
def test_inputs_that_are_no_array_are_refused_before_the_first_task(run: RunJob, recorder, months: str) -> None:
    tasks = [say("first", "hello"), loop("each", "{{job.parameters.months}}", say("one", "{{input}}"))]

    with pytest.raises(Misuse, match="must be a JSON array"):
        run({"main": job(*tasks, months="[]")}, months=months)
    assert recorder.said == []


def test_references_name_the_run_the_task_and_the_time(run: RunJob, recorder) -> None:
    ended = run(
        {
            "main": [
                say("a", "{{job.name}}", "{{task.name}}", "{{task.execution_count}}", "{{job.repair_count}}"),
                say("b", "{{tasks.a.result_state}}", "{{job.start_time.iso_date}}", depends_on=[{"task_key": "a"}]),
                say("c", "{{job.run_id}}", "{{tasks.a.run_id}}", depends_on=[{"task_key": "b"}]),
            ]
        }
    )

    today = datetime.now(UTC).date().isoformat()
    assert recorder.said == ["main a 1 0", f"success {today}", f"{ended.run_id} {ended.inner[0].run_id}"]
    assert recorder.run_ids == [ended.run_id] * 3


def test_named_parameters_become_options_and_the_jobs_own_win(run: RunJob, recorder) -> None:
    wheel = {"package_name": "shop", "entry_point": "say", "named_parameters": {"day": "monday", "at": "{{job.name}}"}}
    task = {"task_key": "t", "existing_cluster_id": "any", "python_wheel_task": wheel}

    run({"main": job(task, day="friday")})

    assert recorder.said == ["--day=friday --at=main"]


def test_bundle_references_take_the_targets_values(run: RunJob, recorder) -> None:
    run({"main": [say("t", "${var.catalog}.${bundle.name}", "${bundle.target}", "${resources.jobs.main.name}")]})

    assert recorder.said == ["main.shop dev main"]


def test_a_parameter_that_the_job_does_not_have_is_refused_with_the_closest(run: RunJob) -> None:
    with pytest.raises(NotFound, match=r"no parameter 'asof'\. Did you mean as_of\?"):
        run({"main": job(say("t"), as_of="")}, asof="2013-07-01")
