"""Training sets of the local store, and the feature specs that are kept for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from feature_store.declare.arguments import check_data_frame, check_features, check_one_of, names
from feature_store.local.feature_tables import FeatureTables
from feature_store.tables.delta_tables import DeltaTables

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from feature_store.declare.feature import Feature
    from feature_store.declare.function import FeatureFunction
    from feature_store.declare.lookup import FeatureLookup
    from feature_store.join.definition import Definition
    from feature_store.package.contents import FeatureSpecInfo, Package
    from feature_store.package.training_set import LocalTrainingSet


class TrainingSets:
    """Training sets over the feature tables of a folder."""

    def __init__(self, tables: DeltaTables, feature_tables: FeatureTables) -> None:
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
    ) -> LocalTrainingSet:
        from feature_store.package import aggregated, feature_specs
        from feature_store.package.training_set import LocalTrainingSet, checked_spec

        check_one_of(feature_lookups=feature_lookups, feature_spec=feature_spec, features=features)
        check_data_frame(df)
        labels, excluded = names(label, "label", or_one=True), names(exclude_columns, "exclude_columns")
        if features is not None:
            return aggregated.create(df, features, labels, excluded, self.tables)
        if feature_lookups is not None:
            definition, left_out, extra = self._defined(feature_lookups, "feature_lookups"), list[str](), list[str]()
        else:
            package, info = feature_specs.load(feature_spec or "", self.tables)
            definition = self.packaged(package, {}, f"feature spec {info['name']} was made with")
            left_out = [column.name for column in package.spec.columns if not column.include]
            extra = info["extra_pip_requirements"]
        spec, definition = checked_spec(df, definition, labels, [*excluded, *left_out])
        return LocalTrainingSet(df, labels, spec, definition, self.tables, extra)

    def compute_features(self, *, features: Sequence[Feature]) -> DataFrame:
        from feature_store.package import aggregated

        return aggregated.compute_features(features, self.tables)

    def create_feature_spec(
        self,
        *,
        name: str,
        features: Sequence[FeatureLookup | FeatureFunction],
        exclude_columns: Sequence[str] | None = None,
        extra_pip_requirements: Sequence[str] | None = None,
    ) -> FeatureSpecInfo:
        from feature_store.package import feature_specs

        definition = self._defined(features, "features")
        excluded = names(exclude_columns, "exclude_columns")
        requirements = names(extra_pip_requirements, "extra_pip_requirements")
        return feature_specs.create(name, definition, excluded, requirements, self.tables)

    def delete_feature_spec(self, *, name: str) -> None:
        from feature_store.package import feature_specs

        feature_specs.delete(name, self.tables)

    def _defined(self, features: Sequence[FeatureLookup | FeatureFunction], what: str) -> Definition:
        from feature_store.join.definition import define

        tables = check_features(features, what)
        return define(
            features, {name: self.feature_tables.get_table(name=name) for name in tables}, self.tables.full_name
        )

    def packaged(self, package: Package, versions: Mapping[str, int], what: str) -> Definition:
        """What the package defines, once its tables are known to be those it was made with, as of ``versions``."""
        from feature_store.package.table_checks import still_defined

        return still_defined(package, self.tables, self.feature_tables.table_at, versions, what=what)
