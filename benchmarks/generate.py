"""Generate the tables of a benchmark case, the same every time.

    python benchmarks/generate.py same-key --data DIR [--scale 0.2]

Feature tables are written in time slices, one file each, as publishing leaves them; inside a slice the rows stand in no
order. Every moment of a table occurs once; one spine row in a hundred asks at exactly the moment of a feature row, and
one value in fifty is null.
"""

from collections.abc import Iterator
from pathlib import Path

import click
import deltalake
import numpy as np
import polars as pl
from cases import BEGIN, CASES, CATALOG, END, KNOWN_AT, MOMENT, SCHEMA, Case, Table
from pyspark.sql.types import DataType, DoubleType, LongType, StructField, StructType, TimestampType

from feature_store import open_store
from feature_store.local.store import LocalStore

_SLICES, _FEWEST_ROWS_OF_A_SLICE = 10, 50_000
_MOMENT = pl.Datetime("us", "UTC")
_SPAN = (END - BEGIN) // (END - BEGIN).resolution


@click.command()
@click.argument("case", type=click.Choice(list(CASES)))
@click.option("--data", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to write to.")
@click.option("--scale", type=float, default=1.0, show_default=True, help="Factor to all numbers of rows and keys.")
@click.option("--seed", type=int, default=7, show_default=True)
def main(*, case: str, data: Path, scale: float, seed: int) -> None:
    """Write the spine and the feature tables of CASE as Delta tables."""
    wanted = CASES[case].scaled(scale)
    store = open_store(catalog=CATALOG, schema=SCHEMA, workspace=data / case)
    assert isinstance(store, LocalStore)
    spine = _spine(wanted, seed)
    _write(store, "spine", spine, wanted.lookup_keys)
    _write(store, "small_spine", _small(spine, wanted, seed), wanted.lookup_keys)
    for number, table in enumerate(wanted.tables):
        for rows in _feature_rows(wanted, table, seed + number + 1):
            _write(store, table.name, rows, [table.key], time=KNOWN_AT)
        size = sum(path.stat().st_size for path in store.tables.path(table.name).glob("*.parquet"))
        click.echo(f"{table.name}: {table.rows:,} rows, {size / 2**20:,.0f} MiB of Parquet")


def _spine(case: Case, seed: int) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    moments = random.integers(0, _SPAN, case.rows)
    # Ties: moments at which the first table has a row (see _moments).
    tied = random.random(case.rows) < 0.01
    moments[tied] = _moments(case.tables[0].rows, random.integers(0, case.tables[0].rows, tied.sum()))
    keys = {key: _keys(case, random, case.rows) for key in case.lookup_keys}
    return pl.DataFrame({"row": np.arange(case.rows), **keys, MOMENT: _timestamps(moments)})


def _small(spine: pl.DataFrame, case: Case, seed: int) -> pl.DataFrame:
    """Spine rows of as many different keys."""
    return (
        spine.unique(case.lookup_keys[0], keep="first")
        .sort("row")
        .sample(min(case.small_rows, case.keys // 2), seed=seed)
    )


def _feature_rows(case: Case, table: Table, seed: int) -> Iterator[pl.DataFrame]:
    """The table, slice by slice in time."""
    random = np.random.default_rng(seed)
    slices = max(1, min(_SLICES, table.rows // _FEWEST_ROWS_OF_A_SLICE))
    for numbers in np.array_split(np.arange(table.rows), slices):
        random.shuffle(numbers)
        values = {name: _values(case, random, len(numbers)) for name in table.columns}
        moments = _timestamps(_moments(table.rows, numbers))
        yield pl.DataFrame({table.key: _keys(case, random, len(numbers)), KNOWN_AT: moments, **values})


def _keys(case: Case, random: np.random.Generator, rows: int) -> np.ndarray:
    if case.zipf is None:
        return random.integers(0, case.keys, rows)
    weights = np.arange(1, case.keys + 1) ** -case.zipf
    found: np.ndarray = np.minimum(
        np.searchsorted(np.cumsum(weights) / weights.sum(), random.random(rows)), case.keys - 1
    )
    return found


def _values(case: Case, random: np.random.Generator, rows: int) -> pl.Series:
    values = random.standard_normal(rows)
    if case.distinct_values:
        values = values[random.integers(0, min(case.distinct_values, rows), rows)]
    return pl.Series(values).set(pl.Series(random.random(rows) < 0.02), None)


def _moments(rows: int, numbers: np.ndarray) -> np.ndarray:
    """The microsecond, from the beginning, of each numbered row: all different, unevenly spaced."""
    step = _SPAN // rows
    return numbers * step + (numbers * 7919) % step


def _timestamps(microseconds: np.ndarray) -> pl.Series:
    begin = int(BEGIN.timestamp() * 1_000_000)
    return pl.Series(begin + microseconds).cast(_MOMENT)


def _write(store: LocalStore, name: str, rows: pl.DataFrame, keys: list[str], *, time: str | None = None) -> None:
    """Append ``rows`` to the table, which the store declares; delta-rs writes, for Spark would take minutes."""
    kinds: dict[object, DataType] = {pl.Int64: LongType(), pl.Float64: DoubleType(), _MOMENT: TimestampType()}
    schema = StructType([StructField(column, kinds[kind]) for column, kind in rows.schema.items()])
    primary = [*keys, time] if time else ["row"]
    store.create_table(name=name, primary_keys=primary, timeseries_column=time, schema=schema)
    stored = deltalake.DeltaTable(str(store.tables.path(name)))
    deltalake.write_deltalake(stored, rows.to_arrow(), mode="append")


if __name__ == "__main__":
    main()
