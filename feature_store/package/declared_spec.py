"""The spec of a model whose features are declared as aggregates, and not looked up in feature tables.

``feature_spec.yaml`` is then of the documented declarative form: the columns that the caller brings, and the full names
of the features. What the features are stands beside it, in our own ``features.json``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from feature_store.declare.feature import Feature, sources_of
from feature_store.errors import Misuse, listed
from feature_store.join.columns import FeatureColumn, SourceColumn
from feature_store.package import feature_file
from feature_store.package.feature_spec import CLIENT_VERSION, SERIALIZATION_VERSION, FeatureSpec


@dataclass(frozen=True, kw_only=True)
class DeclaredSpec(FeatureSpec):
    """:class:`FeatureSpec` of the ``declared`` features, in order; ``place`` is the catalog and schema of their names.

    In ``features``, the table of a column is the (first) one that its source reads, and its name there the input.
    """

    declared: Sequence[Feature] = field(default_factory=list)
    place: str = ""

    def save(self, folder: Path) -> None:
        """Write ``feature_spec.yaml`` and ``features.json`` into ``folder``."""
        super().save(folder)
        feature_file.save(self.declared, folder, place=self.place)

    def _document(self) -> dict[str, object]:
        columns = [
            {one.name: {"source": "training_data", "include": one.include, "data_type": one.data_type}}
            for one in self.sources
        ]
        return {
            "input_columns": columns,
            "features": [f"{self.place}.{one.name}" for one in self.declared],
            "workspace_id": 0,  # the documented reader wants one; there is no workspace here
            "feature_store_client_version": CLIENT_VERSION,
            "serialization_version": SERIALIZATION_VERSION,
        }


def load(folder: Path, document: Mapping[str, Any]) -> DeclaredSpec:
    """The spec in ``folder``, whose ``feature_spec.yaml`` holds ``document``.

    Raises
    ------
    Misuse
        If the features are not declared here, or are others than the spec names.
    """
    declared = feature_file.load(folder)
    names = [str(name).rpartition(".") for name in document["features"]]
    if [name for _, _, name in names] != [feature.name for feature in declared]:
        raise Misuse(
            f"The model's feature_spec.yaml names the features {listed(name for _, _, name in names)}, and its "
            f"{feature_file.FILE_NAME} {listed(feature.name for feature in declared)}. The package is damaged."
        )
    sources = [
        SourceColumn(name=name, data_type=str(entry["data_type"]), include=bool(entry.get("include", True)))
        for one in document["input_columns"]
        for name, entry in one.items()
    ]
    place = names[0][0] if names else ""
    return spec_of(declared, sources, dict.fromkeys((one.name for one in declared), ""), place)


def spec_of(
    declared: Sequence[Feature], sources: Sequence[SourceColumn], types: Mapping[str, str], place: str
) -> DeclaredSpec:
    """The spec of ``declared`` features, of these types, in a frame with these columns."""
    columns = [
        FeatureColumn(
            name=one.name,
            data_type=types[one.name],
            table=feature_file.table_name(sources_of(one.source)[0], place),
            feature=one.function.operator.input,
            lookup_key=list(one.entity),
            timestamp_lookup_key=one.timeseries_column,
        )
        for one in declared
    ]
    return DeclaredSpec(sources=sources, features=columns, table_ids={}, declared=declared, place=place)
