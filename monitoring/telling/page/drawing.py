"""The report's pictures: a measure over the windows, a distribution beside the baseline's, and the drift of all columns."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.dates import AutoDateLocator, ConciseDateFormatter
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path

from feature_store.pages.pictures import FAINT, FIRST, INK, SECOND, SERIES, axes, in_style, svg
from monitoring.drift.statistics import Floats
from monitoring.windows.bounds import Bounds
from monitoring.windows.calendar import Window

MOST_BINS = 16
_DOTS_UP_TO = 70
_BEYOND_SIGHT = 12
"""A bound that is so many times the largest value is told in the caption and not drawn: the line would lie flat."""
_LEVELS = (
    (0.0, 0.5, FIRST, 0.10, "below half of it"),
    (0.5, 1.0, FIRST, 0.45, "below it"),
    (1.0, 2.0, SECOND, 0.55, "beyond it"),
    (2.0, math.inf, SECOND, 1.0, "more than twice"),
)


@dataclass(frozen=True)
class Picture:
    """A picture, and the sentence that stands below it."""

    svg: Markup
    caption: str


def over_windows(
    windows: Sequence[Window],
    series: Mapping[str, Sequence[float | None]],
    *,
    title: str,
    y: str,
    caption: str,
    bounds: Bounds | None = None,
    spans: Sequence[tuple[datetime, datetime]] = (),
    versions: Sequence[str] = (),
    of_all: str = "",
) -> Picture:
    """Lines over the windows; ``bounds`` are dashed, what is beyond them is dotted, and ``spans`` of time are tinted.

    ``versions`` has the model of each window; where it changes a line says so. The series named ``of_all`` is in ink.
    """
    with in_style():
        drawn = axes(width=6.4, height=2.7, y=_plain(y))
        moments = np.array([_day(window.start) for window in windows])
        for begins, ends in spans:
            drawn.axvspan(_day(begins), _day(ends), color=SECOND, alpha=0.13, linewidth=0)
        low, high = _lines(drawn, moments, series, of_all)
        shown, hidden = _in_sight(bounds, low, high)
        for bound in shown:
            drawn.axhline(bound, color=SECOND, linewidth=1.1, linestyle="--")
        if bounds is not None:
            judged = [series[of_all]] if of_all in series else series.values()
            for values in judged:
                _mark_beyond(drawn, moments, values, bounds)
        _mark_models(drawn, moments, versions)
        _dates(drawn)
        if len(series) > 1:
            _legend(drawn, ncols=min(len(series), 5))
    said = [f"The bound of {bound:.4g} lies far outside." for bound in hidden]
    said += ["A dotted line is a change of the model."] * (len(set(versions)) > 1)
    return Picture(svg(drawn, title=title), " ".join([caption, *said]))


def _lines(
    drawn: Axes, moments: Floats, series: Mapping[str, Sequence[float | None]], of_all: str
) -> tuple[float, float]:
    colours = iter(SERIES * (len(series) // len(SERIES) + 1))
    known = [0.0]
    for name, values in series.items():
        numbers = _numbers(values)
        colour = INK if name == of_all else next(colours)
        alone = len(moments) <= _DOTS_UP_TO
        style = {"marker": "o" if alone else None, "markersize": 2.6, "linewidth": 1.8 if name == of_all else 1.3}
        drawn.plot(moments, numbers, color=colour, label=_plain(name), **style)  # type: ignore[arg-type]
        known += numbers[np.isfinite(numbers)].tolist()
    return min(known), max(known)


def _numbers(values: Sequence[float | None]) -> Floats:
    """A gap is left for what is not known, and for what is infinite."""
    numbers = np.array([math.nan if value is None else value for value in values], dtype=np.float64)
    numbers[~np.isfinite(numbers)] = math.nan
    return numbers


def _in_sight(bounds: Bounds | None, low: float, high: float) -> tuple[list[float], list[float]]:
    there = [bound for bound in ((bounds.low, bounds.high) if bounds else ()) if bound is not None]
    most = max(abs(low), abs(high))
    hidden = [bound for bound in there if most > 0 and abs(bound) > _BEYOND_SIGHT * most]
    return [bound for bound in there if bound not in hidden], hidden


def _mark_beyond(drawn: Axes, moments: Floats, values: Sequence[float | None], bounds: Bounds) -> None:
    numbers = _numbers(values)
    chosen = [i for i, number in enumerate(numbers) if not math.isnan(number) and bounds.crossed(number) is not None]
    drawn.plot(moments[chosen], numbers[chosen], linestyle="", marker="o", markersize=4.5, color=SECOND)


def _mark_models(drawn: Axes, moments: Floats, versions: Sequence[str]) -> None:
    for place in range(1, len(versions)):
        if versions[place] != versions[place - 1]:
            drawn.axvline(moments[place], color=FAINT, linewidth=0.9, linestyle=":")
            drawn.annotate(
                f"model {_plain(versions[place])}",
                (moments[place], 1.0),
                xycoords=drawn.get_xaxis_transform(),
                xytext=(3, -8),
                textcoords="offset points",
                color=FAINT,
                fontsize=8,
            )


def _day(moment: datetime) -> float:
    """The moment in days since 1970, as matplotlib counts."""
    return moment.timestamp() / 86_400


def _dates(drawn: Axes) -> None:
    locator = AutoDateLocator(minticks=3, maxticks=8)  # type: ignore[no-untyped-call]
    drawn.xaxis.set_major_locator(locator)
    drawn.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    drawn.xaxis_date()
    drawn.margins(x=0.02)


def bars_over_windows(
    windows: Sequence[Window], rows: Sequence[int], *, beyond: Sequence[bool], title: str, caption: str
) -> Picture:
    """A bar for each window's rows; those that are ``beyond`` a limit are in the second colour."""
    with in_style():
        drawn = axes(width=6.4, height=2.7, y="rows")
        moments = np.array([_day(window.start) for window in windows])
        ends = np.array([_day(window.end) for window in windows])
        edges = moments + (ends - moments) * 0.85
        heights, marked = np.array(rows, dtype=np.float64), np.array(beyond, dtype=np.bool_)
        for colour, chosen in ((FIRST, ~marked), (SECOND, marked)):
            if chosen.any():
                bars = _boxes(moments[chosen], edges[chosen], np.zeros(chosen.sum()), heights[chosen])
                drawn.add_patch(PathPatch(bars, facecolor=colour, alpha=0.75, linewidth=0))
        drawn.autoscale_view()
        drawn.set_ylim(bottom=0)
        _dates(drawn)
    return Picture(svg(drawn, title=title), caption)


def distribution(histogram: Sequence[tuple[str, int, int]], *, title: str, caption: str) -> Picture | None:
    """The share of rows in each bin, of the baseline and of a window; None if either has no rows.

    Bins that are empty in both are left out, and of many categories the smallest are put together.
    """
    before, now = sum(count for _, count, _ in histogram), sum(count for *_, count in histogram)
    if not before or not now:
        return None
    bins = [(name, one / before, other / now) for name, one, other in histogram if one or other]
    if len(bins) > MOST_BINS:
        largest = sorted(bins, key=lambda bin_: -max(bin_[1:]))[: MOST_BINS - 1]
        rest = [bin_ for bin_ in bins if bin_ not in largest]
        bins = [bin_ for bin_ in bins if bin_ in largest]
        bins.append((f"{len(rest)} smaller", sum(one for _, one, _ in rest), sum(other for _, _, other in rest)))
    with in_style():
        drawn = axes(width=6.4, height=0.75 + 0.27 * len(bins), x="share of the rows")
        places = np.arange(len(bins))
        drawn.barh(places - 0.2, [one for _, one, _ in bins], height=0.36, color=FAINT, alpha=0.45, label="baseline")
        drawn.barh(places + 0.2, [other for *_, other in bins], height=0.36, color=FIRST, label="window")
        drawn.set_yticks(places, [_plain(name) for name, *_ in bins])
        drawn.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        drawn.invert_yaxis()
        _legend(drawn, ncols=2)
    return Picture(svg(drawn, title=title), caption)


def heat_map(
    windows: Sequence[Window],
    ratios: Mapping[str, Sequence[float | None]],
    *,
    limited: int,
    caption: str,
) -> Picture:
    """A row for each column, a cell for each window, by how large the ratio is; the first ``limited`` rows stand apart."""
    with in_style():
        drawn = axes(width=9.2, height=1.0 + 0.2 * len(ratios))
        for least, most, colour, alpha, _ in _LEVELS:
            cells = [
                (x, y)
                for y, values in enumerate(ratios.values())
                for x, value in enumerate(values)
                if value is not None and least <= value and (value < most or most == math.inf)
            ]
            if cells:
                x, y = np.array(cells, dtype=np.float64).T
                boxes = _boxes(x + 0.04, x + 0.96, y + 0.07, y + 0.93)
                drawn.add_patch(PathPatch(boxes, facecolor=colour, alpha=alpha, linewidth=0))
        if 0 < limited < len(ratios):
            drawn.axhline(limited, color=INK, linewidth=0.8)
        drawn.set(xlim=(0, len(windows)), ylim=(len(ratios), 0))
        drawn.tick_params(length=0)
        drawn.set_yticks(np.arange(len(ratios)) + 0.5, [_plain(name) for name in ratios])
        shown = range(0, len(windows), max(1, math.ceil(len(windows) / 6)))
        drawn.set_xticks([place + 0.5 for place in shown], [f"{windows[place].start:%Y-%m-%d}" for place in shown])
        for spine in drawn.spines.values():
            spine.set_visible(False)
        legend = [Patch(facecolor=colour, alpha=alpha, label=name) for _, _, colour, alpha, name in _LEVELS]
        _legend(drawn, handles=legend, ncols=len(legend))
    return Picture(svg(drawn, title="Drift of the columns by window"), caption)


def _legend(drawn: Axes, *, ncols: int, handles: Sequence[Patch] | None = None) -> None:
    """Above the picture, where it hides nothing."""
    place = {"loc": "lower left", "bbox_to_anchor": (0, 1.0), "borderaxespad": 0.2, "ncols": ncols}
    drawn.legend(**place, **({} if handles is None else {"handles": handles}))


def _boxes(left: Floats, right: Floats, low: Floats, high: Floats) -> Path:
    """One path of a rectangle for each of these: as many patches would take several times as long to draw."""
    corners = [(left, low), (right, low), (right, high), (left, high), (left, low)]
    vertices = np.stack([np.column_stack(corner) for corner in corners], axis=1).reshape(-1, 2)
    codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY]
    return Path(vertices, np.tile(codes, len(left)))


def _plain(name: str) -> str:
    """A name in which nothing is a sign to matplotlib, short enough to stand beside a picture."""
    text = "".join(letter if letter.isprintable() else " " for letter in name)
    text = text if len(text) <= 40 else f"{text[:39]}…"
    return (" " if text.startswith("_") else "") + text.replace("$", r"\$")
