"""Python functions of Unity Catalog, as notebooks define them in SQL: kept by name, and packaged with the model."""

import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pandas as pd

from feature_store.declare.function import FeatureFunction
from feature_store.errors import Misuse, listed

_WHOLE = {"tinyint", "smallint", "int", "integer", "bigint", "long"}


@dataclass(frozen=True)
class PythonFunction:
    """A function of one row, made to work on the columns of a batch."""

    parameters: tuple[str, ...]
    function: Callable[..., "pd.Series"]
    returns: str


FUNCTIONS: dict[str, PythonFunction] = {}
"""By three-level name, in lower case, the functions that this process's notebook has defined."""


def define(name: str, parameters: str, returns: str, body: str) -> None:
    """Keep what ``CREATE FUNCTION ... LANGUAGE PYTHON AS $$body$$`` defines; a body like ``return a + b`` is of one row.

    Raises
    ------
    Misuse
        If the body is no Python.
    """
    types = {one.split()[0]: one.split()[1].lower() for one in parameters.split(",") if one.strip()}
    try:
        function = of_columns(_of_one_row(types, body), types)
    except SyntaxError as error:
        raise Misuse(f"Function {name} is not Python: {error}.") from error
    FUNCTIONS[name.lower()] = PythonFunction(tuple(types), function, returns.lower())


def _of_one_row(types: dict[str, str], body: str) -> Callable[..., Any]:
    lines = textwrap.indent(textwrap.dedent(body.strip("\n")).strip() or "pass", "    ")
    made: dict[str, Any] = {}
    exec(f"def of_one_row({', '.join(types)}):\n{lines}\n", made)
    return made["of_one_row"]  # type: ignore[no-any-return]


def of_columns(function: Callable[..., Any], types: dict[str, str]) -> Callable[..., "pd.Series"]:
    """``function`` for each row of a batch, with None for what is missing and whole numbers where they are declared."""
    whole = {name for name, kind in types.items() if kind in _WHOLE}

    def columns_function(**columns: "pd.Series") -> "pd.Series":
        def value(name: str, given: Any) -> Any:
            if given is None or given is pd.NA or given is pd.NaT or given != given:
                return None
            return int(given) if name in whole else given

        rows = zip(*(columns[name] for name in types), strict=True)
        values = [function(*(value(name, one) for name, one in zip(types, row, strict=True))) for row in rows]
        return pd.Series(values, dtype=object)

    return columns_function


def with_code(feature: Any) -> Any:
    """A feature function that names one of :data:`FUNCTIONS`, with its code; anything else as it is.

    Raises
    ------
    Misuse
        If the bindings are not the function's parameters.
    """
    if not isinstance(feature, FeatureFunction) or feature.function is not None or feature.udf_name not in FUNCTIONS:
        return feature
    found = FUNCTIONS[feature.udf_name]
    if set(feature.input_bindings) != set(found.parameters):
        raise Misuse(
            f"Function {feature.udf_name} has the parameters {listed(found.parameters)}, and input_bindings gives "
            f"{listed(feature.input_bindings)}. Bind each parameter to a column."
        )
    return feature.with_code(found.function, found.returns)
