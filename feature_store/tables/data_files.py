"""A table's data files, for whoever reads them without asking the table: Spark's workers.

Only of a plain table are the rows those in its files, no more and no less.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import deltalake

from feature_store.tables.reading import files_of
from feature_store.tables.without_pandas import added_files

_HARMLESS = frozenset({"timestampNtz", "vacuumProtocolCheck", "v2Checkpoint", "appendOnly", "invariants"})
_READER_WITH_FEATURES = 3
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class DataFile:
    """A data file, and the first and the last moment in it by the log, in microseconds; None where it does not say."""

    path: str
    first: int | None = None
    last: int | None = None


def why_not_plain(table: deltalake.DeltaTable) -> str | None:
    """What of the table its files alone do not say; None if nothing."""
    protocol = table.protocol()
    if table.metadata().partition_columns:
        return "it is partitioned"
    if protocol.min_reader_version == _READER_WITH_FEATURES:
        asked = sorted(set(protocol.reader_features or ()) - _HARMLESS)
        return f"its readers must know {', '.join(asked)}" if asked else None
    return None if protocol.min_reader_version == 1 else "its columns may be mapped to other names"


def data_files(table: deltalake.DeltaTable, time: str | None) -> Sequence[DataFile]:
    """The files of the version that ``table`` is open at, with what the log says of the column ``time``."""
    # Both list the log's files in one order, which is checked: the address ends as the log's path does.
    log = added_files(table)
    names, addresses = log.column("path").to_pylist(), table.file_uris()
    if not all(address.endswith(name) for address, name in zip(addresses, names, strict=True)):
        return [DataFile(path) for path in files_of(table)]

    def known(end: str) -> list[int | None]:
        name = f"{end}.{time}"
        return [_micros(one) for one in log.column(name).to_pylist()] if name in log.column_names else [None] * len(log)

    return [DataFile(*one) for one in zip(files_of(table), known("min"), known("max"), strict=True)]


def _micros(moment: object) -> int | None:
    if isinstance(moment, datetime):
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return (aware - _EPOCH) // timedelta(microseconds=1)
    if isinstance(moment, date):
        return (moment - _EPOCH.date()) // timedelta(microseconds=1)
    return None
