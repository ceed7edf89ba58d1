"""The graph of tables, features and model versions, read from the tables' commits and what the models carry.

Nothing else is kept: there is no side database. What cannot be read is a node with the reason, and hides nothing else.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime

from feature_store.errors import PipelineError
from feature_store.lineage.models import ModelLineage, lineage_of
from feature_store.moments import utc
from feature_store.package.registry import registered_versions
from feature_store.store import FeatureStore
from feature_store.tables.commit import Commit
from feature_store.tables.properties import OWNER

TABLE, FEATURE, MODEL = "table", "feature", "model version"
KINDS = {
    "ingest-sources": "source table", "publish-features": "feature table", "write_table": "feature table",
    "score-batch": "score table", "train-model": "training set", "check-drift": "monitoring table",
    "review-alerts": "monitoring table",
}  # fmt: skip
"""What a table is, by the verb of its commits."""


@dataclass(frozen=True)
class Node:
    """A table, feature (``table.feature``) or model version (``model/1``), and what is known of it.

    ``version`` is a table's newest within what is looked at, ``commits`` are those of this pipeline, by version; a model
    has one, its training. ``columns`` are a feature table's features. ``problem`` says why nothing is known.
    """

    name: str
    kind: str = TABLE
    owner: str = ""
    version: int | None = None
    commits: Mapping[int, Commit] = field(default_factory=dict)
    aliases: tuple[str, ...] = ()
    columns: tuple[str, ...] = ()
    problem: str = ""

    def commit(self, version: int | None = None) -> Commit | None:
        """The newest commit, up to ``version`` where given."""
        numbers = [number for number in self.commits if version is None or number <= version]
        return self.commits[max(numbers)] if numbers else None


@dataclass(frozen=True, order=True)
class Read:
    """A version of the source that was read to make a version of the target; None: there are no versions to tell."""

    source: int | None = None
    target: int | None = None


@dataclass(frozen=True)
class Edge:
    """``target`` was made from ``source``; ``how`` in a word or two, ``output`` the feature's name in the model."""

    source: str
    target: str
    how: str
    reads: tuple[Read, ...] = (Read(),)
    output: str = ""

    @property
    def note(self) -> str:
        """``read at versions 1 to 7``; of a model, which has none, what it wrote: ``scored version 2``."""
        versions = sorted({read.source for read in self.reads if read.source is not None})
        word = " at" if versions else ""
        versions = versions or sorted({read.target for read in self.reads if read.target is not None})
        at = f"{word} version {versions[0]}" if len(versions) == 1 else ""
        at = f"{word} versions {versions[0]} to {versions[-1]}" if len(versions) > 1 else at
        return f"{self.how}{at}" + (f" as {self.output}" if self.output else "")


@dataclass
class Graph:
    """Nodes by name, and edges by what is read and what is made of it; at those in ``cut`` a walk has stopped."""

    nodes: dict[str, Node] = field(default_factory=dict)
    edges: dict[tuple[str, str], Edge] = field(default_factory=dict)
    cut: set[str] = field(default_factory=set)

    def add(self, node: Node) -> None:
        """Add a node, or what is known of it."""
        self.nodes[node.name] = node

    def connect(self, edge: Edge) -> None:
        """Add an edge, or its reads; tables that nobody has told of yet become nodes."""
        for name in (edge.source, edge.target):
            self.nodes.setdefault(name, Node(name))
        known = self.edges.get((edge.source, edge.target))
        reads = (*known.reads, *edge.reads) if known else edge.reads
        self.edges[edge.source, edge.target] = replace(known or edge, reads=reads)

    def up(self, name: str) -> Sequence[Edge]:
        """What ``name`` was made from."""
        return sorted((edge for edge in self.edges.values() if edge.target == name), key=lambda edge: edge.source)

    def down(self, name: str) -> Sequence[Edge]:
        """What was made from ``name``."""
        return sorted((edge for edge in self.edges.values() if edge.source == name), key=lambda edge: edge.target)

    def __or__(self, other: "Graph") -> "Graph":
        """The nodes and edges of both."""
        return Graph({**self.nodes, **other.nodes}, {**self.edges, **other.edges})


def read_graph(store: FeatureStore, *, as_of: datetime | None = None) -> Graph:
    """All tables and model versions of the store's schema; those made as of a later moment than ``as_of`` are left out."""
    graph = Graph()
    for name in store.tables.names():
        _add_table(graph, store, name, as_of)
    for node, lineage in _models(store):
        if as_of is None or lineage.as_of is None or lineage.as_of <= as_of:
            _add_model(graph, node, lineage)
    there, prefix = set(store.tables.names()), f"{store.catalog}.{store.schema}."
    for name, node in graph.nodes.items():
        if node.kind == TABLE and name.startswith(prefix) and name.removeprefix(prefix) not in there:
            graph.add(replace(node, problem="is no longer there"))
    return graph


def _add_table(graph: Graph, store: FeatureStore, name: str, as_of: datetime | None) -> None:
    full = store.tables.full_name(name)
    try:
        info, history = store.tables.info(name), store.tables.history(name)
    except Exception as error:  # whatever is wrong with one table, the others are still to be seen
        graph.add(Node(full, problem=f"cannot be read: {_first_line(error)}"))
        return
    ours = [(entry.version, entry.commit) for entry in history if entry.commit]
    known = [(version, commit) for version, commit in ours if as_of is None or utc(commit.as_of) <= as_of]
    if ours and not known:
        return  # it was made later
    kind = KINDS.get(known[0][1].verb, TABLE) if known else TABLE
    newest = known[0][0] if known and as_of is not None else info.version
    columns: tuple[str, ...] = ()
    with suppress(PipelineError):
        columns = tuple(store.get_table(name=name).feature_columns)
    graph.add(Node(full, kind, info.properties.get(OWNER, ""), newest, dict(known), columns=columns))
    for version, commit in reversed(known):
        for source, read in commit.sources.items():
            graph.connect(Edge(source, full, "read", (Read(read, version),)))
        model = commit.details.get("model")
        if model:
            how = "scored" if commit.verb == "score-batch" else "kept its rows in"
            graph.connect(Edge(f"{model}/{commit.details.get('model_version')}", full, how, (Read(None, version),)))


def _add_model(graph: Graph, node: Node, lineage: ModelLineage) -> None:
    graph.add(node)
    for table, version in lineage.label_versions.items():
        graph.connect(Edge(table, node.name, "labels read", (Read(version),)))
    for used in lineage.features:
        feature = f"{used.table}.{used.feature}"
        add_feature(graph, used.table, used.feature)
        read = Read(lineage.table_versions.get(used.table))
        output = used.output if used.output != used.feature else ""
        graph.connect(Edge(feature, node.name, "looked up", (read,), output))


def add_feature(graph: Graph, table: str, feature: str) -> str:
    """Add a feature below its table; the node's name."""
    name = f"{table}.{feature}"
    if name not in graph.nodes:
        graph.connect(Edge(table, name, "feature"))
        above = graph.nodes[table]
        graph.add(Node(name, FEATURE, above.owner, above.version))
    return name


def _models(store: FeatureStore) -> Iterator[tuple[Node, ModelLineage]]:
    """Each model version in the schema with what it carries; one that was registered in another way carries nothing."""
    for found in registered_versions(prefix=f"{store.catalog}.{store.schema}."):
        lineage, problem = ModelLineage(), ""
        try:
            lineage = lineage_of(found)
            problem = "" if lineage.document else "packaged without lineage"
        except PipelineError as error:
            problem = f"without lineage: {_first_line(error)}"
        owner = str(lineage.document.get("owner") or found.tags.get("owner", ""))
        commit = _trained(lineage)
        commits = {0: commit} if commit else {}
        yield (
            Node(f"{found.name}/{found.version}", MODEL, owner, None, commits, found.aliases, problem=problem),
            lineage,
        )


def _trained(lineage: ModelLineage) -> Commit | None:
    """The training run, in the words of a table's commit."""
    document = lineage.document
    if lineage.as_of is None:
        return None
    return Commit(
        verb="train-model",
        as_of=lineage.as_of,
        sources={**lineage.table_versions, **lineage.label_versions},
        revision=str(document.get("code_revision", "")),
        run=str(document.get("run", "")),
    )


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
