"""What the folder of a Delta table holds when its writer, or the disk under it, failed half-way.

A table is there once the first commit in its log is. Data files without a log, and an empty log, are what a writer
leaves that died before: no table, and creating one there completes it. Files that no commit names are harmless:
readers never look at them, and Delta's VACUUM takes them away.
"""

import os
import shutil

from feature_store.errors import StorageError
from feature_store.tables.objects import ObjectFolder, Place

_LOG, _DROPPED = "_delta_log", "_delta_log.dropped"


def is_table(folder: Place) -> bool:
    """Whether the folder's log has a commit, or a checkpoint that took the place of old commits."""
    if isinstance(folder, ObjectFolder):
        return any(_is_version(name) for name in folder.joinpath(_LOG).names())
    try:
        with os.scandir(folder / _LOG) as entries:
            return any(_is_version(entry.name) for entry in entries)
    except (FileNotFoundError, NotADirectoryError):
        return False


def _is_version(name: str) -> bool:
    return name.endswith((".json", ".parquet")) and name[:20].isdigit()


def tables_in(folder: Place) -> list[str]:
    """The names of the tables in a schema's folder."""
    if isinstance(folder, ObjectFolder):
        return [one.name for one in folder.folders() if is_table(one)]
    return sorted(one.name for one in folder.iterdir() if is_table(one)) if folder.is_dir() else []


def check_log(name: str, folder: Place) -> None:
    """Refuse a log with an empty commit, as a power cut leaves: a reader would pass over it, and show wrong rows.

    An object store has an object whole or not at all.

    Raises
    ------
    StorageError
        If there is one.
    """
    if isinstance(folder, ObjectFolder):
        return
    with os.scandir(folder / _LOG) as entries:
        for entry in entries:
            if entry.name.endswith(".json") and entry.name[:20].isdigit() and entry.stat().st_size == 0:
                raise damaged(name, folder, f"the commit {entry.name} is empty")


def damaged(name: str, folder: Place, reason: object) -> StorageError:
    """The error for a table whose log makes no sense."""
    return StorageError(
        f"Table {name} is damaged: {reason}. Restore the folder {folder} from a copy, or drop the table and make it again "
        "(for a feature table: publish-features with --full)."
    )


def remove(folder: Place) -> None:
    """Remove a table; the log goes first, on a disk at once, so that a table half removed is no table."""
    if isinstance(folder, ObjectFolder):
        folder.joinpath(_LOG).remove()
        folder.remove()
        return
    shutil.rmtree(folder / _DROPPED, ignore_errors=True)
    (folder / _LOG).rename(folder / _DROPPED)
    shutil.rmtree(folder)
