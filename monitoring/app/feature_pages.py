"""The features: found by words, and a page for each table, feature, model and monitor, from the catalog of show-features."""

from collections.abc import Sequence

import streamlit as st

from feature_store.catalog.edges import edges, node_id
from feature_store.catalog.lookups import lookup_code
from feature_store.catalog.model import Catalog, Reader, Table
from feature_store.catalog.printing import MOST_COLUMNS
from feature_store.catalog.search import Found, Index
from feature_store.errors import listed
from monitoring.app import feature_lineage
from monitoring.app.elements import Line, copyable, go, links
from monitoring.app.feature_history import history
from monitoring.app.shelf import Shelf
from monitoring.app.wording import count, literal, shortened

MOST_FOUND = 50
_LONGEST = 160


def show(shelf: Shelf) -> None:
    """The page that the address names."""
    wanted = st.query_params.get("name", "")
    with st.container(horizontal=True):
        leave = st.query_params.clear
        st.button("Drift alerts", icon=":material/arrow_back:", type="tertiary", key="to-alerts", on_click=leave)
        if wanted:
            st.button("All features", type="tertiary", key="to-features", on_click=go)
    catalog = shelf.catalog()
    table = catalog.tables.get(wanted)
    name, _, feature = wanted.rpartition(".")
    reader = next((one for one in catalog.readers if node_id(one) == wanted), None)
    if not wanted:
        _search(catalog, shelf.index())
    elif table is not None:
        _table(shelf, catalog, table)
    elif name in catalog.tables:
        _feature(shelf, catalog, catalog.tables[name], feature)
    elif reader is not None:
        _reader(catalog, reader)
    elif any(wanted in edge[:2] for edge in edges(catalog)):
        st.title(literal(wanted.removeprefix(f"{catalog.place}.")), anchor=False)
        st.error(f"It is not in {literal(catalog.place)}, or no longer there.")
        feature_lineage.show(catalog, wanted)
    else:
        st.title("Not found", anchor=False)
        told = f"There is nothing called {wanted!r} in {catalog.place}."
        st.text(f"{told} {_closest(shelf.index(), wanted.rpartition('.')[2])}")


def _closest(index: Index, text: str) -> str:
    found = index.closest([text])
    return f"The closest names are {listed(found)}." if found else ""


def _search(catalog: Catalog, index: Index) -> None:
    st.title("Features", anchor=False)
    words = st.text_input(
        "Search", key="words", type="search", placeholder="names, descriptions, owners, tags, sources, models; typos are forgiven",
        bind="query-params",
    )  # fmt: skip
    if not catalog.feature_tables:
        st.text(f"There are no feature tables in {catalog.place} yet: publish-features makes them.")
        return
    if not words or not words.split():
        number = sum(len(table.features) for table in catalog.feature_tables)
        st.text(f"{count(number, 'feature')} of {count(len(catalog.feature_tables), 'table')} in {catalog.place}")
        _lines([Found(table, None, 0.0) for table in catalog.feature_tables])
        return
    found = index.search(words.split())
    if not found:
        st.text(f"Nothing is called or described so. {_closest(index, words)}")
        return
    st.text(f"{len(found):,} found" + (f", the best {MOST_FOUND} are shown" if len(found) > MOST_FOUND else ""))
    _lines(found[:MOST_FOUND])


def _lines(found: Sequence[Found]) -> None:
    lines = []
    for one in found:
        about = one.column.description if one.column else one.table.description
        kind = one.column.type if one.column else f"{count(len(one.table.features), 'feature')}"
        name = f"{one.table.name}.{one.column.name}" if one.column else one.table.name
        lines.append(_line(name, one.name, [one.table.problem or about, kind, one.table.owner]))
    links(lines, key="found")


def _line(name: str, label: str, told: Sequence[str]) -> Line:
    """A name that leads to its page, and what there is to say of it."""
    return name, label, shortened(" · ".join(text for text in told if text), _LONGEST)


def _facts(pairs: Sequence[tuple[str, str]]) -> None:
    st.text("\n".join(f"{what}: {text}" for what, text in pairs if text))


def _table(shelf: Shelf, catalog: Catalog, table: Table) -> None:
    node = shelf.node(catalog, table)
    st.title(literal(table.short), anchor=False)
    st.text(table.description)
    if node["problem"]:
        st.error(f"Cannot be read in full: {literal(node['problem'])}")
    keys = ", ".join(f"{key} (time)" if key == table.time else key for key in table.keys)
    about = [("owner", table.owner or "nobody"), ("keys", keys)]
    _facts([*about, *((fact[0], fact[1]) for fact in node.get("facts", []))])
    feature_lineage.show(catalog, table.name)
    for name, readers in catalog.dropped(table.name).items():
        st.text(f"{name} is no column of it; made with it: {listed(reader.short for reader in readers)}")
    if table.keys:
        _choice(catalog, table)
    st.subheader("Features" if table.keys else "Columns", anchor=False)
    lines = []
    for column in node["columns"][:MOST_COLUMNS]:
        nulls = f"{column['nulls']} null" if "nulls" in column else ""
        told = [column.get("about", ""), column["type"], nulls, column.get("values", "")]
        lines.append(_line(f"{table.name}.{column['name']}", column["name"], told))
    links(lines, key="columns")
    if len(node["columns"]) > MOST_COLUMNS:
        st.text(f"and {len(node['columns']) - MOST_COLUMNS:,} more, which the search finds")
    if node.get("checks"):
        st.subheader("Checks of the last publishing", anchor=False)
        _facts([("passed" if passed else "failed", f"{check}: {found}") for passed, check, found in node["checks"]])


def _choice(catalog: Catalog, table: Table) -> None:
    """The chosen features, of this table and of those looked at before, as code."""
    st.subheader("Lookup code", anchor=False)
    kept: dict[str, list[str]] = st.session_state.setdefault("chosen", {})
    names = [column.name for column in table.features]
    before = [name for name in kept.get(table.name, []) if name in names]
    chosen = st.multiselect("Features to look up", names, default=before, key=f"choice-{table.name}")
    kept[table.name] = chosen
    wanted = {name: features for name, features in kept.items() if features and name in catalog.tables}
    if wanted:
        copyable(lookup_code(wanted, catalog.tables), key="code")


def _feature(shelf: Shelf, catalog: Catalog, table: Table, feature: str) -> None:
    node = shelf.node(catalog, table)
    column = next((one for one in node["columns"] if one["name"] == feature), None)
    is_dropped = feature in catalog.dropped(table.name)
    st.title(literal(feature) if column or is_dropped else "Not found", anchor=False)
    to_table = f"feature of {literal(table.short)}"
    st.button(to_table, key="its-table", type="tertiary", on_click=go, args=(table.name,))
    if column is None and not is_dropped:
        st.text(f"{table.name} has no column {feature!r}. {_closest(shelf.index(), feature)}")
        return
    if column is None:
        st.error("It is no longer a column of the table.")
    else:
        st.text(column.get("about", ""))
        told = [("type", column["type"]), ("owner", table.owner or "nobody")]
        _facts([*told, ("values", column.get("values", "")), ("nulls", column.get("nulls", ""))])
    feature_lineage.show(catalog, table.name, feature)
    for one in shelf.histories(catalog).get((table.name, feature), ()):
        history(one)
    if column is not None and feature in {one.name for one in table.features} and table.keys:
        st.subheader("Look it up", anchor=False)
        copyable(lookup_code({table.name: [feature]}, catalog.tables), key="code")


def _reader(catalog: Catalog, reader: Reader) -> None:
    st.title(literal(reader.short), anchor=False)
    aliases = ", ".join(sorted(reader.aliases))
    _facts([("kind", reader.kind), ("owner", reader.owner), ("aliases", aliases), ("problem", reader.problem)])
    feature_lineage.show(catalog, node_id(reader))
    if any(reader.reads.values()):
        st.subheader("Features that it reads", anchor=False)
        read = [
            f"{table}.{column}" for table, columns in sorted(reader.reads.items()) for column in sorted(columns or ())
        ]
        links([(name, name.removeprefix(f"{catalog.place}."), "") for name in read], key="read")
