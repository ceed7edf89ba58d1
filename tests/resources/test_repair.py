"""A run that failed, run again from where it failed."""

import json
from pathlib import Path

from tests.resources.shop import Shop, call, job, loop, wheel


def repair(shop: Shop, *words: str):
    return shop.run_job("repair", str(shop.history()[0]["run_id"])[:8], *words)


def found(shop: Shop, name: str) -> None:
    """What a task missed is there now."""
    (shop.folder / name).touch()


def test_what_failed_and_what_depends_on_it_runs_again_and_what_succeeded_does_not(shop: Shop) -> None:
    shop.write(
        main=job(
            wheel("a", "say", "a"),
            wheel("b", "need", "coffee", after="a"),
            wheel("c", "say", "c", after="b"),
            wheel("always", "say", "always", after="b", run_if="ALL_DONE"),
            wheel("other", "say", "other"),
        )
    )
    assert shop.run_job("main", "--at-once", "1").exit_code == 1
    assert sorted(shop.said) == ["a", "always", "other"]
    found(shop, "coffee")

    done = repair(shop, "--at-once", "1")

    assert done.exit_code == 0, done.output
    assert "Repairing run" in done.stdout
    assert shop.said[3:] == ["found coffee", "c", "always"]
    [run] = shop.history()
    assert run["state"] == "SUCCESS"
    assert [(task["key"], task["state"], task["attempts"]) for task in run["tasks"]] == [
        ("a", "SUCCESS", 1), ("b", "SUCCESS", 2), ("c", "SUCCESS", 1), ("always", "SUCCESS", 2), ("other", "SUCCESS", 1),
    ]  # fmt: skip
    [once] = run["tasks"][1]["earlier"]
    assert (once["attempt"], once["state"], once["message"]) == (1, "FAILED", "there is no coffee")
    [told] = run["repairs"]
    assert (told["tasks"], told["state"]) == (["b", "c", "always"], "SUCCESS")
    assert told["ended_at"] == run["ended_at"]


def test_task_values_and_outcomes_of_what_succeeded_are_still_known(shop: Shop) -> None:
    due = {"left": "{{tasks.check.values.due}}", "op": "EQUAL_TO", "right": "true"}
    shop.write(
        main=job(
            wheel("check", "give", "due", "true"),
            {"task_key": "is_due", "condition_task": due, "depends_on": [{"task_key": "check"}]},
            wheel("first", "need", "coffee", after="is_due:true"),
            wheel(
                "told", "say", "{{tasks.check.values.due}}", "{{tasks.check.result_state}}", after="first is_due:true"
            ),
            wheel("other", "say", "no", after="is_due:false"),
        )
    )
    shop.run_job("main")
    found(shop, "coffee")

    repair(shop)

    assert shop.said == ["found coffee", "true success"]
    assert shop.history()[0]["tasks"][4]["state"] == "EXCLUDED"


def test_a_repair_uses_the_parameters_target_and_variables_of_the_run(shop: Shop) -> None:
    words = (
        "{{job.parameters.day}}",
        "{{job.parameters.by}}",
        "${bundle.target}",
        "${var.catalog}",
        "{{job.repair_count}}",
    )
    header = (shop.folder / "databricks.yml").read_text()
    (shop.folder / "databricks.yml").write_text(f"{header}variables: {{catalog: {{default: main}}}}\n")
    task = wheel("a", "need", "coffee")
    shop.write(main=job(task, wheel("b", "say", *words, after="a"), parameters={"day": "sunday", "by": "eve"}))
    shop.run_job("main", "--params", "day=monday", "-t", "prod", "--var", "catalog=other")
    found(shop, "coffee")

    repair(shop)

    assert shop.said[1:] == ["monday eve prod other 1"]
    run = shop.history()[0]
    assert run["parameters"] == {"day": "monday", "by": "eve"}
    assert (run["target"], run["variables"]) == ("prod", {"catalog": "other"})


def test_a_repair_may_be_given_other_parameters_and_keeps_them(shop: Shop) -> None:
    shop.write(main=job(wheel("a", "need", "{{job.parameters.what}}"), parameters={"what": "coffee"}))
    shop.run_job("main")
    found(shop, "tea")

    assert repair(shop, "--params", "what=tea").exit_code == 0
    run = shop.history()[0]
    assert run["parameters"] == {"what": "tea"}
    assert run["repairs"][0]["parameters"] == {"what": "tea"}
    assert "has no parameter 'wat'. Did you mean what?" in repair(shop, "--params", "wat=tea").stderr


def test_of_a_loop_only_the_iterations_that_failed_run_again(shop: Shop) -> None:
    found(shop, "1")
    found(shop, "3")
    shop.write(
        main=job(loop("each", "[1, 2, 3]", wheel("one", "need", "{{input}}")), wheel("end", "say", "end", after="each"))
    )
    shop.run_job("main")
    assert [task["state"] for task in shop.history()[0]["tasks"][0]["tasks"]] == ["SUCCESS", "FAILED", "SUCCESS"]
    found(shop, "2")

    repair(shop)

    assert shop.said == ["found 1", "found 3", "found 2", "end"]
    each = shop.history()[0]["tasks"][0]
    assert each["message"] == "3 iterations"
    assert [task["attempts"] for task in each["tasks"]] == [1, 2, 1]


def test_an_iteration_is_kept_only_where_the_same_item_stands(shop: Shop) -> None:
    for name in ("1", "2"):
        found(shop, name)
    each = loop("each", "{{job.parameters.items}}", wheel("one", "need", "{{input}}"))
    shop.write(main=job(each, parameters={"items": "[1, 2, 3]"}))
    shop.run_job("main")
    for name in ("3", "4"):
        found(shop, name)

    repair(shop, "--params", "items=[1,4,2]")

    assert shop.said == ["found 1", "found 2", "found 4", "found 2"]


def test_inside_a_called_job_only_what_failed_runs_again_under_the_same_run_id(shop: Shop) -> None:
    inner = job(wheel("a", "where"), wheel("b", "need", "coffee", after="a"), wheel("c", "where", after="b"))
    shop.write(main=job(call("call", "inner"), wheel("end", "say", "end", after="call")), inner=inner)
    shop.run_job("main")
    before = shop.history()[0]["tasks"][0]["job_run_id"]
    found(shop, "coffee")

    repair(shop)

    ids = [line.split()[1] for line in shop.said if line not in ("found coffee", "end")]
    assert ids == [before, before]
    assert shop.history()[0]["tasks"][0]["job_run_id"] == before
    assert [task["attempts"] for task in shop.history()[0]["tasks"][0]["tasks"]] == [1, 2, 1]


def test_a_called_job_that_is_given_something_else_now_runs_from_its_beginning(shop: Shop) -> None:
    inner = job(
        wheel("a", "say", "{{job.parameters.day}}"), wheel("b", "need", "coffee", after="a"), parameters={"day": ""}
    )
    shop.write(
        main=job(call("call", "inner", day="{{job.parameters.when}}"), parameters={"when": "monday"}), inner=inner
    )
    shop.run_job("main")
    found(shop, "coffee")

    repair(shop, "--params", "when=friday")

    assert shop.said == ["monday", "friday", "found coffee"]


def test_a_called_job_after_something_that_runs_again_runs_from_its_beginning(shop: Shop) -> None:
    inner = job(wheel("a", "say", "a"), wheel("b", "need", "coffee", after="a"))
    later = call("call", "inner", after="first") | {"run_if": "ALL_DONE"}
    shop.write(main=job(wheel("first", "need", "tea"), later), inner=inner)
    shop.run_job("main")
    found(shop, "coffee")
    found(shop, "tea")

    repair(shop)

    assert shop.said == ["a", "found tea", "a", "found coffee"]


def test_a_task_that_is_asked_for_runs_again_whether_it_failed_or_not_and_others_do_not(shop: Shop) -> None:
    shop.write(main=job(wheel("a", "say", "a"), wheel("b", "say", "b", after="a"), wheel("x", "need", "coffee")))
    shop.run_job("main", "--at-once", "1")

    done = repair(shop, "--task", "b")

    assert shop.said == ["a", "b", "b"]
    assert done.exit_code == 1
    assert shop.history()[0]["repairs"][0]["tasks"] == ["b"]
    assert "There is no task 'bb' in job main. Did you mean b?" in repair(shop, "--task", "bb").stderr


def test_what_there_is_nothing_to_repair_in_is_refused(shop: Shop) -> None:
    shop.write(main=job(wheel("a", "say", "a")))
    shop.run_job("main")

    done = repair(shop)

    assert done.exit_code == 2
    assert "has no task that failed (SUCCESS), so there is nothing to repair." in " ".join(done.stderr.split())
    assert shop.said == ["a"]


def test_a_run_that_goes_on_is_not_repaired(shop: Shop) -> None:
    shop.write(main=job(wheel("a", "hang", "stuck")))
    shop.begin("main")
    shop.processes_of("stuck")

    done = repair(shop)

    assert done.exit_code == 2
    assert "goes on just now; only what has ended is repaired." in " ".join(done.stderr.split())


def test_a_repair_follows_todays_bundle_and_runs_tasks_that_are_new(shop: Shop) -> None:
    shop.write(main=job(wheel("a", "say", "a"), wheel("b", "need", "coffee", after="a")))
    shop.run_job("main")

    shop.write(
        main=job(wheel("a", "say", "a"), wheel("b", "say", "b", after="a"), wheel("new", "say", "new", after="b"))
    )
    assert repair(shop).exit_code == 0
    assert shop.said == ["a", "b", "new"]


def test_a_run_is_repaired_as_often_as_need_be_and_tells_of_each(shop: Shop) -> None:
    shop.write(main=job(wheel("a", "need", "coffee"), wheel("b", "need", "tea", after="a")))
    shop.run_job("main")
    found(shop, "coffee")
    assert repair(shop).exit_code == 1
    found(shop, "tea")
    assert repair(shop).exit_code == 0

    [run] = shop.history()
    assert [told["state"] for told in run["repairs"]] == ["FAILED", "SUCCESS"]
    assert [task["attempts"] for task in run["tasks"]] == [2, 2]
    shown = shop.run_job("history", run["run_id"][:8]).stdout
    assert "repair 1" in shown
    assert "repair 2" in shown
    assert "attempt 1: FAILED  there is no coffee" in shown


def test_the_record_is_one_file_of_json_that_is_never_half_written(shop: Shop) -> None:
    shop.write(main=job(wheel("a", "need", "coffee")))
    shop.run_job("main")

    files = sorted(Path(shop.folder / "workspace" / "runs").glob("*"))
    assert [file.suffix for file in files] == [".json", ""]
    assert json.loads(files[0].read_text()) == shop.history()[0]
