"""Nouns are found by walking the packages: adding a table, a model or a monitor is adding a file, a project a folder.

A module that cannot be imported stops nobody but those who ask for what it declares; all others are told, and go on.
"""

import importlib
import pkgutil
import sys
import warnings
from collections.abc import Collection, Iterable, Iterator, Mapping
from types import ModuleType
from typing import TypeVar

from feature_store.errors import Misuse, NotFound, suggestion

Noun = TypeVar("Noun")


class Nouns(dict[str, Noun]):
    """Declarations by their names, sorted.

    ``modules`` has the names of those that were found in each module; ``broken`` the modules that could not be imported,
    and why.
    """

    modules: Mapping[str, Collection[str]] = {}
    broken: Mapping[str, Exception] = {}

    def of_project(self, project: str, what: str) -> "list[Noun] | None":
        """Those declared in the folder of that name in any stage; None if there is no such project.

        Raises
        ------
        Misuse
            If one of its modules cannot be imported: what it declares would be missing.
        """
        for module, error in self.broken.items():
            if _project(module) == project:
                raise Misuse(f"{_cannot_be_imported(module, error)} No {what} of {project} was touched.") from error
        names = {name for module, found in self.modules.items() if _project(module) == project for name in found}
        return [noun for name, noun in self.items() if name in names] or None

    def of_schema(self, schema: str) -> "list[Noun]":
        """Those of the project that the schema is called after; all there are, if no project is called so.

        Raises
        ------
        Misuse
            If one of that project's modules cannot be imported.
        """
        return self.of_project(schema, "declaration") or list(self.values())

    @property
    def projects(self) -> list[str]:
        """The folders in which something is declared."""
        return sorted({_project(module) for module, found in self.modules.items() if found})


def discover(package: ModuleType, kind: type[Noun]) -> Nouns[Noun]:
    """All declarations of ``kind`` in the modules of ``package`` and its folders; a module that is broken is warned of.

    What the package names in ``MACHINERY`` declares nothing, and is not imported for it.

    Raises
    ------
    Misuse
        If two modules declare the same name.
    """
    found: dict[str, Noun] = {}
    declared_in: dict[str, str] = {}
    broken: dict[str, Exception] = {}
    modules: dict[str, set[str]] = {}
    machinery = {f"{package.__name__}.{name}" for name in getattr(package, "MACHINERY", ())}
    for module in _modules(package.__path__, package.__name__ + ".", broken, without=machinery):
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
            modules.setdefault(module.__name__, set()).add(name)
    for name, error in broken.items():
        warnings.warn(f"{_cannot_be_imported(name, error)} What it declares is passed over.", stacklevel=2)
    nouns = Nouns(sorted(found.items()))
    nouns.broken = broken
    nouns.modules = modules
    return nouns


def _modules(
    path: Iterable[str], prefix: str, broken: dict[str, Exception], *, without: Collection[str] = ()
) -> Iterator[ModuleType]:
    """The modules below ``path``, imported; those that cannot be are entered in ``broken``."""
    for info in pkgutil.iter_modules(path, prefix):
        if info.name in without:
            continue
        try:
            module = importlib.import_module(info.name)
        except Exception as error:  # whatever a module may raise while it is imported
            broken[info.name] = error
            continue
        yield module
        if info.ispkg:
            yield from _modules(module.__path__, info.name + ".", broken)


def _project(module: str) -> str:
    """The folder of a stage that the module is in: ``flights`` of ``training.flights.flight_delay``."""
    return module.split(".")[1]


def _cannot_be_imported(name: str, error: Exception) -> str:
    said = str(error).rstrip(".") or type(error).__name__
    return f"{name} cannot be imported: {said}."


def module_of(noun: object, package: ModuleType) -> str:
    """The module below ``package``, among those imported, that has ``noun``; empty for one declared elsewhere.

    Modules of projects say ``module.TABLE`` of each other's nouns, so that only the one that declares a noun has it.
    """
    below = (name for name in sorted(sys.modules) if name.startswith(package.__name__ + "."))
    return next((name for name in below if any(value is noun for value in vars(sys.modules[name]).values())), "")


def pick(nouns: Mapping[str, Noun], name: str, what: str, *, also: Iterable[str] = ()) -> Noun:
    """The declaration called ``name``; ``also`` are other names to suggest.

    Raises
    ------
    NotFound
        If there is none; the closest names are suggested, and modules named that might have declared it.
    """
    if name in nouns:
        return nouns[name]
    broken = nouns.broken if isinstance(nouns, Nouns) else {}
    reasons = [_cannot_be_imported(module, error) for module, error in broken.items()]
    cause = next(iter(broken.values()), None)
    raise NotFound(
        " ".join([f"There is no {what} {name!r}.", *(reasons or [suggestion(name, {*nouns, *also})])])
    ) from cause


def pick_all(nouns: Nouns[Noun], names: Iterable[str], what: str) -> list[Noun]:
    """The declarations called so, each once; a project's name stands for all that it declares. No names: all there are.

    Raises
    ------
    NotFound
        If there is neither a declaration nor a project of that name.
    Misuse
        If a project is named of which a module cannot be imported.
    """
    chosen: dict[int, Noun] = {}
    for name in names:
        project = None if name in nouns else nouns.of_project(name, what)
        for noun in project or [pick(nouns, name, what, also=nouns.projects)]:
            chosen[id(noun)] = noun
    return list(chosen.values()) or list(nouns.values())
