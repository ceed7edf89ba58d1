"""The charts, as Vega-Lite: moments in UTC, shares in per cent, red only for what is beyond a limit.

The browser interprets each expression of a chart for each of its marks. So what a mark tells when it is pointed at is
written here, and no mark has a description of its own: the words beside a chart say what it shows.
"""

import math
from collections.abc import Iterable, Mapping

import pandas as pd

from monitoring.app.wording import Unit, day, span, unit

BAD, CALM, BASELINE, WINDOW, AMBER, VIOLET = "#d03b32", "#3f7fd0", "#9aa5b5", "#e08a2e", "#c98a1b", "#8a5cc7"
_GOOD, _GREY = "#2f9e58", "#8d97a5"
EVENTS = {
    "opened": BAD,
    "reopened": BAD,
    "subsided": AMBER,
    "recovered": _GOOD,
    "resolved": _GOOD,
    "acknowledged": CALM,
    "assigned": CALM,
    "snoozed": _GREY,
    "new model asked for": VIOLET,
    "training ended": VIOLET,
}
_HIGH, _LOW = 260, 230
_SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
Drawn = dict[str, object]
"""A chart as Vega-Lite with its rows, or a part of one."""
_TIME: Drawn = {
    "field": "at",
    "type": "temporal",
    "title": None,
    "axis": {"format": "%d %b %y", "labelAngle": 0, "labelOverlap": True, "tickCount": 6, "grid": False},
    "scale": {"type": "utc"},
}
_FOUR_DIGITS = "{:.4g}".format
_TELLS = {"expr": "datum.tells"}


def over_time(points: pd.DataFrame, metric: str, limit: float, marks: pd.DataFrame) -> Drawn:
    """The measure by window with its limit, and what happened to the alert when."""
    measure = unit(metric)
    told: dict[str, Iterable[str]] = {
        "window": _windows(points),
        measure.title: points["value"].map(_FOUR_DIGITS),
        "rows": points["rows"].map("{:,}".format),
        "model version": points["model"],
    }
    state = _colour("state", {"within": CALM, "beyond the limit": BAD}, legend=None)
    bound: Drawn = {"data": {"values": [{}]}, "encoding": {"y": {"datum": limit}}}
    words = {
        "text": f"limit {measure(limit)}",
        "align": "left",
        "baseline": "bottom",
        "dx": 4,
        "dy": -3,
        "fontSize": 11,
    }
    values: Drawn = {
        "data": _data(points[["at", "value", "state"]], told),
        "encoding": {"x": _TIME, "y": _value(measure, zero=True)},
        "layer": [
            {"mark": {"type": "line", "color": CALM, "strokeWidth": 1.5}},
            {
                "mark": {"type": "circle", "size": 26 if len(points) > 100 else 48, "opacity": 1, "tooltip": _TELLS},
                "encoding": {"color": state},
            },
        ],
    }
    layers = [
        values,
        bound | {"mark": {"type": "rule", "color": BAD, "strokeDash": [5, 4]}},
        bound | {"mark": {"type": "text", "color": BAD, "x": 0, **words}},
    ]
    return _drawn(*layers, *_events(marks), height=_HIGH)


def _events(marks: pd.DataFrame) -> list[Drawn]:
    """A line and a sign for each thing that happened."""
    if marks.empty:
        return []
    there = {name: colour for name, colour in EVENTS.items() if name in set(marks["event"])}
    legend: Drawn = {"orient": "top", "symbolType": "triangle-down", "symbolOpacity": 1, "columns": 4}
    sign = {"shape": "triangle-down", "filled": True, "size": 90, "opacity": 1, "y": 4}
    happened: Drawn = {
        "data": _data(
            marks[["at", "event"]], {"when": marks["at"].map(day), "event": marks["event"], "who": marks["who"]}
        ),
        "encoding": {"x": _TIME, "color": _colour("event", there, legend=legend)},
        "layer": [
            {"mark": {"type": "rule", "strokeWidth": 2, "opacity": 0.55, "tooltip": _TELLS}},
            {"mark": {"type": "point", "tooltip": _TELLS, **sign}},
        ],
    }
    return [happened]


def distribution(shares: pd.DataFrame) -> Drawn:
    """Baseline and window by bin, as shares of the rows of each."""
    order = list(dict.fromkeys(shares["bin"]))
    told: dict[str, Iterable[str]] = {
        "bin": shares["bin"],
        "of": shares["of"],
        "share": shares["share"].map("{:.1%}".format),
        "rows": shares["rows"].map("{:,}".format),
    }
    bars: Drawn = {
        "data": _data(shares[["bin", "of", "share"]], told),
        "mark": {"type": "bar", "tooltip": _TELLS},
        "encoding": {
            "y": {"field": "bin", "type": "nominal", "sort": order, "title": None, "axis": {"labelLimit": 150}},
            "x": _quantity("share", "share of rows", axis={"format": "%", "tickCount": 5}),
            "color": _colour("of", {"baseline": BASELINE, "window": WINDOW}, legend={"orient": "top"}),
            "yOffset": {"field": "of", "type": "nominal", "sort": ["baseline", "window"]},
        },
    }
    return _drawn(bars, height=max(_LOW, 34 * len(order) + 70))


def quality(found: pd.DataFrame, measure: str) -> Drawn:
    """A measure of the model's quality by window, one colour for each version; faint where few labels are known."""
    how, rows = unit(measure), found[found["measure"] == measure]
    told: dict[str, Iterable[str]] = {
        "window": _windows(rows),
        how.title: rows["value"].map(_FOUR_DIGITS),
        "model version": rows["model"],
        "labels known": rows["labelled"].map("{:.0%}".format),
    }
    legend = {"title": "model version", "orient": "top"}
    colour: Drawn = {"field": "model", "type": "nominal", "scale": {"scheme": "tableau10"}, "legend": legend}
    opacity = _quantity("labelled", None, scale={"domain": [0, 1], "range": [0.25, 1]}, legend=None)
    lines: Drawn = {
        "data": _data(rows[["at", "value", "model", "labelled"]], told),
        "encoding": {"x": _TIME, "y": _value(how, zero=False), "color": colour},
        "layer": [
            {"mark": {"type": "line", "strokeWidth": 1.5}},
            {"mark": {"type": "circle", "size": 48, "tooltip": _TELLS}, "encoding": {"opacity": opacity}},
        ],
    }
    return _drawn(lines, height=_LOW)


def scores(bands: pd.DataFrame) -> Drawn:
    """The median score by window, and the band that holds the middle eight tenths."""
    names = ("low", "median", "high")
    told: dict[str, Iterable[str]] = {
        "window": _windows(bands),
        **{name: bands[name].map("{:.3f}".format) for name in names},
    }
    low = _quantity("low", "score", scale={"zero": True})
    band: Drawn = {
        "data": _data(bands[["at", *names]], told),
        "encoding": {"x": _TIME},
        "layer": [
            {
                "mark": {"type": "area", "color": CALM, "opacity": 0.22},
                "encoding": {"y": low, "y2": {"field": "high"}},
            },
            {
                "mark": {"type": "line", "color": CALM, "strokeWidth": 2, "point": {"size": 20}, "tooltip": _TELLS},
                "encoding": {"y": _quantity("median", "score")},
            },
        ],
    }
    return _drawn(band, height=_LOW)


def _quantity(field: str, title: str | None, **how: object) -> Drawn:
    return {"field": field, "type": "quantitative", "title": title, **how}


def _value(measure: Unit, *, zero: bool) -> Drawn:
    axis = {"format": measure.axis or "~g", "tickCount": 5}
    return _quantity("value", measure.title, axis=axis, scale={"zero": zero})


def _colour(field: str, colours: Mapping[str, str], *, legend: Drawn | None) -> Drawn:
    scale = {"domain": list(colours), "range": list(colours.values())}
    return {"field": field, "type": "nominal", "scale": scale, "legend": legend and {"title": None, **legend}}


def _windows(rows: pd.DataFrame) -> list[str]:
    return [span(start, end) for start, end in zip(rows["at"], rows["until"], strict=True)]


def _data(rows: pd.DataFrame, told: Mapping[str, Iterable[str]]) -> Drawn:
    """The rows, moments in milliseconds, each with what it tells when it is pointed at."""
    if "at" in rows:
        rows = rows.assign(at=pd.to_datetime(rows["at"], utc=True).dt.as_unit("ms").astype("int64"))
    tells = (dict(zip(told, one, strict=True)) for one in zip(*told.values(), strict=True))
    records = ({name: _known(value) for name, value in row.items()} for row in rows.to_dict("records"))
    return {"values": [{**row, "tells": one} for row, one in zip(records, tells, strict=True)]}


def _known(value: object) -> object:
    """The value, or None for a number that JSON has not."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _drawn(*layers: Drawn, height: int) -> Drawn:
    """The chart of these layers; rows stay within them, since Streamlit sends those of a whole chart in a slower form."""
    return {
        "$schema": _SCHEMA,
        "height": height,
        "config": {"mark": {"aria": False}},
        "layer": list(layers),
        "resolve": {"scale": {"color": "independent"}},
    }
