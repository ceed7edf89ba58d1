"""Tasks in processes of their own: side by side, ended when they take too long, and never left behind."""

import re
import signal

import pytest

from tests.resources.shop import Shop, call, is_gone, job, loop, until, wheel


def states(tasks: list[dict[str, object]]) -> dict[str, object]:
    return {str(task["key"]): task["state"] for task in tasks}


def test_what_a_task_writes_is_shown_between_its_start_and_its_end_and_kept(shop: Shop) -> None:
    shop.write(main=job(wheel("t", "shout")))

    done = shop.run_job("main")

    assert re.sub(r"\d+\.\d s", "0.1 s", done.stdout).splitlines() == [
        "main > t  started",
        "out",
        "",
        "third",
        "unfinished",
        "main > t  SUCCESS  0.1 s",
        "main  SUCCESS  0.1 s",
    ]
    assert done.stderr == "error\n"
    [log] = (shop.folder / "workspace" / "runs").glob("*.log")
    kept = [line[9:] for line in log.read_text().splitlines()]
    assert sorted(kept) == sorted(f"main > t | {text}" for text in ("out", "", "third", "unfinished", "error"))


def test_tasks_one_after_another_share_a_process_and_the_jobs_run_id(shop: Shop) -> None:
    shop.write(main=job(wheel("a", "where"), wheel("b", "where", after="a")))

    shop.run_job("main")

    assert shop.said == [f"{shop.said[0].split()[0]} {shop.history()[0]['run_id']}"] * 2


def test_tasks_that_do_not_wait_for_each_other_run_side_by_side(shop: Shop) -> None:
    shop.write(main=job(wheel("a", "meet", "ann", "bob"), wheel("b", "meet", "bob", "ann")))

    done = shop.run_job("main", "--at-once", "2")

    assert done.exit_code == 0, done.output
    assert {"a | ann met bob", "b | bob met ann"} <= set(done.stdout.splitlines())


def test_a_loop_runs_as_many_items_side_by_side_as_its_concurrency_says(shop: Shop) -> None:
    both = '[{"i": "1", "other": "2"}, {"i": "2", "other": "1"}]'
    shop.write(main=job(loop("each", both, wheel("one", "meet", "{{input.i}}", "{{input.other}}"), concurrency=2)))

    assert shop.run_job("main", "--at-once", "2").exit_code == 0


@pytest.mark.parametrize(("at_once", "concurrency"), [("1", 2), ("2", 1)])
def test_neither_a_loop_of_one_at_a_time_nor_a_machine_with_one_place_runs_two(
    shop: Shop, at_once: str, concurrency: int
) -> None:
    task = wheel("one", "alone", "{{input}}")
    shop.write(main=job(loop("each", "[1, 2, 3]", task, concurrency=concurrency)))

    done = shop.run_job("main", "--at-once", at_once)

    assert done.exit_code == 0, done.output
    assert shop.said == ["1 came", "1 left", "2 came", "2 left", "3 came", "3 left"]


def test_the_results_of_tasks_side_by_side_stand_in_the_order_of_the_file(shop: Shop) -> None:
    shop.write(
        main=job(wheel("slow", "meet", "ann", "said"), wheel("quick", "say", "hello"), wheel("late", "say", "x"))
    )

    shop.run_job("main", "--at-once", "2")

    assert [task["key"] for task in shop.history()[0]["tasks"]] == ["slow", "quick", "late"]


def test_a_task_stuck_in_sleep_times_out_and_so_does_all_that_it_started(shop: Shop) -> None:
    shop.write(main=job(wheel("t", "hang", "stuck", timeout_seconds=1), wheel("after", "say", "no", after="t")))

    done = shop.run_job("main")

    assert done.exit_code == 1
    assert "t  TIMEDOUT" in done.stdout
    assert "had not ended after 1 s (timeout_seconds)" in done.stdout
    assert states(shop.history()[0]["tasks"]) == {"t": "TIMEDOUT", "after": "UPSTREAM_FAILED"}
    assert all(is_gone(process) for process in shop.processes_of("stuck"))


def test_the_task_after_one_that_timed_out_gets_a_process_of_its_own(shop: Shop) -> None:
    shop.write(
        main=job(wheel("t", "hang", "stuck", timeout_seconds=1), wheel("b", "say", "b", after="t", run_if="ALL_DONE"))
    )

    assert shop.run_job("main").exit_code == 0
    assert shop.said == ["b"]
    assert shop.history()[0]["state"] == "SUCCESS_WITH_FAILURES"


def test_a_timeout_is_tried_again_only_where_the_task_says_so(shop: Shop) -> None:
    again = wheel("again", "hang", "again", timeout_seconds=1, max_retries=1, retry_on_timeout=True)
    shop.write(main=job(wheel("once", "hang", "once", timeout_seconds=1, max_retries=3), again))

    shop.run_job("main", "--at-once", "2")

    once, again = shop.history()[0]["tasks"]
    assert (once["attempts"], again["attempts"]) == (1, 2)
    assert [attempt["state"] for attempt in again["earlier"]] == ["TIMEDOUT"]


def test_a_job_that_takes_too_long_ends_its_tasks_and_starts_no_more(shop: Shop) -> None:
    shop.write(main=job(wheel("t", "hang", "stuck"), wheel("after", "say", "no", after="t"), timeout_seconds=1))

    done = shop.run_job("main")

    assert done.exit_code == 1
    assert "Job main timed out in main > t." in " ".join(done.stderr.split())
    [run] = shop.history()
    assert (run["state"], run["message"]) == ("TIMEDOUT", "job main had not ended after 1 s (timeout_seconds)")
    assert states(run["tasks"]) == {"t": "CANCELED", "after": "UPSTREAM_CANCELED"}
    assert all(is_gone(process) for process in shop.processes_of("stuck"))


def test_a_called_job_that_takes_too_long_fails_the_task_that_called_it(shop: Shop) -> None:
    shop.write(main=job(call("c", "inner")), inner=job(wheel("t", "hang", "stuck"), timeout_seconds=1))

    shop.run_job("main")

    [task] = shop.history()[0]["tasks"]
    assert (task["state"], task["message"]) == ("FAILED", "job inner had not ended after 1 s (timeout_seconds)")
    assert states(task["tasks"]) == {"t": "CANCELED"}


def test_a_loop_that_takes_too_long_times_out_with_the_items_that_were_not_done(shop: Shop) -> None:
    each = loop("each", '["a", "b"]', wheel("one", "hang", "{{input}}")) | {"timeout_seconds": 1}
    shop.write(main=job(each))

    shop.run_job("main")

    [task] = shop.history()[0]["tasks"]
    assert task["state"] == "TIMEDOUT"
    assert states(task["tasks"]) == {"each[a]": "CANCELED", "each[b]": "UPSTREAM_CANCELED"}


def test_a_task_whose_process_is_killed_fails_and_the_run_goes_on(shop: Shop) -> None:
    shop.write(main=job(wheel("t", "die"), wheel("b", "say", "b", after="t", run_if="ALL_DONE")))

    assert shop.run_job("main").exit_code == 0
    assert shop.history()[0]["tasks"][0]["message"] == (
        "its process was ended from outside by SIGKILL; most often this machine has no memory left."
    )
    assert shop.said == ["b"]


def test_only_a_defect_is_shown_with_its_trace(shop: Shop) -> None:
    shop.write(
        main=job(wheel("mistake", "need", "coffee"), wheel("defect", "crash", after="mistake", run_if="ALL_DONE"))
    )

    done = shop.run_job("main")

    assert done.stderr.count("Traceback") == 1
    assert "ZeroDivisionError: division by zero" in done.stderr
    assert shop.history()[0]["tasks"][0]["message"] == "there is no coffee"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_leaves_no_process_and_can_be_repaired(shop: Shop, number: int, code: int) -> None:
    shop.write(
        main=job(wheel("a", "say", "a"), wheel("b", "hang", "stuck", after="a"), wheel("c", "say", "c", after="b"))
    )
    running = shop.begin("main")
    processes = shop.processes_of("stuck")

    running.send_signal(number)
    output, _ = running.communicate()

    assert running.returncode == code, output
    assert "Stopped in main > b." in output
    assert all(is_gone(process) for process in processes)
    [run] = shop.history()
    assert (run["state"], run["message"]) == ("CANCELED", f"stopped by {signal.Signals(number).name}")
    assert states(run["tasks"]) == {"a": "SUCCESS", "b": "CANCELED", "c": "UPSTREAM_CANCELED"}


def test_a_run_that_is_killed_leaves_no_process_is_told_as_such_and_is_repaired(shop: Shop) -> None:
    shop.write(
        main=job(wheel("a", "say", "a"), wheel("b", "hang", "stuck", after="a"), wheel("c", "say", "c", after="b"))
    )
    running = shop.begin("main")
    processes = shop.processes_of("stuck")

    assert shop.history()[0]["state"] == "RUNNING"
    assert shop.history("--failed") == []
    running.kill()
    running.communicate()

    until(lambda: all(is_gone(process) for process in processes))
    [run] = shop.history("--failed")
    assert (run["state"], run["message"]) == ("KILLED", "its process was killed")
    assert states(run["tasks"]) == {"a": "SUCCESS", "b": "KILLED", "c": "UPSTREAM_CANCELED"}

    shop.write(main=job(wheel("a", "say", "a"), wheel("b", "say", "b", after="a"), wheel("c", "say", "c", after="b")))
    done = shop.run_job("repair", run["run_id"][:8])

    assert done.exit_code == 0, done.output
    assert shop.said == ["a", "b", "c"]
    assert shop.history()[0]["tasks"][1]["earlier"][0]["state"] == "KILLED"


def test_tasks_can_run_in_this_process_for_a_debugger(shop: Shop) -> None:
    shop.write(main=job(wheel("a", "where"), wheel("b", "where", after="a")))
    running = shop.begin("main", "--in-process")
    running.communicate()

    assert [line.split()[0] for line in shop.said] == [str(running.pid)] * 2
