"""Whether the features that were scored are those that training would be given: sampled rows, built again in two ways.

Each sampled row of the score table is looked up once more as scoring does it, at the versions that its scoring commit
recorded, and as training does it, at the versions of today. What is stored must be what the recorded versions give, bit for
bit; if training now gives something else, either the table was published again since, or the two ways differ.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from feature_store.errors import NotFound
from feature_store.lineage.models import packaged_lineage
from feature_store.lineage.unchanged import reads_the_same
from feature_store.moments import is_within
from feature_store.tables.commit import TableVersion
from inference.scoring.already import VERB
from inference.scoring.chunks import Window
from inference.scoring.runs import RUNS_TABLE

if TYPE_CHECKING:
    import pyarrow as pa

    from feature_store import FeatureStore
    from inference.spec import ScoringSpec

DEFECT, REPUBLISHED, UNKNOWN = "defect", "published again", "unknown"
_ROW, _SHOWN = "__row", 3
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Difference:
    """Rows of one feature whose stored value is not the rebuilt one, for one ``cause``; ``because`` is a clause.

    ``examples`` are ``key: stored, rebuilt``: as the recorded versions give it for a defect, as training does otherwise.
    """

    feature: str
    table: str
    rows: int
    cause: str
    because: str
    examples: Sequence[str]


@dataclass(frozen=True)
class Consistency:
    """What came of comparing ``rows`` sampled rows, of which ``untraced`` belong to no scoring commit that is still known."""

    score_table: str
    window: Window | None
    rows: int
    values: int = 0
    untraced: int = 0
    differences: Sequence[Difference] = ()
    lost: Sequence[str] = ()

    @property
    def defects(self) -> list[Difference]:
        """What no later publication explains."""
        return [one for one in self.differences if one.cause == DEFECT]

    @property
    def is_certain(self) -> bool:
        """Whether every sampled value was built again, and is what was stored."""
        return not self.differences and not self.lost and not self.untraced


@dataclass(frozen=True)
class _Scoring:
    """Sampled rows that were written by one commit, by one version of the model."""

    commit: TableVersion
    model_uri: str
    rows: pa.Table

    @property
    def versions(self) -> Mapping[str, int]:
        return self.commit.commit.sources if self.commit.commit else {}


def check_consistency(
    store: FeatureStore,
    spec: ScoringSpec,
    *,
    as_of: datetime,
    start: datetime | None = None,
    end: datetime | None = None,
    sample: int = 1000,
) -> Consistency:
    """Compare ``sample`` rows decided in ``[start, end)``, chosen by a hash of their keys; the default is the last window scored.

    Raises
    ------
    NotFound
        If nothing was ever scored.
    """
    output = store.tables.full_name(spec.output)
    if not store.tables.exists(spec.output):
        if store.tables.exists(RUNS_TABLE):
            return Consistency(output, None, 0)
        raise NotFound(f"There is no score table {output}. Run score-batch {spec.name}.")
    history = [
        one
        for one in store.tables.history(spec.output)
        if one.commit and one.commit.verb == VERB and one.commit.window and one.commit.window[0] < as_of
    ]
    if start is None and end is None:
        window = history[0].commit.window if history and history[0].commit else None
    else:
        window = (start or datetime(1970, 1, 1, tzinfo=UTC), min(end or as_of, as_of))
    if window is None:
        return Consistency(output, None, 0)
    rows = _sampled(store, spec, window, sample)
    scorings, untraced = _by_commit(spec, history, rows)
    values, differences, lost = 0, list[Difference](), list[str]()
    for scoring in scorings:
        compared, found, missing = _compare(store, spec, scoring)
        values, differences, lost = values + compared, [*differences, *found], [*lost, *missing]
    return Consistency(
        output, window, rows.num_rows, values, untraced, _merged(differences), tuple(dict.fromkeys(lost))
    )


def _sampled(store: FeatureStore, spec: ScoringSpec, window: Window, sample: int) -> pa.Table:
    from pyspark.sql import functions as F

    scores = store.tables.read(spec.output)
    decided_at = F.col(f"`{spec.training.decided_at}`")
    keys = [F.col(f"`{name}`") for name in spec.primary_keys]
    inside = scores.where(is_within(decided_at, *window))
    return inside.orderBy(F.xxhash64(*keys), *keys, decided_at).limit(sample).toArrow()


def _by_commit(spec: ScoringSpec, history: Sequence[TableVersion], rows: pa.Table) -> tuple[list[_Scoring], int]:
    """The rows by the commit that wrote them: the newest whose window has their moment, if its run is theirs."""
    columns = (spec.training.decided_at, "run_id", "model_name", "model_version")
    groups: dict[tuple[int, str], list[int]] = {}
    by_version = {one.version: one for one in history}
    untraced = 0
    for number, (moment, run, model, version) in enumerate(
        zip(*(rows[name].to_pylist() for name in columns), strict=True)
    ):
        wrote = next((one for one in history if _has(one, moment)), None)
        if wrote is None or wrote.commit is None or wrote.commit.run != run:
            untraced += 1
        else:
            groups.setdefault((wrote.version, f"models:/{model}/{version}"), []).append(number)
    return [_Scoring(by_version[number], uri, rows.take(taken)) for (number, uri), taken in groups.items()], untraced


def _has(entry: TableVersion, moment: datetime) -> bool:
    window = entry.commit.window if entry.commit else None
    return window is not None and window[0] <= moment < window[1]


def _compare(store: FeatureStore, spec: ScoringSpec, scoring: _Scoring) -> tuple[int, list[Difference], list[str]]:
    """How many values were compared, where they differ, and what can no longer be built again."""
    used = packaged_lineage(scoring.model_uri).features
    keys = _keys(spec, scoring.rows)
    df = store.spark.createDataFrame(keys)
    now_set = store.create_training_set(df=df, feature_lookups=spec.training.lookups, label=None)
    now = _in_order(now_set.load_rows())
    wanted = {one.table for one in used}
    versions = {name: version for name, version in scoring.versions.items() if name in wanted}
    then, lost = None, list(_lost(store, versions, scoring.commit.at))
    if not lost:
        try:
            then = _in_order(store.look_up(model_uri=scoring.model_uri, df=df, table_versions=versions).toArrow())
        except NotFound as error:
            lost.append(str(error))
    values, differences = 0, list[Difference]()
    for one in used:
        if one.output in scoring.rows.column_names:
            found = _Feature(store, spec, scoring, one.table, one.output)
            values += scoring.rows.num_rows
            differences += found.differences(then, now, now_set.table_versions)
    return values, differences, lost


@dataclass(frozen=True)
class _Feature:
    """One stored feature of the rows that one commit wrote."""

    store: FeatureStore
    spec: ScoringSpec
    scoring: _Scoring
    table: str
    name: str

    def differences(
        self, then: pa.Table | None, now: pa.Table, versions_now: Mapping[str, int]
    ) -> Iterator[Difference]:
        """Where the stored values are not those of ``then``, or else not those of ``now``; None: ``then`` is lost."""
        stored = self.scoring.rows[self.name].to_pylist()
        before = then[self.name].to_pylist() if then is not None and self.name in then.column_names else None
        today = now[self.name].to_pylist() if self.name in now.column_names else None
        wrong = [] if before is None else [n for n, value in enumerate(stored) if not same(value, before[n])]
        if wrong and before is not None:
            version = self.scoring.versions.get(self.table)
            yield self._told(
                wrong, stored, before, DEFECT, f"version {version} of {self.table}, as recorded, gives another value"
            )
        if today is None:
            return
        other = [n for n, value in enumerate(stored) if n not in {*wrong} and not same(value, today[n])]
        if other:
            cause, because = self._why(other, before is not None, versions_now.get(self.table))
            yield self._told(other, stored, today, cause, because)

    def _why(self, rows: Sequence[int], is_known: bool, version_now: int | None) -> tuple[str, str]:
        version = self.scoring.versions.get(self.table)
        if not is_known:
            return UNKNOWN, f"what was read of {self.table}, version {version}, can no longer be read"
        moments = self.scoring.rows[self.spec.training.decided_at].to_pylist()
        until = max(moments[row] for row in rows) + _MICROSECOND
        history = self.store.tables.history(self.table)
        if version is not None and reads_the_same(history, version, until, self.scoring.commit.at):
            return DEFECT, f"{self.table} has not changed since, yet the training join gives another value"
        return REPUBLISHED, f"{self.table} was written since: version {version} when scored, {version_now} now"

    def _told(
        self, rows: Sequence[int], stored: Sequence[object], rebuilt: Sequence[object], cause: str, because: str
    ) -> Difference:
        keys = {name: self.scoring.rows[name].to_pylist() for name in self.spec.primary_keys}
        examples = [
            f"{', '.join(f'{name}={values[row]}' for name, values in keys.items())}: stored {_text(stored[row])}, "
            f"rebuilt {_text(rebuilt[row])}"
            for row in rows[:_SHOWN]
        ]
        return Difference(self.name, self.table, len(rows), cause, because, examples)


def _keys(spec: ScoringSpec, rows: pa.Table) -> pa.Table:
    """What scoring was given of the rows, numbered: joins keep no order."""
    import pyarrow as pa

    return rows.select(spec.entity_columns).append_column(_ROW, pa.array(range(rows.num_rows), pa.int64()))


def _in_order(rows: pa.Table) -> pa.Table:
    return rows.sort_by(_ROW)


def _lost(store: FeatureStore, versions: Mapping[str, int], scored: datetime) -> Iterator[str]:
    """Which versions are gone, or are of a table that was dropped and made again after it was ``scored`` from."""
    for table, version in versions.items():
        history = store.tables.history(table) if store.tables.exists(table) else []
        read = next((one for one in history if one.version == version), None)
        if read is None or read.at > scored:
            yield f"Table {table} no longer has the version {version} that was scored from."


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


def _merged(differences: Sequence[Difference]) -> tuple[Difference, ...]:
    """Those of several commits that say the same of one feature, as one; defects first."""
    by_what: dict[tuple[str, str, str], list[Difference]] = {}
    for one in differences:
        by_what.setdefault((one.feature, one.cause, one.because), []).append(one)
    merged = [
        Difference(
            found[0].feature, found[0].table, sum(one.rows for one in found), cause, because,
            [example for one in found for example in one.examples][:_SHOWN],
        )
        for (_, cause, because), found in by_what.items()
    ]  # fmt: skip
    return tuple(sorted(merged, key=lambda one: (one.cause != DEFECT, -one.rows, one.feature)))
