"""What publishing and scoring have recorded of a table: how fresh it must be, its checks, who publishes it, lookups that missed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from feature_store.catalog.model import Table
from feature_store.store import FeatureStore
from feature_store.tables.commit import Commit

_SCORING_RUNS = "scoring_runs"


@dataclass(frozen=True)
class CheckOutcome:
    """What a declared check found when the table was last published."""

    check: str
    passed: bool
    found: str
    on_failure: str


@dataclass(frozen=True)
class Freshness:
    """How old the newest row is, and how old it may be: None where that is not known, or not declared."""

    newest: datetime | None = None
    age: timedelta | None = None
    within: timedelta | None = None

    @property
    def is_kept(self) -> bool | None:
        """Whether the declaration holds; None if there is nothing to hold."""
        return None if self.within is None or self.age is None else self.age <= self.within


@dataclass(frozen=True)
class Publishing:
    """Who published the table last, and how long that took: empty, or None, where it was not recorded."""

    module: str = ""
    job: str = ""
    seconds: float | None = None
    until: str = ""


@dataclass(frozen=True)
class Misses:
    """Of the rows that a population scored last, those for which a lookup in the table found nothing."""

    population: str
    as_of: datetime
    rows: int
    misses: int


def checks(table: Table) -> Sequence[CheckOutcome]:
    """The outcomes of the table's checks."""
    return [
        CheckOutcome(
            str(one.get("check")),
            one.get("passed") is True,
            str(one.get("found", "")),
            str(one.get("on_failure", "")),
        )
        for one in _checks(table.commit)
    ]


def freshness(table: Table, newest: datetime | None, *, as_of: datetime) -> Freshness:
    """How fresh the table is as of a moment, against what the module declares."""
    seconds = (one.get("within_seconds") for one in _checks(table.commit))
    within = [timedelta(seconds=found) for found in seconds if isinstance(found, int | float)]
    return Freshness(newest, as_of - newest if newest else None, min(within, default=None))


def publishing(table: Table) -> Publishing:
    """Who published the table."""
    details = table.commit.details if table.commit else {}
    seconds = details.get("seconds")
    return Publishing(
        module=str(details.get("module", "")),
        job=str(details.get("job", "")),
        seconds=seconds if isinstance(seconds, int | float) else None,
        until=str(details.get("published_until", "")),
    )


def misses(store: FeatureStore, table: Table, *, as_of: datetime) -> Sequence[Misses]:
    """The lookups in the table that found nothing, by population, as the log of scoring runs has it."""
    from feature_store.tables.without_pandas import dicts_of

    columns = ["population", "as_of", "outcome", "entities", "misses"]
    if not store.tables.exists(_SCORING_RUNS):
        return []
    found: dict[str, Misses] = {}
    for run in dicts_of(store.tables.collect(_SCORING_RUNS, columns, only={"outcome": "scored"})):
        counts = dict(run["misses"] or ())
        if table.name not in counts or not run["entities"] or run["as_of"] > as_of:
            continue
        new = Misses(run["population"], run["as_of"], run["entities"], counts[table.name])
        old = found.get(new.population)
        if old is not None and old.as_of == new.as_of:  # cut into several windows
            new = Misses(new.population, new.as_of, old.rows + new.rows, old.misses + new.misses)
        if old is None or old.as_of <= new.as_of:
            found[new.population] = new
    return [found[population] for population in sorted(found)]


def _checks(commit: Commit | None) -> Sequence[Mapping[str, Any]]:
    recorded = commit.details.get("checks") if commit else None
    return [one for one in recorded if isinstance(one, dict)] if isinstance(recorded, list) else []
