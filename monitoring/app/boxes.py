"""Boxes with arrows between them, from left to right, as Graphviz' DOT, in the colours of the page."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Box:
    """A box with these lines of text; ``attributes`` are further ones in DOT's own words."""

    lines: Sequence[str]
    attributes: Sequence[str] = ()


def digraph(boxes: Mapping[str, Box], arrows: Iterable[tuple[str, str]], *, is_dark: bool) -> str:
    """The boxes by name, and the arrows between those names, as DOT."""
    ink, line, paper = ("#e6eaf0", "#7c8796", "#1c222c") if is_dark else ("#1c2430", "#8d97a5", "#f6f7f9")
    lines = [
        "digraph {",
        "  rankdir=LR; bgcolor=transparent; nodesep=0.18; ranksep=0.45;",
        f'  node [shape=box, style="rounded,filled", fontname="sans-serif", fontsize=11, margin="0.12,0.06", '
        f'color="{line}", fillcolor="{paper}", fontcolor="{ink}"];',
        f'  edge [color="{line}", arrowsize=0.6];',
    ]
    ids = {name: f"n{position}" for position, name in enumerate(sorted(boxes))}
    for name, place in ids.items():
        text = "\\n".join(quoted(one) for one in boxes[name].lines)
        attributes = ", ".join([f'label="{text}"', *boxes[name].attributes])
        lines.append(f"  {place} [{attributes}];")
    lines += [f"  {ids[source]} -> {ids[target]};" for source, target in sorted(arrows)]
    return "\n".join([*lines, "}"])


def quoted(text: str) -> str:
    """``text`` inside a DOT string: neither its end, nor one of Graphviz' own signs."""
    return " ".join(text.replace("\\", "\\\\").replace('"', '\\"').split())
