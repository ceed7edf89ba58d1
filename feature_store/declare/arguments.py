"""What both stores take as arguments: names and lists of features, or one sentence that says what was given instead."""

from collections.abc import Sequence

from feature_store.declare.function import FeatureFunction
from feature_store.declare.lookup import FeatureLookup
from feature_store.errors import Misuse, WrongKind, listed


def names(given: str | Sequence[str] | None, what: str, *, or_one: bool = False) -> list[str]:
    """``given`` as a list of names; a single name only where one may stand for a list.

    Raises
    ------
    WrongKind
        If it is something else.
    """
    if isinstance(given, str) and or_one:
        return [given]
    if isinstance(given, str):
        raise WrongKind(f"{what} is a list of names. Write [{given!r}].")
    if given is None:
        return []
    if not isinstance(given, list | tuple) or not all(isinstance(name, str) for name in given):
        raise WrongKind(f"{what} is a list of names, not {given!r}.")
    return list(given)


def check_features(features: Sequence[FeatureLookup | FeatureFunction], what: str) -> list[str]:
    """The tables that the lookups among ``features`` name, each once.

    Raises
    ------
    WrongKind
        If this is no list of lookups and functions.
    """
    if not isinstance(features, list | tuple):
        raise WrongKind(f"{what} is a list of FeatureLookup and FeatureFunction, not a {type(features).__name__}.")
    for feature in features:
        if not isinstance(feature, FeatureLookup | FeatureFunction):
            kind = type(feature).__name__
            raise WrongKind(f"{what} is a list of FeatureLookup and FeatureFunction, and has a {kind}.")
    return list(dict.fromkeys(one.table_name for one in features if isinstance(one, FeatureLookup)))


def check_one_of(**given: object) -> None:
    """Refuse none and several of the ways to say what a training set is made of.

    Raises
    ------
    Misuse
        If not exactly one is given.
    """
    there = [name for name, value in given.items() if value is not None]
    if len(there) != 1:
        raise Misuse(
            f"A training set is made of one of {listed(given)}, and {'several were' if there else 'none was'} given"
            f"{': ' + listed(there) if there else ''}. Give one of them; feature_lookups=[] means no features."
        )


def check_data_frame(df: object) -> None:
    """Refuse what is no data frame of Spark's, and one whose columns cannot be told apart.

    Raises
    ------
    Misuse, WrongKind
        If it is one of another library, or two of its columns have the same name but for case.
    """
    from pyspark.sql import DataFrame

    if not isinstance(df, DataFrame):
        kind = f"{type(df).__module__.split('.')[0]} {type(df).__name__}"
        raise WrongKind(f"df is a Spark data frame, not a {kind}. Convert it: spark.createDataFrame(df).")
    seen: dict[str, str] = {}
    for name in df.columns:
        if seen.setdefault(name.lower(), name) != name or df.columns.count(name) > 1:
            raise Misuse(f"The data frame has two columns that are called {name!r}, but for case. Rename or drop one.")
