"""What a model is given besides what it is asked about: each column, the tables behind it, and how training makes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from feature_store.declare.function import FeatureFunction
from feature_store.join.columns import FeatureColumn, FunctionColumn, needs

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from feature_store import FeatureLookup, FeatureStore
    from feature_store.package.contents import Package
    from feature_store.package.protocol import TrainingSet
    from inference.spec import ScoringSpec


@dataclass(frozen=True)
class Input:
    """A column that is looked up, computed by a function or aggregated; ``tables`` are all those that it is made of.

    Not ``is_given`` if the model does not see it: it is only what something else is made of.
    """

    name: str
    tables: Sequence[str]
    is_given: bool = True


@dataclass(frozen=True)
class Inputs:
    """The columns that a packaged model does not ask its caller for."""

    package: Package

    @classmethod
    def of(cls, uri: str) -> Inputs:
        """Those of a registered model.

        Raises
        ------
        NotFound, Misuse
            If there is no such model, or what it carries cannot be read.
        """
        from feature_store.package.contents import Package
        from feature_store.package.packaging import packaged_folder

        return cls(Package.load(packaged_folder(uri)))

    def columns(self, store: FeatureStore) -> list[Input]:
        """All of them, in the model's order."""
        from feature_store.package.aggregated import tables_of
        from feature_store.package.declared_spec import DeclaredSpec

        spec = self.package.spec
        if isinstance(spec, DeclaredSpec):
            return [Input(one.name, tables_of([one], store.tables)) for one in spec.declared]
        return [Input(one.name, self._behind(one), one.include) for one in spec.computed]

    def _behind(self, column: FeatureColumn | FunctionColumn) -> list[str]:
        """The table that the column is looked up in, and those of what it is looked up by, or computed from."""
        own = [column.table] if isinstance(column, FeatureColumn) else []
        made = {one.name: one for one in self.package.spec.computed}
        others = [table for name in needs(column) if name in made for table in self._behind(made[name])]
        return list(dict.fromkeys([*own, *others]))

    def training_set(self, store: FeatureStore, spec: ScoringSpec, df: DataFrame) -> TrainingSet:
        """What training makes of ``df`` today: by the lookups that the module declares, and the model's own functions.

        Functions are left out of what the declared lookups do not give. A model of aggregated features has no lookups.
        """
        from feature_store.package.declared_spec import DeclaredSpec

        if isinstance(self.package.spec, DeclaredSpec):
            return store.create_training_set(df=df, features=self.package.spec.declared, label=None)
        lookups: list[FeatureLookup | FeatureFunction] = list(spec.training.lookups)
        found = store.create_training_set(df=df, feature_lookups=lookups, label=None)
        functions = self._computable({*df.columns, *found.origins})
        return (
            store.create_training_set(df=df, feature_lookups=[*lookups, *functions], label=None) if functions else found
        )

    def _computable(self, there: set[str]) -> list[FeatureFunction]:
        """The model's functions that can be computed from these columns, and from one another."""
        found: list[FeatureFunction] = []
        left = [one for one in self.package.spec.functions if one.name not in there]
        while ready := [one for one in left if there.issuperset(needs(one))]:
            found += [self._function(one) for one in ready]
            there = there | {one.name for one in ready}
            left = [one for one in left if one not in ready]
        return found

    def _function(self, column: FunctionColumn) -> FeatureFunction:
        from feature_store.join.functions import unpickled

        code = self.package.code.get(column.udf_name)
        if code is None:
            return FeatureFunction(
                udf_name=column.udf_name, input_bindings=column.bindings, output_name=column.name
            )  # fmt: skip
        return FeatureFunction(
            udf_name=unpickled(code), input_bindings=column.bindings, output_name=column.name, returns=column.data_type
        )  # fmt: skip
