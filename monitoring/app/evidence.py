"""The evidence of an alert in charts: the measure, distributions, the model's quality, its scores, lineage, and owners."""

import json
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from feature_store.lineage.graph import MODEL
from monitoring.alerts.events import Event
from monitoring.alerts.state import Alert
from monitoring.app import charts, series
from monitoring.app.ancestry import SCORE_TABLE, Ancestry, around, dot
from monitoring.app.reading import Review
from monitoring.app.wording import count, day, headline, span, unit
from monitoring.telling.trend import Row
from monitoring.windows.calendar import Window
from monitoring.windows.metrics import MEASURES, PREDICTION, TABLE

_HISTOGRAM = ("window", "slice_key", "slice_value", "histogram", "model_version")
_SCORES = ("window", "slice_key", "slice_value", "quantiles", "model_version")
_QUALITY = (
    "window", "slice_key", "slice_value", "count", "labelled_count", "model_version", *sorted(set(MEASURES.values())),
)  # fmt: skip
_BEST_KNOWN = ("roc_auc", "rmse", "log_loss")


def show(review: Review, alert: Alert, history: Sequence[Event]) -> None:
    """All sections of evidence that there is something to show in."""
    found = around(review.graph(), alert, catalog=review.place.catalog, schema=review.place.schema)
    _measure(review, alert, history)
    score_tables = [alert.table_name, *(_name(one) for one in (found.breaks.score_tables if found else ()))]
    left, right = st.columns(2, gap="large")
    is_of_table = alert.column_name == TABLE  # which has no distribution of its own
    with left:
        _scores(review, alert, score_tables) if is_of_table else _distribution(review, alert)
    with right:
        _quality(review, score_tables)
    left, right = st.columns(2, gap="large")
    with left:
        if not is_of_table:
            _scores(review, alert, score_tables)
    with left if is_of_table else right:
        _concerned(review, alert, history, found)
    if found:
        _lineage(review, found)


def _measure(review: Review, alert: Alert, history: Sequence[Event]) -> None:
    points = series.measured(review.points(alert), alert)
    st.subheader(f"{unit(alert.metric).title[:1].upper()}{unit(alert.metric).title[1:]} over time", anchor=False)
    if points.empty:
        st.text("No window of this measure is kept; the history below has its values.")
        return
    chart = charts.over_time(points, alert.metric, alert.limit, series.marks(history))
    beyond = int((points["state"] != "within").sum())
    words = f"{count(len(points), 'window')}, {beyond} beyond the limit; the last value is {unit(alert.metric)(points['value'].iloc[-1])}."
    st.vega_lite_chart(spec=chart, alt=words, key="measure")
    st.caption(f"{words} Red: beyond the limit. Times are UTC.")


@st.fragment
def _distribution(review: Review, alert: Alert) -> None:
    """Baseline and window of the column; the window can be chosen."""
    rows = review.rows(f"{alert.table_name}_drift_metrics", _HISTOGRAM, _against_baseline(alert.column_name))
    by_window = series.histograms(rows, alert)
    st.subheader("Distribution", anchor=False)
    if not by_window:
        bins = [
            (str(name), int(before), int(now)) for name, before, now in json.loads(alert.evidence).get("histogram", ())
        ]
        _overlay(series.shares(bins), "its last window beyond the limit") if bins else st.text(
            "No baseline is kept to compare with."
        )
        return
    chosen = _window(by_window, alert, "window-of-distribution")
    _overlay(series.shares(series.bins_of(by_window[chosen])), span(chosen.start, chosen.end), "distribution")


def _window(by_window: dict[Window, Row], alert: Alert, key: str) -> Window:
    windows = sorted(by_window, reverse=True)
    last = next((position for position, one in enumerate(windows) if one.end <= alert.until), 0)
    return st.selectbox("Window", windows, last, format_func=lambda one: span(one.start, one.end), key=key)


def _overlay(shares: pd.DataFrame, window: str, key: str | None = None) -> None:
    rows = {of: int(part["rows"].sum()) for of, part in shares.groupby("of")}
    words = f"Baseline: {rows.get('baseline', 0):,} rows. Window ({window}): {rows.get('window', 0):,} rows."
    st.vega_lite_chart(spec=charts.distribution(shares), alt=words, key=key)
    st.caption(words)


@st.fragment
def _quality(review: Review, tables: Sequence[str]) -> None:
    """The model's quality by window, of the first of the score tables that has some."""
    for table in tables:
        found = series.qualities(review.rows(f"{table}_profile_metrics", _QUALITY, {"column_name": TABLE}))
        if not found.empty:
            break
    else:
        return
    st.subheader("Model quality", anchor=False)
    there = sorted(set(found["measure"]), key=lambda one: (_BEST_KNOWN.index(one) if one in _BEST_KNOWN else 9, one))
    measure = st.selectbox("Measure", there, format_func=lambda one: unit(one).title, key="quality-measure")
    last = found[found["measure"] == measure].iloc[-1]
    words = f"{table}: {unit(measure).title} {unit(measure)(last['value'])} in the last window with labels, from {day(last['at'])}."
    st.vega_lite_chart(spec=charts.quality(found, measure), alt=words, key="quality")
    st.caption(f"{words} Faint: few labels are known yet.")


@st.fragment
def _scores(review: Review, alert: Alert, tables: Sequence[str]) -> None:
    """How the scores are distributed: over time, and in the alert's window against the baseline."""
    for table in tables:
        bands = series.score_bands(review.rows(f"{table}_profile_metrics", _SCORES, {"column_name": PREDICTION}))
        if not bands.empty:
            break
    else:
        return
    st.subheader("Scores", anchor=False)
    last = bands.iloc[-1]
    words = f"{table}: in the last window half of the scores are above {last['median']:.3f}, a tenth above {last['high']:.3f}."
    st.vega_lite_chart(spec=charts.scores(bands), alt=words, key="scores")
    st.caption(f"{words} Line: median; band: from the 10th to the 90th percentile.")
    if (alert.column_name, alert.table_name) != (PREDICTION, table):
        rows = review.rows(f"{table}_drift_metrics", _HISTOGRAM, _against_baseline(PREDICTION))
        by_window = series.histograms(rows)
        if by_window and st.toggle("Score distribution of one window", key="score-window"):
            chosen = _window(by_window, alert, "window-of-scores")
            _overlay(
                series.shares(series.bins_of(by_window[chosen])), span(chosen.start, chosen.end), "score-distribution"
            )


def _concerned(review: Review, alert: Alert, history: Sequence[Event], found: Ancestry | None) -> None:
    """Which models are affected, and who answers for them."""
    st.subheader("Affected models and owners", anchor=False)
    rows: dict[str, tuple[str, str, str]] = {}
    for event in history:
        for one in json.loads(event.evidence).get("concerned", ()):
            rows[str(one["model"])] = (str(one["model"]), "model, in office", str(one["owner"]))
    if found:
        for node in found.nodes(MODEL, SCORE_TABLE):
            rows[node.name] = (node.name, ", ".join([node.kind, *node.aliases]), node.owner)
        focus = found.graph.nodes[found.focus]
        rows.setdefault(found.focus, (found.focus, focus.kind, focus.owner))
    if not rows:
        st.text(f"No model is recorded that reads {headline(alert)}.")
        return
    prefix = f"{review.place.catalog}.{review.place.schema}."
    shown = [(owner, name.removeprefix(prefix), what) for name, what, owner in rows.values()]
    table = pd.DataFrame(shown, columns=["owner", "answers for", "which is a"])
    st.dataframe(table, hide_index=True, key="concerned")


def _lineage(review: Review, found: Ancestry) -> None:
    st.subheader("Lineage", anchor=False)
    words = f"If it changes, this breaks: {found.breaks.sentence}."
    prefix = f"{review.place.catalog}.{review.place.schema}."
    is_dark = st.context.theme.type == "dark"
    st.graphviz_chart(dot(found, is_dark=is_dark, prefix=prefix), width="content", alt=words)
    if found.breaks.models or found.breaks.score_tables:
        st.text(words)


def _against_baseline(column: str) -> dict[str, str]:
    return {"column_name": column, "drift_type": "BASELINE"}


def _name(full: str) -> str:
    return full.rpartition(".")[2]
