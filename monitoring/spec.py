"""The forms that a monitoring module fills in: a monitor of a model's scores, or of a table."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from feature_store import FeatureTable
from feature_store.errors import Misuse, WrongKind, listed, suggestion
from feature_store.moments import utc
from feature_store.names import check_simple_name
from inference.spec import ScoringSpec
from monitoring.limits import Limit, Patience, Psi, Severity, check_severity
from monitoring.table_limits import Custom, Freshness, Quality, Volume
from monitoring.windows.calendar import Calendar, Months, calendar_of
from monitoring.windows.metrics import TABLE

BOOKKEEPING = ("model_name", "model_version", "scored_at", "run_id")
"""Columns of a score table that say nothing of what was scored."""


@dataclass(frozen=True, kw_only=True)
class Retraining:
    """When alerts ask for a new model: those of severity ``on``, and not again within ``at_most_every``."""

    on: Severity = Severity.CRITICAL
    at_most_every: timedelta = timedelta(days=28)

    def __post_init__(self) -> None:
        check_severity(self.on)
        if self.at_most_every < timedelta(0):
            raise Misuse("Retraining(at_most_every=...) cannot be negative.")


@dataclass(frozen=True)
class Span:
    """A part of a table's past, ``[start, end)``, that later windows are compared with."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if utc(self.start) >= utc(self.end):
            raise Misuse(f"Span({self.start}, {self.end}): the end must be after the start.")


@dataclass(frozen=True, kw_only=True, eq=False)
class Monitor:
    """What all monitors declare: the windows, the limits on columns, and when a violation becomes an alert.

    ``limits`` maps columns to one or several limits; a name with ``*`` or ``?`` stands for all columns that match it and
    have no limit of their own on the same measure, and ``":table"`` for the table as a whole. Windows of length
    ``window`` are aligned to Monday 5 January 1970, 00:00 UTC; ``Months(n)`` are whole months. A window (or a slice
    of it) with fewer than ``minimum_rows`` rows is measured but not judged. ``slices`` are SQL expressions: all is
    measured for each of their values, too. ``measures`` names SQL aggregates of the window's rows. An alert ends by
    itself with the first window within its limit, unless ``closed_by_recovery`` is False: then a person resolves it. With
    ``prefers_platform`` nothing is measured where the platform profiles the table itself (:mod:`monitoring.drift.platform`).

    Raises
    ------
    Misuse, WrongKind
        At import, if the declaration contradicts itself. Columns are checked when it runs.
    """

    name: str
    description: str | None
    owner: str
    window: timedelta | Months
    limits: Mapping[str, Limit | Sequence[Limit]] = field(repr=False)
    slices: Sequence[str] = ()
    measures: Mapping[str, str] = field(default_factory=dict)
    alert_after: Patience = field(default_factory=Patience)
    minimum_rows: int = 500
    closed_by_recovery: bool = True
    prefers_platform: bool = False

    def __post_init__(self) -> None:
        check_simple_name(self.name, "monitor")
        where = f"Monitor {self.name!r}"
        missing = ["a description"] * (not (self.description or "").strip()) + ["an owner"] * (not self.owner.strip())
        if missing:
            raise Misuse(f"{where} lacks {listed(missing)}.")
        try:
            calendar_of(self.window)
        except Misuse as error:
            raise Misuse(f"{where}: {error}") from None
        if self.minimum_rows < 1:
            raise Misuse(f"{where}: minimum_rows must be 1 or more.")
        if isinstance(self.slices, str):
            raise WrongKind(f"{where}: slices is a list of SQL expressions. Write [{self.slices!r}].")
        if len(set(self.slices)) < len(self.slices):
            raise Misuse(f"{where}: a slice is named twice: {listed(list(self.slices))}.")
        if not self.limits:
            raise Misuse(f"{where} has no limits: it could never alert. Give some, such as {{'prediction': Psi(0.1)}}.")
        for column in self.limits:
            self._check_limits(where, column)

    def _check_limits(self, where: str, column: str) -> None:
        for limit in self.limits_of(column):
            if not isinstance(limit, Limit):
                raise WrongKind(
                    f"{where}: the limit on {column!r} is a {type(limit).__name__}. Write for example Psi(0.1)."
                )
            if limit.of_table != (column == TABLE):
                belongs = f"it goes under {TABLE!r}" if limit.of_table else "it goes under the name of a column"
                raise Misuse(f"{where}: {limit} cannot be a limit on {column!r}; {belongs}.")
            if limit.by is not None and limit.by not in self.slices:
                raise Misuse(
                    f"{where}: a limit on {column!r} is by {limit.by!r}, which is not among its slices. "
                    f"{suggestion(limit.by, list(self.slices))}"
                )
            if limit.by is not None and not limit.of_slices:
                raise Misuse(f"{where}: {limit} is judged of the whole table only. Leave by={limit.by!r} out.")
            if isinstance(limit, Custom) and limit.metric not in self.measures:
                raise Misuse(
                    f"{where}: it has no measure {limit.metric!r}. {suggestion(limit.metric, list(self.measures))}"
                )
            if isinstance(limit, Quality) and not self.has_labels:
                raise Misuse(f"{where}: {limit} needs predictions and labels, which a table does not have.")
        metrics = [(limit.metric, limit.by) for limit in self.limits_of(column)]
        if len(set(metrics)) < len(metrics):
            names = listed([metric for metric, _ in metrics])
            raise Misuse(f"{where} has two limits for the same measure of {column!r}: {names}.")

    def limits_of(self, column: str) -> Sequence[Limit]:
        """The limits declared under ``column``, one or several, as a sequence."""
        limits = self.limits[column]
        return limits if isinstance(limits, Sequence) else [limits]

    def limits_on(self, columns: Sequence[str]) -> Iterator[tuple[str, Limit]]:
        """Each limit that holds for one of ``columns`` (or for the table), patterns resolved; exact names win."""
        taken = {
            (name, limit.metric, limit.by)
            for name in self.limits
            if not is_pattern(name)
            for limit in self.limits_of(name)
        }
        for name in self.limits:
            for limit in self.limits_of(name):
                if not is_pattern(name):
                    yield name, limit
                    continue
                for column in columns:
                    key = (column, limit.metric, limit.by)
                    if fnmatchcase(column, name) and key not in taken:
                        taken.add(key)
                        yield column, limit

    @property
    def calendar(self) -> Calendar:
        """The windows."""
        return calendar_of(self.window)

    @property
    def all_limits(self) -> list[Limit]:
        """All limits, as they are declared."""
        return [limit for column in self.limits for limit in self.limits_of(column)]

    @property
    def expects_rows(self) -> bool:
        """Whether a window without any rows is one that must be judged."""
        return any(isinstance(limit, Volume | Freshness) for limit in self.all_limits)

    def watched_for_psi(self, columns: Sequence[str]) -> list[str]:
        """Those of ``columns`` with a limit on the population stability index: reports name the one that drifted most."""
        return [column for column, limit in self.limits_on(columns) if isinstance(limit, Psi) and limit.by is None]

    @property
    def profile_table(self) -> str:
        """The table with the windows' profiles, named as Databricks names it."""
        return f"{self.output}_profile_metrics"

    @property
    def drift_table(self) -> str:
        """The table with the windows' drift, named as Databricks names it."""
        return f"{self.output}_drift_metrics"

    @property
    def output(self) -> str:
        """The monitored table."""
        raise NotImplementedError

    @property
    def time(self) -> str | None:
        """The column that says in which window a row lies; None: each window is the whole table as it was at its end."""
        raise NotImplementedError

    @property
    def keys(self) -> set[str]:
        """Columns that are not measured, since they only say which row it is."""
        raise NotImplementedError

    @property
    def has_labels(self) -> bool:
        """Whether there are predictions, and labels that they can be held against."""
        return False

    @property
    def asks_for_retraining(self) -> Retraining | None:
        """When its alerts ask for a new model."""
        return None


@dataclass(frozen=True, kw_only=True, eq=False)
class DriftMonitor(Monitor):
    """One monitored score table, compared with what the model that scored learned from (Databricks: InferenceLog).

    ``retraining`` None never asks for a new model.
    """

    scoring: ScoringSpec
    retraining: Retraining | None = Retraining()

    def __post_init__(self) -> None:
        super().__post_init__()
        for key in self.scoring.primary_keys:
            if key not in self.scoring.training.labels.columns:
                labels = self.scoring.training.labels
                raise Misuse(
                    f"Monitor {self.name!r}: scores and labels are joined on {key!r}, which source {labels.name!r} does "
                    f"not have. {suggestion(key, labels.columns)}"
                )

    @property
    def output(self) -> str:
        return self.scoring.output

    @property
    def time(self) -> str | None:
        return self.scoring.training.decided_at

    @property
    def keys(self) -> set[str]:
        return {*self.scoring.primary_keys, self.scoring.training.decided_at, *BOOKKEEPING}

    @property
    def has_labels(self) -> bool:
        return True

    @property
    def asks_for_retraining(self) -> Retraining | None:
        return self.retraining


@dataclass(frozen=True, kw_only=True, eq=False)
class TableMonitor(Monitor):
    """One monitored feature table, or any other table (Databricks: TimeSeries; without a time column, Snapshot).

    ``table`` is a declared feature table, which knows its own keys and time; of another table, its name, and then
    ``time_column`` and ``key_columns``. Windows are compared with the ``baseline`` span of the same table, if one is given,
    and with the window before. A table without time is measured as it stood at the end of each window.
    """

    table: FeatureTable | str
    time_column: str | None = None
    key_columns: Sequence[str] = ()
    baseline: Span | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if isinstance(self.table, FeatureTable) and (self.time_column or self.key_columns):
            raise Misuse(
                f"Monitor {self.name!r}: feature table {self.table.name!r} declares its keys and time itself. Leave "
                "time_column and key_columns out."
            )

    @property
    def output(self) -> str:
        return self.table if isinstance(self.table, str) else self.table.name

    @property
    def time(self) -> str | None:
        return self.time_column if isinstance(self.table, str) else self.table.timeseries_column

    @property
    def keys(self) -> set[str]:
        declared = [] if isinstance(self.table, str) else self.table.primary_keys
        return {*declared, *self.key_columns, *([self.time] if self.time else [])}


def is_pattern(name: str) -> bool:
    """Whether a name under ``limits`` stands for several columns."""
    return any(sign in name for sign in "*?[")
