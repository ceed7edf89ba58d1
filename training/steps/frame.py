"""The training frame: entities with a known outcome, split by time, with their features as of the moment of decision."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from feature_store import FeatureStore, Misuse
from feature_store.declare.source import KNOWN_AT, Source
from feature_store.errors import ConcurrentWrite
from feature_store.lineage.fingerprint import fingerprint_of_rows
from feature_store.moments import utc
from feature_store.package.protocol import TrainingSet
from feature_store.package.spine import first_of_each
from training.spec import TrainingSpec

SPLIT, TRAIN, HOLDOUT = "split", "train", "holdout"
FILE = "frame.parquet"
_SHARES = 1_000_000
AGE_QUANTILES = [0.0, 0.25, 0.5, 0.75, 0.9, 1.0]


@dataclass(frozen=True)
class Labels:
    """Where the labels are read, and how they are split: what a model carries to have its frame built again.

    The last of ``entity_columns`` is the moment of decision; ``sample`` is the share of the entities that is taken, always the
    same ones; with ``every``, each comes once in each stretch of that length.
    """

    table: str
    version: int
    table_id: str
    columns: Sequence[str]
    known_at: str | None
    label: str
    entity_columns: Sequence[str]
    holdout: timedelta
    sample: float = 1.0
    every: timedelta | None = None

    def document(self) -> dict[str, object]:
        """This as JSON data."""
        document = {**vars(self), "holdout": self.holdout.total_seconds()}
        if self.sample == 1:
            del document["sample"]
        del document["every"]
        return document | ({"every": self.every.total_seconds()} if self.every else {})

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Labels":
        """What :meth:`document` gave.

        Raises
        ------
        KeyError, TypeError, ValueError
            If something is missing, or of another kind.
        """
        return cls(
            table=document["table"],
            version=int(document["version"]),
            table_id=document["table_id"],
            columns=tuple(document["columns"]),
            known_at=document["known_at"],
            label=document["label"],
            entity_columns=tuple(document["entity_columns"]),
            holdout=timedelta(seconds=document["holdout"]),
            sample=float(document.get("sample", 1)),
            every=timedelta(seconds=document["every"]) if "every" in document else None,
        )

    def spine(self, store: FeatureStore, *, as_of: datetime) -> DataFrame:
        """Entities, ``split`` and label of those whose label was known as of ``as_of`` and who belong to a part."""
        source = Source(name="labels", description="", table=self.table, columns=self.columns, known_at=self.known_at)
        *keys, decided_at = self.entity_columns
        rows = source.read(store.tables, as_of=as_of, version=self.version).where(F.col(self.label).isNotNull())
        if self.every is not None:
            rows = first_of_each(rows, self.every, keys=keys, decided_at=decided_at, label=self.label)
        if self.sample < 1:
            share = F.pmod(F.xxhash64(*(f"`{name}`" for name in self.entity_columns)), F.lit(_SHARES))
            rows = rows.where(share < int(self.sample * _SHARES))
        begins = F.lit(utc(as_of) - self.holdout)
        split = F.when(F.col(KNOWN_AT) < begins, TRAIN).when(F.col(decided_at) >= begins, HOLDOUT)
        split_up = rows.withColumn(SPLIT, split).where(F.col(SPLIT).isNotNull())
        return split_up.select(*self.entity_columns, SPLIT, self.label)


@dataclass(frozen=True)
class Age:
    """How old the rows of a feature table were when they were decided on: of ``rows`` lookups, ``missed`` found none.

    ``seconds`` are the least, the quartiles, nine tenths and the most; empty for a table without time.
    """

    rows: int
    missed: int
    seconds: Sequence[float] = ()

    @classmethod
    def of(cls, ages: pa.ChunkedArray) -> "Age":
        """The summary of ages in seconds: null where nothing was found, NaN without time."""
        known = ages.drop_null()
        timed = known.filter(pc.invert(pc.is_nan(known)))
        seconds = pc.quantile(timed, AGE_QUANTILES, interpolation="lower").to_pylist() if len(timed) else []
        return cls(len(ages), ages.null_count, seconds)


@dataclass(frozen=True)
class TrainingFrame:
    """The joined rows in memory, with entity columns, features, label and ``split``.

    ``joined`` has the tables' own types; in ``rows``, for pandas, whole numbers with nulls are fractions. ``fingerprint`` is
    of all columns that a model carries, ``split`` and label; ``table_versions`` are those of the feature tables. ``origins`` are the
    tables that give the features, ``ages`` how old, by table, what they gave was.
    """

    joined: pa.Table
    inputs: Sequence[str]
    labels: Labels
    table_versions: Mapping[str, int]
    fingerprint: str
    origins: Mapping[str, str]
    ages: Mapping[str, Age]

    @cached_property
    def rows(self) -> pd.DataFrame:
        """The rows for pandas."""
        rows: pd.DataFrame = self.joined.to_pandas()
        return rows

    @property
    def label(self) -> str:
        """The label's column."""
        return self.labels.label

    @property
    def inputs_of_all(self) -> pd.DataFrame:
        """The estimator's inputs of all rows, in order."""
        return self.rows[list(self.inputs)]

    @property
    def last_moment(self) -> datetime:
        """The latest moment as of which features were looked up."""
        return utc(self.rows[self.labels.entity_columns[-1]].max().to_pydatetime())

    def is_in(self, split: str) -> NDArray[np.bool_]:
        """Which rows belong to the part, shape (rows,)."""
        return self.rows[SPLIT].to_numpy() == split  # type: ignore[no-any-return]

    def part(self, split: str) -> tuple[pd.DataFrame, pd.Series]:
        """The estimator's inputs and the labels of one part."""
        return self.rows.loc[self.is_in(split), list(self.inputs)], self.truth(split)

    def truth(self, split: str) -> pd.Series:
        """The labels of one part."""
        return self.rows.loc[self.is_in(split), self.label]

    def entities(self, store: FeatureStore, split: str | None = None, *, position: str | None = None) -> DataFrame:
        """What scoring may be given, of one part or of all: keys, moment of decision, and the label.

        ``position`` names a column, if one is wanted, with the row's place in the frame's order.
        """
        rows = self.joined if split is None else self.joined.filter(pc.equal(self.joined[SPLIT], split))
        rows = rows.select([*self.labels.entity_columns, self.label])
        if position is not None:
            rows = rows.append_column(position, pa.array(range(rows.num_rows), pa.int64()))
        df: DataFrame = store.spark.createDataFrame(rows, from_arrow_schema(rows.schema))
        return df


def assemble(store: FeatureStore, spec: TrainingSpec, labels: Labels, *, as_of: datetime) -> TrainingFrame:
    """Join the features of all entities whose label is known as of ``as_of``.

    The holdout is the last ``spec.holdout`` before ``as_of``. An entity decided before it whose label became known
    only within it belongs to neither part: the fit must not know what was not known when the holdout began.

    Raises
    ------
    Misuse
        If no label is known, a part is empty, or the labels of one are all the same.
    """
    spine = labels.spine(store, as_of=as_of)
    training_set = store.create_training_set(df=spine, feature_lookups=spec.lookups, label=spec.label)
    # There is no order to rely on; the fit depends on it a little, and the same rows must give the same model.
    order = [(column, "ascending") for column in [spec.decided_at, *spec.entity_columns[:-1]]]
    rows, ages = training_set.load_rows_and_ages()
    _check(rows, spec, as_of)
    joined = rows.sort_by(order)
    # What the model is not given and does not carry could not be looked up again.
    proved = [name for name in joined.column_names if name in spine.columns or name not in spec.exclude_columns]
    left_out = {SPLIT, spec.label, *spec.exclude_columns}
    return TrainingFrame(
        joined=joined,
        inputs=[name for name in joined.column_names if name not in left_out],
        labels=labels,
        table_versions=training_set.table_versions,
        fingerprint=fingerprint_of_rows(joined.select(proved), store.spark),
        origins=training_set.origins,
        ages={table: Age.of(ages[table]) for table in ages.column_names},
    )


def packaged_set(store: FeatureStore, spec: TrainingSpec, frame: TrainingFrame) -> TrainingSet:
    """The training set that a model is packaged with: as the frame was assembled, the excluded columns excluded.

    Raises
    ------
    ConcurrentWrite
        If a feature table has been published since the frame was assembled.
    """
    training_set = store.create_training_set(
        df=frame.entities(store), feature_lookups=spec.lookups, label=spec.label, exclude_columns=spec.exclude_columns
    )
    if training_set.table_versions != frame.table_versions:
        raise ConcurrentWrite(f"A feature table was published while {spec.name!r} learned from it. Train again.")
    return training_set


def save_frame(frame: TrainingFrame, folder: Path) -> dict[str, object]:
    """Write the rows into ``folder``; what to tell of them, as JSON data."""
    pq.write_table(frame.joined, folder / FILE)
    return {
        "rows": frame.joined.num_rows,
        "inputs": list(frame.inputs),
        "labels": frame.labels.document(),
        "table_versions": dict(frame.table_versions),
        "fingerprint": frame.fingerprint,
        "origins": dict(frame.origins),
        "ages": {table: asdict(age) for table, age in frame.ages.items()},
        "last_moment": frame.last_moment.isoformat(),
        "parts": {part: int(frame.is_in(part).sum()) for part in (TRAIN, HOLDOUT)},
    }


def load_frame(folder: Path, told: Mapping[str, Any]) -> TrainingFrame:
    """What :func:`save_frame` wrote, and told, of the same ``folder``."""
    return TrainingFrame(
        joined=pq.read_table(folder / FILE),
        inputs=told["inputs"],
        labels=Labels.from_document(told["labels"]),
        table_versions=told["table_versions"],
        fingerprint=told["fingerprint"],
        origins=told["origins"],
        ages={table: Age(**age) for table, age in told["ages"].items()},
    )


def labels_of(store: FeatureStore, spec: TrainingSpec, *, sample: float = 1.0) -> Labels:
    """Where the spec's labels are read today."""
    table = store.tables.info(spec.labels.table)
    return Labels(
        table=table.name,
        version=table.version,
        table_id=table.table_id,
        columns=tuple(spec.labels.columns),
        known_at=spec.labels.known_at,
        label=spec.label,
        entity_columns=tuple(spec.entity_columns),
        holdout=spec.holdout,
        sample=sample,
        every=spec.every,
    )


def _check(rows: pa.Table, spec: TrainingSpec, as_of: datetime) -> None:
    counted = rows.group_by(SPLIT).aggregate([(spec.label, "count"), (spec.label, "count_distinct")])
    found = {row[SPLIT]: row for row in counted.to_pylist()}
    for part, what in ((TRAIN, "to fit on"), (HOLDOUT, "in the holdout")):
        if part not in found:
            raise Misuse(
                f"Model {spec.name!r}: no labels known as of {as_of:%Y-%m-%d %H:%M} are {what} (the holdout is the last "
                f"{spec.holdout.days} days; it must be longer than a label takes to become known). Ingest the sources, or choose "
                "another --as-of."
            )
        if found[part][f"{spec.label}_count_distinct"] < 2:
            raise Misuse(
                f"Model {spec.name!r}: the {found[part][f'{spec.label}_count']:,} labels {what} are all of one class."
            )
