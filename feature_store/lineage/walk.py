"""Walks through the graph of :mod:`feature_store.lineage.graph`: what is meant, what is above and below, what breaks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from feature_store.errors import Misuse, NotFound, listed, suggestion
from feature_store.lineage.graph import FEATURE, MODEL, Edge, Graph, Node, Read, add_feature

CHAMPION = "champion"


def find(graph: Graph, name: str, *, catalog: str, schema: str) -> str:
    """The node meant by ``name``: its full name, or the name within the schema.

    A model without a version is its champion, or else its newest version; ``model@alias`` is the alias's. A feature
    that no model uses becomes a node of the graph.

    Raises
    ------
    NotFound
        If there is none; the closest names are suggested.
    """
    prefix = f"{catalog}.{schema}."
    for candidate in (name, prefix + name):
        if candidate in graph.nodes:
            return candidate
        table, _, feature = candidate.rpartition(".")
        if table in graph.nodes and graph.nodes[table].kind != MODEL:
            return add_feature(graph, table, _feature(graph.nodes[table], feature))
    model, _, alias = name.partition("@")
    versions = sorted(
        (node for node in graph.nodes.values() if node.kind == MODEL and _model(node) in (model, prefix + model)),
        key=lambda node: ((alias or CHAMPION) in node.aliases, int(node.name.rpartition("/")[2])),
    )
    if versions and (not alias or alias in versions[-1].aliases):
        return versions[-1].name
    if versions:
        aliases = [one for node in versions for one in node.aliases]
        raise NotFound(f"Model {_model(versions[-1])} has no alias {alias!r}. {suggestion(alias, aliases)}")
    short = [node.removeprefix(prefix) for node in graph.nodes]
    raise NotFound(f"Nothing in {catalog}.{schema} is called {name!r}. {suggestion(name, short)}")


def _feature(table: Node, name: str) -> str:
    if not table.columns:
        raise Misuse(
            f"{table.name} has no features; of other columns nobody records what is made of them. Ask for the whole table."
        )
    if name not in table.columns:
        raise NotFound(f"Table {table.name} has no feature {name!r}. {suggestion(name, table.columns)}")
    return name


def reach(graph: Graph, name: str, *, upward: bool, depth: int | None = None, version: int | None = None) -> Graph:
    """The part of the graph above or below ``name``, at most ``depth`` edges away.

    With a ``version`` of a table: what this version was made from (by this commit and those before it), and so on with
    the versions read; or what was made by reading exactly this version, and so on with what was made of that.
    """
    part = Graph({name: graph.nodes[name]})
    limits: dict[str, int | None] = {name: version}
    exactly = {name, *(edge.target for edge in graph.down(name) if edge.how == FEATURE)}
    here, distance = [name], 0
    while here:
        further: dict[str, None] = {}
        for one in here:
            edges = _edges(graph, one, limits[one], upward=upward, exact=one in exactly)
            if edges and distance == depth:
                part.cut.add(one)
                continue
            for edge in edges:
                other = edge.source if upward else edge.target
                part.add(graph.nodes[other])
                part.edges[edge.source, edge.target] = edge
                limit = _limit(edge, limits[one], upward=upward)
                if other not in limits or _looser(limit, limits[other], upward=upward):
                    limits[other] = limit
                    further[other] = None
        here, distance = list(further), distance + 1
    return part if upward else _without_unused(part, name)


def _without_unused(part: Graph, root: str) -> Graph:
    """``part`` without the features that nothing in it uses."""
    used = {edge.source for edge in part.edges.values()} | part.cut | {root}
    unused = {name for name, node in part.nodes.items() if node.kind == FEATURE} - used
    nodes = {name: node for name, node in part.nodes.items() if name not in unused}
    return Graph(nodes, {ends: edge for ends, edge in part.edges.items() if ends[1] not in unused}, part.cut)


def _edges(graph: Graph, name: str, limit: int | None, *, upward: bool, exact: bool) -> list[Edge]:
    """The edges above or below ``name`` with those of their reads that are about the versions within ``limit``."""

    def within(read: Read) -> bool:
        mine = read.target if upward else read.source
        if limit is None or mine is None:
            return True
        return mine <= limit if upward else mine == limit if exact else mine >= limit

    edges = graph.up(name) if upward else graph.down(name)
    found = [replace(edge, reads=tuple(read for read in edge.reads if within(read))) for edge in edges]
    return [edge for edge in found if edge.reads]


def _limit(edge: Edge, limit: int | None, *, upward: bool) -> int | None:
    """Which versions of the next node count: a feature's are its table's, a model's is itself."""
    if edge.how == FEATURE:
        return limit
    known = [found for read in edge.reads if (found := read.source if upward else read.target) is not None]
    if limit is None or not known:
        return None
    return max(known) if upward else min(known)


def _looser(limit: int | None, known: int | None, *, upward: bool) -> bool:
    if limit is None or known is None:
        return limit is None and known is not None
    return limit > known if upward else limit < known


@dataclass(frozen=True)
class Broken:
    """What breaks if something changes, and whom to ask."""

    models: Sequence[str]
    champions: Sequence[str]
    score_tables: Sequence[str]
    other_tables: Sequence[str]
    owners: Sequence[str]

    @property
    def sentence(self) -> str:
        """One line for people."""
        if not (self.models or self.score_tables or self.other_tables):
            return "nothing that is recorded"
        champion = f"with the champion {listed(self.champions)}" if self.champions else "no champion"
        counted = [f"{_count(len(self.models), 'model version')} ({champion})"] if self.models else []
        counted += [_count(len(self.score_tables), "score table")] * bool(self.score_tables)
        counted += [_count(len(self.other_tables), "other table")] * bool(self.other_tables)
        return f"{', '.join(counted)}. Ask {listed(self.owners)}" if self.owners else ", ".join(counted)


def broken(below: Graph, name: str) -> Broken:
    """What of ``below``, the part of the graph below ``name``, breaks if ``name`` changes."""
    nodes = [node for _, node in sorted(below.nodes.items()) if node.name != name]
    models = [node for node in nodes if node.kind == MODEL]
    tables = [node for node in nodes if node.kind not in (MODEL, FEATURE)]
    return Broken(
        models=[node.name for node in models],
        champions=[node.name for node in models if CHAMPION in node.aliases],
        score_tables=[node.name for node in tables if node.kind == "score table"],
        other_tables=[node.name for node in tables if node.kind != "score table"],
        owners=sorted({node.owner for node in nodes if node.owner}),
    )


def check_version(node: Node, version: int | None) -> None:
    """Refuse a version that the table does not have yet, and one of what has no versions.

    Raises
    ------
    Misuse, NotFound
        If so.
    """
    if version is None:
        return
    if node.version is None:
        raise Misuse(f"{node.name} is no table with versions that can be read: leave --version out.")
    if version > node.version:
        raise NotFound(f"{node.name} has no version {version}; the newest is {node.version}.")


def _model(node: Node) -> str:
    return node.name.rpartition("/")[0]


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
