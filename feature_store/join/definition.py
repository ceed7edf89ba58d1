"""Features as they are defined, whether by lookups and functions, by a stored feature spec or by a packaged model."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import StructType

from feature_store.declare.function import MOST_FUNCTIONS, FeatureFunction
from feature_store.declare.lookup import FeatureLookup
from feature_store.errors import Misuse, NotFound, listed, suggestion
from feature_store.join.columns import FeatureColumn, FunctionColumn
from feature_store.join.functions import ResolvedFunction, apply, output_type, resolved_function, spark_type
from feature_store.join.lookup_checks import check_key_types, grouped, lookup_columns, resolve
from feature_store.join.passes import Pass, needed, passes
from feature_store.join.point_in_time import join
from feature_store.join.resolved_lookup import ResolvedLookup
from feature_store.join.rows import Rows, as_frame
from feature_store.tables.protocol import Tables
from feature_store.tables.stored import StoredFeatureTable


@dataclass(frozen=True)
class Definition:
    """Looked-up ``columns``, the ``lookups`` that find them, and the ``functions`` that compute from them."""

    columns: Sequence[FeatureColumn]
    lookups: Sequence[ResolvedLookup]
    functions: Sequence[ResolvedFunction]
    stored: Mapping[str, StoredFeatureTable]

    @property
    def outputs(self) -> list[str]:
        """All columns that this defines: features, then functions."""
        return [*(one.name for one in self.columns), *(one.output for one in self.functions)]

    @property
    def tables_of_columns(self) -> Mapping[str, str]:
        """Each output, and the full name of the table or function that gives it."""
        return {column.name: column.table for column in self.columns} | {
            function.output: function.name for function in self.functions
        }

    def origins(self) -> Iterator[tuple[str, str]]:
        """Each output, and where it comes from, for a sentence; one that is defined twice comes twice."""
        for column in self.columns:
            yield column.name, f"{column.feature!r} of {column.table}"
        for function in self.functions:
            yield function.output, f"function {function.name}"

    def inputs(self) -> Iterator[tuple[str, str]]:
        """Each column that something is looked up by or computed from, and by what."""
        for lookup in self.lookups:
            yield from ((name, f"Lookup in {lookup.table}") for name in lookup.inputs)
        for function in self.functions:
            yield from ((name, f"Function {function.name}") for name in function.inputs)

    def only(self, wanted: Sequence[str], there: Sequence[str] = ()) -> "Definition":
        """What the ``wanted`` columns need, without what is ``there`` already."""
        functions = [one for one in self.functions if one.output not in there]
        missing = {name for lookup in self.lookups for name in lookup.output_names if name not in there}
        lookups = [one.only(missing) for one in self.lookups]
        lookups, functions = needed(wanted, lookups, functions)
        kept = {name for lookup in lookups for name in lookup.output_names}
        return replace(
            self, columns=[one for one in self.columns if one.name in kept], lookups=lookups, functions=functions
        )

    def passes(self, columns: Sequence[str]) -> list[Pass]:
        """The passes that compute this from ``columns``."""
        return passes(columns, self.lookups, self.functions)


def define(
    features: Sequence[FeatureLookup | FeatureFunction],
    stored: Mapping[str, StoredFeatureTable],
    full_name: Callable[[str], str],
) -> Definition:
    """What lookups and functions define; ``stored`` has the tables under the names that the lookups use.

    Raises
    ------
    Misuse
        If a lookup does not fit its table, or there are too many functions.
    """
    by_table = [
        (lookup_columns(one, stored[one.table_name]), stored[one.table_name])
        for one in features
        if isinstance(one, FeatureLookup)
    ]
    functions = [_resolved(one, full_name) for one in features if isinstance(one, FeatureFunction)]
    if len(functions) > MOST_FUNCTIONS:
        raise Misuse(f"There are {len(functions)} functions; at most {MOST_FUNCTIONS} are allowed. Join some of them.")
    code: dict[str, bytes | None] = {}
    for one in functions:
        if code.setdefault(one.name, one.code) != one.code:
            raise Misuse(f"Two different functions are called {one.name}. Rename one.")
    return Definition(
        columns=[column for columns, _ in by_table for column in columns],
        lookups=[resolve(columns, table) for columns, table in by_table],
        functions=functions,
        stored={table.name: table for _, table in by_table},
    )


def _resolved(function: FeatureFunction, full_name: Callable[[str], str]) -> ResolvedFunction:
    return resolved_function(function, full_name(function.udf_name))


def packaged(
    features: Sequence[FeatureColumn],
    functions: Sequence[FunctionColumn],
    code: Mapping[str, bytes],
    stored: Mapping[str, StoredFeatureTable],
) -> Definition:
    """What the columns of a package define; the tables are known to fit them, and are read at their versions."""
    return Definition(
        columns=features,
        lookups=[resolve(columns, stored[columns[0].table]) for columns in grouped(features)],
        functions=[
            ResolvedFunction(one.udf_name, one.name, tuple(one.bindings.items()), one.data_type, code.get(one.udf_name))
            for one in functions
        ],
        stored=stored,
    )


def function_columns(functions: Sequence[ResolvedFunction]) -> list[FunctionColumn]:
    """The functions as a feature spec has them."""
    return [
        FunctionColumn(name=one.output, data_type=one.data_type, udf_name=one.name, bindings=dict(one.bindings))
        for one in functions
    ]


def check_names(
    definition: Definition, *, given: Sequence[str] | None, labels: Sequence[str] = (), exclude: Sequence[str] = ()
) -> None:
    """Refuse outputs with a name that is taken, inputs that nothing gives, and exclusions of nothing.

    ``given`` are the data frame's columns without its labels; None if there is no data frame yet.

    Raises
    ------
    Misuse
        If a name is taken, a label would have to be known, an input or an excluded column does not exist.
    """
    _check_outputs(definition, given or [], labels)
    brought = [name for name, _ in definition.inputs()] if given is None else given
    columns = list(dict.fromkeys([*brought, *definition.outputs]))
    for name, reader in definition.inputs():
        if name in labels:
            raise Misuse(f"{reader}: the label {name!r} cannot be an input: it is not known when the model is asked.")
        if name not in columns:
            raise Misuse(
                f"{reader}: the data frame has no column {name!r}, and no feature is called so. {suggestion(name, columns)}"
            )
    for name in exclude:
        if name not in columns:
            raise NotFound(f"exclude_columns names {name!r}, which is no column. {suggestion(name, columns)}")
    if not [name for name in columns if name not in exclude]:
        raise Misuse(
            f"Nothing is left to train on: besides labels there are only excluded columns ({listed(exclude)}). "
            "Add lookups, or exclude less."
        )


def _check_outputs(definition: Definition, given: Sequence[str], labels: Sequence[str]) -> None:
    # Spark takes names that differ by case for one and the same.
    taken = {name.lower() for name in given}
    seen: dict[str, str] = {}
    for name, origin in definition.origins():
        lowered = name.lower()
        if lowered in (label.lower() for label in labels):
            raise Misuse(f"The label {name!r} has the name of a feature: {origin}. {_RENAME}")
        if lowered in taken:
            raise Misuse(
                f"The data frame already has a column {name!r}, which is also a feature: {origin}. Drop it. {_RENAME}"
            )
        if lowered in seen:
            raise Misuse(f"Two features are called {name!r}: {seen[lowered]} and {origin}. {_RENAME}")
        seen[lowered] = origin


_RENAME = "Or rename the feature: rename_outputs= of a lookup, output_name= of a function."


def with_types(definition: Definition, columns: StructType, spark: SparkSession) -> Definition:
    """``definition`` with the type of each function's output; key types are checked on the way, nothing is computed.

    Raises
    ------
    Misuse
        If a key is of another type than the table's, or Spark does not know a function.
    """
    known = StructType(list(columns.fields))
    kinds: dict[str, str] = {}
    for one_pass in definition.passes(columns.names):
        for one in one_pass:
            if isinstance(one, ResolvedLookup):
                table = definition.stored[one.table]
                check_key_types(one.pairs, known, table)
                for feature, name in one.outputs:
                    known = known.add(name, table.schema[feature].dataType)
            else:
                kinds[one.output] = output_type(one, known, spark)
                known = known.add(one.output, spark_type(kinds[one.output], f"Function {one.name} returns"))
    return replace(definition, functions=[replace(one, data_type=kinds[one.output]) for one in definition.functions])


def compute(df: DataFrame, steps: Sequence[Pass], tables: Tables) -> DataFrame | Rows:
    """``df`` with everything that the passes give; defaults are not filled in. Rows, if the last pass joins them here."""
    looked: DataFrame | Rows = df
    for one_pass in steps:
        lookups = [one for one in one_pass if isinstance(one, ResolvedLookup)]
        functions = [one for one in one_pass if isinstance(one, ResolvedFunction)]
        given = as_frame(looked)
        looked = join(given, lookups, tables) if lookups else apply(given, functions)
    return looked
