"""One window scored: whom, by which model, of which versions; counted, held against the limits, written, recorded."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from feature_store.declare.checks import Fresh
from feature_store.errors import InvalidRows
from feature_store.job import run_id
from feature_store.moments import utc
from feature_store.tables.commit import Commit
from inference.limits import MaxMisses
from inference.scoring import runs
from inference.scoring.already import ROWS, VERB, already_scored, definition
from inference.scoring.chunks import BACKFILL, Window
from inference.scoring.entities import read_entities
from inference.scoring.unlogged import LOG

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from feature_store import FeatureStore
    from inference.spec import ScoringSpec
    from training.steps.champion import Champion


@dataclass(frozen=True)
class Scored:
    """What a scoring run did: ``rows`` is 0 and ``model_version`` empty if there was nobody to score.

    ``repeated``: the window had been scored just so before, and nothing was done again. By feature table, ``misses`` are the
    rows for which a lookup found nothing, ``stale`` those for which it found only something old; None if not counted.
    ``chunks`` are the windows of a run that was cut, ``without_moment`` the entities that are in no window.
    """

    output: str
    start: datetime
    end: datetime
    rows: int
    model_version: str
    repeated: bool = False
    misses: Mapping[str, int] | None = field(default=None, compare=False)
    stale: Mapping[str, int] | None = field(default=None, compare=False)
    without_moment: int = field(default=0, compare=False)
    chunks: Sequence[Scored] = field(default=(), compare=False)

    @property
    def warnings(self) -> list[str]:
        """What is told besides, a sentence each."""
        return runs.lacking_moments(self.without_moment)


@dataclass(frozen=True)
class ScoringRun:
    """What all windows of a run share: the champion, the versions read, and what the run was asked for.

    ``as_ofs`` are the moments as of which a window may have been scored to count as done: the run's own, and that of
    the interrupted run that it goes on with.
    """

    store: FeatureStore
    spec: ScoringSpec
    as_of: datetime
    champion: Champion
    asked: Window
    chunks: int
    as_ofs: Sequence[datetime]
    rerun: bool
    population_version: int

    @property
    def output(self) -> str:
        """The score table's full name."""
        return self.store.tables.full_name(self.spec.output)

    @property
    def details(self) -> dict[str, object]:
        """What commits of this run say besides; two runs of equal details give equal rows from equal tables."""
        made_by: dict[str, object] = {"model": self.champion.model, "model_version": self.champion.version}
        return {**made_by, "definition": definition(self.spec)}

    @cached_property
    def feature_versions(self) -> Mapping[str, int]:
        """The feature tables and their versions: looked at once, when a first window has to be scored."""
        return self.store.feature_versions(model_uri=self.champion.uri)

    @property
    def entity_versions(self) -> Mapping[str, int]:
        """The table of the entities, and the version that is read."""
        return {self.store.tables.full_name(self.spec.entities.table): self.population_version}

    @cached_property
    def result_type(self) -> str:
        """Spark's name of the type of the predictions."""
        from training.steps.kinds import result_type

        return result_type(self.store, self.spec.training)

    @cached_property
    def fresh(self) -> Mapping[str, timedelta]:
        """How old rows of the feature tables may be, where they declare it."""
        tables = [lookup.table for lookup in self.spec.training.lookups if lookup.table is not None]
        return {
            self.store.tables.full_name(table.name): check.within
            for table in tables
            for check in table.checks
            if isinstance(check, Fresh)
        }

    def score(self, window: Window, *, number: int = 1) -> Scored:
        """Score the window, and record what came of it: refused or failed, too, and then nothing is written."""
        began = time.monotonic()
        known = runs.Run(
            run_id=run_id(),
            population=self.spec.name,
            score_table=self.output,
            as_of=utc(self.as_of),
            window_start=window[0],
            window_end=window[1],
            chunk=number,
            chunks=self.chunks,
            model=self.champion.model,
            model_version=self.champion.version,
        )
        told: dict[str, Any] = {}
        with runs.recorded_if_it_fails(self.store, known, told):
            done = self._scored(window, told, number)
        seconds = time.monotonic() - began
        outcome = runs.REPEATED if done.repeated else runs.SCORED if done.rows else runs.NOBODY
        told |= {"rows": done.rows, "outcome": outcome, "warnings": done.warnings, "duration_seconds": seconds}
        runs.record(self.store, replace(known, **told))
        return done

    def _scored(self, window: Window, told: dict[str, Any], number: int) -> Scored:
        """The window scored; what is learned of it on the way goes to ``told``, in the log's own words."""
        same = None if self.rerun else self._already(window)
        if same is not None:
            return Scored(self.output, *window, same, self.champion.version, repeated=True)
        entities = read_entities(
            self.store, self.spec, as_of=self.as_of, version=self.population_version, window=window
        )
        told |= {"entities": entities.rows, "entities_without_moment": entities.without_moment}
        if not entities.rows:
            return Scored(self.output, *window, 0, "", without_moment=entities.without_moment)
        versions = self.feature_versions
        told["table_versions"] = {**versions, **self.entity_versions}
        counted = self.store.count_misses(
            model_uri=self.champion.uri, df=entities.frame, table_versions=versions, fresh=self.fresh
        )
        misses = {one.table: one.misses for one in counted}
        stale = {one.table: one.stale for one in counted if one.stale is not None}
        told |= {"misses": misses, "stale": stale}
        self._hold_against_limits(entities.rows, misses, stale)
        facts = {
            "population": self.spec.name, "chunk": number, "chunks": self.chunks, "misses": misses, "stale": stale,
            "entities_without_moment": entities.without_moment,
        }  # fmt: skip
        rows = self._write(window, entities.frame, entities.rows, facts)
        told["score_table_version"] = self.store.tables.version(self.spec.output)
        return Scored(
            self.output, *window, rows, self.champion.version,
            misses=misses, stale=stale, without_moment=entities.without_moment,
        )  # fmt: skip

    def _already(self, window: Window) -> int | None:
        found = (
            already_scored(self.store, self.spec, window=window, as_of=as_of, details=self.details)
            for as_of in self.as_ofs
        )
        return next((rows for rows in found if rows is not None), None)

    def _hold_against_limits(self, rows: int, misses: Mapping[str, int], stale: Mapping[str, int]) -> None:
        passed = []
        for limit in self.spec.limits:
            counts, how = (misses, "find no row") if isinstance(limit, MaxMisses) else (stale, "find only a stale row")
            table = self.store.tables.full_name(limit.table_name)
            count = counts.get(table, 0)
            if count > limit.share * rows:
                passed.append(
                    f"{count:,} of {rows:,} rows ({count / rows:.1%}) {how} in {table}; the limit is {limit}."
                )
        if passed:
            raise InvalidRows(
                f"Scored population {self.spec.name}: {' '.join(passed)} Nothing was written. Publish what is missing "
                "(publish-features), put the entities' keys right, or change the limit in the population's module."
            )

    def _write(self, window: Window, keys: DataFrame, count: int, facts: Mapping[str, object]) -> int:
        from pyspark.sql import functions as F

        from feature_store.tables.evolve import fit_to_table

        store, spec = self.store, self.spec
        scored = store.score_batch(
            model_uri=self.champion.uri,
            df=keys,
            table_versions=self.feature_versions,
            result_type=self.result_type,
        ).withColumns(
            {
                "model_name": F.lit(self.champion.model),
                "model_version": F.lit(self.champion.version),
                "scored_at": F.lit(utc(self.as_of)),
                "run_id": F.lit(run_id()),
            }
        )
        rows = fit_to_table(
            store.tables, spec.output, scored, description=(spec.description or "").strip(), owner=spec.owner
        )
        asked = {BACKFILL: [moment.isoformat() for moment in self.asked]} if self.chunks > 1 else {}
        commit = Commit(
            verb=VERB,
            as_of=self.as_of,
            window=window,
            sources={**self.feature_versions, **self.entity_versions},
            details={**self.details, **asked, ROWS: count, LOG: facts},
        )
        return store.tables.replace_window(
            spec.output, rows, column=spec.training.decided_at, start=window[0], end=window[1], commit=commit
        )


def together(chunks: Sequence[Scored]) -> Scored:
    """What a run did that was cut into several windows."""
    versions = [chunk.model_version for chunk in chunks if chunk.model_version]
    fresh = [chunk for chunk in chunks if chunk.misses is not None]
    return Scored(
        output=chunks[0].output,
        start=chunks[0].start,
        end=chunks[-1].end,
        rows=sum(chunk.rows for chunk in chunks),
        model_version=versions[0] if versions else "",
        repeated=bool(versions) and all(chunk.repeated or not chunk.rows for chunk in chunks),
        misses=_added([chunk.misses or {} for chunk in fresh]) if fresh else None,
        stale=_added([chunk.stale or {} for chunk in fresh]) if fresh else None,
        without_moment=max(chunk.without_moment for chunk in chunks),
        chunks=tuple(chunks),
    )


def _added(counts: Sequence[Mapping[str, int]]) -> dict[str, int]:
    tables = dict.fromkeys(table for one in counts for table in one)
    return {table: sum(one.get(table, 0) for one in counts) for table in tables}
