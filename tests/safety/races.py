"""Races for one table between this process and another: what each leaves, whoever wins."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import polars as pl

from feature_store import FeatureStore
from tests.safety.conftest import Other
from tests.safety.other import START, append, create, meet, merge, replace

WRITERS = {
    "delta-rs and delta-rs": (True, True),
    "delta-rs and Spark": (True, False),
    "Spark and Spark": (False, False),
}
"""Whether we, and whether they, write by delta-rs."""


def written(tables: Any) -> list[tuple[int, int, str, int]]:
    """The table's rows as (hour, station, writer, value), in order."""
    hour = ((pl.col("known_at") - pl.lit(START)).dt.total_hours()).alias("hour")
    return sorted(
        tables.arrow("hourly", ["station", "known_at", "writer", "value"])
        .select(hour, "station", "writer", "value")
        .rows()
    )


def verbs(tables: Any) -> Counter[str]:
    """How often each commit is in the history."""
    return Counter(entry.commit.verb for entry in tables.history("hourly") if entry.commit)


def all_of(*writers: str, times: int) -> Counter[str]:
    """Each commit of these writers, once, and the one that nobody made."""
    return Counter({"nobody 0": 1} | {f"{writer} {value}": 1 for writer in writers for value in range(times)})


def filled(store: FeatureStore) -> Any:
    """The table ``hourly``: four stations, the two first hours, by nobody."""
    create(store, name="hourly")
    replace(store, writer="nobody", times=1, hours=[0, 2])
    return store.tables


def begin(verb: str, store: FeatureStore, other: Other, *, times: int, theirs: bool, **told: Any) -> None:
    """Have the other process begin; from now on both wait for each other before each write."""
    place = store.reports / "meeting"
    other.begin(verb, store, writer="they", times=times, in_process=theirs, meeting=str(place), **told)
    meet(store, place, me="we", them="they")


def same_window(store: FeatureStore, other: Other, *, ours: bool, theirs: bool, times: int) -> None:
    """Both replace the same window: the rows of one of them stay."""
    tables = filled(store)
    tables.in_process = ours
    begin("replace", store, other, times=times, theirs=theirs, hours=[0, 2])
    replace(store, writer="we", times=times, hours=[0, 2])
    assert other.answer() == {"result": None}

    last = tables.history("hourly")[0].commit.verb.split()
    assert written(tables) == [(hour, station, last[0], int(last[1])) for hour in (0, 1) for station in range(4)]
    assert verbs(tables) == all_of("we", "they", times=times)


def neighbouring_windows(store: FeatureStore, other: Other, *, ours: bool, theirs: bool, times: int) -> None:
    """Each replaces a window of its own: the last rows of both stay."""
    tables = filled(store)
    tables.in_process = ours
    begin("replace", store, other, times=times, theirs=theirs, hours=[1, 2])
    replace(store, writer="we", times=times, hours=[0, 1])
    assert other.answer() == {"result": None}

    assert written(tables) == [
        (hour, station, writer, times - 1) for hour, writer in enumerate(["we", "they"]) for station in range(4)
    ]
    assert verbs(tables) == all_of("we", "they", times=times)


def same_keys(store: FeatureStore, other: Other, *, ours: bool, theirs: bool, times: int) -> None:
    """Both merge the same keys: each is there once, all by the one who was last."""
    create(store, name="hourly")
    store.tables.in_process = ours  # type: ignore[misc]
    begin("merge", store, other, times=times, theirs=theirs)
    merge(store, writer="we", times=times)
    assert other.answer() == {"result": None}

    last = store.tables.history("hourly")[0].commit
    assert last is not None
    writer, value = last.verb.split()
    assert written(store.tables) == [(0, station, writer, int(value)) for station in range(4)]
    assert verbs(store.tables) == all_of("we", "they", times=times) - Counter(["nobody 0"])


def appended_rows(store: FeatureStore, other: Other, *, ours: bool, theirs: bool, times: int) -> None:
    """Both append: each row is there once."""
    tables = filled(store)
    tables.in_process = ours
    begin("append", store, other, times=times, theirs=theirs)
    append(store, writer="we", times=times)
    assert other.answer() == {"result": None}

    counted = Counter((writer, value) for hour, _, writer, value in written(tables) if hour in (0, 1))
    expected = {("nobody", 0): 8} | {(writer, value): 4 for writer in ("we", "they") for value in range(times)}
    assert counted == Counter(expected)


RACES: dict[str, Callable[..., None]] = {
    race.__name__: race for race in (same_window, neighbouring_windows, same_keys, appended_rows)
}
