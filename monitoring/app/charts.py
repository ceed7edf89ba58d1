"""The charts, in Altair: moments in UTC, shares in per cent, red only for what is beyond a limit.

Each is drawn once for the same rows, and kept as Vega-Lite: to draw one takes a tenth of a second.
"""

import altair as alt
import pandas as pd
import streamlit as st

from monitoring.app.wording import Unit, unit

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
_DAY = "%d %b %Y"
AnyChart = alt.Chart | alt.LayerChart | alt.FacetChart
Drawn = dict[str, object]
"""A chart as Vega-Lite, with its rows."""
_kept = st.cache_data(max_entries=256, show_spinner=False)


def _time(field: str = "at") -> alt.X:
    axis = alt.Axis(format="%d %b %y", labelAngle=0, labelOverlap=True, tickCount=6, grid=False)
    return alt.X(f"{field}:T", title=None, axis=axis, scale=alt.Scale(type="utc"))


def _window_tips() -> list[alt.Tooltip]:
    return [alt.Tooltip("at:T", title="from", format=_DAY), alt.Tooltip("until:T", title="to", format=_DAY)]


def _value(title: str, measure: Unit, *, zero: bool) -> alt.Y:
    axis = alt.Axis(format=measure.axis or "~g", tickCount=5)
    return alt.Y("value:Q", title=title, axis=axis, scale=alt.Scale(zero=zero))


@_kept
def over_time(points: pd.DataFrame, metric: str, limit: float, marks: pd.DataFrame) -> Drawn:
    """The measure by window with its limit, and what happened to the alert when."""
    measure = unit(metric)
    base = alt.Chart(points)
    y = _value(measure.title, measure, zero=True)
    tips = [
        *_window_tips(),
        alt.Tooltip("value:Q", title=measure.title, format=".4"),
        alt.Tooltip("rows:Q", format=","),
    ]
    tips += [alt.Tooltip("model:N", title="model version")]
    line = base.mark_line(color=CALM, strokeWidth=1.5).encode(_time(), y)
    scale = alt.Scale(domain=["within", "beyond the limit"], range=[CALM, BAD])
    dots = base.mark_circle(size=26 if len(points) > 100 else 48, opacity=1).encode(
        _time(), y, alt.Color("state:N", scale=scale, legend=None), tooltip=tips
    )
    bound = alt.Chart(pd.DataFrame({"value": [limit], "name": [f"limit {measure(limit)}"]}))
    rule = bound.mark_rule(color=BAD, strokeDash=[5, 4]).encode(alt.Y("value:Q"))
    words = bound.mark_text(align="left", baseline="bottom", dx=4, dy=-3, color=BAD, fontSize=11).encode(
        alt.Y("value:Q"), alt.Text("name:N"), x=alt.value(0)
    )
    layers: list[AnyChart] = [line, dots, rule, words]
    if len(marks):
        there = [name for name in EVENTS if name in set(marks["event"])]
        colours = alt.Scale(domain=there, range=[EVENTS[name] for name in there])
        legend = alt.Legend(title=None, orient="top", symbolType="triangle-down", symbolOpacity=1, columns=4)
        happened = alt.Chart(marks).encode(
            _time(),
            alt.Color("event:N", scale=colours, legend=legend),
            tooltip=[alt.Tooltip("at:T", title="when", format=_DAY), "event:N", "who:N"],
        )
        lines = happened.mark_rule(strokeWidth=2, opacity=0.55)
        signs = happened.mark_point(shape="triangle-down", filled=True, size=90, opacity=1).encode(y=alt.value(4))
        layers.append(alt.layer(lines, signs))
    return _drawn(alt.layer(*layers).resolve_scale(color="independent").properties(height=_HIGH))


@_kept
def distribution(shares: pd.DataFrame) -> Drawn:
    """Baseline and window by bin, as shares of the rows of each."""
    order = list(dict.fromkeys(shares["bin"]))
    chart: AnyChart = (
        alt.Chart(shares)
        .mark_bar()
        .encode(
            alt.Y("bin:N", sort=order, title=None, axis=alt.Axis(labelLimit=150)),
            alt.X("share:Q", title="share of rows", axis=alt.Axis(format="%", tickCount=5)),
            alt.Color(
                "of:N",
                scale=alt.Scale(domain=["baseline", "window"], range=[BASELINE, WINDOW]),
                legend=alt.Legend(title=None, orient="top"),
            ),
            alt.YOffset("of:N", sort=["baseline", "window"]),
            tooltip=["bin:N", "of:N", alt.Tooltip("share:Q", format=".1%"), alt.Tooltip("rows:Q", format=",")],
        )
        .properties(height=max(_LOW, 34 * len(order) + 70))
    )
    return _drawn(chart)


@_kept
def quality(found: pd.DataFrame, measure: str) -> Drawn:
    """A measure of the model's quality by window, one colour for each version; faint where few labels are known."""
    how = unit(measure)
    base = alt.Chart(found[found["measure"] == measure])
    y = _value(how.title, how, zero=False)
    colour = alt.Color(
        "model:N", scale=alt.Scale(scheme="tableau10"), legend=alt.Legend(title="model version", orient="top")
    )
    tips = [
        *_window_tips(),
        alt.Tooltip("value:Q", title=how.title, format=".4"),
        alt.Tooltip("model:N", title="model version"),
    ]
    tips += [alt.Tooltip("labelled:Q", title="labels known", format=".0%")]
    line = base.mark_line(strokeWidth=1.5).encode(_time(), y, colour)
    opacity = alt.Opacity("labelled:Q", scale=alt.Scale(domain=[0, 1], range=[0.25, 1]), legend=None)
    dots = base.mark_circle(size=48).encode(_time(), y, colour, opacity, tooltip=tips)
    return _drawn(alt.layer(line, dots).properties(height=_LOW))


@_kept
def scores(bands: pd.DataFrame) -> Drawn:
    """The median score by window, and the band that holds the middle eight tenths."""
    base = alt.Chart(bands)
    tips = [*_window_tips(), *(alt.Tooltip(f"{name}:Q", format=".3f") for name in ("low", "median", "high"))]
    scale = alt.Scale(zero=True)
    band = base.mark_area(color=CALM, opacity=0.22).encode(
        _time(), alt.Y("low:Q", title="score", scale=scale), alt.Y2("high:Q")
    )
    median = base.mark_line(color=CALM, strokeWidth=2, point=alt.OverlayMarkDef(size=20)).encode(
        _time(), alt.Y("median:Q"), tooltip=tips
    )
    return _drawn(alt.layer(band, median).properties(height=_LOW))


def _drawn(chart: AnyChart) -> Drawn:
    drawn: Drawn = chart.to_dict()
    return drawn
