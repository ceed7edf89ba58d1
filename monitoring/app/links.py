"""Names that lead to the pages of features, many in one element: each element of Streamlit's own is a message and a widget.

A page of a table with fifty features has fifty names; as buttons with captions they took the browser most of a second.
"""

from collections.abc import Sequence
from pathlib import Path

import streamlit as st

PAGE = "features"
_HERE = Path(__file__).parent
Line = tuple[str, str, str]
"""The name in the address, the words of the link, and what there is to say of it."""

_links = st.components.v2.component(
    "links",
    js=(_HERE / "links.js").read_text(encoding="utf-8"),
    css=(_HERE / "links.css").read_text(encoding="utf-8"),
)


def go(name: str = "") -> None:
    """Have the page of that name shown, of none the list of all tables: to be called before anything else is."""
    st.query_params.from_dict({"page": PAGE} | ({"name": name} if name else {}))


def links(lines: Sequence[Line], *, key: str, beside: bool = False) -> None:
    """The names below each other with what is told of them, or beside each other."""

    def opened() -> None:
        go(st.session_state[key].opened)

    _links(key=key, data={"page": PAGE, "beside": beside, "lines": lines}, on_opened_change=opened)
