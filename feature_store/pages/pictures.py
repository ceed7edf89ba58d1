"""Matplotlib's pictures as SVG whose colours are the page's: light, dark or printed, and whose text is the page's text."""

from __future__ import annotations

import hashlib
import io
import re
from contextlib import AbstractContextManager
from typing import Any, cast

import matplotlib as mpl
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

INK, FAINT, LINE = "#010101", "#020202", "#030303"
FIRST, SECOND, THIRD, FOURTH = "#040404", "#050505", "#060606", "#070707"
"""Colours to draw in. Each stands for one of the style's."""
SERIES = (FIRST, SECOND, THIRD, FOURTH)
_OF_THE_STYLE = {
    INK: "ink", FAINT: "faint", LINE: "line", FIRST: "first", SECOND: "second", THIRD: "third", FOURTH: "fourth",
}  # fmt: skip
_SETTINGS: Any = {
    "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9, "figure.facecolor": "none", "axes.facecolor": "none",
    "text.color": INK, "axes.labelcolor": FAINT, "axes.edgecolor": LINE, "xtick.color": FAINT, "ytick.color": FAINT,
    "axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": 10, "legend.frameon": False, "legend.fontsize": 8,
}  # fmt: skip


def in_style() -> AbstractContextManager[None]:
    """Whatever is drawn within is in the page's style: legends, second axes."""
    return mpl.rc_context(_SETTINGS)


def axes(*, width: float = 4.6, height: float = 3.2, x: str = "", y: str = "") -> Axes:
    """Axes on a new picture, its size in inches, with labels for both directions."""
    with in_style():
        figure = Figure(figsize=(width, height), layout="constrained")
        FigureCanvasSVG(figure)
        drawn = figure.add_subplot()
        drawn.set(xlabel=x, ylabel=y)
        return drawn


def svg(drawn: Axes, *, title: str) -> Markup:
    """The picture of these axes as markup; ``title`` is what it is called where it cannot be seen."""
    written = io.StringIO()
    names = hashlib.sha256(title.encode()).hexdigest()
    with mpl.rc_context({**_SETTINGS, "svg.hashsalt": names, "svg.id": None}):
        # Figure.savefig would draw everything twice.
        cast("Any", drawn.figure.canvas).print_svg(written, metadata={"Date": None, "Creator": None})
    text = written.getvalue()
    text = text[text.index("<svg") :]
    head, body = text.split(">", 1)
    head = re.sub(r'\s(width|height)="[^"]*"', "", head)
    body = re.sub(r"<metadata>.*?</metadata>", "", body, flags=re.DOTALL)
    for colour, name in _OF_THE_STYLE.items():
        body = body.replace(colour, f"var(--{name})")
    body = re.sub(r"font-family: [^;\"]*;? ?", "", body)
    # Each picture's names are its own: several stand in one page.
    body = re.sub(r'((?:id="|href="#|url\(#))', rf"\g<1>{names[:6]}-", body)
    return Markup(f'{head} role="img" aria-label="{escape(title)}">{body}')
