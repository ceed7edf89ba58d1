"""Mappings in which a ``${…}`` may stand where a value will be; what that becomes is checked when it has been filled in."""

from collections.abc import Iterable
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    ModelWrapValidatorHandler,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
    model_validator,
)

from feature_store.errors import listed
from resources.models import Part
from resources.substitution import is_open

Value = TypeVar("Value")


def _unless_open(value: Value, handler: ValidatorFunctionWrapHandler) -> Value:
    return value if is_open(value) else handler(value)


OrReference = Annotated[Value, WrapValidator(_unless_open)]
"""A value, or a ``${…}`` in its place."""


class Setting(Part):
    """A mapping in which a ``${…}`` may stand for any value, or for the mapping itself.

    Targets and variables are no such mappings: they say what references are filled in with.
    """

    _values = field_validator("*", mode="wrap")(_unless_open)

    @model_validator(mode="wrap")
    @classmethod
    def _itself(cls, value: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        return value if is_open(value) else handler(value)


def exactly_one(setting: Part, names: Iterable[str]) -> None:
    """Refuse a mapping in which not exactly one of the keys has a value.

    Raises
    ------
    ValueError
        With the keys that have one.
    """
    given = [name for name in names if getattr(setting, name) is not None]
    if len(given) != 1:
        has = listed(given) if given else "none of them"
        raise ValueError(f"needs exactly one of {listed(names)}; it has {has}")
