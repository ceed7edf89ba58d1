"""Everything a user can put right, as one tree of errors.

PipelineError                    printed without a stack trace; the job exits with code 1
├── Misuse (ValueError)          a name, key, type or value that cannot be right
│   ├── NotFound                 a table, feature, model, job or alert that does not exist
│   ├── SchemaMismatch           a table or frame whose columns or keys are not the declared ones
│   └── InvalidRows              rows that the contract refuses: null or duplicate keys, a declared check that fails
├── WrongKind (TypeError)        an argument of the wrong kind
├── StorageError (OSError)       the workspace cannot be read or written, or is of a newer format
│   └── RegistryUnavailable      MLflow's store does not answer, or is locked
└── ConcurrentWrite              another writer changed the table first, and retrying did not help

Every text has up to three parts: what is wrong, what exists, what to do.
"""

import difflib
from collections.abc import Iterable


class PipelineError(Exception):
    """Something that the user can put right."""


class Misuse(PipelineError, ValueError):
    """A name, key, type or value that cannot be right."""


class NotFound(Misuse):
    """What was named does not exist."""


class SchemaMismatch(Misuse):
    """A table's or frame's columns, types or keys are not the declared ones."""


class InvalidRows(Misuse):
    """Rows that a feature table must not hold; ``found`` is what is wrong with them, without what to do."""

    def __init__(self, text: str, *, found: str = "") -> None:
        super().__init__(text)
        self.found = found or text


class WrongKind(PipelineError, TypeError):
    """An argument is of the wrong kind."""


class StorageError(PipelineError, OSError):
    """The workspace cannot be read or written as it is."""


class RegistryUnavailable(StorageError):
    """MLflow's store does not answer, or another process has locked it."""


class ConcurrentWrite(PipelineError):
    """Another writer changed the same rows first."""


def listed(names: Iterable[str], *, most: int = 12) -> str:
    """``a, b, c`` for a sentence; ``none`` when there are none, `` … and 3 more`` when there are many."""
    found = list(names)
    if not found:
        return "none"
    rest = len(found) - most
    return ", ".join(found[:most]) + (f" … and {rest} more" if rest > 0 else "")


def suggestion(wrong: str, existing: Iterable[str]) -> str:
    """``Did you mean a or b? There are: a, b, c.``, the closest names first."""
    options = sorted(existing)
    lowered = {option.lower(): option for option in options}
    close = [lowered[match] for match in difflib.get_close_matches(wrong.lower(), lowered, n=3)]
    hint = f"Did you mean {' or '.join(close)}? " if close else ""
    return f"{hint}There {'is' if len(options) == 1 else 'are'}: {listed(options)}."
