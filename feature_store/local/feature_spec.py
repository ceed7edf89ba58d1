"""``feature_spec.yaml``: which columns a packaged model takes, and where each of them comes from.

The file is the documented one of the vendor's client (serialization version 11), so that either side reads what the
other wrote. One addition, which the vendor's reader passes over: a column's own ``lookback_window``, written only where
two lookups in one table have different windows.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from io import StringIO
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from feature_store.errors import Misuse, listed

SERIALIZATION_VERSION = 11
CLIENT_VERSION = "0.18.2"
FILE_NAME = "feature_spec.yaml"


@dataclass(frozen=True, kw_only=True)
class SourceColumn:
    """A column that the caller brings; with ``include`` False it is a key that the model does not see."""

    name: str
    data_type: str
    include: bool = True


@dataclass(frozen=True, kw_only=True)
class FeatureColumn:
    """A looked-up column: ``name`` is its output name, ``feature`` its name in ``table``."""

    name: str
    data_type: str
    table: str
    feature: str
    lookup_key: Sequence[str]
    timestamp_lookup_key: str | None = None
    lookback: timedelta | None = None
    default: str | None = None
    include: bool = True


@dataclass(frozen=True, kw_only=True)
class FeatureSpec:
    """A model's columns in the order in which it takes them, and the ids of the tables they come from."""

    sources: Sequence[SourceColumn]
    features: Sequence[FeatureColumn]
    table_ids: Mapping[str, str]

    @property
    def included(self) -> list[str]:
        """What the model is given, in order."""
        return [one.name for one in self.sources if one.include] + [one.name for one in self.features if one.include]

    @property
    def required(self) -> list[str]:
        """What the caller must bring: source columns and lookup keys."""
        names = dict.fromkeys(column.name for column in self.sources)
        for feature in self.features:
            names.update(dict.fromkeys(feature.lookup_key))
            if feature.timestamp_lookup_key:
                names[feature.timestamp_lookup_key] = None
        return list(names)

    def save(self, folder: Path) -> None:
        """Write ``feature_spec.yaml`` into ``folder``."""
        yaml = YAML()
        yaml.default_flow_style = False
        with (folder / FILE_NAME).open("w", encoding="utf-8") as file:
            yaml.dump(self._document(), file)

    @classmethod
    def load(cls, folder: Path) -> "FeatureSpec":
        """Read ``feature_spec.yaml`` from ``folder``.

        Raises
        ------
        Misuse
            If there is none, or it is not a feature spec that can be scored here.
        """
        path = folder / FILE_NAME
        if not path.exists():
            raise Misuse(
                "The model was not packaged with features: it has no feature_spec.yaml. Log it with log_model()."
            )
        try:
            return cls._from_document(YAML(typ="safe").load(StringIO(path.read_text(encoding="utf-8"))))
        except (YAMLError, KeyError, TypeError, AttributeError, IndexError) as error:
            raise Misuse(
                f"The model's feature_spec.yaml cannot be read: {error!r} is missing or of another form."
            ) from error

    def _document(self) -> dict[str, object]:
        columns: list[tuple[str, dict[str, object]]] = [(one.name, _source_entry(one)) for one in self.sources]
        own_windows = self._tables_with_several_windows()
        columns += [(one.name, _feature_entry(one, one.table in own_windows)) for one in self.features]
        kinds = {one.name: 0 for one in self.sources} | {one.name: 1 for one in self.features}
        ranks = {name: rank for rank, name in enumerate(sorted(kinds, key=lambda name: (kinds[name], name)))}
        for name, entry in columns:
            kind = entry.pop("source")
            entry["topological_ordering"] = ranks[name]
            entry["source"] = kind
        return {
            "input_columns": [{name: entry} for name, entry in columns],
            "feature_store_client_version": CLIENT_VERSION,
            "input_tables": [{name: self._table_entry(name)} for name in sorted({one.table for one in self.features})],
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
    def _from_document(cls, document: Mapping[str, list[dict[str, dict[str, object]]]]) -> "FeatureSpec":
        tables = {name: entry or {} for one in document.get("input_tables") or [] for name, entry in one.items()}
        sources: list[SourceColumn] = []
        features: list[FeatureColumn] = []
        for one in document["input_columns"]:
            ((name, entry),) = one.items()
            kind = entry["source"]
            if kind == "training_data":
                sources.append(
                    SourceColumn(name=name, data_type=str(entry.get("data_type", "")), include=_included(entry))
                )
            elif kind == "feature_store":
                features.append(_feature_column(name, entry, tables.get(str(entry["table_name"]), {})))
            else:
                raise Misuse(
                    f"The model's column {name!r} comes from {kind!r}; this store scores: {listed(['training_data', 'feature_store'])}."
                )
        ids = {name: str(entry.get("table_id", "")) for name, entry in tables.items()}
        return cls(sources=sources, features=features, table_ids=ids)


def _source_entry(column: SourceColumn) -> dict[str, object]:
    entry: dict[str, object] = {"data_type": column.data_type}
    return entry | ({} if column.include else {"include": False}) | {"source": "training_data"}


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
    entry["data_type"] = column.data_type
    return entry | ({} if column.include else {"include": False}) | {"source": "feature_store"}


def _feature_column(name: str, entry: Mapping[str, object], table: Mapping[str, object]) -> FeatureColumn:
    seconds = entry.get("lookback_window", table.get("lookback_window"))
    moments = entry.get("timestamp_lookup_key") or [None]
    keys = entry["lookup_key"]
    assert isinstance(keys, list)
    assert isinstance(moments, list)
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
