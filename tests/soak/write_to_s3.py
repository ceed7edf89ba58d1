"""Append rows to one table on S3, one commit each: ``write_to_s3.py WRITER FIRST NUMBER``; WRITER is ``spark`` or ``delta-rs``."""

import sys
from datetime import UTC, datetime

import pyarrow as pa

from feature_store import open_store
from feature_store.tables.commit import Commit

writer, first, number = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
store = open_store()
for value in range(first, first + number):
    commit = Commit(verb=f"{writer} {value}", as_of=datetime(2013, 7, 1, tzinfo=UTC))
    if writer == "spark":
        store.tables.in_process = False  # so that Spark commits, whatever its master
        store.tables.append("numbers", store.spark.range(value, value + 1), commit=commit)
    else:
        store.tables.append("numbers", pa.table({"id": pa.array([value], pa.int64())}), commit=commit)
