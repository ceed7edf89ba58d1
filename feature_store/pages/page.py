"""Pages filled in from templates: one file of HTML that carries its style and its pictures, and runs no script."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

_HERE = Path(__file__).parent
NOTHING = "–"


def render(template: Path, **values: object) -> str:
    """The page that ``template`` makes of ``values``; it may extend ``page.html.jinja``, and use ``parts.html.jinja``.

    Whatever is put in is escaped, unless it is markup already, as pictures are.
    """
    return _templates(template.parent).get_template(template.name).render(**values)


@cache
def _templates(folder: Path) -> Environment:
    """Those of ``folder``, each compiled once, and again if its file changes."""
    environment = Environment(
        loader=FileSystemLoader([folder, _HERE]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "share": share, "moment": moment, "age": age, "breakable": breakable}
    return environment


def number(value: float | None) -> str:
    """A number as people read it: whole ones in full, others to four places or, from a hundred on, to one."""
    if value is None or not math.isfinite(value):
        return NOTHING
    if isinstance(value, int) or (abs(value) >= 100_000 and value == int(value)):
        return f"{int(value):,}"
    if value and abs(value) < 0.0001:
        return f"{value:.1e}"
    return f"{value:,.1f}" if abs(value) >= 100 else f"{value:.4f}"


def share(value: float | None) -> str:
    """A part of a whole in percent; what is there is never shown as nothing."""
    if value is None or not math.isfinite(value):
        return NOTHING
    if 0 < value < 0.001:
        return "< 0.1 %"
    return f"{value:.1%}".replace("%", " %")


def moment(value: datetime | None) -> str:
    """A moment in UTC, to the minute; a whole day by its date."""
    if value is None:
        return NOTHING
    value = value.astimezone(UTC)
    return f"{value:%Y-%m-%d}" if (value.hour, value.minute) == (0, 0) else f"{value:%Y-%m-%d %H:%M}"


def age(seconds: float | None) -> str:
    """A length of time in its two largest units: ``3 d 4 h``."""
    if seconds is None or not math.isfinite(seconds):
        return NOTHING
    sign, left = ("−" if seconds < 0 else ""), abs(seconds)
    units = [("d", 86_400), ("h", 3_600), ("min", 60)]
    for position, (unit, length) in enumerate(units):
        if left >= length:
            whole, rest = divmod(left, length)
            smaller, part = units[position + 1] if position + 1 < len(units) else ("s", 1)
            more = f" {int(rest // part)} {smaller}" if rest // part else ""
            return f"{sign}{int(whole)} {unit}{more}"
    return f"{sign}{left:.0f} s"


def breakable(name: str) -> Markup:
    """A name that may be broken after each of its parts, where there is little room."""
    return Markup("_<wbr>").join(escape(part) for part in name.split("_"))
