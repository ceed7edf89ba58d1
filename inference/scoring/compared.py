"""One stored column of scored rows, held against what it is rebuilt as: which values differ, and why."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from feature_store.errors import listed
from feature_store.lineage.unchanged import reads_the_same
from feature_store.tables.commit import TableVersion
from inference.scoring.inputs import Input

if TYPE_CHECKING:
    import pyarrow as pa

    from feature_store import FeatureStore
    from inference.spec import ScoringSpec

DEFECT, REPUBLISHED, UNKNOWN = "defect", "published again", "unknown"
SHOWN = 3
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Difference:
    """Rows of one feature whose stored value is not the rebuilt one, for one ``cause``; ``because`` is a clause.

    ``examples`` are ``key: stored, rebuilt``: as the recorded versions give it for a defect, as training does otherwise.
    """

    feature: str
    tables: Sequence[str]
    rows: int
    cause: str
    because: str
    examples: Sequence[str]


@dataclass(frozen=True)
class Scoring:
    """Sampled rows that were written by one commit, by one version of the model."""

    commit: TableVersion
    model_uri: str
    rows: pa.Table

    @property
    def versions(self) -> Mapping[str, int]:
        """The tables that were read, and their versions."""
        return self.commit.commit.sources if self.commit.commit else {}


@dataclass(frozen=True)
class StoredColumn:
    """One stored feature of the rows that one commit wrote."""

    store: FeatureStore
    spec: ScoringSpec
    scoring: Scoring
    made: Input

    @property
    def name(self) -> str:
        """The column's name, in the scores and in what is rebuilt."""
        return self.made.name

    def differences(
        self, then: pa.Table | None, now: pa.Table, versions_now: Mapping[str, int]
    ) -> Iterator[Difference]:
        """Where the stored values are not those of ``then``, or else not those of ``now``; None: ``then`` is lost."""
        stored = self.scoring.rows[self.name].to_pylist()
        before = then[self.name].to_pylist() if then is not None and self.name in then.column_names else None
        today = now[self.name].to_pylist() if self.name in now.column_names else None
        wrong = [] if before is None else [n for n, value in enumerate(stored) if not same(value, before[n])]
        if wrong and before is not None:
            versions = [f"version {self.scoring.versions.get(table)} of {table}" for table in self.made.tables]
            because = (
                f"{listed(versions)}, as recorded, gives another value" if versions else "its inputs give another value"
            )
            yield self._told(wrong, stored, before, DEFECT, because)
        if today is None:
            return
        other = [n for n, value in enumerate(stored) if n not in {*wrong} and not same(value, today[n])]
        if other:
            cause, because = self._why(other, before is not None, versions_now)
            yield self._told(other, stored, today, cause, because)

    def _why(self, rows: Sequence[int], is_known: bool, versions_now: Mapping[str, int]) -> tuple[str, str]:
        tables = {table: self.scoring.versions.get(table) for table in self.made.tables}
        if not is_known:
            read = listed(f"{table}, version {version}," for table, version in tables.items())
            return UNKNOWN, f"what was read of {read} can no longer be read"
        moments = self.scoring.rows[self.spec.training.decided_at].to_pylist()
        until = max(moments[row] for row in rows) + _MICROSECOND
        written = [
            f"{table} was written since: version {version} when scored, {versions_now.get(table)} now"
            for table, version in tables.items()
            if not self._reads_the_same(table, version, until)
        ]
        if written:
            return REPUBLISHED, "; ".join(written)
        have = "has" if len(tables) == 1 else "have"
        unchanged = f"{listed(tables)} {have} not changed since" if tables else "it is made of no table"
        return DEFECT, f"{unchanged}, yet the training join gives another value"

    def _reads_the_same(self, table: str, version: int | None, until: datetime) -> bool:
        history = self.store.tables.history(table)
        return version is not None and reads_the_same(history, version, until, self.scoring.commit.at)

    def _told(
        self, rows: Sequence[int], stored: Sequence[object], rebuilt: Sequence[object], cause: str, because: str
    ) -> Difference:
        keys = {name: self.scoring.rows[name].to_pylist() for name in self.spec.primary_keys}
        examples = [
            f"{', '.join(f'{name}={values[row]}' for name, values in keys.items())}: stored {_text(stored[row])}, "
            f"rebuilt {_text(rebuilt[row])}"
            for row in rows[:SHOWN]
        ]
        return Difference(self.name, self.made.tables, len(rows), cause, because, examples)


def same(stored: object, rebuilt: object) -> bool:
    """Whether two values are the same, bit for bit; NaN is NaN, and zero is not minus zero."""
    return _bits(stored) == _bits(rebuilt)


def _bits(value: object) -> object:
    if isinstance(value, float):
        return "NaN" if math.isnan(value) else struct.pack("<d", value)
    if isinstance(value, Mapping):
        return {key: _bits(one) for key, one in value.items()}
    return [_bits(one) for one in value] if isinstance(value, list | tuple) else value


def _text(value: object) -> str:
    return "null" if value is None else str(value)
