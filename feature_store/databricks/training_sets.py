"""Training sets of the Databricks store: checked here, joined by the vendor's client.

The client reads feature tables as they are at that moment. Where they have moved on from the versions that are asked
for, this project's own join in Spark reads those versions, so that a training set and its ``lineage.json`` agree.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame

from feature_store.databricks.feature_tables import FeatureTables
from feature_store.databricks.translation import (
    Moments,
    check_expressible,
    check_keys_are_kept,
    saying_not_found,
    vendor_feature,
)
from feature_store.databricks.unity_tables import UnityTables
from feature_store.declare.arguments import check_features, check_one_of, names
from feature_store.declare.feature import Feature
from feature_store.declare.function import FeatureFunction
from feature_store.declare.lookup import FeatureLookup
from feature_store.errors import Misuse
from feature_store.join.definition import Definition, check_names, define
from feature_store.join.misses import ages
from feature_store.join.rows import as_frame
from feature_store.package import training_set
from feature_store.package.aggregated import compute_features
from feature_store.package.contents import FeatureSpecInfo, Package
from feature_store.package.feature_spec import FeatureSpec
from feature_store.package.spec_file import load_spec
from feature_store.package.table_checks import still_defined
from feature_store.package.training_set import checked_spec, key_types


@dataclass(frozen=True, eq=False)
class DatabricksTrainingSet:
    """:class:`feature_store.package.protocol.TrainingSet`: the ``vendor``'s own, and the same as this project checked it."""

    vendor: Any
    df: DataFrame
    labels: Sequence[str]
    spec: FeatureSpec
    definition: Definition
    moments: Moments
    tables: UnityTables

    @property
    def feature_spec(self) -> object:
        return self.vendor.feature_spec

    @property
    def table_versions(self) -> Mapping[str, int]:
        return {lookup.table: lookup.version for lookup in self.definition.lookups}

    @property
    def keys(self) -> Mapping[str, Mapping[str, str]]:
        """The feature tables' primary keys, in order, and their types."""
        return {name: key_types(self.definition.stored[name]) for name in self.table_versions}

    @property
    def origins(self) -> Mapping[str, str]:
        return self.definition.tables_of_columns

    def get_output_columns(self) -> list[str]:
        return [*self.spec.included, *self.labels]

    def load_df(self) -> DataFrame:
        if self.tables.have_moved(self.table_versions):
            return looked_up(self.df, self.definition, self.spec, self.get_output_columns(), self.tables)
        joined = self.moments.put_back(self.vendor.load_df())
        return joined.select(*(f"`{name}`" for name in self.get_output_columns()))

    def load_rows(self) -> pa.Table:
        return self.load_df().toArrow()

    def load_rows_and_ages(self) -> tuple[pa.Table, pa.Table]:
        return self.load_rows(), ages(self.df, self.definition, self.tables)


class TrainingSets:
    """Training sets over feature tables of Unity Catalog, through the vendor's client."""

    def __init__(self, client: Any, tables: UnityTables, feature_tables: FeatureTables) -> None:
        self.client = client
        self.tables = tables
        self.feature_tables = feature_tables

    def create_training_set(
        self,
        *,
        df: DataFrame,
        feature_lookups: Sequence[FeatureLookup | FeatureFunction] | None = None,
        feature_spec: str | None = None,
        features: Sequence[Feature] | None = None,
        label: str | Sequence[str] | None,
        exclude_columns: Sequence[str] | None = None,
    ) -> DatabricksTrainingSet:
        check_one_of(feature_lookups=feature_lookups, feature_spec=feature_spec, features=features)
        if features is not None:
            raise Misuse(
                "The vendor's client packages only aggregated features that are registered in Unity Catalog. Publish these as "
                "a feature table (see Aggregates), and give feature_lookups in it."
            )
        labels, excluded = names(label, "label", or_one=True), names(exclude_columns, "exclude_columns")
        asked: dict[str, Any] = {"label": labels, "exclude_columns": excluded}
        if feature_spec is None:
            lookups = feature_lookups or []
            definition = self._defined(lookups, "feature_lookups")
            asked["feature_lookups"] = [vendor_feature(one, definition.stored, self.tables) for one in lookups]
        else:
            asked["feature_spec"] = self.tables.full_name(feature_spec)
            definition, left_out = self._stored(asked["feature_spec"], df, labels)
            check_keys_are_kept(definition, excluded)
            excluded = [*excluded, *left_out]
        spec, kept = checked_spec(df, definition, labels, excluded)
        moments = Moments.of(df, spec)
        vendor = self.client.create_training_set(df=moments.fill(df), **asked)
        return DatabricksTrainingSet(vendor, df, labels, spec, kept, moments, self.tables)

    def compute_features(self, *, features: Sequence[Feature]) -> DataFrame:
        return compute_features(features, self.tables)

    def create_feature_spec(
        self,
        *,
        name: str,
        features: Sequence[FeatureLookup | FeatureFunction],
        exclude_columns: Sequence[str] | None = None,
        extra_pip_requirements: Sequence[str] | None = None,
    ) -> FeatureSpecInfo:
        definition = self._defined(features, "features")
        excluded = names(exclude_columns, "exclude_columns")
        check_names(definition, given=None, exclude=excluded)
        told = self.client.create_feature_spec(
            name=self.tables.full_name(name),
            features=[vendor_feature(one, definition.stored, self.tables) for one in features],
            exclude_columns=excluded,
            extra_pip_requirements=names(extra_pip_requirements, "extra_pip_requirements") or None,
        )
        return FeatureSpecInfo(told.name, told.creator, told.creation_timestamp_ms)

    def delete_feature_spec(self, *, name: str) -> None:
        full = self.tables.full_name(name)
        with saying_not_found(f"There is no feature spec {full}."):
            self.client.delete_feature_spec(name=full)

    def _stored(self, feature_spec: str, df: DataFrame, labels: list[str]) -> tuple[Definition, list[str]]:
        """What the stored spec defines and leaves out, asked of the client: it alone can read it."""
        with saying_not_found(f"There is no feature spec {feature_spec}."):
            made = self.client.create_training_set(df=df, feature_spec=feature_spec, label=labels, exclude_columns=[])
        spec = _as_ours(made.feature_spec)
        definition = self.packaged(Package(spec), {}, f"feature spec {feature_spec} was made with")
        return definition, [one.name for one in spec.columns if not one.include]

    def _defined(self, features: Sequence[FeatureLookup | FeatureFunction], what: str) -> Definition:
        stored = {name: self.feature_tables.table_at(name, None) for name in check_features(features, what)}
        definition = define(features, stored, self.tables.full_name)
        check_expressible(definition)
        return definition

    def packaged(self, package: Package, versions: Mapping[str, int], what: str) -> Definition:
        """What the package defines, once its tables are known to be those it was made with, as of ``versions``."""
        return still_defined(package, self.tables, self.feature_tables.table_at, versions, what=what)


def looked_up(
    df: DataFrame, definition: Definition, spec: FeatureSpec, columns: Sequence[str], tables: UnityTables
) -> DataFrame:
    """What is defined, by this project's own join in Spark, of the versions that are asked for."""
    return as_frame(training_set.looked_up(df, definition, spec, columns, tables))


def _as_ours(vendor_spec: Any) -> FeatureSpec:
    """The vendor's feature spec, by way of the file that both can read."""
    with tempfile.TemporaryDirectory() as folder:
        vendor_spec.save(folder)
        return load_spec(Path(folder))
