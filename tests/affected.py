"""The test files that a change can affect, the nearest first: ``make check-fast`` runs them. More, never less.

    python -m tests.affected [--list]

A test file is affected if it is changed, or if anything that it reads is: what it imports, at any distance, what its
conftest files import, what a job or a text in it names, and for whoever walks a package, all of the package. If what was
changed is not known, or if it is read by all (conftest files, pyproject.toml, a bundle's file), all test files are.
"""

import ast
import contextlib
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[1]
PACKAGES = ("feature_store", "features", "training", "inference", "monitoring", "resources")
BASES = ("origin/main", "main")
ALWAYS = ("tests/test_affected.py", "tests/test_house_rules.py")
"""They read all modules as text, and are quick."""
NEARLY_ALL = 0.8
Graph = Mapping[str, set[str]]


def git(root: Path, *arguments: str) -> list[str] | None:
    """The names that git prints; None if it cannot say."""
    try:
        done = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return [line for line in re.split(r"[\0\n]", done.stdout) if line]


def changed(root: Path) -> set[str] | None:
    """What differs from where the branch left main, committed or not; None if that is not known."""
    top = git(root, "rev-parse", "--show-toplevel")
    if not top or Path(top[0]).resolve() != root.resolve():
        return None
    starts = [start[0] for base in BASES if (start := git(root, "merge-base", "HEAD", base))]
    parts = [git(root, "ls-files", "--others", "--exclude-standard", "-z")]
    parts += [git(root, "diff", "--name-only", "--no-renames", "-z", start) for start in starts]
    if not starts or any(part is None for part in parts):
        return None
    return {name for part in parts if part for name in part} or None


def read_by_all(name: str, root: Path) -> bool:
    """Whether a change to this file can affect any test: but for texts, all that is no module, and what is gone."""
    path = root / name
    return path.suffix != ".md" and (path.suffix != ".py" or path.name == "conftest.py" or not path.exists())


@cache
def graph(root: Path) -> dict[str, set[str]]:
    """For each Python file of the project, the files that it reads."""
    apart_from = ("template",)  # links to what is read where it is
    folders = [
        folder for folder in root.iterdir() if folder.is_dir() and not folder.name.startswith((".", *apart_from))
    ]
    found = sorted(path for folder in folders for path in folder.rglob("*.py"))
    modules = {_module(path.relative_to(root)): path.relative_to(root).as_posix() for path in found}
    apart = [path for path in found if path.relative_to(root).parts[0] not in (*PACKAGES, "tests")]
    texts = {path.name: path.relative_to(root).as_posix() for path in [*root.glob("*.md"), *apart]}
    documents = {path.relative_to(root).as_posix() for path in (root / "docs").rglob("*.md")}
    scripts = tomllib.loads((root / "pyproject.toml").read_text())["project"]["scripts"]
    commands = {script: modules[entry.split(":")[0]] for script, entry in scripts.items()}
    imports = grimp.build_graph(*PACKAGES, cache_dir=None)
    reads: dict[str, set[str]] = {}
    for name, file in modules.items():
        tree = ast.parse((root / file).read_text(encoding="utf-8"))
        reads[file] = {modules[package] for package in _parents(name) if package in modules}
        reads[file] |= _walked(tree, modules)
        if name.split(".")[0] in PACKAGES:
            reads[file] |= {modules[one] for one in imports.find_modules_directly_imported_by(name) if one in modules}
        else:
            reads[file] |= _imported(tree, modules) | _named(tree, modules, texts, commands)
            reads[file] |= {one for one in _conftests(file) if (root / one).exists()}
            reads[file] |= documents if _speaks_of(tree, "docs") else set()
        reads[file].discard(file)
    reads["resources/entry_points.py"] |= set(commands.values())
    return reads


def _module(path: Path) -> str:
    parts = path.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _parents(name: str) -> Iterator[str]:
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


def _conftests(file: str) -> Iterator[str]:
    return (f"{folder.as_posix()}/conftest.py" for folder in Path(file).parents if folder.name)


def _imported(tree: ast.AST, modules: Mapping[str, str]) -> set[str]:
    """The files of the project's modules that the code imports, wherever in it."""
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {modules[name] for name in names if name in modules}


def _walked(tree: ast.AST, modules: Mapping[str, str]) -> set[str]:
    """All files of each package that ``discover`` walks."""
    packages = {
        node.args[0].id
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "discover"
        and isinstance(node.args[0], ast.Name)
    }
    return {file for name, file in modules.items() if name.split(".")[0] in packages}


def _named(
    tree: ast.AST, modules: Mapping[str, str], texts: Mapping[str, str], commands: Mapping[str, str]
) -> set[str]:
    """The files that texts in the code name: as modules, as programs, by file name, or as commands."""
    found = set()
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
            continue
        if "import" in node.value:
            with contextlib.suppress(SyntaxError):
                found |= _imported(ast.parse(node.value), modules)
        for word in re.findall(r"[\w.-]+", node.value):
            dotted = [name for name in (word, *_parents(word)) if "." in name and name in modules]
            found |= {modules[name] for name in dotted[:1]}
            found |= {kind[word] for kind in (texts, commands) if word in kind}
    return found


def _speaks_of(tree: ast.AST, folder: str) -> bool:
    """Whether the code names the folder."""
    return any(isinstance(node, ast.Constant) and node.value == folder for node in ast.walk(tree))


def distances(changes: set[str], reads: Graph) -> dict[str, int]:
    """How many steps of reading lie between each file and the nearest change, for those that are affected."""
    found, edge = dict.fromkeys(changes, 0), set(changes)
    while edge:
        edge = {file for file, others in reads.items() if file not in found and others & edge}
        found |= dict.fromkeys(edge, max(found.values()) + 1)
    return found


def all_tests(root: Path) -> list[str]:
    """All test files."""
    return sorted(path.relative_to(root).as_posix() for path in (root / "tests").rglob("test_*.py"))


def affected(changes: set[str] | None, root: Path) -> list[str]:
    """The test files that these changes can affect, the nearest first; all if what was changed is not known."""
    everything = all_tests(root)
    if changes is None or any(read_by_all(name, root) for name in changes):
        return everything
    far = distances(changes, graph(root)) | dict.fromkeys(ALWAYS, 0)
    return sorted((file for file in everything if file in far), key=lambda file: (far[file], file))


def main() -> int:
    """Run them, or list them."""
    changes = changed(ROOT)
    files, everything = affected(changes, ROOT), all_tests(ROOT)
    of = f"{len(files)} of {len(everything)} test files"
    if files == everything:
        cause = "what was changed is not known" if changes is None else "a file that all tests read was changed"
        print(f"All {len(everything)} test files: {cause}. This takes as long as make test.", flush=True)
    elif len(files) >= NEARLY_ALL * len(everything):
        print(f"The change can affect {of}. This takes nearly as long as make test; the nearest run first.", flush=True)
    else:
        print(f"The change can affect {of}.", flush=True)
    if "--list" in sys.argv[1:]:
        print(*files, sep="\n")
        return 0
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "2", "--dist", "loadfile", "--no-loadscope-reorder", *files],
        cwd=ROOT,
        check=False,
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
