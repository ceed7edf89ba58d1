"""What mkdocs is told of this repository: its other documents, its commands, and links that lead out of docs/.

A link in a document is relative, as GitHub reads it. Here it leads to the page of the site, or to the file in the
repository (``repo_url``; without one, its path is shown). A link to what is not there is an error.
"""

import os
import posixpath
import re
from pathlib import Path

from click import Command, Context, Group
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from resources.entry_points import installed_entry_points

ROOT = Path(__file__).parents[1]
BESIDE = [
    *(path.name for path in ROOT.glob("*.md")),
    *(f"{path.parent.name}/README.md" for path in ROOT.glob("[a-z]*/README.md")),
]
"""Documents that are not in docs/."""
COMMANDS = "commands.md"
LINK = re.compile(r"(!?)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^()\s]+)\)")
FENCED = re.compile(r"(^```.*?^```$)", re.DOTALL | re.MULTILINE)
ROLE = re.compile(r":(?:class|func|meth|mod|data):(?=<code>)")
WIDTH = 86


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Add the documents that the navigation does not name, at its end: none is forgotten."""
    named = set(re.findall(r"[\w/.-]+\.md", str(config.nav)))
    others = {*(path.relative_to(ROOT / "docs").as_posix() for path in (ROOT / "docs").rglob("*.md")), *BESIDE} - named
    if others:
        config.nav = [*(config.nav or []), {"More": sorted(others)}]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the documents beside docs/, and the page of all commands."""
    for name in BESIDE:
        files.append(File.generated(config, name, content=(ROOT / name).read_text(encoding="utf-8")))
    files.append(File.generated(config, COMMANDS, content=commands()))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let each relative link lead to the page of the site, or to the file in the repository."""
    source = page.file.src_uri
    here = source if source in BESIDE else f"docs/{source}"

    def led(match: re.Match[str]) -> str:
        picture, text, link = match.groups()
        address, _, anchor = link.partition("#")
        if not address or ":" in address:
            return match.group()
        target = posixpath.normpath(posixpath.join(posixpath.dirname(here), address))
        on_site = target.removeprefix("docs/")
        if files.get_file_from_path(on_site) and (target in BESIDE or target.startswith("docs/")):
            there = posixpath.relpath(on_site, posixpath.dirname(source) or ".")
            return f"{picture}[{text}]({there}{'#' if anchor else ''}{anchor})"
        if target == f"docs/{COMMANDS}" or not (ROOT / target).exists():
            raise PluginError(f"{here} has a link to {link}, and there is no {target}.")
        if config.repo_url:
            return f"[{text}]({config.repo_url.rstrip('/')}/blob/main/{target})"
        named = target.endswith(text.strip("`/").removeprefix("../"))
        return f"`{target}`" if named else f"{text} (`{target}`)"

    parts = FENCED.split(markdown)
    return "".join(part if part.startswith("```") else LINK.sub(led, part) for part in parts)


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Docstrings name code as Sphinx does; here the name alone is shown."""
    return ROLE.sub("", html)


def commands() -> str:
    """Every command's help, as it is printed."""
    os.environ.setdefault("PIPELINE_WORKSPACE", "workspace")
    said = "For everybody: what each command does, with all its options, as its `--help` says it."
    lines = ["# Commands", "", said, ""]
    for name, load in sorted(installed_entry_points("feature_pipelines").items()):
        command = load()
        lines += [f"## {name}", "", *_help(command, Context(command, info_name=name, terminal_width=WIDTH))]
        if isinstance(command, Group):
            above = Context(command, info_name=name)
            for part, below in sorted(command.commands.items()):
                context = Context(below, info_name=part, parent=above, terminal_width=WIDTH)
                lines += [f"### {name} {part}", "", *_help(below, context)]
    return "\n".join(lines)


def _help(command: Command, context: Context) -> list[str]:
    return ["```text", command.get_help(context), "```", ""]
