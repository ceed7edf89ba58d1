"""The ways of joining that are compared, each run by the process that :mod:`point_in_time` starts for it.

The process reads commands from standard input, a line each (``run``, ``digest``), and answers each with one line
that begins with ``ANSWER``. Everything is lazy until ``run``: reading the Delta tables is part of what is measured.
"""

import hashlib
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import polars as pl
import pyarrow as pa
from cases import CASES, CATALOG, KNOWN_AT, MOMENT, SCHEMA, Case
from pyspark.sql import DataFrame

from feature_store import FeatureLookup, open_store
from feature_store.join.point_in_time import AUTOMATIC, WAYS
from feature_store.join.resolved_lookup import ResolvedLookup
from feature_store.join.rows import as_frame
from feature_store.local.store import LocalStore

ANSWER = "@@ "
Competitor = Callable[[Case, str, LocalStore], DataFrame]


def tempo(case: Case, spine: str, store: LocalStore) -> DataFrame:
    """Table by table by the open library tempo, as its documentation shows; whole rows (``skipNulls=False``)."""
    from tempo import TSDF

    left, kept = store.tables.read(spine), store.tables.read(spine).columns
    for table in case.tables:
        features = store.tables.read(table.name).withColumnRenamed(KNOWN_AT, MOMENT)
        right = TSDF(features, ts_col=MOMENT, partition_cols=[table.key])
        joined = TSDF(left, ts_col=MOMENT, partition_cols=[table.key]).asofJoin(
            right, right_prefix="right", skipNulls=False, suppress_null_warning=True
        )
        found = {name: f"right_{name}" for name in table.columns}
        left = joined.df.withColumnsRenamed({new: old for old, new in found.items()})
        kept = [*kept, *table.columns]
        left = left.select(*kept)
    return left


def planner(case: Case, spine: str, store: LocalStore) -> DataFrame:
    """What a user of the store calls; the planner chooses the way."""
    lookups = [FeatureLookup(table.name, table.key, timestamp_lookup_key=MOMENT) for table in case.tables]
    return store.create_training_set(df=store.tables.read(spine), feature_lookups=lookups, label=None).load_df()


def by_way(name: str) -> Competitor:
    """One of the planner's ways, whatever it would choose."""
    return lambda case, spine, store: as_frame(
        WAYS[name](store.tables.read(spine), _resolved(case, store), store.tables)
    )


IN_SPARK: Mapping[str, Competitor] = {
    "tempo": tempo,
    "planner": planner,
    **{name: by_way(name) for name in WAYS if name != AUTOMATIC},
}


def in_polars(case: Case, spine: str, folder: Path) -> pl.DataFrame:
    """Polars' own as-of join, without Spark."""
    joined = pl.scan_delta(str(folder / spine)).sort(MOMENT)
    for table in case.tables:
        features = pl.scan_delta(str(folder / table.name)).sort(KNOWN_AT)
        joined = joined.join_asof(
            features, left_on=MOMENT, right_on=KNOWN_AT, by=table.key, coalesce=False, check_sortedness=False
        ).drop(KNOWN_AT)
    return joined.collect()


def in_duckdb(case: Case, spine: str, folder: Path) -> pl.DataFrame:
    """DuckDB's own ``ASOF JOIN``, without Spark, into Arrow."""
    columns = ", ".join(["s.*", *(name for table in case.tables for name in table.columns)])
    joins = " ".join(
        f"ASOF LEFT JOIN read_parquet('{folder / table.name}/*.parquet') {table.name} "
        f"ON s.{table.key} = {table.name}.{table.key} AND s.{MOMENT} >= {table.name}.{KNOWN_AT}"
        for table in case.tables
    )
    with duckdb.connect() as connection:
        found = connection.sql(f"SELECT {columns} FROM read_parquet('{folder / spine}/*.parquet') s {joins}")
        return _polars(found.to_arrow_table())


ALONE: Mapping[str, Callable[[Case, str, Path], pl.DataFrame]] = {"polars": in_polars, "duckdb": in_duckdb}


def _resolved(case: Case, store: LocalStore) -> list[ResolvedLookup]:
    return [
        ResolvedLookup(
            table=store.tables.full_name(table.name),
            version=store.tables.info(table.name).version,
            keys=((table.key, table.key),),
            outputs=tuple((name, name) for name in table.columns),
            times=(MOMENT, KNOWN_AT),
        )
        for table in case.tables
    ]


def _polars(arrow: pa.Table) -> pl.DataFrame:
    frame = pl.from_arrow(arrow)
    assert isinstance(frame, pl.DataFrame)
    return frame


def digest(case: Case, rows: pl.DataFrame) -> str:
    """A hash over every bit of the result, in the order of the spine's row numbers."""
    rows = rows.select(case.outputs).sort("row")
    found = hashlib.blake2b(digest_size=8)
    for column in rows:
        number = column.dt.timestamp("us") if column.dtype.is_temporal() else column
        bits = number.fill_null(0).to_numpy().view("int64")
        found.update(bits.tobytes())
        found.update(column.is_null().to_numpy().tobytes())
    return f"{rows.height}:{found.hexdigest()}"


def serve(name: str, case: Case, spine: str, folder: Path) -> None:
    """Answer the commands on standard input until it ends."""
    run, rows = _in_spark(name, case, spine, folder) if name in IN_SPARK else _alone(name, case, spine, folder)
    print(f"{ANSWER}ready", flush=True)
    for line in sys.stdin:
        answer = digest(case, rows()) if line.strip() == "digest" else run()
        print(f"{ANSWER}{answer}", flush=True)


def _in_spark(name: str, case: Case, spine: str, folder: Path) -> tuple[Callable[[], None], Callable[[], pl.DataFrame]]:
    store = open_store(catalog=CATALOG, schema=SCHEMA, workspace=folder)
    assert isinstance(store, LocalStore)
    store.spark.conf.set("spark.sql.shuffle.partitions", os.environ["SHUFFLE_PARTITIONS"])

    def run() -> None:
        IN_SPARK[name](case, spine, store).write.format("noop").mode("overwrite").save()

    def rows() -> pl.DataFrame:
        with TemporaryDirectory(dir=folder) as written:  # Spark collects no more than a gigabyte
            IN_SPARK[name](case, spine, store).write.parquet(f"{written}/rows")
            return pl.read_parquet(f"{written}/rows/*.parquet")

    return run, rows


def _alone(name: str, case: Case, spine: str, folder: Path) -> tuple[Callable[[], None], Callable[[], pl.DataFrame]]:
    tables = folder / "warehouse" / CATALOG / SCHEMA

    def run() -> None:
        ALONE[name](case, spine, tables)

    return run, lambda: ALONE[name](case, spine, tables)


if __name__ == "__main__":
    serve(sys.argv[1], CASES[sys.argv[2]], sys.argv[3], Path(sys.argv[4]))
