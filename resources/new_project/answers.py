"""What a new project is asked, and which answers cannot be."""

import ast
import keyword
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from feature_store.errors import Misuse, listed

STAGES = ("features", "training", "inference", "monitoring")
MOST_LETTERS, OF_A_PROJECT = 60, 30
OF_THE_SAMPLE = (
    "amount", "channel", "event_id", "events_28d", "events_7d", "known_at", "mean_amount_28d", "model_name",
    "model_version", "outcome_known_at", "prediction", "run_id", "scored_at", "split",
)  # fmt: skip
"""Columns that the sample, its features and its scores have anyway."""


@dataclass(frozen=True, kw_only=True)
class Answers:
    """A project's name, its source table, whom a row is about, the moment of decision, and the yes or no to predict."""

    project_name: str
    table: str
    keys: Sequence[str]
    timestamp: str
    label: str
    owner: str

    @property
    def values(self) -> dict[str, str]:
        """What templates call them; ``keys`` as they stand in a Python tuple."""
        return {**vars(self), "keys": ", ".join(f'"{key}"' for key in self.keys)}


def check_answers(answers: Answers, root: Path) -> None:
    """Refuse names that cannot be, or that are taken in the repository at ``root``.

    Raises
    ------
    Misuse
        With all that is wrong, and what exists.
    """
    columns = {"a key": list(answers.keys), "the timestamp": [answers.timestamp], "the label": [answers.label]}
    wrong = [
        *_malformed("the project's name", answers.project_name, OF_A_PROJECT),
        *_malformed("the table", answers.table),
    ]
    for what, names in columns.items():
        for name in names:
            wrong += _malformed(what, name)
            if name in OF_THE_SAMPLE:
                wrong.append(f"{what} cannot be {name!r}: the sample has such a column itself.")
    given = [name for names in columns.values() for name in names]
    if not answers.keys:
        wrong.append("there must be at least one key.")
    twice = sorted({name for name in given if given.count(name) > 1})
    if twice:
        wrong.append(f"key, timestamp and label are columns of one table, and {listed(twice)} is named twice.")
    if not re.fullmatch(r"[^@\s\"\\{}]+@[^@\s\"\\{}]+", answers.owner):
        wrong.append(
            f"the owner is whom to write to, such as {answers.project_name}@example.com, not {answers.owner!r}."
        )
    if not wrong:
        wrong = list(_taken(answers, root))
    if wrong:
        raise Misuse("No project was made: " + " ".join(wrong))


def projects(root: Path) -> list[str]:
    """The projects of the repository: the folders beside the machinery in each stage."""
    found: set[str] = set()
    for stage in STAGES:
        machinery = _machinery(root / stage / "__init__.py")
        folders = {path.parent.name for path in (root / stage).glob("*/__init__.py")}
        found |= folders - machinery
    return sorted(found)


def _machinery(path: Path) -> set[str]:
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "MACHINERY":
            return set(ast.literal_eval(node.value))
    return set()


def _malformed(what: str, name: str, most: int = MOST_LETTERS) -> Iterator[str]:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or keyword.iskeyword(name) or len(name) > most:
        yield (
            f"{what} cannot be {name!r}: write small letters, digits and '_', a letter first, at most {most}, and no "
            "word of Python's own."
        )


def _taken(answers: Answers, root: Path) -> Iterator[str]:
    name = answers.project_name
    there = [stage for stage in STAGES if (root / stage / name).exists() or (root / stage / f"{name}.py").exists()]
    if there or (root / "tests" / name).exists():
        where = listed(f"{stage}/" for stage in there or ["tests"])
        yield f"there is something called {name!r} in {where}. Projects are: {listed(projects(root))}."
        return
    declared = _declared_names(root)
    for taken in sorted({name, answers.table} & declared.keys()):
        yield f"{taken!r} is declared in {declared[taken]} already, and names are the whole repository's. Choose another."


def _declared_names(root: Path) -> dict[str, str]:
    """The names of all tables, models, populations and monitors, and the modules that declare them."""
    found: dict[str, str] = {}
    for stage in STAGES:
        for path in sorted((root / stage).glob("*/*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.keyword) and node.arg == "name" and isinstance(node.value, ast.Constant):
                    found[str(node.value.value)] = path.relative_to(root).as_posix()
    return found
