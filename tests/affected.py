"""Which files of tests a change can affect, by what imports what: ``python -m tests.affected`` prints them, one a line.

A change is everything that differs from ``origin/main`` (or, on a branch without one, from the last commit): committed,
uncommitted, new or deleted. What imports a changed module, however indirectly, is affected; so are the tests that import
that. A change whose reach is not known this way (pytest's own set-up, the lock, what is read at run time) affects all
tests, and so does a checkout without git: rather more than too little.

Tests that run the whole loop in processes of their own are affected by nearly everything. They take longer than all
others together, so they are chosen only if they were changed themselves, and named on standard error: ``make check`` runs them.
"""

import ast
import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[1]
PACKAGES = ("feature_store", "features", "training", "inference", "monitoring", "resources")
LOOP = ("tests/test_demo.py", "tests/test_readme.py", "tests/safety/test_killed.py", "tests/safety/test_two_writers.py")
ALWAYS = ("tests/test_house_rules.py",)
READ_BY = {
    "README.md": ("tests/test_readme.py",),
    "examples/": ("tests/test_readme.py",),
    "resources/": ("tests/resources/", "tests/test_commands.py"),
    "databricks.yml": ("tests/resources/",),
    "benchmarks/": (), "docs/": (), "CHANGELOG.md": (), "DECISIONS.md": (), "CONTRIBUTING.md": (), "LICENSE": (),
    ".gitignore": (), ".ci/": (), "hs_err": (),
}  # fmt: skip
"""Files that are no Python of ours, by the beginning of their names, and the tests that read them."""


def changed_files(root: Path) -> list[str] | None:
    """The names of all files that differ, deleted ones too; None where git does not know."""

    def git(*arguments: str) -> list[str]:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True)
        return [name for name in done.stdout.split("\0") if name]

    try:
        known = git("for-each-ref", "--format=%(refname:short)%00", "refs/remotes/origin/main")
        base = git("merge-base", "HEAD", "origin/main")[0].strip() if known else "HEAD"
        return [
            *git("diff", "--name-only", "--no-renames", "-z", base),
            *git("ls-files", "-o", "--exclude-standard", "-z"),
        ]
    except (OSError, subprocess.CalledProcessError, IndexError):
        return None


def affected(changed: Iterable[str], tests: Mapping[str, set[str]], graph: grimp.ImportGraph) -> list[str] | None:
    """The files of ``tests``, each given with the modules it imports, that the change can affect; None: all of them."""
    modules: set[str] = set()
    chosen = set(ALWAYS)
    for name in changed:
        if name.startswith("tests/") and name.endswith(".py"):
            modules.add(_module(name))
            if name.rpartition("/")[2] == "conftest.py":
                if name == "tests/conftest.py":
                    return None
                chosen |= {test for test in tests if test.startswith(name.removesuffix("conftest.py"))}
        elif name.endswith(".py") and name.split("/")[0] in PACKAGES:
            modules |= _downstream(_module(name), graph)
        else:
            known = [readers for beginning, readers in READ_BY.items() if name.startswith(beginning)]
            if not known:
                return None
            chosen |= {test for test in tests if test.startswith(tuple(readers for one in known for readers in one))}
    reach = _closure(modules, tests)
    return sorted(test for test in tests if _is_test(test) and (test in chosen or _module(test) in reach))


def _downstream(module: str, graph: grimp.ImportGraph) -> set[str]:
    """The module and all that imports it; of one that is no longer there, all of its package may have."""
    if module in graph.modules:
        return {module, *graph.find_downstream_modules(module)}
    package = module.rpartition(".")[0]
    known = [name for name in graph.modules if name == package or name.startswith(f"{package}.")]
    return {name for one in known for name in _downstream(one, graph)}


def _closure(modules: set[str], tests: Mapping[str, set[str]]) -> set[str]:
    """``modules`` and the modules of the tests that import them, directly or through another test's module."""
    found, grown = set(modules), True
    while grown:
        more = {_module(name) for name, imported in tests.items() if imported & found} - found
        found |= more
        grown = bool(more)
    return found


def imported_by(path: Path) -> set[str]:
    """The modules that a file imports, wherever in it; ``from a import b`` may mean ``a`` or ``a.b``."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def _module(name: str) -> str:
    return name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def _is_test(name: str) -> bool:
    return name.rpartition("/")[2].startswith("test_")


def main() -> None:
    """Print the files that pytest is to run."""
    tests = {path.relative_to(ROOT).as_posix(): imported_by(path) for path in sorted((ROOT / "tests").rglob("*.py"))}
    changed = changed_files(ROOT)
    chosen = None if changed is None else affected(changed, tests, grimp.build_graph(*PACKAGES))
    if chosen is None:
        chosen = [test for test in tests if _is_test(test)]
    left = [test for test in chosen if test in LOOP and test not in (changed or ())]
    if left:
        print(f"Left to make check: {', '.join(left)}", file=sys.stderr)
    print("\n".join(test for test in chosen if test not in left))


if __name__ == "__main__":
    main()
