"""What the folder of a Delta table holds when its writer, or the disk under it, failed half-way.

A table is there once the first commit in its log is. Data files without a log, and an empty log, are what a writer
leaves that died before: no table, and creating one there completes it. Files that no commit names are harmless:
readers never look at them, and Delta's VACUUM takes them away.
"""

import os
import shutil
from pathlib import Path

from feature_store.errors import StorageError

_LOG, _DROPPED = "_delta_log", "_delta_log.dropped"


def is_table(folder: Path) -> bool:
    """Whether the folder's log has a commit, or a checkpoint that took the place of old commits."""
    try:
        with os.scandir(folder / _LOG) as entries:
            return any(entry.name.endswith((".json", ".parquet")) and entry.name[:20].isdigit() for entry in entries)
    except (FileNotFoundError, NotADirectoryError):
        return False


def check_log(name: str, folder: Path) -> None:
    """Refuse a log with an empty commit, as a power cut leaves: a reader would pass over it, and show wrong rows.

    Raises
    ------
    StorageError
        If there is one.
    """
    with os.scandir(folder / _LOG) as entries:
        for entry in entries:
            if entry.name.endswith(".json") and entry.name[:20].isdigit() and entry.stat().st_size == 0:
                raise damaged(name, folder, f"the commit {entry.name} is empty")


def damaged(name: str, folder: Path, reason: object) -> StorageError:
    """The error for a table whose log makes no sense."""
    return StorageError(
        f"Table {name} is damaged: {reason}. Restore the folder {folder} from a copy, or drop the table and make it again "
        "(for a feature table: publish-features with --full)."
    )


def remove(folder: Path) -> None:
    """Remove a table; the log goes first and at once, so that a table half removed is no table."""
    shutil.rmtree(folder / _DROPPED, ignore_errors=True)
    (folder / _LOG).rename(folder / _DROPPED)
    shutil.rmtree(folder)
