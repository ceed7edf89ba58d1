"""A feature lookup: which features of which table, by which columns of the data frame, as of which moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from feature_store.declare.table import FeatureTable
from feature_store.errors import Misuse, WrongKind

DefaultValue = bool | int | float | str


@dataclass(frozen=True, init=False)
class FeatureLookup:
    """Look features up by key and, for a table with a timeseries column, as of a moment.

    ``lookup_key`` names the data frame's columns in the order of the table's keys (the timeseries column aside).
    ``feature_names`` None means all features, in the table's order. ``lookback_window`` is inclusive: a value exactly
    that old still counts. ``default_values`` fill missing rows and null values, keyed by output name.
    ``feature_name`` and ``output_name``, the vendor's former words for one feature, are understood.

    Raises
    ------
    Misuse, WrongKind
        If the lookup contradicts itself or, for a declared table, the table.
    """

    table_name: str
    table: FeatureTable | None
    lookup_key: tuple[str, ...]
    feature_names: tuple[str, ...]
    rename_outputs: Mapping[str, str]
    timestamp_lookup_key: str | None
    lookback_window: timedelta | None
    default_values: Mapping[str, DefaultValue]

    def __init__(
        self,
        table_name: FeatureTable | str,
        lookup_key: str | Sequence[str],
        *,
        feature_names: str | Sequence[str] | None = None,
        rename_outputs: Mapping[str, str] | None = None,
        timestamp_lookup_key: str | Sequence[str] | None = None,
        lookback_window: timedelta | None = None,
        default_values: Mapping[str, DefaultValue] | None = None,
        feature_name: str | None = None,
        output_name: str | None = None,
    ) -> None:
        if feature_name is not None and not feature_names:
            feature_names, rename_outputs = feature_name, {feature_name: output_name} if output_name else rename_outputs
        elif feature_name is not None or output_name is not None:
            raise Misuse(
                "feature_name= and output_name= are the former way to name one feature. Write feature_names= and rename_outputs=."
            )
        if not isinstance(table_name, FeatureTable | str):
            raise WrongKind(f"A lookup's table is a FeatureTable or its name, not {type(table_name).__name__}.")
        declared = table_name if isinstance(table_name, FeatureTable) else None
        assign = object.__setattr__
        assign(self, "table", declared)
        assign(self, "table_name", declared.name if declared else table_name)
        assign(self, "lookup_key", _names(lookup_key, "lookup_key"))
        assign(self, "feature_names", _names(feature_names, "feature_names"))
        assign(self, "rename_outputs", dict(rename_outputs or {}))
        assign(self, "timestamp_lookup_key", _one_name(timestamp_lookup_key))
        assign(self, "lookback_window", lookback_window)
        assign(self, "default_values", dict(default_values or {}))
        self._check()

    def _check(self) -> None:
        where = f"Lookup in {self.table_name!r}"
        if not self.lookup_key:
            raise Misuse(f"{where} has no lookup_key.")
        if self.lookback_window is not None:
            if not isinstance(self.lookback_window, timedelta):
                raise WrongKind(f"{where}: lookback_window is a timedelta, not {type(self.lookback_window).__name__}.")
            if self.lookback_window < timedelta(0):
                raise Misuse(f"{where}: lookback_window cannot be negative.")
            if self.timestamp_lookup_key is None:
                raise Misuse(f"{where}: lookback_window needs a timestamp_lookup_key.")
        for name, value in self.default_values.items():
            if not isinstance(value, bool | int | float | str):
                raise Misuse(
                    f"{where}: the default of {name!r} is a {type(value).__name__}; it must be a number, a boolean or a text."
                )

    def output_name(self, feature: str) -> str:
        """The name under which ``feature`` appears in the training set."""
        return self.rename_outputs.get(feature, feature)


def _names(given: str | Sequence[str] | None, what: str) -> tuple[str, ...]:
    if given is None or given == "":
        return ()
    names = (given,) if isinstance(given, str) else tuple(given)
    if not all(isinstance(name, str) and name for name in names):
        raise WrongKind(f"{what} is a column name or a list of column names, not {given!r}.")
    return names


def _one_name(given: str | Sequence[str] | None) -> str | None:
    names = _names(given, "timestamp_lookup_key")
    if len(names) > 1:
        raise Misuse(f"timestamp_lookup_key names {len(names)} columns ({', '.join(names)}); it must be one.")
    return names[0] if names else None
