"""A project's files, rendered, and put into the repository: all of them, or none."""

import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from feature_store.errors import Misuse, StorageError, listed
from resources.new_project.answers import STAGES, Answers, check_answers, projects
from resources.new_project.rendering import render

FILES = Path(__file__).parent / "files"
JOBS = ("publish_features", "train_model", "score_batch", "monitor", "round", "replay")
LAYERS = "pyproject.toml"
_OWN = "{{.project_name}}"
DESTINATIONS: Mapping[str, str] = {
    **{f"{stage}/__init__.py.txt": f"{stage}/{_OWN}/__init__.py" for stage in STAGES},
    **{
        f"features/{name}.py.txt": f"features/{_OWN}/{name}.py" for name in ("landing", "sources", "activity", "latest")
    },
    "training/model.py.txt": f"training/{_OWN}/{_OWN}.py",
    "inference/population.py.txt": f"inference/{_OWN}/{_OWN}.py",
    "monitoring/monitor.py.txt": f"monitoring/{_OWN}/{_OWN}.py",
    "resources/schema.yml.txt": f"resources/{_OWN}.schema.yml",
    **{f"resources/{job}.job.yml.txt": f"resources/{_OWN}_{job}.job.yml" for job in JOBS},
    "tests/test_project.py.txt": f"tests/{_OWN}/test_{_OWN}.py",
}
"""Where each of files/ goes; the paths are templates, too."""


def rendered(answers: Answers) -> dict[str, str]:
    """The project's files by their paths in the repository."""
    return {
        render(path, answers.values): render((FILES / name).read_text(encoding="utf-8"), answers.values)
        for name, path in DESTINATIONS.items()
    }


def make_project(answers: Answers, root: Path) -> list[str]:
    """Write the project's files, and its name into the layers of imports; the paths written. Nothing is overwritten.

    Raises
    ------
    Misuse
        If an answer cannot be, a name is taken, or a file is in the way; nothing is written then.
    StorageError
        If a file cannot be written; what was written before is removed again.
    """
    check_answers(answers, root)
    files = rendered(answers)
    if there := [path for path in files if (root / path).exists()]:
        raise Misuse(f"No project was made: there is {listed(there)} already. Choose another name, or remove it.")
    before = (root / LAYERS).read_text(encoding="utf-8")
    layers = with_layers(before, answers.project_name, projects(root))
    new = [root / stage / answers.project_name for stage in STAGES] + [root / "tests" / answers.project_name]
    try:
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text, encoding="utf-8")
        (root / LAYERS).write_text(layers, encoding="utf-8")
    except BaseException as error:
        for folder in new:
            shutil.rmtree(folder, ignore_errors=True)
        for path in files:
            with suppress(OSError):
                (root / path).unlink()
        if (root / LAYERS).read_text(encoding="utf-8") != before:
            (root / LAYERS).write_text(before, encoding="utf-8")
        if isinstance(error, OSError):
            raise StorageError(
                f"No project was made, since {error.filename} cannot be written: {error.strerror}."
            ) from error
        raise
    return [*files, LAYERS]


def with_layers(text: str, name: str, existing: list[str]) -> str:
    """pyproject.toml with the project beside the others in the layers of each stage; projects do not import each other.

    Raises
    ------
    Misuse
        If a stage's layer is not found.
    """
    for stage in STAGES:
        beside = "|".join(map(re.escape, existing))
        text, found = re.subn(
            rf'^( +"(?:[^"]* )?{stage}\.(?:{beside}))(?=[ "])', rf"\1 | {stage}.{name}", text, count=1, flags=re.M
        )
        if not found:
            raise Misuse(f"No project was made: {LAYERS} has no layer with {stage}.{listed(existing)} to stand beside.")
    return text
