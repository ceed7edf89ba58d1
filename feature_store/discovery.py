"""Nouns are found by walking the packages: adding a table, a model or a monitor is adding a file."""

import importlib
import pkgutil
from types import ModuleType
from typing import TypeVar

from feature_store.errors import Misuse, NotFound, suggestion

Noun = TypeVar("Noun")


def discover(package: ModuleType, kind: type[Noun]) -> dict[str, Noun]:
    """All declarations of ``kind`` in the modules of ``package`` and its folders, by their ``name``, sorted.

    Raises
    ------
    Misuse
        If two modules declare the same name.
    """
    found: dict[str, Noun] = {}
    declared_in: dict[str, str] = {}
    for module_info in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        module = importlib.import_module(module_info.name)
        for value in vars(module).values():
            if not isinstance(value, kind):
                continue
            name: str = getattr(value, "name")  # noqa: B009 - every noun has a name; the type variable cannot say so
            if name in found and found[name] is not value:
                raise Misuse(
                    f"{kind.__name__} {name!r} is declared twice: in {declared_in[name]} and in {module.__name__}."
                )
            found[name] = value
            declared_in.setdefault(name, module.__name__)
    return dict(sorted(found.items()))


def pick(nouns: dict[str, Noun], name: str, what: str) -> Noun:
    """The declaration called ``name``.

    Raises
    ------
    NotFound
        If there is none; the closest names are suggested.
    """
    if name not in nouns:
        raise NotFound(f"There is no {what} {name!r}. {suggestion(name, nouns)}")
    return nouns[name]
