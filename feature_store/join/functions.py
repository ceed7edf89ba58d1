"""Feature functions at work: all functions of a pass run in one Arrow user-defined function, on their inputs alone.

What runs in training is what is packaged: the function is pickled by value when the training set is made, with
everything it refers to in its own module, and a later edit of that module changes no model that exists.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Any, cast

import cloudpickle
import pandas as pd
import pyarrow as pa
from pyspark.errors import AnalysisException, ParseException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.functions import arrow_udf
from pyspark.sql.pandas.types import to_arrow_type
from pyspark.sql.types import DataType, StructType

from feature_store.declare.function import FeatureFunction
from feature_store.errors import Misuse, NotFound

_OUTPUTS = "__outputs"
_UNKNOWN = ("UNRESOLVED_ROUTINE", "REQUIRES_SINGLE_PART_NAMESPACE", "CATALOG_NOT_FOUND", "_CATALOG_NOT_FOUND")


@dataclass(frozen=True)
class ResolvedFunction:
    """A function by its three-level ``name``; ``bindings`` pairs its parameters with columns.

    ``code`` is the pickled Python function, None if Spark is to know a function of that name. ``data_type`` is Spark's
    short name of its type, ``""`` as long as it has not been asked for.
    """

    name: str
    output: str
    bindings: tuple[tuple[str, str], ...]
    data_type: str
    code: bytes | None

    @property
    def inputs(self) -> list[str]:
        """The columns that it reads."""
        return [column for _, column in self.bindings]

    @property
    def output_names(self) -> list[str]:
        """What it gives: one column."""
        return [self.output]


def resolved_function(function: FeatureFunction, full_name: str) -> ResolvedFunction:
    """``function`` ready to run and to be packaged.

    Raises
    ------
    Misuse
        If it cannot be pickled, or returns no type of Spark's.
    """
    data_type, code = "", None
    if function.function is not None:
        code = _pickled(function.function, full_name)
        data_type = spark_type(str(function.returns), f"Function {full_name} returns").simpleString()
    return ResolvedFunction(full_name, function.output_name, tuple(function.input_bindings.items()), data_type, code)


def spark_type(text: str, what: str) -> DataType:
    """The type that Spark calls ``text``.

    Raises
    ------
    Misuse
        If it calls none so.
    """
    try:
        declared = StructType.fromDDL(f"value {text}")
        if not isinstance(declared, StructType) or declared.names != ["value"]:
            raise ValueError(text)
        return declared["value"].dataType
    except (ParseException, ValueError):
        raise Misuse(
            f"{what} {text!r}, which is no type of Spark's. Write double, bigint, string, boolean, timestamp, …."
        ) from None


def _pickled(function: Callable[..., pd.Series], name: str) -> bytes:
    module = sys.modules.get(function.__module__)
    registered = cloudpickle.list_registry_pickle_by_value()
    by_reference = module is not None and module.__name__ != "__main__" and module.__name__ not in registered
    try:
        if by_reference:
            cloudpickle.register_pickle_by_value(module)
        return cast("bytes", cloudpickle.dumps(function))
    except Exception as error:  # whatever an object that refuses to be pickled may raise
        raise Misuse(
            f"Function {name} cannot be packaged: {error}. It must not hold a session, a connection or an open file."
        ) from error
    finally:
        if by_reference:
            cloudpickle.unregister_pickle_by_value(module)


def output_type(function: ResolvedFunction, columns: StructType, spark: SparkSession) -> str:
    """The Spark type of the output, asked of Spark where the function is a registered one; nothing is computed."""
    if function.code is not None:
        return function.data_type
    empty = spark.createDataFrame([], columns)
    return empty.select(_registered(function, empty).alias("value")).schema["value"].dataType.simpleString()


def apply(df: DataFrame, functions: Sequence[ResolvedFunction]) -> DataFrame:
    """``df`` with the outputs of ``functions``, each of which finds its inputs in ``df`` or among those before it."""
    for is_python, group in groupby(functions, key=lambda one: one.code is not None):
        if is_python:
            df = _in_python(df, list(group))
        else:
            for one in group:
                df = df.withColumn(one.output, _registered(one, df))
    return df


def _in_python(df: DataFrame, functions: Sequence[ResolvedFunction]) -> DataFrame:
    """All at once: only their inputs cross to Python and only their outputs come back, as one struct."""
    made = {one.output for one in functions}
    inputs = list(dict.fromkeys(name for one in functions for name in one.inputs if name not in made))
    types = {one.output: spark_type(one.data_type, f"Function {one.name} returns") for one in functions}
    schema = StructType()
    for name, data_type in types.items():
        schema = schema.add(name, data_type)
    arrow = {name: to_arrow_type(data_type, timezone="UTC") for name, data_type in types.items()}

    def evaluate(*columns: pa.Array) -> pa.Array:
        outputs = run(functions, dict(zip(inputs, columns, strict=True)), arrow)
        return pa.StructArray.from_arrays(list(outputs.values()), names=list(outputs))

    in_arrow = arrow_udf(evaluate, schema)  # type: ignore[call-overload]
    outputs = in_arrow(*(F.col(f"`{name}`") for name in inputs))
    names = [F.col(f"`{name}`") for name in df.columns]
    given = df.select(*names, outputs.alias(_OUTPUTS))
    return given.select(*names, *(F.col(f"{_OUTPUTS}.`{one.output}`").alias(one.output) for one in functions))


def run(
    functions: Sequence[ResolvedFunction], columns: Mapping[str, pa.Array], types: Mapping[str, pa.DataType]
) -> dict[str, pa.Array]:
    """The outputs of one batch, from its input columns.

    Raises
    ------
    Misuse
        If a function does not give a Series of one value of the declared type per row.
    """
    series = {name: column.to_pandas() for name, column in columns.items()}
    rows = len(next(iter(columns.values())))
    outputs = {}
    for one in functions:
        assert one.code is not None
        result = unpickled(one.code)(**{parameter: series[column] for parameter, column in one.bindings})
        if not isinstance(result, pd.Series) or len(result) != rows:
            what = f"{len(result)} values" if isinstance(result, pd.Series) else f"a {type(result).__name__}"
            raise Misuse(f"Function {one.name} gave {what} for {rows} rows. It must give a pandas Series of as many.")
        try:
            outputs[one.output] = pa.Array.from_pandas(result, type=types[one.output])
        except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
            raise Misuse(
                f"Function {one.name} gave values that are no {one.data_type}: {error}. Convert them, or change returns=."
            ) from error
        series[one.output] = outputs[one.output].to_pandas()
    return outputs


@lru_cache(maxsize=256)
def unpickled(code: bytes) -> Callable[..., Any]:
    """The function that a model carries as ``code``."""
    return cast("Callable[..., Any]", cloudpickle.loads(code))


def _registered(function: ResolvedFunction, df: DataFrame) -> Column:
    """A call of the function that Spark knows by this name: a temporary one, or one of a catalog.

    Raises
    ------
    NotFound
        If Spark knows none.
    Misuse
        If it cannot be called like this.
    """
    arguments = ", ".join(f"`{parameter}` => `{column}`" for parameter, column in function.bindings)
    parts = ".".join(f"`{part}`" for part in function.name.split("."))
    for name in (f"`{function.name}`", parts):
        call = F.expr(f"{name}({arguments})")
        try:
            df.select(call)
        except AnalysisException as error:
            condition = str(error.getCondition() or "")
            if any(condition.endswith(unknown) for unknown in _UNKNOWN):
                continue
            reason = str(error).splitlines()[0]
            raise Misuse(f"Function {function.name} cannot be called like this: {reason}") from None
        return call
    raise NotFound(
        f"The function {function.name} is not packaged with its code, and Spark knows none of that name. Register it: "
        f'spark.udf.register("{function.name}", function, type).'
    )
