"""Three-level names, and what may stand in them."""

import re

from feature_store.errors import Misuse, WrongKind

DEFAULT_SCHEMA = "flights"
"""Where tables and models are if no schema is named: one for each project, called as the project is."""
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_\-]*")


def check_simple_name(name: str, what: str) -> str:
    """``name``, if it is one part of a three-level name.

    Raises
    ------
    Misuse
        If it is not made of letters, digits, ``_`` and ``-`` only.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise Misuse(f"{name!r} cannot be the name of a {what}: use letters, digits, '_' and '-' only.")
    return name


def full_name(name: str, *, catalog: str, schema: str) -> str:
    """The three-level name: one part is completed, three parts stay, anything else is refused.

    >>> full_name("aircraft", catalog="dev", schema="flights")
    'dev.flights.aircraft'

    Raises
    ------
    Misuse
        If the name has two parts, or a part has characters that a name must not have.
    WrongKind
        If it is no text.
    """
    if not isinstance(name, str):
        raise WrongKind(f"A name is a text like catalog.schema.table, not {name!r}.")
    parts = name.split(".")
    if len(parts) == 1:
        parts = [catalog, schema, name]
    if len(parts) != 3:
        raise Misuse(
            f"{name!r} is not a table name: write catalog.schema.table, or the table alone ({catalog}.{schema} is meant)."
        )
    for part in parts:
        check_simple_name(part, "catalog, schema or table")
    return ".".join(parts)
