"""What a feature's values were by window, how far they drifted, and the alerts on it."""

from collections.abc import Sequence

import streamlit as st

from feature_store.catalog.page.history import History
from monitoring.app.charts import BAD, CALM, Drawn
from monitoring.app.wording import literal

_HIGH = 140
_PARTS = {"mean": "Mean", "nulls": "Nulls, percent", "drift": "Drift (PSI)"}


def history(told: History) -> None:
    """The series as charts, each under its name, and the alerts in words."""
    st.subheader(f"History: {literal(told.of)}", anchor=False)
    with st.container(horizontal=True):
        for part, title in _PARTS.items():
            values: Sequence[float | None] = getattr(told, part)
            if values:
                with st.container(width=360):
                    st.caption(title)
                    limit = told.limit if part == "drift" else None
                    st.vega_lite_chart(drawn(told.windows, values, limit), key=f"history-{told.of}-{part}")
    for alert in told.alerts:
        st.text(alert)


def drawn(windows: Sequence[str], values: Sequence[float | None], limit: float | None) -> Drawn:
    """A line by window, with its limit."""
    rows = [{"at": start, "value": value} for start, value in zip(windows, values, strict=True) if value is not None]
    x: Drawn = {
        "field": "at",
        "type": "temporal",
        "title": None,
        "scale": {"type": "utc"},
        "axis": {"format": "%d %b %y", "tickCount": 4},
    }
    y: Drawn = {"field": "value", "type": "quantitative", "title": None}
    line: Drawn = {"mark": {"type": "line", "color": CALM, "point": len(rows) == 1}, "encoding": {"x": x, "y": y}}
    bound: Drawn = {
        "data": {"values": [{}]},
        "mark": {"type": "rule", "color": BAD},
        "encoding": {"y": {"datum": limit}},
    }
    return {"data": {"values": rows}, "height": _HIGH, "layer": [line] if limit is None else [line, bound]}
