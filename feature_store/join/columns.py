"""The columns of a training set, and where each of them comes from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta


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
class FunctionColumn:
    """A computed column: ``bindings`` maps the parameters of the function, by its three-level name, to columns."""

    name: str
    data_type: str
    udf_name: str
    bindings: Mapping[str, str]
    include: bool = True


SpecColumn = SourceColumn | FeatureColumn | FunctionColumn


def needs(column: SpecColumn) -> list[str]:
    """The columns that ``column`` is looked up by, or computed from."""
    if isinstance(column, FunctionColumn):
        return list(dict.fromkeys(column.bindings.values()))
    if isinstance(column, FeatureColumn):
        return [*column.lookup_key, *([column.timestamp_lookup_key] if column.timestamp_lookup_key else [])]
    return []
