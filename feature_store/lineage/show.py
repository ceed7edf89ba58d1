"""What a table, feature or model comes from, and what breaks if it changes: ``show-lineage``.

The graph is read from the commits of the tables and the lineage that models carry; nothing else is kept.
"""

import json
from dataclasses import asdict
from datetime import datetime

import click
from rich.console import Console
from rich.markup import escape
from rich.tree import Tree

from feature_store.cli import Verb, console, place_options
from feature_store.lineage.graph import FEATURE, MODEL, Graph, Node, Read, read_graph
from feature_store.lineage.walk import CHAMPION, Broken, broken, check_version, find, reach
from feature_store.opening import open_store
from feature_store.tables.commit import Commit

_SHAPES = {FEATURE: ('(["', '"])'), MODEL: ('{{"', '"}}')}
_NEVER_FOLDED = 10_000
_MINUTE = "%Y-%m-%d %H:%M"
_TABLE_SHAPE = '[("', '")]'
_MERMAID_ESCAPES = {
    "#": "#35;", '"': "#quot;", "&": "#amp;", "<": "#lt;", ">": "#gt;", "`": "#96;", "\\": "#92;", "\n": " ", "\r": " ",
}  # fmt: skip


def draw(
    node: Node, *, up: Graph | None, down: Graph | None, breaks: Broken | None = None, version: int | None = None
) -> Tree:
    """The node with all that it comes from, and all that is made of it; what was not asked for is None."""
    name = node.name
    root = Tree(f"[bold]{escape(name)}[/]  {escape(_described(node, version))}{_marks(node)}")
    for fact in _written(node.commit(version)):
        root.add(f"[dim]{escape(fact)}[/]")
    for part, title in ((up, "comes from"), (down, "is used by")):
        if part is not None:
            branch = root.add(f"[note]{title}[/]")
            _grow(branch, part, name, {name}, upward=part is up)
            if not branch.children:
                branch.add("nothing recorded")
    if breaks is not None:
        root.add(f"[note]what breaks if it changes[/]  {escape(breaks.sentence)}")
    return root


def _grow(branch: Tree, part: Graph, name: str, seen: set[str], *, upward: bool) -> None:
    if name in part.cut:
        branch.add("…")
    for edge in part.up(name) if upward else part.down(name):
        other = part.nodes[edge.source if upward else edge.target]
        known = "  (see above)" if other.name in seen else ""
        twig = branch.add(f"{escape(other.name)}  [dim]{escape(edge.note)}[/]{_marks(other)}[dim]{known}[/]")
        if not known:
            seen.add(other.name)
            _grow(twig, part, other.name, seen, upward=upward)


def _described(node: Node, version: int | None) -> str:
    """``feature table, version 2, of couriers@example.com``."""
    at = version if version is not None else node.version
    facts = [node.kind, *([f"version {at}"] if at is not None else []), *([f"of {node.owner}"] if node.owner else [])]
    return ", ".join(facts)


def _marks(node: Node) -> str:
    marks = [f"[good]{escape(alias)}[/]" for alias in node.aliases]
    marks += [f"[bad]{escape(node.problem)}[/]"] if node.problem else []
    return "".join(f"  {mark}" for mark in marks)


def _written(commit: Commit | None) -> list[str]:
    """When, for which window, by which run and code the version was made."""
    if commit is None:
        return []
    window = f", for {commit.window[0]:{_MINUTE}} to {commit.window[1]:{_MINUTE}}" if commit.window else ""
    return [f"by {commit.verb} as of {commit.as_of:{_MINUTE}}{window}", f"code {commit.revision}, run {commit.run}"]


def as_json(graph: Graph, name: str, breaks: Broken | None) -> str:
    """The node's name, nodes and edges, and what breaks, as JSON; a read is a source's and a target's version."""
    edges = [
        {"from": edge.source, "to": edge.target, "how": edge.how, "note": edge.note}
        | ({"output": edge.output} if edge.output else {})
        | {"reads": [[read.source, read.target] for read in sorted(set(edge.reads), key=str) if read != Read()]}
        for _, edge in sorted(graph.edges.items())
    ]
    nodes = [_node_facts(node) for _, node in sorted(graph.nodes.items())]
    document: dict[str, object] = {"name": name, "nodes": nodes, "edges": edges}
    if breaks is not None:
        document["breaks"] = asdict(breaks)
    return json.dumps(document, indent=2)


def _node_facts(node: Node) -> dict[str, object]:
    """What is known of the node; what is not is left out."""
    facts: dict[str, object] = {"owner": node.owner, "aliases": list(node.aliases), "problem": node.problem}
    commit = node.commit()
    if commit is not None:
        window = [moment.isoformat() for moment in commit.window] if commit.window else []
        facts |= {"verb": commit.verb, "as_of": commit.as_of.isoformat(), "window": window}
        facts |= {"revision": commit.revision, "run": commit.run}
    version = {} if node.version is None else {"version": node.version}
    return {"name": node.name, "kind": node.kind, **version, **{key: value for key, value in facts.items() if value}}


def as_mermaid(graph: Graph) -> str:
    """The graph as a Mermaid flowchart: tables are cylinders, features rounded, models hexagons, the champion marked."""
    ids = {name: f"n{position}" for position, name in enumerate(sorted(graph.nodes))}
    lines = ["flowchart LR"]
    for name, node in sorted(graph.nodes.items()):
        opening, closing = _SHAPES.get(node.kind, _TABLE_SHAPE)
        marks = [*node.aliases, *([node.problem] if node.problem else [])]
        label = "<br>".join(_mermaid_text(text) for text in (name, ", ".join(marks)) if text)
        style = ":::champion" if CHAMPION in node.aliases else ""
        lines.append(f"  {ids[name]}{opening}{label}{closing}{style}")
    for (source, target), edge in sorted(graph.edges.items(), key=lambda item: item[0][::-1]):
        lines.append(f'  {ids[source]} -->|"{_mermaid_text(edge.note)}"| {ids[target]}')
    return "\n".join([*lines, "  classDef champion stroke-width:4px"])


def _mermaid_text(text: str) -> str:
    return "".join(_MERMAID_ESCAPES.get(letter, letter) for letter in text)


@click.command(cls=Verb)
@click.argument("name")
@click.option("--up", is_flag=True, help="Only what it comes from.")
@click.option("--down", is_flag=True, help="Only what is made of it.")
@click.option("--depth", type=click.IntRange(min=1), metavar="N", help="At most so many steps away.")
@click.option("--version", type=click.IntRange(min=0), metavar="N", help="Of this version of a table only.")
@click.option("--json", "form", flag_value="json", help="Print nodes and edges as JSON.")
@click.option("--mermaid", "form", flag_value="mermaid", help="Print a Mermaid flowchart.")
@place_options
def main(
    name: str,
    up: bool,
    down: bool,
    depth: int | None,
    version: int | None,
    form: str | None,
    catalog: str,
    schema: str,
    as_of: datetime,
    workspace: str,
) -> None:
    """Show what NAME comes from and what is made of it: a table, a feature, a model or one of its versions.

    \b
    show-lineage origin_congestion
    show-lineage origin_congestion.departures_3h     "what breaks if I change this?"
    show-lineage origin_congestion --version 3 --down
    show-lineage flight_delay                        the champion; flight_delay/2 is version 2
    show-lineage flight_delay_scores --mermaid

    With --version: what went into the table up to that version, and what was made by reading exactly that version.
    """
    graph = read_graph(open_store(catalog=catalog, schema=schema, workspace=workspace), as_of=as_of)
    node = find(graph, name, catalog=catalog, schema=schema)
    check_version(graph.nodes[node], version)
    above = reach(graph, node, upward=True, depth=depth, version=version) if up or not down else None
    below = reach(graph, node, upward=False, depth=depth, version=version) if down or not up else None
    both = (above or Graph()) | (below or Graph())
    breaks = broken(reach(graph, node, upward=False, version=version), node) if down or not up else None
    if form == "json":
        click.echo(as_json(both, node, breaks))
    elif form == "mermaid":
        click.echo(as_mermaid(both))
    else:
        tree = draw(graph.nodes[node], up=above, down=below, breaks=breaks, version=version)
        # A terminal folds long lines; a log, or what a program reads, must have them whole.
        printer = console if console.is_terminal else Console(highlight=False, width=_NEVER_FOLDED)
        printer.print(tree, soft_wrap=False)


if __name__ == "__main__":
    main()
