"""This project's lookups in the vendor's terms, and rows without a moment taken past the vendor's join.

The client's default join drops the rows of the data frame that have no timestamp. They are given the first moment there
is, before which no feature was known, and get their null back afterwards.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from feature_store.declare.function import FeatureFunction
from feature_store.declare.lookup import FeatureLookup
from feature_store.errors import Misuse, NotFound, listed
from feature_store.join.definition import Definition
from feature_store.package.feature_spec import FeatureSpec
from feature_store.tables.protocol import Tables
from feature_store.tables.stored import StoredFeatureTable

_FIRST = {"timestamp": "TIMESTAMP'0001-01-01 00:00:00'", "date": "DATE'0001-01-01'"}

_OURS = (
    "On Databricks a feature function is a function of Unity Catalog; {} is Python code. "
    "Register it there (CREATE FUNCTION ... LANGUAGE PYTHON) and give its three-level name."
)


@dataclass(frozen=True)
class Moments:
    """The columns that a data frame is looked up as of, and their types."""

    types: Mapping[str, str]

    @classmethod
    def of(cls, df: DataFrame, spec: FeatureSpec) -> "Moments":
        """The columns by which ``spec`` looks features up in time, as far as ``df`` has them."""
        names = dict.fromkeys(one.timestamp_lookup_key for one in spec.features if one.timestamp_lookup_key)
        kinds = {name: df.schema[name].dataType.simpleString() for name in names if name in df.columns}
        return cls({name: kind for name, kind in kinds.items() if kind in _FIRST})

    def fill(self, df: DataFrame) -> DataFrame:
        """``df`` with the first moment there is in the place of none."""
        return df.withColumns({name: F.coalesce(F.col(f"`{name}`"), first) for name, first in self._firsts()})

    def put_back(self, df: DataFrame) -> DataFrame:
        """``df`` with null again, and with the types that the columns came with: a join can make a time of a date."""
        there = [(name, first) for name, first in self._firsts() if name in df.columns]
        return df.withColumns(
            {name: F.nullif(F.col(f"`{name}`").cast(self.types[name]), first) for name, first in there}
        )

    def _firsts(self) -> Iterable[tuple[str, Column]]:
        return [(name, F.expr(_FIRST[kind])) for name, kind in self.types.items()]


def vendor_feature(
    feature: FeatureLookup | FeatureFunction, stored: Mapping[str, StoredFeatureTable], tables: Tables
) -> Any:
    """The vendor's lookup or function for a checked one.

    All features are named one by one, since the vendor's own order of "all of them" is the alphabet's.
    """
    if isinstance(feature, FeatureFunction):
        return _vendor_function(feature)
    name = tables.full_name(feature.table_name)
    return _vendor_lookup(feature, name, list(feature.feature_names) or stored[name].feature_columns)


def vendor_words(features: Any) -> Any:
    """A list in which this project's lookups and functions are the vendor's, name by name; anything else as it is.

    Raises
    ------
    Misuse
        If a function is not one of Unity Catalog.
    """

    def word(feature: Any) -> Any:
        if isinstance(feature, FeatureLookup):
            return _vendor_lookup(feature, feature.table_name, list(feature.feature_names) or None)
        if not isinstance(feature, FeatureFunction):
            return feature
        if feature.function is not None:
            raise Misuse(_OURS.format(feature.udf_name))
        return _vendor_function(feature)

    return [word(one) for one in features] if isinstance(features, list | tuple) else features


def _vendor_function(feature: FeatureFunction) -> Any:
    from databricks.feature_engineering import FeatureFunction as VendorFunction

    return VendorFunction(
        udf_name=feature.udf_name, input_bindings=dict(feature.input_bindings), output_name=feature.output_name
    )


def _vendor_lookup(feature: FeatureLookup, name: str, features: list[str] | None) -> Any:
    from databricks.feature_engineering import FeatureLookup as VendorLookup

    return VendorLookup(
        table_name=name,
        lookup_key=list(feature.lookup_key),
        feature_names=features,
        rename_outputs=dict(feature.rename_outputs) or None,
        timestamp_lookup_key=feature.timestamp_lookup_key,
        lookback_window=feature.lookback_window,
        default_values={name: value for name, value in feature.default_values.items() if value != ""} or None,
    )


def check_expressible(definition: Definition) -> None:
    """Refuse what the vendor's client has no words for.

    Raises
    ------
    Misuse
        If two lookups in one table have different windows, or a function is not one of Unity Catalog.
    """
    windows: dict[str, set[object]] = defaultdict(set)
    for lookup in definition.lookups:
        windows[lookup.table].add(lookup.lookback)
    for table, found in windows.items():
        if len(found) > 1:
            raise Misuse(
                f"On Databricks a table has one lookback_window for all its lookups in a training set; {table} has "
                f"{len(found)}. Use one, or copy the table."
            )
    ours = [one.name for one in definition.functions if one.code is not None]
    if ours:
        raise Misuse(_OURS.format(listed(ours)))


def check_keys_are_kept(definition: Definition, excluded: Sequence[str]) -> None:
    """Refuse to exclude what a stored feature spec looks up by: the client then loses it altogether.

    Raises
    ------
    Misuse
        If an excluded column is an input of a lookup or a function.
    """
    needed = {name for name, _ in definition.inputs()}
    both = [name for name in excluded if name in needed]
    if both:
        raise Misuse(
            f"On Databricks {listed(both)} cannot be excluded here: the feature spec looks up by it. "
            "Give feature_lookups instead, or drop the column before the model is fitted."
        )


@contextmanager
def saying_not_found(text: str) -> Iterator[None]:
    """Turn what the servers reply for something that does not exist into ``text``."""
    try:
        yield
    except Exception as error:
        if "DOES_NOT_EXIST" in str(error):
            raise NotFound(f"{text} List what exists in Catalog Explorer.") from error
        raise
