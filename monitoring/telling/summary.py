"""What a replay of the past found, month by month: scores, quality, drift, alerts, and the models that took over."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc
from mlflow import MlflowClient
from pyspark.sql import functions as F
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from feature_store.names import DEFAULT_SCHEMA
from feature_store.store import FeatureStore
from monitoring.alerts.causes import most_drifted
from monitoring.alerts.events import read_events
from monitoring.alerts.state import Alert, current
from monitoring.drift.learning import LABEL
from monitoring.drift.measure import Measurement
from monitoring.drift.metrics import Stored, Windows
from monitoring.drift.observed import measured_columns, model_kind, scores_with_labels
from monitoring.drift.performance import quality
from monitoring.spec import DriftMonitor
from monitoring.telling.printing import number, plain_table, rates
from monitoring.windows.metrics import PREDICTION, TABLE, measure_of
from training.steps import champion

_MAIN = {"binary": "roc_auc", "multiclass": "accuracy", "regression": "rmse"}
"""The measure that tells of each kind of model."""


@dataclass(frozen=True)
class Month:
    """A month of decisions. ``quality`` is by ``measure``; ``drifted`` the largest index of one window, with its column."""

    name: str
    rows: int
    versions: str
    measure: str
    quality: float | None
    label_rate: float | None
    mean_prediction: float | None
    drifted: tuple[str, float] | None
    opened: int
    open_at_end: int
    recovered: int


@dataclass(frozen=True)
class Promotion:
    """A version of the model: when and why it became champion, or why not; ``alias`` is what it is called now."""

    version: str
    promoted_as_of: str
    reason: str
    alias: str


@dataclass(frozen=True)
class Summary:
    """What there is to tell of a monitored model."""

    monitor: DriftMonitor
    model: str
    months: list[Month]
    alerts: list[Alert]
    promotions: list[Promotion] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def summarise(store: FeatureStore, monitor: DriftMonitor, *, as_of: datetime) -> Summary:
    """What is known by ``as_of``: the quality on the labels known then, of the scores as they are now."""
    model = store.tables.full_name(monitor.scoring.training.name)
    events = read_events(store, monitor=monitor.name, as_of=as_of)
    promotions = _promotions(model)
    if not store.tables.exists(monitor.scoring.output):
        note = f"There is no score table {monitor.scoring.output} yet; score-batch writes it."
        return Summary(monitor, model, [], current(events), promotions, [note])
    metrics = Stored.read(store.tables, monitor).metrics(Measurement(), as_of=as_of)
    alerts = current(events)
    months, notes = _months(store, monitor, as_of, metrics, alerts)
    return Summary(monitor, model, months, alerts, promotions, notes)


def _months(
    store: FeatureStore,
    monitor: DriftMonitor,
    as_of: datetime,
    metrics: Windows,
    alerts: Sequence[Alert],
) -> tuple[list[Month], list[str]]:
    """The months with scores, and what to mention. The scores' predictions and labels are held in memory."""
    version = store.tables.version(monitor.scoring.output)
    kind = model_kind(store, monitor, measured_columns(store, monitor))
    frame, notes = scores_with_labels(store, monitor, version, kind, as_of)
    decided_at = F.col(monitor.scoring.training.decided_at)
    month = F.date_format(decided_at, "yyyy-MM").alias("month")
    scores = frame.where(decided_at < F.lit(as_of)).select(month, PREDICTION, LABEL, "model_version").toArrow()
    names = sorted(pc.unique(scores["month"]).to_pylist())
    by_month = [(name, scores.filter(pc.equal(scores["month"], name))) for name in names]
    return [_month(name, part, monitor, kind, metrics, alerts) for name, part in by_month], notes


def _month(
    name: str, scores: pa.Table, monitor: DriftMonitor, kind: str | None, metrics: Windows, alerts: Sequence[Alert]
) -> Month:
    good = quality(kind, scores[PREDICTION], scores[LABEL]) if kind else {}
    judged = [
        parts.whole
        for window, parts in metrics.items()
        if f"{window.start:%Y-%m}" == name and parts.whole[TABLE].rows >= monitor.minimum_rows
    ]
    drifted = [
        pair for columns in judged for pair in most_drifted(columns, 1, among=monitor.watched_for_psi(list(columns)))
    ]
    measure = _MAIN.get(kind or "", "roc_auc")
    label_rate = good.get("label_rate")
    versions = pc.unique(pc.drop_null(scores["model_version"])).to_pylist()
    return Month(
        name=name,
        rows=scores.num_rows,
        versions=", ".join(sorted(versions, key=lambda text: (len(text), text))),
        measure=measure,
        quality=measure_of(good, measure),
        label_rate=label_rate if isinstance(label_rate, float) else None,
        mean_prediction=pc.mean(scores[PREDICTION]).as_py() if kind != "multiclass" else None,
        drifted=max(drifted, key=lambda pair: pair[1], default=None),
        opened=sum(f"{alert.since:%Y-%m}" == name for alert in alerts),
        open_at_end=sum(_is_violating_at_end(alert, name) for alert in alerts),
        recovered=sum(not alert.is_open and f"{alert.until:%Y-%m}" == name for alert in alerts),
    )


def _is_violating_at_end(alert: Alert, month: str) -> bool:
    """Whether the alert went on from this month into the next, or is open and this is its last month."""
    began, ended = f"{alert.since:%Y-%m}", f"{alert.until:%Y-%m}"
    return began <= month and (month < ended or alert.is_open)


def _promotions(model: str) -> list[Promotion]:
    versions = champion.versions(model)
    if not versions:
        return []
    aliases = {str(version): alias for alias, version in MlflowClient().get_registered_model(model).aliases.items()}
    return [
        Promotion(
            version=str(version.version),
            promoted_as_of=version.tags.get(champion.PROMOTED_AS_OF, ""),
            reason=version.tags.get(champion.PROMOTION_REASON) or version.tags.get(champion.REFUSED_BECAUSE, ""),
            alias=aliases.get(str(version.version), ""),
        )
        for version in versions
    ]


def print_summary(console: Console, summary: Summary, *, workspace: str) -> None:
    """Print the summary, where everything is kept, and what to type next."""
    console.print(f"[bold]{summary.monitor.scoring.output}: what happened, by month of decision[/]")
    for note in summary.notes:
        console.print(f"[note]{escape(note)}[/]")
    if summary.months:
        console.print(_months_table(summary.months), "")
    console.print(f"[bold]Versions of {summary.model}[/]")
    console.print(
        _versions_table(summary.promotions) if summary.promotions else "None yet; train-model makes them.", ""
    )
    open_alerts = sum(alert.is_open for alert in summary.alerts)
    console.print(f"{len(summary.alerts)} alerts so far, {open_alerts} of them open.")
    tables, models = os.environ.get("PIPELINE_WAREHOUSE"), os.environ.get("MLFLOW_TRACKING_URI", "")
    elsewhere = f", tables in [bold]{escape(tables)}[/]" if tables else ""
    console.print(f"Tables, models and reports are in [bold]{escape(workspace)}[/]{elsewhere}. Next:")
    schema = summary.model.split(".")[1]
    where = "" if schema == DEFAULT_SCHEMA else f" --schema {schema}"
    look = f"mlflow ui --backend-store-uri sqlite:///{workspace}/mlflow.db"
    if models.startswith(("http://", "https://")):
        look = models
    for command, what in [
        (f"review-alerts list{where}", "the open alerts, and from there their evidence"),
        (f"show-lineage{where}", "the tables, versions and code that the champion came from"),
        (look, "the runs, with metrics and cards"),
    ]:
        console.print(f"  [bold]{escape(command)}[/]  {what}", soft_wrap=True)


def _months_table(months: Sequence[Month]) -> Table:
    alerts = [">new", ">open", ">over"]
    heading = {"roc_auc": "AUC"}.get(months[0].measure, months[0].measure)
    table = plain_table("month", ">scored", ">model", f">{heading}", ">pos./pred.", "largest drift (PSI)", *alerts)
    for month in months:
        table.add_row(
            month.name,
            f"{month.rows:,}",
            month.versions,
            number(month.quality, 3),
            rates(month.label_rate, month.mean_prediction),
            f"{month.drifted[0]} {month.drifted[1]:.2f}" if month.drifted else "-",
            str(month.opened),
            str(month.open_at_end),
            str(month.recovered),
        )
    return table


def _versions_table(promotions: Sequence[Promotion]) -> Table:
    table = plain_table(">version", "promoted", "alias", "why")
    for promotion in promotions:
        alias = f"[good]{promotion.alias}[/]" if promotion.alias == "champion" else promotion.alias
        table.add_row(promotion.version, promotion.promoted_as_of[:10] or "never", alias, escape(promotion.reason))
    return table
