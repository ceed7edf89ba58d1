"""Which versions of a Delta table can still be read: VACUUM takes old data files away, and the log is cleaned up too."""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

import deltalake
from deltalake.exceptions import DeltaError, TableNotFoundError

from feature_store.errors import NotFound, listed
from feature_store.tables.objects import Place


def check_readable(name: str, path: Place, found: deltalake.DeltaTable) -> None:
    """Refuse a version whose data files are gone, before a reader fails in the middle of them.

    Raises
    ------
    NotFound
        If VACUUM, or anybody else, has taken a file away; the versions that remain are named.
    """
    gone = _missing(found)
    if gone:
        raise NotFound(
            f"Table {name} cannot be read at version {found.version()}: {len(gone)} of its {len(found.file_uris())} data files are "
            f"gone, as VACUUM takes them away once they are old. {remaining(path)}"
        )


def no_such_version(name: str, path: Place, version: int) -> NotFound:
    """The error for a version that the log does not tell of, or no longer."""
    newest = deltalake.DeltaTable(str(path)).version()
    reason = "there is no such version yet" if version > newest else "its log has been cleaned up"
    return NotFound(f"Table {name} cannot be read at version {version}: {reason}. {remaining(path)}")


def remaining(path: Place) -> str:
    """``Versions that can be read: 2, 5 to 9.``"""
    spans: list[list[int]] = []
    for version in readable_versions(path):
        if spans and version == spans[-1][-1] + 1:
            spans[-1].append(version)
        else:
            spans.append([version])
    told = [f"{span[0]} to {span[-1]}" if len(span) > 1 else str(span[0]) for span in spans]
    return f"Versions that can be read: {listed(told)}."


def readable_versions(path: Place) -> Sequence[int]:
    """The versions of which both the log and all data files are there, oldest first."""
    found = []
    for version in range(deltalake.DeltaTable(str(path)).version(), -1, -1):
        try:
            table = deltalake.DeltaTable(str(path), version=version)
        except (TableNotFoundError, DeltaError):
            break  # the log has been cleaned up to here
        if not _missing(table):
            found.append(version)
    return found[::-1]


def _missing(table: deltalake.DeltaTable) -> list[str]:
    """Those of the version's data files that are not there; files that are not on a disk of ours are taken on trust."""
    local = [uri for uri in table.file_uris() if urlsplit(uri).scheme in ("", "file")]
    return [uri for uri in local if not (Path(uri).exists() or Path(unquote(urlsplit(uri).path)).exists())]
