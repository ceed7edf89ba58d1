"""What something is made of and what is made of it, drawn; each box leads to its page, and so do the names below."""

from urllib.parse import urlencode

import streamlit as st

from feature_store.catalog.edges import MadeOf, edges, node_id, reached
from feature_store.catalog.model import MONITOR, Catalog
from feature_store.errors import listed
from monitoring.app.boxes import Box, digraph, quoted
from monitoring.app.elements import PAGE, links

MOST = 60
"""So many arrows are drawn on either side."""


def show(catalog: Catalog, name: str, feature: str = "") -> None:
    """The lineage of a table, a feature, a model or a monitor."""
    st.subheader("Lineage", anchor=False)
    made_of = list(edges(catalog))
    above = reached(made_of, name, upward=True)
    below = reached(made_of, name, upward=False, feature=feature)
    if not above and not below:
        st.text("Nothing is recorded of what it is made of, or who reads it.")
        return
    owners = {node_id(one): one.owner for one in catalog.readers} | {
        table.name: table.owner for table in catalog.tables.values()
    }
    breaks = list(dict.fromkeys(target for _, target, _ in below))
    whom = sorted({owners.get(one, "") for one in breaks} - {""})
    ask = f" Ask {listed(whom)} first." if whom else ""
    reaches = listed((_short(catalog, one) for one in breaks), most=20) if breaks else ""
    words = f"A change reaches {reaches}.{ask}" if breaks else "Nobody that is recorded reads it."
    st.text(words)
    is_dark = st.context.theme.type == "dark"
    drawn = dot(catalog, [*above[:MOST], *below[:MOST]], name, feature, is_dark=is_dark)
    st.graphviz_chart(drawn, width="content", alt=words)
    _names("Made of", catalog, [source for source, target, _ in above if target == name])
    _names("Read by", catalog, [target for source, target, _ in below if source == name])


def _names(title: str, catalog: Catalog, names: list[str]) -> None:
    if names:
        st.caption(title)
        links([(name, _short(catalog, name), "") for name in dict.fromkeys(names)], key=title, beside=True)


def dot(catalog: Catalog, drawn: list[MadeOf], focus: str, feature: str, *, is_dark: bool) -> str:
    """The edges as Graphviz' DOT, from left to right; what the page is about has a border."""
    kinds = {table.name: table.kind for table in catalog.tables.values()} | {
        node_id(one): ", ".join([one.kind, *sorted(one.aliases)]) for one in catalog.readers if node_id(one) not in catalog.tables
    }  # fmt: skip
    boxes = {}
    for name in {focus, *(end for source, target, _ in drawn for end in (source, target))}:
        is_feature = bool(feature) and name == focus
        short = _short(catalog, name) + (f".{feature}" if is_feature else "")
        kind = "feature" if is_feature else kinds.get(name, "not here")
        address = quoted("?" + urlencode({"page": PAGE, "name": name}))
        link = [f'URL="{address}"', 'target="_self"']
        border = ['color="#3f7fd0"', "penwidth=2.2"] if name == focus else []
        boxes[name] = Box([short.removeprefix(f"{MONITOR} "), kind], [*link, *border])
    return digraph(boxes, {edge[:2] for edge in drawn}, is_dark=is_dark)


def _short(catalog: Catalog, name: str) -> str:
    return name.removeprefix(f"{catalog.place}.")
