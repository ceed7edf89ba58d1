"""Elements of our own, where Streamlit's take the browser too long: names that lead to pages, and code to copy.

A page of a table with fifty features has fifty names, each a message and a widget, which took most of a second; to colour the
first lines of code takes a quarter of a second.
"""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st
from streamlit.components.v2.types import ComponentRenderer

PAGE = "features"
_HERE = Path(__file__).parent
Line = tuple[str, str, str]
"""The name in the address, the words of the link, and what there is to say of it."""


def _element(name: str) -> ComponentRenderer:
    """The element that the script and the style of this name make."""
    script, style = ((_HERE / f"{name}.{kind}").read_text(encoding="utf-8") for kind in ("js", "css"))
    return st.components.v2.component(name, js=script, css=style)


_links, _copyable = _element("links"), _element("copyable")


def go(name: str = "") -> None:
    """Have the page of that name shown, of none the list of all tables: to be called before anything else is."""
    st.query_params.from_dict({"page": PAGE} | ({"name": name} if name else {}))


def links(lines: Sequence[Line], *, key: str, beside: bool = False) -> None:
    """The names below each other with what is told of them, or beside each other."""

    def opened() -> None:
        go(st.session_state[key].opened)

    _links(key=key, data={"page": PAGE, "beside": beside, "lines": lines}, on_opened_change=opened)


def copyable(text: str, *, key: str) -> None:
    """The text as it stands, and a button that copies it, or selects it where the browser does not let it."""
    _copyable(key=key, data=text)
