"""Code to copy, as one element: Streamlit's own takes a quarter of a second of the browser to colour its first lines."""

from pathlib import Path

import streamlit as st

_HERE = Path(__file__).parent
_copyable = st.components.v2.component(
    "copyable",
    js=(_HERE / "copyable.js").read_text(encoding="utf-8"),
    css=(_HERE / "copyable.css").read_text(encoding="utf-8"),
)


def copyable(text: str, *, key: str) -> None:
    """The text as it stands, and a button that copies it, or selects it where the browser does not let it."""
    _copyable(key=key, data=text)
