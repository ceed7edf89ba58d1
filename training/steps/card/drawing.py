"""The card's pictures: labels over time, and what the kind of model shows of its predictions on the holdout."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup
from sklearn.calibration import calibration_curve
from sklearn.metrics import average_precision_score, confusion_matrix, precision_recall_curve, roc_auc_score, roc_curve

from feature_store.pages.pictures import FIRST, INK, LINE, SECOND, SERIES, axes, in_style, svg
from training.steps.card.slices import period_of
from training.steps.frame import HOLDOUT, TrainingFrame
from training.steps.kinds import BINARY, MULTICLASS, Kind, Values
from training.steps.metrics import CALIBRATION_BINS, calibration_error

_MOST_POINTS = 400


@dataclass(frozen=True)
class Picture:
    """A picture, and the sentence that stands below it."""

    svg: Markup
    caption: str


def labels_over_time(frame: TrainingFrame, kind: Kind, *, decided_at: str) -> Picture:
    """Rows, and the mean label (of classes: the share of the most frequent), by day, week or month; the holdout is tinted."""
    moments = frame.rows[decided_at]
    name, periods = period_of(moments)
    labels = kind.labels(frame.rows[frame.label])
    if kind is MULTICLASS:
        most = labels.mode().iloc[0]
        values, what = (labels == most).astype(float), f"share of {most!r}"
    else:
        values, what = labels.astype(float), "share of true" if kind is BINARY else f"mean {frame.label}"
    found = pd.DataFrame({"value": values, "held": frame.is_in(HOLDOUT)}).groupby(periods.to_numpy())
    table = found.agg(rows=("value", "size"), mean=("value", "mean"), held=("held", "mean"))
    with in_style():
        drawn = axes(width=7.2, height=2.6, y=f"rows per {name}")
        places = np.arange(len(table))
        colours = [SECOND if held > 0.5 else FIRST for held in table["held"]]
        drawn.bar(places, table["rows"], color=colours, alpha=0.35, width=0.9)
        shown = places[:: max(1, len(places) // 8)]
        drawn.set_xticks(shown, table.index[shown], rotation=30, ha="right")
        other = drawn.twinx()
        other.plot(places, table["mean"], color=INK, linewidth=1.4, marker="o", markersize=2.5)
        other.set_ylabel(what)
        other.spines["right"].set_visible(True)
        low, high = table["mean"].min(), table["mean"].max()
        other.set_ylim(min(0.0, low * 1.1), high * 1.15 if high > 0 else 1)
    caption = f"Bars: rows decided in each {name}, of the holdout in the second colour. Line: {what}."
    return Picture(svg(drawn, title=f"Rows and {what} per {name}"), caption)


def pictures(kind: Kind, labels: Values, scores: Mapping[str, Values]) -> list[Picture]:
    """What the kind of model shows; ``scores`` are predictions of the holdout by model, the first is the one the card is of."""
    model = next(iter(scores.values()))
    with in_style():
        if kind is BINARY:
            curves = [draw(labels, scores) for draw in (_roc, _precision_recall, _calibration)]
            return [*curves, _chances(labels, model)]
        if kind is MULTICLASS:
            return [_confusion(labels, model)]
        return [_predicted_and_found(labels, scores), _errors(labels, scores)]


def _thinned(*curves: Values) -> list[Values]:
    """At most a few hundred points of a curve, its ends among them: more cannot be seen."""
    chosen = np.unique(np.linspace(0, len(curves[0]) - 1, _MOST_POINTS).astype(int))
    return [curve[chosen] for curve in curves]


def _lines(scores: Mapping[str, Values]) -> Iterator[tuple[str, Values, dict[str, Any]]]:
    for number, (name, values) in enumerate(scores.items()):
        style = {
            "color": SERIES[number % len(SERIES)],
            "linewidth": 1.6 if number == 0 else 1.2,
            "linestyle": "-" if number == 0 else "--",
        }
        yield name, values, style


def _roc(labels: Values, scores: Mapping[str, Values]) -> Picture:
    drawn = axes(x="false positive rate", y="true positive rate")
    for name, values, style in _lines(scores):
        wrong, right, _ = roc_curve(labels, values)
        drawn.plot(*_thinned(wrong, right), label=f"{name} ({roc_auc_score(labels, values):.3f})", **style)
    drawn.plot([0, 1], [0, 1], color=LINE, linewidth=1)
    drawn.legend(loc="lower right")
    return Picture(
        svg(drawn, title="ROC curves on the holdout"), "ROC on the holdout; the area under each curve in brackets."
    )


def _precision_recall(labels: Values, scores: Mapping[str, Values]) -> Picture:
    drawn = axes(x="recall", y="precision")
    for name, values, style in _lines(scores):
        precision, recall, _ = precision_recall_curve(labels, values)
        drawn.plot(
            *_thinned(recall, precision), label=f"{name} ({average_precision_score(labels, values):.3f})", **style
        )
    drawn.axhline(float(np.mean(labels)), color=LINE, linewidth=1)
    drawn.set_ylim(0, 1.02)
    drawn.legend(loc="upper right")
    caption = "Precision and recall on the holdout; average precision in brackets. The line across is the share of true labels."
    return Picture(svg(drawn, title="Precision and recall on the holdout"), caption)


def _calibration(labels: Values, scores: Mapping[str, Values]) -> Picture:
    drawn = axes(x="mean predicted chance", y="share found true")
    top = 0.0
    for name, values, style in _lines(scores):
        found, predicted = calibration_curve(labels, values, n_bins=CALIBRATION_BINS, strategy="quantile")
        drawn.plot(
            predicted,
            found,
            marker="o",
            markersize=3,
            label=f"{name} ({calibration_error(values, labels):.3f})",
            **style,
        )
        top = max(top, float(predicted.max()), float(found.max()))
    drawn.plot([0, top], [0, top], color=LINE, linewidth=1)
    drawn.legend(loc="upper left")
    caption = "Calibration: tenths of the holdout by predicted chance; the calibration error in brackets."
    return Picture(svg(drawn, title="Calibration on the holdout"), caption)


def _chances(labels: Values, scores: Values) -> Picture:
    drawn = axes(x="predicted chance", y="share of the label's rows")
    edges = np.linspace(0, max(float(scores.max()), 1e-9), 31)
    for value, colour in ((False, FIRST), (True, SECOND)):
        chosen = scores[labels == value]
        shares = np.histogram(chosen, edges)[0] / max(len(chosen), 1)
        drawn.stairs(shares, edges, fill=True, color=colour, alpha=0.45, label=str(value).lower())
    drawn.legend(title="label")
    return Picture(
        svg(drawn, title="Predicted chances by label"),
        "The model's predicted chances of rows that were found true and false.",
    )


def _confusion(labels: Values, predicted: Values) -> Picture:
    known, told = labels.astype(str), predicted.astype(str)
    classes = sorted({*known, *told})
    counts = confusion_matrix(known, told, labels=classes)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size = 1.6 + 0.55 * len(classes)
    drawn = axes(width=max(size + 0.8, 3.6), height=size, x="predicted", y="found")
    for row, column in np.ndindex(*shares.shape):
        drawn.fill_between(
            [column - 0.5, column + 0.5],
            row - 0.5,
            row + 0.5,
            color=FIRST,
            alpha=0.7 * shares[row, column],
            linewidth=0,
        )
        drawn.text(column, row, f"{shares[row, column]:.0%}", ha="center", va="center")
    drawn.set_xticks(range(len(classes)), classes, rotation=30, ha="right")
    drawn.set_yticks(range(len(classes)), classes)
    drawn.set(xlim=(-0.5, len(classes) - 0.5), ylim=(len(classes) - 0.5, -0.5))
    return Picture(
        svg(drawn, title="Classes found and predicted"),
        "Of the rows found to be of a class, the share predicted as each.",
    )


def _predicted_and_found(labels: Values, scores: Mapping[str, Values]) -> Picture:
    drawn = axes(x="predicted", y="found")
    for number, (name, values, style) in enumerate(_lines(scores)):
        edges = np.unique(np.quantile(values, np.arange(1, 20) / 20))
        parts = pd.DataFrame({"predicted": values, "found": labels}).groupby(np.searchsorted(edges, values))
        means = parts.mean()
        drawn.plot(means["predicted"], means["found"], marker="o", markersize=3, label=name, **style)
        if number == 0:
            tenth, nine_tenths = (parts["found"].quantile(share) for share in (0.1, 0.9))
            drawn.fill_between(means["predicted"], tenth, nine_tenths, color=FIRST, alpha=0.15, linewidth=0)
            ends = [float(means["predicted"].min()), float(means["predicted"].max())]
            drawn.plot(ends, ends, color=LINE, linewidth=1)
    drawn.legend(loc="upper left")
    caption = "Twentieths of the holdout by what was predicted; the band holds eight of ten labels."
    return Picture(svg(drawn, title="Predicted and found"), caption)


def _errors(labels: Values, scores: Mapping[str, Values]) -> Picture:
    drawn = axes(x="predicted less found", y="share of rows")
    errors = {name: values - labels for name, values in scores.items()}
    low, high = np.quantile(np.concatenate(list(errors.values())), [0.01, 0.99])
    edges = np.linspace(low, high, 41)
    for name, values, style in _lines(errors):
        drawn.stairs(np.histogram(values, edges)[0] / len(values), edges, label=name, **style)
    drawn.legend()
    return Picture(
        svg(drawn, title="Errors on the holdout"), "Errors on the holdout; the outermost hundredths are not shown."
    )
