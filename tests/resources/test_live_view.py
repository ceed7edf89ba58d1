"""The graph of a run as a terminal shows it while it goes on."""

import io
import os
import pty
import re
import select
import subprocess
import sys
from datetime import UTC, datetime, timedelta

from rich.console import Console

from resources.runs.record import Run
from resources.states import State
from resources.telling.live import Graph
from tests.resources.shop import Shop, job, wheel

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def drawn(run: Run, *, width: int = 60, height: int = 24) -> list[str]:
    console = Console(record=True, width=width, height=height, force_terminal=True, file=io.StringIO())
    console.print(Graph(run, now=NOW))
    return console.export_text().splitlines()


def replay() -> Run:
    """The second of three rounds goes on, and one of its tasks is tried again."""
    path = ("replay", "rounds[2013-09-01]")
    publish = Run(
        (*path, "publish_features"),
        state=State.RUNNING,
        started_at=ago(65),
        attempts=2,
        step="aircraft (3 of 10 tables)",
    )
    second = Run(path, state=State.RUNNING, started_at=ago(70), inner=[publish, Run((*path, "score"))])
    first = Run(("replay", "rounds[2013-08-01]"), state=State.SUCCESS, seconds=30)
    first.inner = [Run((*first.path, "publish_features"), state=State.SUCCESS, seconds=28)]
    rounds = Run(
        ("replay", "rounds"),
        state=State.RUNNING,
        started_at=ago(100),
        inner=[first, second, Run(("replay", "rounds[x]"))],
    )
    train = Run(
        ("replay", "train"), state=State.TIMEDOUT, seconds=600, message="had not ended after 600 s (timeout_seconds)"
    )
    tasks = [train, rounds, Run(("replay", "skipped"), state=State.EXCLUDED), Run(("replay", "summary"))]
    return Run(("replay",), state=State.RUNNING, started_at=ago(3720), inner=tasks)


def test_what_goes_on_is_open_what_ended_is_one_line_and_no_line_is_wider_than_the_terminal() -> None:
    assert drawn(replay()) == [
        "⠋ replay  1 h 02 min  2 of 4",
        "  ✗ train  TIMEDOUT  10 min 00 s  had not ended after 600 s…",
        "  ⠋ rounds  1 min 40 s  1 of 3",
        "    ✓ rounds[2013-08-01]  30 s",
        "    ⠋ rounds[2013-09-01]  1 min 10 s  0 of 2",
        "      ⠋ publish_features  1 min 05 s  attempt 2  aircraft (…",
        "      ○ score",
        "    ○ rounds[x]",
        "  – skipped  EXCLUDED",
        "  ○ summary",
    ]


def test_in_a_low_terminal_what_goes_on_and_what_failed_is_left() -> None:
    shown = drawn(replay(), height=11)

    assert [line.split()[1] for line in shown[:-1]] == [
        "replay", "train", "rounds", "rounds[2013-08-01]", "rounds[2013-09-01]", "publish_features",
    ]  # fmt: skip
    assert shown[-1] == "  … and 4 more"


def test_a_run_that_waits_says_whom_for() -> None:
    run = Run(("monitor",), state=State.QUEUED, message="Job monitor is already running.")

    assert drawn(run) == ["… monitor  Job monitor is already running."]


def typed_in_a_terminal(*words: str) -> str:
    """All that ``run-job`` draws where it finds a terminal."""
    ours, its = pty.openpty()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "60", "LINES": "20"}
    command = [sys.executable, "-P", "-c", "from resources.run import main; main()", *words]
    with subprocess.Popen(command, stdin=its, stdout=its, stderr=its, env=environment) as process:
        os.close(its)
        text = b""
        while process.poll() is None or select.select([ours], [], [], 0)[0]:
            if select.select([ours], [], [], 0.1)[0]:
                try:
                    text += os.read(ours, 65536)
                except OSError:
                    break
    os.close(ours)
    return text.decode()


def test_in_a_terminal_the_graph_is_drawn_and_the_tasks_lines_stand_above_it(shop: Shop) -> None:
    slow = wheel("slow", "alone", "x")
    shop.write(main=job(slow, wheel("loud", "shout", after="slow"), wheel("late", "say", "hello", after="loud")))

    drawn = typed_in_a_terminal("main")

    plain = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", drawn)
    assert re.search(r"[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏] slow", plain)
    assert "○ late" in plain
    lines = [line.strip() for line in plain.replace("\r", "\n").splitlines() if line.strip()]
    for line in ("out", "third", "error", "unfinished", "hello"):
        assert lines.count(line) == 1
    assert "started" not in plain
    assert re.search(r"^main  SUCCESS  \d\.\d s$", lines[-1])


def test_a_task_that_writes_to_a_terminal_through_run_job_may_use_its_colours_and_width(shop: Shop) -> None:
    shop.write(main=job(wheel("a", "look")))

    typed_in_a_terminal("main")

    assert shop.said == ["terminal 60"]
    shop.run_job("main")
    assert shop.said == ["terminal 60", "log 110"]
