"""The lineage around an alert: sources, feature table, feature, model versions, score tables; drawn as Graphviz' DOT."""

from collections.abc import Mapping
from dataclasses import dataclass

from feature_store.errors import PipelineError
from feature_store.lineage.graph import FEATURE, MODEL, Edge, Graph, Node
from feature_store.lineage.walk import CHAMPION, Broken, broken, find, reach
from monitoring.alerts.state import Alert
from monitoring.app.boxes import Box, digraph
from monitoring.windows.metrics import TABLE

SCORE_TABLE = "score table"
MOST_VERSIONS = 3
"""Versions of a model that are drawn, the newest and those with an alias."""
_HIDDEN = ("monitoring table", "training set")


@dataclass(frozen=True)
class Ancestry:
    """The part of the graph that an alert is about: ``focus`` is the node that drifted."""

    focus: str
    graph: Graph
    breaks: Broken

    def nodes(self, *kinds: str) -> list[Node]:
        """The nodes of these kinds, by name."""
        return [node for _, node in sorted(self.graph.nodes.items()) if node.kind in kinds]


def around(graph: Graph, alert: Alert, *, catalog: str, schema: str) -> Ancestry | None:
    """What the drifted feature (or table) comes from and what is made of it; None if nothing is recorded."""
    table = alert.source or alert.table_name
    names = [table] if alert.column_name == TABLE else [f"{table}.{alert.column_name}", table]
    for name in names:
        try:
            focus = find(graph, name, catalog=catalog, schema=schema)
        except PipelineError:
            continue
        below = reach(graph, focus, upward=False)
        part = _plain(reach(graph, focus, upward=True) | below, focus)
        return Ancestry(focus, part, broken(below, focus))
    return None


def _without_hidden(part: Graph) -> Graph:
    """The part without what monitoring and training keep, and without old versions that nobody uses."""
    versions = sorted(
        (node for node in part.nodes.values() if node.kind == MODEL),
        key=lambda node: (bool(node.aliases), int(node.name.rpartition("/")[2])),
    )
    old = {node.name for node in versions[:-MOST_VERSIONS]}
    nodes = {name: node for name, node in part.nodes.items() if node.kind not in _HIDDEN and name not in old}
    return Graph(nodes, {ends: edge for ends, edge in part.edges.items() if set(ends) <= set(nodes)})


def _plain(part: Graph, focus: str) -> Graph:
    """The part with features other than the focus drawn as their tables, and no arrow past what lies between."""
    table_of = {
        edge.target: edge.source for edge in part.edges.values() if edge.how == FEATURE and edge.target != focus
    }
    kept = _without_hidden(part)
    nodes = {name: node for name, node in kept.nodes.items() if name not in table_of}
    ends = {(table_of.get(source, source), table_of.get(target, target)) for source, target in kept.edges}
    below: dict[str, set[str]] = {name: set() for name in nodes}
    for source, target in ends:
        if source != target and source in nodes and target in nodes:
            below[source].add(target)
    reached = {name: _reached(below, name) for name in nodes}
    plain = Graph(nodes)
    for source, targets in below.items():
        for target in targets:
            if not any(target in reached[other] for other in targets - {target}):
                plain.edges[source, target] = Edge(source, target, "made of")
    return plain


def _reached(below: Mapping[str, set[str]], name: str) -> set[str]:
    """All that is below ``name``; the graph may have circles."""
    found: set[str] = set()
    here = [name]
    while here:
        further = below[here.pop()] - found
        found |= further
        here += further
    return found


def dot(found: Ancestry, *, is_dark: bool, prefix: str) -> str:
    """The graph as DOT, from left to right; the drifted node is red, the champion green."""
    boxes = {
        name: Box([_short(node, prefix), _kind(node)], _style(node, name == found.focus))
        for name, node in found.graph.nodes.items()
    }
    return digraph(boxes, found.graph.edges, is_dark=is_dark)


def _short(node: Node, prefix: str) -> str:
    if node.kind == FEATURE:
        return node.name.rpartition(".")[2]
    return node.name.removeprefix(prefix).replace("/", " version ")


def _kind(node: Node) -> str:
    return ", ".join([node.kind, *node.aliases])


def _style(node: Node, is_focus: bool) -> list[str]:
    if is_focus:
        return ['color="#d03b32"', "penwidth=2.2"]
    return ['color="#2f9e58"', "penwidth=2"] if CHAMPION in node.aliases else []
