"""What the end of a Delta table's log says, without opening the table: its newest commits, and what it is now.

To open a table is to take note of all its data files with the statistics of each column: that is slow where the table is wide
and a commit was made each day. Who looks at a hundred tables at once wants to know what they are, and who wrote last. This
reads no more than that, from a folder on a disk, and says nothing of a log that is not as expected: delta-rs knows better then.
"""

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from feature_store.tables.commit import FORMAT, Commit, TableVersion
from feature_store.tables.properties import FORMAT_PROPERTY
from feature_store.tables.protocol import USER_METADATA

_LOG = "_delta_log"
_COMMIT, _CHECKPOINT = re.compile(r"(\d{20})\.json"), re.compile(r"(\d{20})\.checkpoint\.parquet")
_WRITTEN, _METADATA = b'{"commitInfo"', b'{"metaData"'
Enough = Callable[[TableVersion], bool]


@dataclass(frozen=True)
class LogEnd:
    """``fields`` are the columns as Delta's log has them; ``newest`` the versions down to the one that was enough.

    ``is_whole`` if there are no others, so that what is not among them never was.
    """

    version: int
    description: str
    properties: Mapping[str, str]
    fields: Sequence[Mapping[str, Any]]
    newest: Sequence[TableVersion]
    is_whole: bool


def log_end(folder: Path, enough: Enough) -> LogEnd | None:
    """The log's end, read backwards until a version is ``enough``; None if it is not plain and whole."""
    try:
        return _read(folder / _LOG, enough)
    except (OSError, ValueError, LookupError, TypeError):
        return None


def _read(log: Path, enough: Enough) -> LogEnd | None:
    names = os.listdir(log)
    commits = {int(found[1]) for name in names if (found := _COMMIT.fullmatch(name))}
    checkpoint = max((int(found[1]) for name in names if (found := _CHECKPOINT.fullmatch(name))), default=-1)
    number, newest, metadata, is_enough = max(commits), [], None, False
    version = number
    while number in commits and not (is_enough and (metadata or number <= checkpoint)):
        lines = _lines(log / f"{number:020}.json")
        if not is_enough:
            newest.append(_version(number, lines.get(_WRITTEN, {})))
            is_enough = enough(newest[-1])
        metadata = metadata or lines.get(_METADATA)
        number -= 1
    metadata = metadata or (_of_checkpoint(log, checkpoint) if checkpoint >= max(number, 0) else None)
    if metadata is None:
        return None
    properties = dict(metadata["configuration"])
    if int(properties.get(FORMAT_PROPERTY, "1")) > FORMAT:
        return None
    fields = json.loads(metadata["schemaString"])["fields"]
    return LogEnd(version, metadata.get("description") or "", properties, fields, newest, is_whole=number < 0)


def _lines(path: Path) -> dict[bytes, Any]:
    """What the commit says of itself, and of the table if it changed that; each action is a line of JSON.

    Raises
    ------
    ValueError
        If it ends in the middle.
    """
    found: dict[bytes, Any] = {}
    data = path.read_bytes().rstrip()
    if not data.endswith(b"}"):
        raise ValueError(path)
    for line in data.splitlines():
        for kind in (_WRITTEN, _METADATA):
            if line.startswith(kind):
                (found[kind],) = json.loads(line).values()
    return found


def _version(number: int, written: Mapping[str, Any]) -> TableVersion:
    at = datetime.fromtimestamp(written.get("timestamp", 0) / 1000, UTC)
    return TableVersion(number, at, written.get("operation", ""), Commit.from_json(written.get(USER_METADATA)))


def _of_checkpoint(log: Path, version: int) -> Mapping[str, Any] | None:
    import pyarrow.parquet as pq

    rows = pq.ParquetFile(log / f"{version:020}.checkpoint.parquet").read(columns=["metaData"]).column(0)
    return next((row for row in rows.drop_null().to_pylist() if row["schemaString"]), None)
