"""The training frame: entities with a known outcome, split by time, with their features as of the moment of decision."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd
import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from feature_store import FeatureStore, Misuse
from feature_store.fingerprint import fingerprint
from feature_store.lineage import utc
from feature_store.source import KNOWN_AT
from feature_store.store import TrainingSet
from training.spec import TrainingSpec

SPLIT, TRAIN, HOLDOUT = "split", "train", "holdout"


@dataclass(frozen=True)
class TrainingFrame:
    """The joined rows in memory, with entity columns, features, label and ``split``.

    ``joined`` is the same as ``rows`` with the tables' own types; for pandas, whole numbers with nulls are fractions.
    ``training_set`` is the same without ``split`` and with the excluded columns excluded: what the model is packaged
    with. ``holdout_entities`` is what scoring the holdout may be given: keys, moment of decision, and the label.
    """

    rows: pd.DataFrame
    joined: pa.Table
    inputs: Sequence[str]
    label: str
    training_set: TrainingSet
    holdout_entities: DataFrame
    labels_version: int
    fingerprint: str

    def part(self, split: str) -> tuple[pd.DataFrame, pd.Series]:
        """The estimator's inputs and the labels of one part."""
        chosen = self.rows[self.rows[SPLIT] == split]
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
    begins = F.lit(utc(as_of) - spec.holdout)
    labels_version = store.tables.info(spec.labels.table).version
    split = F.when(F.col(KNOWN_AT) < begins, TRAIN).when(F.col(spec.decided_at) >= begins, HOLDOUT)
    known = spec.labels.read(store.tables, as_of=as_of).where(F.col(spec.label).isNotNull()).withColumn(SPLIT, split)
    spine = known.where(F.col(SPLIT).isNotNull()).select(*spec.entity_columns, SPLIT, spec.label)
    _check(spine, spec, as_of)
    whole = store.create_training_set(df=spine, feature_lookups=spec.lookups, label=spec.label).load_df()
    entities = spine.drop(SPLIT)
    training_set = store.create_training_set(
        df=entities, feature_lookups=spec.lookups, label=spec.label, exclude_columns=spec.exclude_columns
    )
    # Spark gives no order; the fit depends on it a little, and the same rows must give the same model.
    joined = whole.toArrow().sort_by([(column, "ascending") for column in [spec.decided_at, *spec.entity_columns[:-1]]])
    rows = joined.to_pandas()
    left_out = {SPLIT, spec.label, *spec.exclude_columns}
    return TrainingFrame(
        rows=rows,
        joined=joined,
        inputs=[name for name in rows.columns if name not in left_out],
        label=spec.label,
        training_set=training_set,
        holdout_entities=spine.where(F.col(SPLIT) == HOLDOUT).drop(SPLIT),
        labels_version=labels_version,
        fingerprint=fingerprint(whole),
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
