"""What a table, feature or model comes from, and what breaks if it changes: ``show-lineage``.

The graph is read from the commits of the tables and the lineage that models carry; nothing else is kept.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import click
from rich.markup import escape
from rich.tree import Tree

from feature_store.cli import Verb, console, place_options
from feature_store.errors import Misuse, NotFound, suggestion
from feature_store.lineage import utc
from feature_store.store import FeatureStore, open_store


@dataclass
class Graph:
    """Nodes by name, with one line about each, and the edges from what is read to what is made of it."""

    notes: dict[str, str] = field(default_factory=dict)
    sources: dict[str, dict[str, str]] = field(default_factory=dict)

    def add(self, name: str, note: str = "") -> None:
        """Add a node, or a note to it."""
        self.notes[name] = note or self.notes.get(name, "")
        self.sources.setdefault(name, {})

    def connect(self, source: str, target: str, note: str) -> None:
        """``target`` was made from ``source``."""
        self.add(source)
        self.add(target)
        self.sources[target].setdefault(source, note)

    def up(self, name: str) -> Mapping[str, str]:
        """What ``name`` was made from, with a note on each edge."""
        return dict(sorted(self.sources[name].items()))

    def down(self, name: str) -> Mapping[str, str]:
        """What was made from ``name``."""
        return {target: edges[name] for target, edges in sorted(self.sources.items()) if name in edges}


def read_graph(store: FeatureStore, *, as_of: datetime | None = None) -> Graph:
    """All tables and model versions of the store's schema; those made as of a later moment than ``as_of`` are left out."""
    graph = Graph()
    for name in store.tables.names():
        full = store.tables.full_name(name)
        history = store.tables.history(name)
        ours = [(entry.version, entry.commit) for entry in history if entry.commit]
        known = [(version, commit) for version, commit in ours if as_of is None or utc(commit.as_of) <= as_of]
        if ours and not known:
            continue  # it was made later
        version, verb = (known[0][0], f", by {known[0][1].verb}") if known else (history[0].version, "")
        graph.add(full, f"version {version}{verb}")
        for _, commit in known:
            for source, at in commit.sources.items():
                graph.connect(source, full, f"read at version {at}")
            if "model" in commit.details:
                graph.connect(f"{commit.details['model']}/{commit.details['model_version']}", full, "scored by")
    for node, document, features in _models(store):
        if as_of is not None and "as_of" in document and datetime.fromisoformat(document["as_of"]) > as_of:
            continue
        graph.add(node, f"trained as of {document['as_of'][:16]}" if "as_of" in document else "without lineage")
        for label, read_at in _versions(document.get("labels")).items():
            graph.connect(label, node, f"labels, at version {read_at}")
        for table, read_at in _versions(document.get("tables")).items():
            for feature in features.get(table, []):
                graph.connect(table, f"{table}.{feature}", "feature")
                graph.connect(f"{table}.{feature}", node, f"looked up at version {read_at}")
    return graph


def _versions(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _models(store: FeatureStore) -> Iterator[tuple[str, Mapping[str, Any], Mapping[str, list[str]]]]:
    """Name and version, lineage, and used features by table of each model version in the schema.

    A model that somebody registered in another way has neither lineage nor features, and hides nobody else's.
    """
    import mlflow

    from feature_store.local.feature_spec import FeatureSpec
    from feature_store.local.packaging import LINEAGE_FILE, packaged_folder

    prefix = f"{store.catalog}.{store.schema}."
    for found in sorted(mlflow.search_model_versions(), key=lambda one: (one.name, int(one.version))):
        if not found.name.startswith(prefix):
            continue
        features: dict[str, list[str]] = {}
        document: Mapping[str, Any] = {}
        with suppress(Misuse):
            folder = packaged_folder(f"models:/{found.name}/{found.version}")
            for column in FeatureSpec.load(folder).features:
                features.setdefault(column.table, []).append(column.feature)
            path = folder / LINEAGE_FILE
            document = json.loads(path.read_text()) if path.exists() else {}
        yield f"{found.name}/{found.version}", document, features


def find(graph: Graph, name: str, *, catalog: str, schema: str) -> str:
    """The node meant by ``name``: its full name, or the name within the schema.

    Raises
    ------
    NotFound
        If there is none; the closest names are suggested.
    """
    prefix = f"{catalog}.{schema}."
    for candidate in (name, prefix + name):
        if candidate in graph.sources:
            return candidate
    versions = sorted(
        (n for n in graph.sources if n.startswith((f"{name}/", f"{prefix}{name}/"))), key=lambda n: int(n.split("/")[1])
    )
    if versions:
        return versions[-1]
    short = [node.removeprefix(prefix) for node in graph.sources]
    raise NotFound(f"Nothing in {catalog}.{schema} is called {name!r}. {suggestion(name, short)}")


def draw(graph: Graph, name: str) -> Tree:
    """The node with all that it comes from, and all that is made of it."""
    root = Tree(f"[bold]{escape(name)}[/]  {escape(graph.notes[name])}")
    for title, step in (("comes from", graph.up), ("is used by: what breaks if it changes", graph.down)):
        branch = root.add(f"[note]{title}[/]")
        _grow(branch, graph, name, step, {name})
        if not branch.children:
            branch.add("nothing recorded")
    return root


def _grow(branch: Tree, graph: Graph, name: str, step: Any, seen: set[str]) -> None:
    for other, note in step(name).items():
        known = "" if other not in seen else "  (see above)"
        twig = branch.add(f"{escape(other)}  [dim]{escape(note)}{known}[/]")
        if other not in seen:
            seen.add(other)
            _grow(twig, graph, other, step, seen)


def connected(graph: Graph, name: str) -> Graph:
    """The part of the graph above and below ``name``."""
    part = Graph()
    part.add(name, graph.notes[name])
    for step, upward in ((graph.up, True), (graph.down, False)):
        waiting, seen = [name], {name}
        while waiting:
            here = waiting.pop()
            for other, note in step(here).items():
                part.add(other, graph.notes[other])
                part.connect(*((other, here) if upward else (here, other)), note)
                if other not in seen:
                    seen.add(other)
                    waiting.append(other)
    return part


def as_json(graph: Graph) -> str:
    """Nodes and edges as JSON."""
    nodes = [{"name": name, "note": note} for name, note in sorted(graph.notes.items())]
    edges = [
        {"from": s, "to": t, "note": note}
        for t, found in sorted(graph.sources.items())
        for s, note in sorted(found.items())
    ]
    return json.dumps({"nodes": nodes, "edges": edges}, indent=2)


def as_mermaid(graph: Graph) -> str:
    """The graph as a Mermaid flowchart."""
    ids = {name: f"n{position}" for position, name in enumerate(sorted(graph.notes))}
    lines = ["flowchart LR", *(f'  {ids[name]}["{name}"]' for name in sorted(ids))]
    lines += [f"  {ids[s]} --> {ids[t]}" for t, found in sorted(graph.sources.items()) for s in sorted(found)]
    return "\n".join(lines)


@click.command(cls=Verb)
@click.argument("name")
@click.option("--json", "form", flag_value="json", help="Print nodes and edges as JSON.")
@click.option("--mermaid", "form", flag_value="mermaid", help="Print a Mermaid flowchart.")
@place_options
def main(name: str, form: str | None, catalog: str, schema: str, as_of: datetime, workspace: str) -> None:
    """Show what NAME comes from and what is made of it: a table, a feature, a model or one of its versions.

    \b
    show-lineage origin_congestion
    show-lineage origin_congestion.departures_3h     "what breaks if I change this?"
    show-lineage flight_delay/2
    show-lineage flight_delay_scores --mermaid
    """
    store = open_store(catalog=catalog, schema=schema, workspace=workspace)
    graph = read_graph(store, as_of=as_of)
    node = find(graph, name, catalog=catalog, schema=schema)
    if form == "json":
        click.echo(as_json(connected(graph, node)))
    elif form == "mermaid":
        click.echo(as_mermaid(connected(graph, node)))
    else:
        console.print(draw(graph, node))


if __name__ == "__main__":
    main()
