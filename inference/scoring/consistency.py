"""Whether the features that were scored are those that training would be given: sampled rows, built again in two ways.

Each sampled row of the score table is looked up once more as scoring does it, at the versions that its scoring commit
recorded, and as training does it, at the versions of today. What is stored must be what the recorded versions give, bit for
bit; if training now gives something else, either the table was published again since, or the two ways differ.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from feature_store.errors import NotFound
from feature_store.moments import is_within
from feature_store.tables.commit import TableVersion
from inference.scoring.already import VERB
from inference.scoring.chunks import Window
from inference.scoring.compared import DEFECT, SHOWN, Difference, Scoring, StoredColumn
from inference.scoring.inputs import Inputs
from inference.scoring.runs import RUNS_TABLE

if TYPE_CHECKING:
    import pyarrow as pa

    from feature_store import FeatureStore
    from inference.spec import ScoringSpec

_ROW = "__row"


@dataclass(frozen=True)
class Consistency:
    """What came of comparing ``rows`` sampled rows, of which ``untraced`` belong to no scoring commit that is still known.

    ``not_kept`` are columns that a model computes and that the scores do not have; ``undeclared`` are compared with what the
    recorded versions give, and not with training, as the model's module declares nothing that gives them.
    """

    score_table: str
    window: Window | None
    rows: int
    values: int = 0
    untraced: int = 0
    differences: Sequence[Difference] = ()
    lost: Sequence[str] = ()
    not_kept: Sequence[str] = ()
    undeclared: Sequence[str] = ()

    @property
    def defects(self) -> list[Difference]:
        """What no later publication explains."""
        return [one for one in self.differences if one.cause == DEFECT]

    @property
    def is_certain(self) -> bool:
        """Whether every value that was sampled was built again, in both ways, and is what was stored."""
        return not self.differences and not self.lost and not self.untraced and not self.undeclared


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
    found = [_compare(store, spec, scoring) for scoring in scorings]
    return Consistency(
        output,
        window,
        rows.num_rows,
        sum(one.values for one in found),
        untraced,
        _merged([difference for one in found for difference in one.differences]),
        lost=_once(one.lost for one in found),
        not_kept=_once(one.not_kept for one in found),
        undeclared=_once(one.undeclared for one in found),
    )


def _once(told: Iterable[Sequence[str]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for one in told for text in one))


def _sampled(store: FeatureStore, spec: ScoringSpec, window: Window, sample: int) -> pa.Table:
    from pyspark.sql import functions as F

    scores = store.tables.read(spec.output)
    decided_at = F.col(f"`{spec.training.decided_at}`")
    keys = [F.col(f"`{name}`") for name in spec.primary_keys]
    inside = scores.where(is_within(decided_at, *window))
    return inside.orderBy(F.xxhash64(*keys), *keys, decided_at).limit(sample).toArrow()


def _by_commit(spec: ScoringSpec, history: Sequence[TableVersion], rows: pa.Table) -> tuple[list[Scoring], int]:
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
    return [Scoring(by_version[number], uri, rows.take(taken)) for (number, uri), taken in groups.items()], untraced


def _has(entry: TableVersion, moment: datetime) -> bool:
    window = entry.commit.window if entry.commit else None
    return window is not None and window[0] <= moment < window[1]


@dataclass
class _Compared:
    """What came of the rows of one commit; the fields are those of :class:`Consistency`."""

    values: int = 0
    differences: list[Difference] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    not_kept: list[str] = field(default_factory=list)
    undeclared: list[str] = field(default_factory=list)


def _compare(store: FeatureStore, spec: ScoringSpec, scoring: Scoring) -> _Compared:
    inputs = Inputs.of(scoring.model_uri)
    columns = inputs.columns(store)
    df = store.spark.createDataFrame(_keys(spec, scoring.rows))
    now_set = inputs.training_set(store, spec, df)
    now = _in_order(now_set.load_rows())
    wanted = {table for one in columns for table in one.tables}
    versions = {name: version for name, version in scoring.versions.items() if name in wanted}
    then, found = None, _Compared(lost=list(_lost(store, versions, scoring.commit.at)))
    if not found.lost:
        try:
            then = _in_order(store.look_up(model_uri=scoring.model_uri, df=df, table_versions=versions).toArrow())
        except NotFound as error:
            found.lost.append(str(error))
    for one in columns:
        if not one.is_given or one.name not in scoring.rows.column_names:
            found.not_kept.append(one.name)
            continue
        found.values += scoring.rows.num_rows
        found.differences += StoredColumn(store, spec, scoring, one).differences(then, now, now_set.table_versions)
        if one.name not in now.column_names:
            found.undeclared.append(one.name)
    return found


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


def _merged(differences: Sequence[Difference]) -> tuple[Difference, ...]:
    """Those of several commits that say the same of one feature, as one; defects first."""
    by_what: dict[tuple[str, str, str], list[Difference]] = {}
    for one in differences:
        by_what.setdefault((one.feature, one.cause, one.because), []).append(one)
    merged = [
        Difference(
            found[0].feature, found[0].tables, sum(one.rows for one in found), cause, because,
            [example for one in found for example in one.examples][:SHOWN],
        )
        for (_, cause, because), found in by_what.items()
    ]  # fmt: skip
    return tuple(sorted(merged, key=lambda one: (one.cause != DEFECT, -one.rows, one.feature)))
