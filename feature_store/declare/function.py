"""A feature function: an on-demand feature, computed from other columns in training and in scoring alike."""

import inspect
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

from feature_store.errors import Misuse, WrongKind, listed, suggestion
from feature_store.names import check_simple_name

if TYPE_CHECKING:
    import pandas as pd

MOST_FUNCTIONS = 100


@dataclass(frozen=True, init=False)
class FeatureFunction:
    """Compute a feature from columns of the data frame, looked-up features and outputs of other functions.

    ``udf_name`` is a Python function. It is called with pandas Series, by parameter name, for a batch of rows at a time,
    and gives one Series of as many values, of the Spark type ``returns``:

    >>> import pandas as pd
    >>> def speed(kilometres: pd.Series, hours: pd.Series) -> pd.Series:
    ...     return kilometres / hours
    >>> FeatureFunction(udf_name=speed, input_bindings={"kilometres": "distance"}, returns="double").output_name
    'speed'

    Where rows are cut into batches is Spark's business, so a value may depend on its own row only. Missing values come
    as pandas has them (a whole number with gaps as a float), before any default is filled in, and what is missing
    in the output is null. ``input_bindings`` maps parameters to columns; a parameter left out takes the column of its
    own name. ``output_name`` is the function's own name unless given.

    ``udf_name`` may also be the three-level name of a function that is registered with Spark; its bindings must then be
    complete, and its type is Spark's to know.

    Raises
    ------
    Misuse, WrongKind
        If the function cannot be called by parameter name, or a binding names no parameter.
    """

    udf_name: str
    function: Callable[..., "pd.Series"] | None
    input_bindings: Mapping[str, str]
    output_name: str
    returns: str | None

    def __init__(
        self,
        *,
        udf_name: Callable[..., "pd.Series"] | str,
        input_bindings: Mapping[str, str] | None = None,
        output_name: str | None = None,
        returns: str | None = None,
    ) -> None:
        bindings = _checked_bindings(input_bindings)
        if isinstance(udf_name, str):
            name, function = _registered_name(udf_name), None
            if returns is not None:
                raise Misuse(f"Function {name}: Spark knows the type of a registered function. Leave returns= out.")
        elif inspect.isfunction(udf_name):
            name, function = _own_name(udf_name), udf_name
            bindings = _complete(bindings, udf_name, name)
            if not isinstance(returns, str) or not returns.strip():
                raise Misuse(
                    f'Function {name!r} does not say what type it returns. Add returns="double", or another Spark type.'
                )
        else:
            raise WrongKind(
                f"udf_name is a Python function or the name of a registered one, not {type(udf_name).__name__}."
            )
        output = output_name or name.rpartition(".")[2]
        if not isinstance(output, str):
            raise WrongKind(f"Function {name!r}: output_name is a text, not {type(output).__name__}.")
        assign = object.__setattr__
        assign(self, "udf_name", name)
        assign(self, "function", function)
        assign(self, "input_bindings", bindings)
        assign(self, "output_name", output)
        assign(self, "returns", returns)

    def with_code(self, function: Callable[..., "pd.Series"], returns: str) -> "FeatureFunction":
        """The same, under its registered name, with the Python code that it stands for."""
        made = copy(self)
        object.__setattr__(made, "function", function)
        object.__setattr__(made, "returns", returns)
        return made


def _checked_bindings(given: Mapping[str, str] | None) -> dict[str, str]:
    if given is not None and not isinstance(given, Mapping):
        raise WrongKind(f"input_bindings maps parameters to columns; {type(given).__name__} does not.")
    bindings = dict(given or {})
    if not all(isinstance(text, str) and text for pair in bindings.items() for text in pair):
        raise WrongKind(f"input_bindings maps parameter names to column names, not {bindings!r}.")
    return bindings


def _registered_name(name: str) -> str:
    parts = name.split(".")
    if len(parts) != 3:
        raise Misuse(
            f"{name!r} is not the name of a function: write catalog.schema.function, or give the Python function itself."
        )
    for part in parts:
        check_simple_name(part, "function")
    return name.lower()


def _own_name(function: Callable[..., "pd.Series"]) -> str:
    name = function.__name__
    if name == "<lambda>":
        raise Misuse("A lambda has no name to be packaged and documented under. Write def name(...): instead.")
    return name.lower()


def _complete(bindings: Mapping[str, str], function: Callable[..., "pd.Series"], name: str) -> dict[str, str]:
    """The bindings in the order of the function's parameters, those left out bound to the column of their own name."""
    parameters = inspect.signature(function).parameters
    by_name = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    unnamed = [text for text, parameter in parameters.items() if parameter.kind not in by_name]
    if unnamed:
        raise Misuse(f"Function {name!r} cannot be called by parameter name: {listed(unnamed)}. Name each parameter.")
    if not parameters:
        raise Misuse(f"Function {name!r} has no parameters, so it cannot depend on a row.")
    for parameter in bindings:
        if parameter not in parameters:
            raise Misuse(f"Function {name!r} has no parameter {parameter!r}. {suggestion(parameter, parameters)}")
    return {parameter: bindings.get(parameter, parameter) for parameter in parameters}
