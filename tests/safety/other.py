"""A second process for the tests of safety: it has a Spark of its own and does what it is told, a line of JSON each.

    python -m tests.safety.other

Each line names a verb, a workspace and the verb's arguments; each answer is what the verb returned, or its error.
"""

import faulthandler
import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from feature_store import FeatureStore, open_store
from feature_store.tables.commit import Commit
from feature_store.tables.turns import in_turn
from tests.couriers import SCORING, TRAINING, at, publish_features

START = datetime(2024, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOURLY = "station bigint not null, known_at timestamp not null, writer string, value bigint"


def meet(store: FeatureStore, folder: str | Path, *, me: str, them: str) -> None:
    """From now on, before each write to a table, wait for the other process to be as far: so they write at once.

    Each leaves a file for each of its writes in ``folder``. Who waits for ten seconds goes on alone.
    """
    place, in_turn, number = Path(folder), store.tables._in_turn, 0  # type: ignore[attr-defined]
    place.mkdir(exist_ok=True)

    def when_both_are_here(name: str, write: Callable[[], Any]) -> Any:
        nonlocal number
        number += 1
        (place / f"{me} {number}").touch()
        until = time.monotonic() + 10
        while not (place / f"{them} {number}").exists() and time.monotonic() < until:
            pass
        return in_turn(name, write)

    store.tables._in_turn = when_both_are_here  # type: ignore[attr-defined]


def commit(writer: str, value: int) -> Commit:
    """The commit that says who wrote what."""
    return Commit(verb=f"{writer} {value}", as_of=START, revision="1", run="1")


def hourly(store: FeatureStore, *, writer: str, value: int, hours: range = range(2), stations: int = 4) -> Any:
    """A row per station and hour, all by one writer and with one value."""
    rows = [(station, START + hour * HOUR) for hour in hours for station in range(stations)]
    columns = {
        "station": pa.array([station for station, _ in rows], pa.int64()),
        "known_at": pa.array([moment for _, moment in rows], pa.timestamp("us", "UTC")),
        "writer": pa.array([writer] * len(rows), pa.string()),
        "value": pa.array([value] * len(rows), pa.int64()),
    }
    return store.spark.createDataFrame(pa.table(columns))


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
    verb.__name__: verb for verb in (replace, merge, append, hold, fill, create, experiment, publish, train, score)
}


def do(told: dict[str, Any]) -> dict[str, object]:
    """Do one thing and tell how it went."""
    workspace, in_process, place = told.pop("workspace"), told.pop("in_process", True), told.pop("meeting", None)
    try:
        store = open_store(catalog="test", schema="couriers", workspace=workspace)
        store.tables.in_process = in_process
        if place is not None:
            meet(store, place, me="they", them="we")
        return {"result": VERBS[told.pop("verb")](store, **told)}
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
