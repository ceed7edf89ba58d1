"""The training frame: entities with a known outcome, split by time, with their features as of the moment of decision."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from feature_store import FeatureStore, Misuse
from feature_store.declare.source import KNOWN_AT, Source
from feature_store.errors import ConcurrentWrite
from feature_store.lineage.fingerprint import fingerprint_of_rows
from feature_store.moments import utc
from feature_store.store import TrainingSet
from training.spec import TrainingSpec

SPLIT, TRAIN, HOLDOUT = "split", "train", "holdout"


@dataclass(frozen=True)
class Labels:
    """Where the labels are read, and how they are split: what a model carries to have its frame built again.

    The last of ``entity_columns`` is the moment of decision.
    """

    table: str
    version: int
    table_id: str
    columns: Sequence[str]
    known_at: str | None
    label: str
    entity_columns: Sequence[str]
    holdout: timedelta

    def document(self) -> dict[str, object]:
        """This as JSON data."""
        return {**vars(self), "holdout": self.holdout.total_seconds()}

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
        )

    def spine(self, store: FeatureStore, *, as_of: datetime) -> DataFrame:
        """Entities, ``split`` and label of those whose label was known as of ``as_of`` and who belong to a part."""
        source = Source(name="labels", description="", table=self.table, columns=self.columns, known_at=self.known_at)
        rows = source.read(store.tables, as_of=as_of, version=self.version)
        begins = F.lit(utc(as_of) - self.holdout)
        split = F.when(F.col(KNOWN_AT) < begins, TRAIN).when(F.col(self.entity_columns[-1]) >= begins, HOLDOUT)
        return (
            rows.where(F.col(self.label).isNotNull())
            .withColumn(SPLIT, split)
            .where(F.col(SPLIT).isNotNull())
            .select(*self.entity_columns, SPLIT, self.label)
        )


@dataclass(frozen=True)
class TrainingFrame:
    """The joined rows in memory, with entity columns, features, label and ``split``.

    ``joined`` is the same as ``rows`` with the tables' own types; for pandas, whole numbers with nulls are fractions.
    ``training_set`` is the same without ``split`` and with the excluded columns excluded: what the model is packaged
    with; ``fingerprint`` is of these columns, ``split`` and label. ``holdout_entities`` is what scoring the holdout
    may be given: keys, moment of decision, and the label.
    """

    rows: pd.DataFrame
    joined: pa.Table
    inputs: Sequence[str]
    label: str
    training_set: TrainingSet
    holdout_entities: DataFrame
    labels: Labels
    fingerprint: str

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
        chosen = self.rows[self.is_in(split)]
        return chosen[list(self.inputs)], chosen[self.label].astype(bool)


def assemble(store: FeatureStore, spec: TrainingSpec, *, as_of: datetime) -> TrainingFrame:
    """Join the features of all entities whose label is known as of ``as_of``.

    The holdout is the last ``spec.holdout`` before ``as_of``. An entity decided before it whose label became known
    only within it belongs to neither part: the fit must not know what was not known when the holdout began.

    Raises
    ------
    Misuse
        If no label is known, a part is empty, or the fitted part has only one class.
    """
    labels = labels_of(store, spec)
    spine = labels.spine(store, as_of=as_of)
    _check(spine, spec, as_of)
    with_split = store.create_training_set(df=spine, feature_lookups=spec.lookups, label=spec.label)
    entities = spine.drop(SPLIT)
    training_set = store.create_training_set(
        df=entities, feature_lookups=spec.lookups, label=spec.label, exclude_columns=spec.exclude_columns
    )
    if training_set.table_versions != with_split.table_versions:
        raise ConcurrentWrite(f"A feature table was published while {spec.name!r} looked at it. Train again.")
    # There is no order to rely on; the fit depends on it a little, and the same rows must give the same model.
    order = [(column, "ascending") for column in [spec.decided_at, *spec.entity_columns[:-1]]]
    joined = with_split.load_rows().sort_by(order)
    rows = joined.to_pandas()
    # What the model is not given and does not carry could not be looked up again.
    proved = [name for name in joined.column_names if name in spine.columns or name not in spec.exclude_columns]
    left_out = {SPLIT, spec.label, *spec.exclude_columns}
    return TrainingFrame(
        rows=rows,
        joined=joined,
        inputs=[name for name in rows.columns if name not in left_out],
        label=spec.label,
        training_set=training_set,
        holdout_entities=spine.where(F.col(SPLIT) == HOLDOUT).drop(SPLIT),
        labels=labels,
        fingerprint=fingerprint_of_rows(joined.select(proved), store.spark),
    )


def labels_of(store: FeatureStore, spec: TrainingSpec) -> Labels:
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
    )


def _check(spine: DataFrame, spec: TrainingSpec, as_of: datetime) -> None:
    counted = (
        spine.groupBy(SPLIT).agg(F.count("*").alias("rows"), F.countDistinct(spec.label).alias("classes")).collect()
    )
    found = {row[SPLIT]: row for row in counted}
    for part, what in ((TRAIN, "to fit on"), (HOLDOUT, "in the holdout")):
        if part not in found:
            raise Misuse(
                f"Model {spec.name!r}: no labels known as of {as_of:%Y-%m-%d %H:%M} are {what} (the holdout is the last "
                f"{spec.holdout.days} days). Ingest the sources, or choose another --as-of."
            )
        if found[part]["classes"] < 2:
            raise Misuse(f"Model {spec.name!r}: the {found[part]['rows']:,} labels {what} are all of one class.")
