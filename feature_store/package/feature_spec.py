"""``feature_spec.yaml``: which columns a packaged model takes, and where each of them comes from.

The file is the documented one of the vendor's client (serialization version 11), so that either side reads what the
other wrote. One addition, which the vendor's reader passes over: a column's own ``lookback_window``, written only where
two lookups in one table have different windows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from operator import attrgetter
from pathlib import Path

import yaml

from feature_store.errors import Misuse, listed
from feature_store.join.columns import FeatureColumn, FunctionColumn, SourceColumn, SpecColumn, needs
from feature_store.join.ordering import ordered

SERIALIZATION_VERSION = 11
CLIENT_VERSION = "0.18.2"
FILE_NAME = "feature_spec.yaml"
KINDS = ("training_data", "feature_store", "on_demand_feature")


@dataclass(frozen=True, kw_only=True)
class FeatureSpec:
    """A model's columns in the order in which it takes them, and the ids of the tables they come from."""

    sources: Sequence[SourceColumn]
    features: Sequence[FeatureColumn]
    table_ids: Mapping[str, str]
    functions: Sequence[FunctionColumn] = field(default_factory=list)

    @property
    def columns(self) -> list[SpecColumn]:
        """All columns: those that the caller brings, those looked up, those computed."""
        return [*self.sources, *self.computed]

    @property
    def computed(self) -> list[FeatureColumn | FunctionColumn]:
        """The columns that the caller does not bring."""
        return [*self.features, *self.functions]

    @property
    def included(self) -> list[str]:
        """What the model is given, in order."""
        return [one.name for one in self.columns if one.include]

    @property
    def required(self) -> list[str]:
        """What the caller must bring: source columns, and the lookup keys and function inputs that nothing else gives."""
        made = {column.name for column in self.computed}
        names = dict.fromkeys(column.name for column in self.sources)
        for column in self.computed:
            names.update(dict.fromkeys(name for name in needs(column) if name not in made))
        return list(names)

    def save(self, folder: Path) -> None:
        """Write ``feature_spec.yaml`` into ``folder``."""
        # By the package that the vendor's client reads it with: to another one, a column called `no` is a plain word.
        text = yaml.dump(self._document(), Dumper=yaml.SafeDumper, sort_keys=False, allow_unicode=True)
        (folder / FILE_NAME).write_text(text, encoding="utf-8")

    def _document(self) -> dict[str, object]:
        columns: list[tuple[str, dict[str, object]]] = [
            (one.name, _kind(one.data_type, one.include, "training_data")) for one in self.sources
        ]
        own_windows = self._tables_with_several_windows()
        columns += [(one.name, _feature_entry(one, one.table in own_windows)) for one in self.features]
        columns += [(one.name, _function_entry(one)) for one in self.functions]
        by_name: list[SpecColumn] = []
        for one_kind in (self.sources, self.features, self.functions):
            by_name += sorted(one_kind, key=attrgetter("name"))
        ranks = {name: rank for rank, name in enumerate(ordered({column.name: needs(column) for column in by_name}))}
        for name, entry in columns:
            kind = entry.pop("source")
            entry["topological_ordering"] = ranks[name]
            entry["source"] = kind
        functions = sorted({one.udf_name for one in self.functions})
        return {
            "input_columns": [{name: entry} for name, entry in columns],
            "feature_store_client_version": CLIENT_VERSION,
            "input_tables": [{name: self._table_entry(name)} for name in sorted({one.table for one in self.features})],
            **({"input_functions": [{name: {}} for name in functions]} if functions else {}),
            "serialization_version": SERIALIZATION_VERSION,
        }

    def _table_entry(self, table: str) -> dict[str, object]:
        windows = [one.lookback for one in self.features if one.table == table and one.lookback is not None]
        entry: dict[str, object] = {"table_id": self.table_ids[table]}
        return entry | ({"lookback_window": min(windows).total_seconds()} if windows else {})

    def _tables_with_several_windows(self) -> set[str]:
        windows: dict[str, set[timedelta | None]] = {}
        for column in self.features:
            windows.setdefault(column.table, set()).add(column.lookback)
        return {table for table, found in windows.items() if len(found) > 1}

    @classmethod
    def from_document(cls, document: Mapping[str, list[dict[str, dict[str, object]]]]) -> "FeatureSpec":
        """The spec that ``feature_spec.yaml`` holds."""
        tables = {name: entry or {} for one in document.get("input_tables") or [] for name, entry in one.items()}
        sources: list[SourceColumn] = []
        features: list[FeatureColumn] = []
        functions: list[FunctionColumn] = []
        for one in document["input_columns"]:
            ((name, entry),) = one.items()
            kind = entry["source"]
            if kind == "training_data":
                sources.append(
                    SourceColumn(name=name, data_type=str(entry.get("data_type", "")), include=_included(entry))
                )
            elif kind == "feature_store":
                features.append(_feature_column(name, entry, tables.get(str(entry["table_name"]), {})))
            elif kind == "on_demand_feature":
                functions.append(_function_column(name, entry))
            else:
                raise Misuse(f"The model's column {name!r} comes from {kind!r}; this store scores: {listed(KINDS)}.")
        ids = {name: str(entry.get("table_id", "")) for name, entry in tables.items()}
        return cls(sources=sources, features=features, functions=functions, table_ids=ids)


def _feature_entry(column: FeatureColumn, own_window: bool) -> dict[str, object]:
    entry: dict[str, object] = {
        "table_name": column.table,
        "feature_name": column.feature,
        "lookup_key": list(column.lookup_key),
    }
    if column.timestamp_lookup_key:
        entry["timestamp_lookup_key"] = [column.timestamp_lookup_key]
    if own_window:
        entry["lookback_window"] = column.lookback.total_seconds() if column.lookback is not None else None
    if column.default is not None:
        entry["default_value"] = column.default
    return entry | _kind(column.data_type, column.include, "feature_store")


def _function_entry(column: FunctionColumn) -> dict[str, object]:
    entry: dict[str, object] = {"udf_name": column.udf_name, "input_bindings": dict(column.bindings)}
    return entry | _kind(column.data_type, column.include, "on_demand_feature")


def _kind(data_type: str, include: bool, source: str) -> dict[str, object]:
    known: dict[str, object] = {"data_type": data_type} if data_type else {}
    return known | ({} if include else {"include": False}) | {"source": source}


def _function_column(name: str, entry: Mapping[str, object]) -> FunctionColumn:
    bindings = entry.get("input_bindings") or {}
    if not isinstance(bindings, dict):
        raise TypeError(f"input_bindings of {name}")
    return FunctionColumn(
        name=name,
        data_type=str(entry.get("data_type", "")),
        udf_name=str(entry["udf_name"]),
        bindings={str(parameter): str(column) for parameter, column in bindings.items()},
        include=_included(entry),
    )


def _feature_column(name: str, entry: Mapping[str, object], table: Mapping[str, object]) -> FeatureColumn:
    seconds = entry.get("lookback_window", table.get("lookback_window"))
    moments = entry.get("timestamp_lookup_key") or [None]
    keys = entry["lookup_key"]
    if not isinstance(keys, list) or not isinstance(moments, list):
        raise TypeError(f"lookup_key or timestamp_lookup_key of {name}")
    return FeatureColumn(
        name=name,
        data_type=str(entry.get("data_type", "")),
        table=str(entry["table_name"]),
        feature=str(entry["feature_name"]),
        lookup_key=[str(key) for key in keys],
        timestamp_lookup_key=moments[0],
        lookback=timedelta(seconds=float(str(seconds))) if seconds is not None else None,
        default=str(entry["default_value"]) if entry.get("default_value") is not None else None,
        include=_included(entry),
    )


def _included(entry: Mapping[str, object]) -> bool:
    return bool(entry.get("include", True))
