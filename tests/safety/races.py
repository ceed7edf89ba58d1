"""Races for one table between this process and others: what each leaves, whoever wins.

Each race says what it must leave with the lock. Without the lock it fails where Spark is among the writers, since Spark's commit in a
folder is two steps (see ``slow_disk.py``); ``make soak`` shows that. Where delta-rs alone writes, a race cannot show that the lock is gone:
delta-rs commits by a link, which the operating system refuses where there is one, and refuses what conflicts; the writer then
tries again. ``make soak`` shows that, too. Only ``created_tables`` needs the lock there, since to look for a table and to make it are two steps.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import polars as pl

from feature_store import FeatureStore, open_store
from tests.safety.conftest import Other
from tests.safety.other import START, commit, create, do, replace, rows

PAIRS = {
    "delta-rs and delta-rs": (True, True),
    "delta-rs and Spark": (True, False),
    "Spark and Spark": (False, False),
}
"""Who writes by delta-rs: this process, and another."""
WRITERS = PAIRS | {
    "four of delta-rs": (True, True, True, True),
    "two of delta-rs and two of Spark": (True, False, True, False),
    "four of Spark": (False, False, False, False),
}
"""The same for this process and three others."""
NAMES = ("we", "they", "third", "fourth")

Rows = list[tuple[int, int, str, int]]


class Refused(AssertionError):
    """A writer gave up, and said so; nothing was lost by that."""


@dataclass(frozen=True)
class Race:
    """Who races in which store, how often each writes, and under which circumstances."""

    store: FeatureStore
    others: Sequence[Other]
    """As many as are needed are taken."""
    by: tuple[bool, ...]
    times: int
    locked: bool = True
    pause: int = 0
    """Milliseconds between Spark's look and its commit."""
    watched: bool = False
    """Whether a reader looks on, by both ways, and each version that it sees is whole."""

    @property
    def names(self) -> tuple[str, ...]:
        return NAMES[: len(self.by)]

    def run(
        self,
        verb: str,
        *,
        each: Callable[[int], dict[str, Any]] = lambda number: {},
        whole: Callable[[Rows], bool] | None = None,
        at_commit: bool = True,
    ) -> None:
        """Have all writers do ``verb`` at once: they wait for each other before each write. None may fail.

        On a slow disk who writes by delta-rs waits for Spark's commit, if it has one and ``at_commit``.
        """
        workspace = str(self.store.workspace)
        at_commit = at_commit and self.pause > 0 and not all(self.by)
        meeting = {"folder": f"{self.store.reports}/meeting", "all_of": self.names}
        told = [
            {"writer": name, "times": self.times, "in_process": in_process}
            | {"meeting": meeting | {"me": name, "at_commit": at_commit and in_process}}
            | {"under": {"locked": self.locked, "pause": self.pause}}
            | each(number)
            for number, (name, in_process) in enumerate(zip(self.names, self.by, strict=True))
        ]
        others = list(zip(self.others[: len(told) - 1], told[1:], strict=True))
        with watched(workspace, whole) if self.watched and whole else nobody() as broken:
            for other, one in others:
                other.begin(verb, self.store, **one)
            answers = [do({"verb": verb, "workspace": workspace, **told[0]})]
            answers += [other.answer() for other, _ in others]
        refused = [answer["text"] for answer in answers if answer.get("error") == "ConcurrentWrite"]
        if refused:
            raise Refused(refused)
        assert answers == [{"result": None}] * len(self.by)
        assert broken == []


@contextmanager
def nobody() -> Iterator[list[str]]:
    """Nobody looks on, and sees nothing that is broken."""
    yield []


@contextmanager
def watched(workspace: str, whole: Callable[[Rows], bool]) -> Iterator[list[str]]:
    """Read the table ``hourly`` again and again, by delta-rs and by Spark; what is seen that is not whole."""
    broken: list[str] = []
    done = threading.Event()

    def look() -> None:
        tables = open_store(catalog="test", schema="couriers", workspace=workspace).tables
        while not done.is_set() and not broken:
            try:
                for way, found in (("delta-rs", written(tables)), ("Spark", written(tables, by_spark=True))):
                    if not whole(found):
                        broken.append(f"not whole, read by {way}: {found}")
            except Exception as error:  # told, not raised: the test shows it
                broken.append(f"{type(error).__name__}: {error}")

    reader = threading.Thread(target=look)
    reader.start()
    try:
        yield broken
    finally:
        done.set()
        reader.join()


def written(tables: Any, *, by_spark: bool = False) -> Rows:
    """The table's rows as (hour, station, writer, value), in order."""
    columns = ["station", "known_at", "writer", "value"]
    hour = ((pl.col("known_at") - pl.lit(START)).dt.total_hours()).alias("hour")
    found = (
        pl.from_arrow(tables.read("hourly").select(columns).toArrow()) if by_spark else tables.arrow("hourly", columns)
    )
    return sorted(found.select(hour, "station", "writer", "value").rows())


def of_one_each(found: Rows, *, hours: int) -> bool:
    """Whether each hour has its four stations, all by one commit."""
    return [(hour, station) for hour, station, _, _ in found] == [
        (h, s) for h in range(hours) for s in range(4)
    ] and len({(hour, writer, value) for hour, _, writer, value in found}) == hours


def verbs(tables: Any) -> Counter[str]:
    """How often each commit is in the history."""
    return Counter(entry.commit.verb for entry in tables.history("hourly") if entry.commit)


def all_of(*writers: str, times: int) -> Counter[str]:
    """Each commit of these writers, once, and the one that nobody made."""
    return Counter({"nobody 0": 1} | {f"{writer} {value}": 1 for writer in writers for value in range(times)})


def last_of(tables: Any) -> tuple[str, int]:
    """Who made the last commit, and with which value."""
    writer, value = tables.history("hourly")[0].commit.verb.split()
    return writer, int(value)


def filled(store: FeatureStore, *, hours: int = 2) -> Any:
    """The table ``hourly``: four stations, the first hours, by nobody."""
    create(store, name="hourly")
    replace(store, writer="nobody", times=1, hours=[0, hours])
    return store.tables


def same_window(race: Race) -> None:
    """All replace the same window: the rows of one of them stay."""
    tables = filled(race.store)
    race.run(
        "replace",
        each=lambda number: {"hours": [0, 2]},
        whole=lambda found: of_one_each(found, hours=2) and len({row[2:] for row in found}) == 1,
    )

    assert verbs(tables) == all_of(*race.names, times=race.times)
    assert written(tables) == [(hour, station, *last_of(tables)) for hour in (0, 1) for station in range(4)]


def neighbouring_windows(race: Race) -> None:
    """Each replaces a window of its own: the last rows of all stay."""
    hours = len(race.by)
    tables = filled(race.store, hours=hours)
    race.run(
        "replace",
        each=lambda number: {"hours": [number, number + 1]},
        whole=lambda found: of_one_each(found, hours=hours),
    )

    assert verbs(tables) == all_of(*race.names, times=race.times)
    assert written(tables) == [
        (hour, station, writer, race.times - 1) for hour, writer in enumerate(race.names) for station in range(4)
    ]


def same_keys(race: Race) -> None:
    """All merge the same keys: each is there once, all by the one who was last."""
    create(race.store, name="hourly")
    race.run("merge", whole=lambda found: not found or of_one_each(found, hours=1))

    tables = race.store.tables
    assert verbs(tables) == all_of(*race.names, times=race.times) - Counter(["nobody 0"])
    assert written(tables) == [(0, station, *last_of(tables)) for station in range(4)]


def own_keys(race: Race) -> None:
    """Each merges keys of its own, one at a time: all are there once."""
    create(race.store, name="hourly")
    race.run("merge_own", whole=lambda found: len(found) == len(set(found)))

    assert verbs(race.store.tables) == all_of(*race.names, times=race.times) - Counter(["nobody 0"])
    assert written(race.store.tables) == [
        (value, 0, writer, value) for value in range(race.times) for writer in sorted(race.names)
    ]


def appended_rows(race: Race) -> None:
    """All append: each row is there once."""
    filled(race.store)
    race.run("append", whole=_each_four_times)

    _each_row_is_there_once(race)
    assert verbs(race.store.tables) == all_of(*race.names, times=race.times)


def rows_beside_compaction(race: Race) -> None:
    """All append and put together what small files there are, fifty at first: each row is there once."""
    tables = filled(race.store)
    for value in range(50):
        tables.append("hourly", rows(writer="nobody", value=1 + value, hours=range(9, 10)), commit=commit("before", 0))
    race.run("append_and_compact", whole=_each_four_times)

    _each_row_is_there_once(race)
    counted = verbs(tables)
    assert any(verb.startswith("compact") for verb in counted)
    assert Counter(
        {verb: count for verb, count in counted.items() if verb.split()[0] in ("nobody", *race.names)}
    ) == all_of(*race.names, times=race.times)


def added_columns(race: Race) -> None:
    """Each adds columns, and sets a property that Spark takes away: all columns are there, and no property."""
    tables = filled(race.store)
    race.run("add_columns", whole=lambda found: of_one_each(found, hours=2), at_commit=False)

    added = [f"{writer}_{value}" for writer in race.names for value in range(race.times)]
    assert set(tables.columns("hourly").names) == {"station", "known_at", "writer", "value", *added}
    assert [key for key in tables.info("hourly").properties if key.split(".")[0] in race.names] == []


def created_tables(race: Race) -> None:
    """All make the same empty tables: each is there, once made."""
    race.run("create_each", at_commit=False)

    assert [race.store.tables.version(f"hourly_{value}") for value in range(race.times)] == [0] * race.times


def _each_four_times(found: Rows) -> bool:
    counted = Counter((writer, value) for _, _, writer, value in found if writer != "nobody")
    return set(counted.values()) <= {4}


def _each_row_is_there_once(race: Race) -> None:
    counted = Counter((writer, value) for hour, _, writer, value in written(race.store.tables) if hour in (0, 1))
    expected = {("nobody", 0): 8} | {(writer, value): 4 for writer in race.names for value in range(race.times)}
    assert counted == Counter(expected)


RACES: dict[str, Callable[[Race], None]] = {
    race.__name__: race
    for race in (
        *(same_window, neighbouring_windows, same_keys, own_keys),
        *(appended_rows, rows_beside_compaction, added_columns, created_tables),
    )
}
