"""Two runs of one job: the second waits if the job has a queue, and is refused otherwise."""

import re

from tests.resources.shop import Shop, call, job, loop, until, wheel


def begin_and_hang(shop: Shop, *words: str) -> None:
    shop.begin(*words)
    shop.processes_of("stuck")


def test_a_second_run_is_refused_with_who_runs_since_when_and_leaves_no_record(shop: Shop) -> None:
    shop.write(main=job(wheel("a", "hang", "stuck")))
    begin_and_hang(shop, "main")
    first = shop.history()[0]

    done = shop.run_job("main")

    assert done.exit_code == 1
    assert re.search(
        rf"Job main is already running: run {first['run_id'][:8]} of {first['user']}, since \d\d:\d\d UTC "
        rf"\(process {first['process']}\)\. It has 1 run at a time \(max_concurrent_runs\) and no queue\.",
        " ".join(done.stderr.split()),
    )
    assert len(shop.history()) == 1


def test_a_second_run_of_a_job_with_a_queue_waits_for_the_firsts_end(shop: Shop) -> None:
    shop.write(
        main=job(wheel("a", "meet", "{{job.parameters.who}}", "go"), queue={"enabled": True}, parameters={"who": ""})
    )
    first = shop.begin("main", "--params", "who=ann")
    until((shop.folder / "ann").exists)
    second = shop.begin("main", "--params", "who=bob")
    until(lambda: "QUEUED" in [run["state"] for run in shop.history()])

    assert not (shop.folder / "bob").exists()
    (shop.folder / "go").touch()

    assert (first.wait(), second.wait()) == (0, 0)
    assert (shop.folder / "bob").exists()
    assert "This run waits in the job's queue." in second.stdout.read()


def test_a_job_may_have_as_many_runs_as_it_says(shop: Shop) -> None:
    task = wheel("a", "meet", "{{job.parameters.who}}", "{{job.parameters.other}}")
    shop.write(main=job(task, max_concurrent_runs=2, parameters={"who": "", "other": ""}))
    first = shop.begin("main", "--params", "who=ann,other=bob")

    assert shop.run_job("main", "--params", "who=bob,other=ann").exit_code == 0
    assert first.wait() == 0


def test_a_killed_run_keeps_nobody_waiting(shop: Shop) -> None:
    shop.write(main=job(wheel("a", "hang", "stuck")))
    begin_and_hang(shop, "main")
    shop.started[0].kill()
    shop.started[0].wait()
    shop.write(main=job(wheel("a", "say", "a")))

    assert shop.run_job("main").exit_code == 0


def test_another_targets_job_is_another_job(shop: Shop) -> None:
    shop.write(main=job(wheel("a", "hang", "stuck")), other=job(wheel("a", "say", "a")))
    begin_and_hang(shop, "main")
    shop.write(main=job(wheel("a", "say", "a")))

    assert shop.run_job("main", "-t", "prod").exit_code == 0


def test_a_task_that_calls_a_job_which_is_running_fails_without_a_queue(shop: Shop) -> None:
    shop.write(main=job(call("c", "inner")), inner=job(wheel("a", "hang", "stuck")))
    begin_and_hang(shop, "inner")

    done = shop.run_job("main")

    assert done.exit_code == 1
    assert shop.history("main")[0]["tasks"][0]["message"].startswith("Job inner is already running: run ")


def test_a_loop_over_a_called_job_with_a_queue_takes_turns(shop: Shop) -> None:
    inner = job(wheel("a", "alone", "{{job.parameters.i}}"), queue={"enabled": True}, parameters={"i": ""})
    shop.write(main=job(loop("each", "[1, 2]", call("one", "inner", i="{{input}}"), concurrency=2)), inner=inner)

    done = shop.run_job("main", "--at-once", "2")

    assert done.exit_code == 0, done.output
    assert sorted(shop.said[:2]) == sorted(shop.said[:2], key=lambda line: line.split()[1])
    assert [line.split()[0] for line in shop.said] in (["1", "1", "2", "2"], ["2", "2", "1", "1"])


def test_a_job_that_may_not_run_at_all_says_so(shop: Shop) -> None:
    shop.write(main=job(wheel("a", "say", "a"), max_concurrent_runs=0))

    assert "Job main may not run at all: its max_concurrent_runs is 0." in shop.run_job("main").stderr
