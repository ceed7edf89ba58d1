"""Time publishing against Delta's plain MERGE of the same rows, side by side in one run.

    python benchmarks/publishing.py --data DIR [--scale 0.2] [--repetitions 3]

Every competitor has a table of its own: 5 million rows of 8 features, 50,000 keys at 100 moments, ten files in the order
of time. In each round all of them get the same 100,000 rows, with new values, for the same two moments in the middle;
the first round warms up and is not counted. In the end the tables must be equal. Then a month is published as one
window and as thirty daily ones, into an empty table. CPU time is of the whole process tree (Spark and Python).
"""

import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import click
import deltalake
import numpy as np
import polars as pl
import pyarrow as pa
from delta.tables import DeltaTable
from measure import tree
from polars.testing import assert_frame_equal
from pyspark.sql import DataFrame
from pyspark.sql.types import DoubleType, LongType, StructField, StructType, TimestampType

from feature_store import FeatureTable, Source, open_store
from feature_store.local.store import LocalStore
from feature_store.tables.commit import Commit

KEYS, MOMENTS, MOMENTS_PER_FILE, MOMENTS_PUBLISHED, FIRST_PUBLISHED = 50_000, 100, 10, 2, 43
DAYS, ROWS_A_DAY = 30, 20_000
BEGIN, HOUR = datetime(2024, 1, 1, tzinfo=UTC), timedelta(hours=1)
FEATURES = tuple(f"feature_{number}" for number in range(8))
MERGE, SPARK, LOCAL = "Delta's MERGE", "publish_table, Spark writes", "publish_table, written locally"
LIMITS = {MERGE: None, SPARK: 0.55, LOCAL: 0.15}
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Competitor:
    """Who writes to which table, and the seconds of wall and CPU time that each round took."""

    name: str
    table: str
    write: Callable[[DataFrame, datetime, datetime], object]
    wall: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)

    def measure(self, df: DataFrame, start: datetime, end: datetime) -> None:
        """One round, timed."""
        cpu, began = cpu_seconds(), time.monotonic()
        self.write(df, start, end)
        self.wall.append(time.monotonic() - began)
        self.cpu.append(cpu_seconds() - cpu)


def cpu_seconds() -> float:
    """CPU time so far of this process and its descendants."""
    ticks = 0
    for pid in tree(os.getpid()):
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        ticks += sum(map(int, fields[11:13]))
    return ticks / _TICKS


def rows(first: int, moments: int, *, keys: int, seed: int) -> pa.Table:
    """A row per moment and key."""
    random = np.random.default_rng(seed)
    size = moments * keys
    known_at = np.repeat(np.arange(first, first + moments), keys) * 3_600_000_000 + int(BEGIN.timestamp() * 1e6)
    columns = {
        "customer": pa.array(np.tile(np.arange(keys), moments)),
        "known_at": pa.array(known_at).cast(pa.timestamp("us", "UTC")),
    }
    return pa.table(columns | {name: pa.array(random.random(size)) for name in FEATURES})


def declared(name: str) -> FeatureTable:
    """The declaration of a table of the benchmark."""
    return FeatureTable(
        name=name,
        description="A table to publish into",
        owner="benchmarks@example.com",
        primary_keys=["customer", "known_at"],
        timeseries_column="known_at",
        sources=[Source(name="customers", description="Customers", table="customers", columns=("customer",))],
        features=dict.fromkeys(FEATURES, "A number between 0 and 1"),
        compute=lambda customers: customers,
    )


def make(store: LocalStore, name: str, *, keys: int) -> None:
    """Create the feature table; with keys, filled in the order of time, one file for ten moments."""
    kinds = {"customer": LongType(), "known_at": TimestampType()} | dict.fromkeys(FEATURES, DoubleType())
    schema = StructType([StructField(column, kind, column in FEATURES) for column, kind in kinds.items()])
    if store.tables.exists(name):
        store.tables.drop(name)
    store.create_table(name=name, primary_keys=["customer", "known_at"], timeseries_column="known_at", schema=schema)
    if keys:
        stored = pa.schema(store.tables.open(name).schema().to_arrow())
        for first in range(0, MOMENTS, MOMENTS_PER_FILE):
            part = rows(first, MOMENTS_PER_FILE, keys=keys, seed=first).cast(stored)
            deltalake.write_deltalake(str(store.tables.path(name)), part, mode="append")


def publisher(store: LocalStore, name: str, *, locally: bool) -> Callable[[DataFrame, datetime, datetime], object]:
    """Publishes as jobs do: keys checked, the window replaced, lineage committed."""
    table = declared(name)

    def publish(df: DataFrame, start: datetime, end: datetime) -> object:
        store.tables.in_process = locally
        commit = Commit(verb="publish-features", as_of=end, window=(start, end))
        return store.publish_table(table=table, df=df, commit=commit)

    return publish


def merger(store: LocalStore, name: str) -> Callable[[DataFrame, datetime, datetime], object]:
    """Delta's plain MERGE: nothing checked, no lineage."""

    def merge(df: DataFrame, start: datetime, end: datetime) -> object:
        target = DeltaTable.forPath(store.spark, str(store.tables.path(name))).alias("t")
        matching = target.merge(df.alias("s"), "t.customer = s.customer AND t.known_at = s.known_at")
        return matching.whenMatchedUpdateAll().whenNotMatchedInsertAll().execute()

    return merge


def landed(store: LocalStore, data: Path, part: pa.Table) -> DataFrame:
    """The rows as a frame that Spark reads from a file, as it would read a source."""
    pl.DataFrame(part).write_parquet(data / "rows.parquet")
    return store.spark.read.parquet(str(data / "rows.parquet"))


def contents(store: LocalStore, name: str) -> pl.DataFrame:
    """The whole table, in order."""
    return store.tables.arrow(name, ["customer", "known_at", *FEATURES]).sort("known_at", "customer")


def race(store: LocalStore, data: Path, *, scale: float, repetitions: int) -> list[Competitor]:
    """All rounds, and the proof that all tables came out equal."""
    keys = int(KEYS * scale)
    competitors = [
        Competitor(MERGE, "merged", merger(store, "merged")),
        Competitor(SPARK, "by_spark", publisher(store, "by_spark", locally=False)),
        Competitor(LOCAL, "locally", publisher(store, "locally", locally=True)),
    ]
    for competitor in competitors:
        make(store, competitor.table, keys=keys)
    start = BEGIN + FIRST_PUBLISHED * HOUR
    for round_ in range(repetitions + 1):
        part = rows(FIRST_PUBLISHED, MOMENTS_PUBLISHED, keys=keys, seed=1_000 + round_)
        df = landed(store, data, part)
        for competitor in competitors:
            competitor.measure(df, start, start + MOMENTS_PUBLISHED * HOUR)
    expected = contents(store, competitors[0].table)
    for competitor in competitors[1:]:
        assert_frame_equal(contents(store, competitor.table), expected)
    return competitors


def report(competitors: list[Competitor]) -> Iterator[str]:
    """The race as Markdown; the first round is left out."""
    yield "| publishing a window | wall, s | CPU, s | wall ratio | CPU ratio | limit |"
    yield "|---|---:|---:|---:|---:|---:|"
    walls = [median(competitor.wall[1:]) for competitor in competitors]
    cpus = [median(competitor.cpu[1:]) for competitor in competitors]
    for competitor, wall, cpu in zip(competitors, walls, cpus, strict=True):
        limit = LIMITS[competitor.name]
        ratios = f"{wall / walls[0]:.2f} | {cpu / cpus[0]:.2f} | {limit or ''}"
        yield f"| {competitor.name} | {wall:.2f} | {cpu:.2f} | {ratios} |"


def catch_up(store: LocalStore, data: Path, *, scale: float) -> Iterator[str]:
    """A month in one window against thirty daily ones, as Markdown; the tables must be equal."""
    yield "| catching up with a month | rows | wall, s | microseconds a row | MB written | commits |"
    yield "|---|---:|---:|---:|---:|---:|"
    keys = int(ROWS_A_DAY * scale)
    for name, locally in (("publish_table, Spark writes", False), ("publish_table, written locally", True)):
        for windows in (1, DAYS):
            table = f"month_{windows}"
            make(store, table, keys=0)
            publish, moments, took = publisher(store, table, locally=locally), DAYS // windows, 0.0
            for first in range(0, DAYS, moments):
                part = pa.concat_tables(rows(day, 1, keys=keys, seed=day) for day in range(first, first + moments))
                df, began = landed(store, data, part), time.monotonic()
                publish(df, BEGIN + first * HOUR, BEGIN + (first + moments) * HOUR)
                took += time.monotonic() - began
            written = sum(file.stat().st_size for file in store.tables.path(table).glob("*.parquet")) / 1e6
            told = f"{name}, {windows} window{'s' * (windows > 1)} | {keys * DAYS:,} | {took:.1f}"
            yield f"| {told} | {took / (keys * DAYS) * 1e6:.1f} | {written:.1f} | {windows} |"
        assert_frame_equal(contents(store, "month_1"), contents(store, f"month_{DAYS}"))


@click.command()
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to write to.")
@click.option("--scale", type=float, default=1.0, show_default=True, help="Factor to all numbers of rows and keys.")
@click.option("--repetitions", type=click.IntRange(min=1), default=3, show_default=True)
def main(*, data: Path, scale: float, repetitions: int) -> None:
    """Print how long each competitor takes to publish a window, and what catching up costs."""
    store = open_store(catalog="benchmark", schema="publishing", workspace=data)
    assert isinstance(store, LocalStore)
    for line in report(race(store, data, scale=scale, repetitions=repetitions)):
        click.echo(line)
    click.echo()
    for line in catch_up(store, data, scale=scale):
        click.echo(line)


if __name__ == "__main__":
    main()
