"""The form that a monitoring module fills in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from feature_store.errors import Misuse, WrongKind, listed, suggestion
from feature_store.names import check_simple_name
from inference.spec import ScoringSpec
from monitoring.limits import TABLE, ColumnLimit, Limit, Psi, Quality, Severity, check_severity


@dataclass(frozen=True, kw_only=True)
class Patience:
    """When a violated limit becomes an alert: ``violations`` of the last ``windows`` windows, and the latest is one."""

    violations: int = 1
    windows: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.violations <= self.windows:
            raise Misuse(
                f"Patience(violations={self.violations}, windows={self.windows}): there must be at least one "
                "violation, and no more of them than windows."
            )


@dataclass(frozen=True, kw_only=True)
class Retraining:
    """When alerts ask for a new model: those of severity ``on``, and not again within ``at_most_every``."""

    on: Severity = Severity.CRITICAL
    at_most_every: timedelta = timedelta(days=28)

    def __post_init__(self) -> None:
        check_severity(self.on)
        if self.at_most_every < timedelta(0):
            raise Misuse("Retraining(at_most_every=...) cannot be negative.")


@dataclass(frozen=True, kw_only=True, eq=False)
class DriftMonitor:
    """One monitored score table: its windows, the limits on its columns, and when a violation becomes an alert.

    ``limits`` maps columns of the score table to one or several limits; ``":table"`` stands for the predictions'
    quality. Windows of length ``window`` are aligned to Monday 5 January 1970, 00:00 UTC. A window with fewer than
    ``minimum_rows`` rows is measured but not judged. ``retraining`` None never asks for a new model.

    Raises
    ------
    Misuse, WrongKind
        At import, if the declaration contradicts itself. Columns are checked when it runs.
    """

    name: str
    description: str | None
    owner: str
    scoring: ScoringSpec
    window: timedelta
    limits: Mapping[str, Limit | Sequence[Limit]] = field(repr=False)
    alert_after: Patience = Patience()
    minimum_rows: int = 500
    retraining: Retraining | None = Retraining()

    def __post_init__(self) -> None:
        check_simple_name(self.name, "monitor")
        where = f"Monitor {self.name!r}"
        missing = ["a description"] * (not (self.description or "").strip()) + ["an owner"] * (not self.owner.strip())
        if missing:
            raise Misuse(f"{where} lacks {listed(missing)}.")
        if self.window < timedelta(minutes=1) or self.window % timedelta(minutes=1):
            raise Misuse(f"{where}: the window must be a whole number of minutes, at least one.")
        if self.minimum_rows < 1:
            raise Misuse(f"{where}: minimum_rows must be 1 or more.")
        for key in self.scoring.primary_keys:
            if key not in self.scoring.training.labels.columns:
                labels = self.scoring.training.labels
                raise Misuse(
                    f"{where}: scores and labels are joined on {key!r}, which source {labels.name!r} does not have. "
                    f"{suggestion(key, labels.columns)}"
                )
        if not self.limits:
            raise Misuse(f"{where} has no limits: it could never alert. Give some, such as {{'prediction': Psi(0.1)}}.")
        for column in self.limits:
            self._check_limits(where, column)

    def _check_limits(self, where: str, column: str) -> None:
        for limit in self.limits_of(column):
            if not isinstance(limit, ColumnLimit | Quality):
                raise WrongKind(
                    f"{where}: the limit on {column!r} is a {type(limit).__name__}. Write for example Psi(0.1)."
                )
            if isinstance(limit, Quality) != (column == TABLE):
                raise Misuse(
                    f"{where}: {limit} cannot be a limit on {column!r}; "
                    f"Quality, and nothing else, goes under {TABLE!r}."
                )
        metrics = [limit.metric for limit in self.limits_of(column)]
        if len(set(metrics)) < len(metrics):
            raise Misuse(f"{where} has two limits for the same measure of {column!r}: {listed(metrics)}.")

    def limits_of(self, column: str) -> Sequence[Limit]:
        """The limits on ``column``, one or several, as a sequence."""
        limits = self.limits[column]
        return limits if isinstance(limits, Sequence) else [limits]

    @property
    def watched_for_psi(self) -> list[str]:
        """The columns with a limit on the population stability index: reports name the one that drifted most."""
        return [column for column in self.limits if any(isinstance(limit, Psi) for limit in self.limits_of(column))]

    @property
    def profile_table(self) -> str:
        """The table with the windows' profiles, named as Databricks names it."""
        return f"{self.scoring.output}_profile_metrics"

    @property
    def drift_table(self) -> str:
        """The table with the windows' drift, named as Databricks names it."""
        return f"{self.scoring.output}_drift_metrics"
