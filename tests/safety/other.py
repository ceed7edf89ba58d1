"""A second process for the tests of safety: it has a Spark of its own and does what it is told, a line of JSON each.

    python -m tests.safety.other

Each line names a verb, a workspace and the verb's arguments; each answer is what the verb returned, or its error.
"""

import faulthandler
import json
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql.types import StructType

from feature_store import FeatureStore, open_store
from feature_store.tables import turns
from feature_store.tables.commit import Commit
from feature_store.tables.turns import in_turn
from tests.couriers import SCORING, TRAINING, at, publish_features
from tests.safety.slow_disk import LOOKED, slow_to_rename

START = datetime(2024, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOURLY = "station bigint not null, known_at timestamp not null, writer string, value bigint"


@contextmanager
def meeting(
    store: FeatureStore, folder: str | Path, *, me: str, all_of: Sequence[str], at_commit: bool = False
) -> Iterator[None]:
    """Before each write to a table, wait for the other processes to be as far: so they write at once.

    Each leaves a file for each of its writes in ``folder``, and one at its end, after which nobody waits for it. Who waits for
    ten seconds goes on alone. delta-rs would have written long before Spark commits: ``at_commit`` lets it wait, two seconds
    at most, until Spark has looked at the log and is about to rename (on a slow disk).
    """
    place, in_turn, number = Path(folder), store.tables._in_turn, 0  # type: ignore[attr-defined]
    place.mkdir(exist_ok=True)

    def is_here(one: str) -> bool:
        return (place / f"{one} {number}").exists() or (place / f"{one} has gone").exists()

    def when_all_are_here(name: str, write: Callable[[], Any]) -> Any:
        nonlocal number
        number += 1
        (place / f"{me} {number}").touch()
        until = time.monotonic() + 10
        while not all(is_here(one) for one in all_of) and time.monotonic() < until:
            time.sleep(0.0005)
        until = time.monotonic() + 2
        log = Path(str(store.tables.path(name))) / "_delta_log"  # type: ignore[attr-defined]
        while at_commit and not any(log.glob(f"*{LOOKED}")) and time.monotonic() < until:
            time.sleep(0.0005)
        return in_turn(name, write)

    store.tables._in_turn = when_all_are_here  # type: ignore[attr-defined]
    try:
        yield
    finally:
        store.tables._in_turn = in_turn  # type: ignore[attr-defined]
        (place / f"{me} has gone").touch()


@contextmanager
def without_turns() -> Iterator[None]:
    """Take the lock out of all writers of this process; what lost a race is tried again as ever."""
    locked = turns._locked
    turns._locked = lambda folder: lambda: True
    try:
        yield
    finally:
        turns._locked = locked


@contextmanager
def under(store: FeatureStore, *, locked: bool = True, pause: int = 0) -> Iterator[None]:
    """With or without the lock, on a disk that lets ``pause`` milliseconds pass before Spark's commit."""
    with slow_to_rename(store.spark, milliseconds=pause), nullcontext() if locked else without_turns():
        yield


def commit(writer: str, value: int) -> Commit:
    """The commit that says who wrote what."""
    return Commit(verb=f"{writer} {value}", as_of=START, revision="1", run="1")


def rows(*, writer: str, value: int, hours: range = range(2), stations: int = 4) -> pa.Table:
    """A row per station and hour, all by one writer and with one value."""
    keys = [(station, START + hour * HOUR) for hour in hours for station in range(stations)]
    return pa.table(
        {
            "station": pa.array([station for station, _ in keys], pa.int64()),
            "known_at": pa.array([moment for _, moment in keys], pa.timestamp("us", "UTC")),
            "writer": pa.array([writer] * len(keys), pa.string()),
            "value": pa.array([value] * len(keys), pa.int64()),
        }
    )


def hourly(store: FeatureStore, **told: Any) -> Any:
    """:func:`rows` as a frame of Spark's."""
    return store.spark.createDataFrame(rows(**told))


def replace(store: FeatureStore, *, writer: str, times: int, hours: list[int], stations: int = 4) -> None:
    """Replace the hours from the first to before the second, so many times, each time by another value."""
    first, last = hours
    for value in range(times):
        df = hourly(store, writer=writer, value=value, hours=range(first, last), stations=stations)
        store.tables.replace_window(
            "hourly",
            df,
            column="known_at",
            start=START + first * HOUR,
            end=START + last * HOUR,
            commit=commit(writer, value),
        )


def merge(store: FeatureStore, *, writer: str, times: int, stations: int = 4) -> None:
    """Merge one hour by station, so many times, each time with another value."""
    for value in range(times):
        df = hourly(store, writer=writer, value=value, hours=range(1), stations=stations)
        store.tables.merge("hourly", df, keys=["station"], commit=commit(writer, value))


def merge_own(store: FeatureStore, *, writer: str, times: int) -> None:
    """Merge a row of the writer's own: the station 0 in an hour of its own, so many times."""
    for value in range(times):
        df = hourly(store, writer=writer, value=value, hours=range(value, value + 1), stations=1)
        store.tables.merge("hourly", df, keys=["writer", "known_at"], commit=commit(writer, value))


def append_and_compact(store: FeatureStore, *, writer: str, times: int) -> None:
    """Append the first hour, so many times, and put the table's files together each time."""
    for value in range(times):
        df = hourly(store, writer=writer, value=value, hours=range(1))
        store.tables.append("hourly", df, commit=commit(writer, value))
        store.tables.compact("hourly", commit=commit("compact", value))


def add_columns(store: FeatureStore, *, writer: str, times: int) -> None:
    """Add a column of the writer's own, so many times, and set a property, which Spark takes away again."""
    for value in range(times):
        store.tables.add_columns("hourly", StructType.fromDDL(f"{HOURLY}, {writer}_{value} bigint"))
        store.tables.set_properties("hourly", {f"{writer}.{value}": "added"})  # type: ignore[attr-defined]
        store.tables.unset_property("hourly", f"{writer}.{value}")  # type: ignore[attr-defined]


def create_each(store: FeatureStore, *, writer: str, times: int) -> None:
    """Make an empty table, so many times, each under another name."""
    for value in range(times):
        create(store, name=f"hourly_{value}")


def append(store: FeatureStore, *, writer: str, times: int) -> None:
    """Append the first hour, so many times, each time with another value."""
    for value in range(times):
        df = hourly(store, writer=writer, value=value, hours=range(1))
        store.tables.append("hourly", df, commit=commit(writer, value))


def hold(store: FeatureStore) -> None:
    """Take the table's turn and keep it; the file ``held`` says so."""

    def forever() -> None:
        (store.reports / "held").touch()
        time.sleep(1_000_000)

    in_turn("hourly", store.tables.path("hourly"), forever)


def fill(store: FeatureStore, *, rows: int) -> None:
    """Replace the first two hours by so many rows that do not compress."""
    df = store.spark.range(rows).selectExpr(
        "id AS station", "TIMESTAMP '2024-01-01' AS known_at", "uuid() AS writer", "id AS value"
    )
    window = {"start": START, "end": START + 2 * HOUR}
    store.tables.replace_window("hourly", df, column="known_at", **window, commit=commit("they", 0))


def create(store: FeatureStore, *, name: str) -> None:
    """Make an empty table."""
    store.tables.create(name, hourly(store, writer="", value=0).schema)


def experiment(store: FeatureStore, *, name: str) -> str:
    """Make an experiment, in a database that may not be there yet."""
    return store.experiment(name)


def publish(store: FeatureStore, *, day: str) -> None:
    """Publish the couriers' feature tables."""
    publish_features(store, as_of=at(day))


def train(store: FeatureStore, *, day: str) -> None:
    """Train the couriers' model."""
    from training.steps.pipeline import train as run

    run(store, TRAINING, as_of=at(day))


def score(store: FeatureStore, *, day: str) -> None:
    """Score the couriers' orders."""
    from inference.score import score as run

    run(store, SCORING, as_of=at(day))


VERBS: dict[str, Callable[..., object]] = {
    verb.__name__: verb
    for verb in (
        *(replace, merge, merge_own, append, append_and_compact, add_columns, create_each, create),
        *(hold, fill, experiment, publish, train, score),
    )
}


def do(told: dict[str, Any]) -> dict[str, object]:
    """Do one thing and tell how it went."""
    workspace, in_process, verb = told.pop("workspace"), told.pop("in_process", True), told.pop("verb")
    met, circumstances = told.pop("meeting", None), told.pop("under", {})
    try:
        store = open_store(catalog="test", schema="couriers", workspace=workspace)
        store.tables.in_process = in_process
        with under(store, **circumstances), meeting(store, **met) if met else nullcontext():
            return {"result": VERBS[verb](store, **told)}
    except Exception as error:  # told, not raised: the test shows it
        return {"error": type(error).__name__, "text": str(error)}


@contextmanager
def own_output() -> Iterator[Any]:
    """Standard output for the answers alone; whatever else prints, prints to standard error."""
    answers, sys.stdout = sys.stdout, sys.stderr
    try:
        yield answers
    finally:
        sys.stdout = answers


if __name__ == "__main__":
    faulthandler.register(signal.SIGUSR1)  # asked for by the tests when one of them hangs
    with own_output() as answers:
        from feature_store.local.session import spark_session

        spark_session(app_name="other").range(1).toArrow()
        print(json.dumps({"result": "ready"}), file=answers, flush=True)
        for line in sys.stdin:
            print(json.dumps(do(json.loads(line))), file=answers, flush=True)
