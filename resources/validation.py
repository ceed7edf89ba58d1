"""What is wrong with a part of the bundle, said in the user's words: the file, the line, the key and the closest names."""

from typing import TypeVar

from pydantic import BaseModel

from feature_store import yaml_files
from feature_store.errors import listed
from feature_store.yaml_files import Data, Document, KeyPath, Problem
from resources.models import NOT_RUN_HERE, RUNNABLE_TASKS
from resources.substitution import is_open

Model = TypeVar("Model", bound=BaseModel)


def parse(model: type[Model], data: Data, *, at: KeyPath, document: Document) -> tuple[Model | None, list[Problem]]:
    """``data`` as ``model``, or everything that is wrong with it; a reference left in it is reported where it is resolved."""
    return yaml_files.parse(
        model, data, at=at, document=document,
        owner=lambda path: _owner(data, path, at), unknown=_unknown_key, passed_over=is_open,
    )  # fmt: skip


def _unknown_key(key: str, model: type[BaseModel] | None, where: str) -> str:
    for known, names in NOT_RUN_HERE.items():
        if model and issubclass(model, known) and key in names:
            tasks = f"; it runs {listed(RUNNABLE_TASKS)}" if key.endswith("_task") else ""
            return f"{key!r} in {where} is not something that run-job can execute{tasks}"
    return yaml_files.unknown_key(key, model, where)


def _owner(data: Data, path: KeyPath, at: KeyPath) -> str:
    """What a person calls the thing at ``path``: its task if it has one, else its job, else its keys."""
    name, node = (f"job {at[2]}" if at[:2] == ("resources", "jobs") else ""), data
    for part in path[len(at) :]:
        if part == "depends_on":
            break
        node = _child(node, part)
        if isinstance(node, dict) and "task_key" in node:
            name = f"task {node['task_key']}"
    keys = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return name or keys.removeprefix(".") or "databricks.yml"


def _child(node: Data, part: str | int) -> Data:
    if isinstance(node, dict) and isinstance(part, str):
        return node.get(part)
    if isinstance(node, list) and isinstance(part, int) and part < len(node):
        return node[part]
    return None
