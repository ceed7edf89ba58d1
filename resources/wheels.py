"""The project's own wheels, which jobs install from a path: an artifact builds them, or they are there already."""

import os
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from glob import glob
from pathlib import Path

from feature_store.yaml_files import Data, Document, KeyPath, Place, closest
from resources.substitution import is_open

_EXTRAS = re.compile(r"\[[^\[\]]*\]$")


def built_wheels(settings: Data, document: Document, root: Path) -> list[str]:
    """The files, or patterns of files, that the artifacts are: those they name, or every wheel in ``dist``."""
    patterns = [*_built((), settings, document, root)]
    targets = settings.get("targets") if isinstance(settings, dict) else None
    for name, target in targets.items() if isinstance(targets, dict) else ():
        patterns += _built(("targets", name), target, document, root)
    if not patterns and (root / "setup.py").exists():
        patterns.append(str(root / "dist" / "*.whl"))  # what the vendor builds where nothing is said
    return patterns


def _built(path: KeyPath, data: Data, document: Document, root: Path) -> Iterator[str]:
    artifacts = data.get("artifacts") if isinstance(data, dict) else None
    for name, artifact in artifacts.items() if isinstance(artifacts, dict) else ():
        folder = _folder(document.place((*path, "artifacts", name)), root)
        said = artifact if isinstance(artifact, dict) else {}
        files = said.get("files")
        sources = [one.get("source") for one in files if isinstance(one, dict)] if isinstance(files, list) else []
        if not sources and said.get("type") != "jar":
            sources = [f"{said.get('path') or root}/dist/*.whl"]
        yield from (os.path.normpath(folder / str(source)) for source in sources)


def wheel_problems(
    where: str, resource: Data, *, at: KeyPath, document: Document, root: Path, wheels: list[str]
) -> Iterator[tuple[KeyPath, str]]:
    """The paths in a resource's dependencies and libraries that lead to nothing; ``wheels`` is what artifacts build."""
    for path, named in _installed(resource, ()):
        folder = _folder(document.place((*at, *path)), root)
        file = os.path.normpath(folder / _EXTRAS.sub("", named))
        if _is_local(named) and not any(_is_of(file, wheel) for wheel in wheels) and not glob(file):
            known = [os.path.relpath(wheel, folder) for wheel in wheels]
            remedy = closest(named, known) if known else "there are no artifacts"
            yield path, f"{where} installs {named!r}, which no artifact builds and which is not there; {remedy}"


def _installed(data: Data, path: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    """What is said under ``dependencies`` and ``whl``, at any depth."""
    items = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for key, value in items:
        if isinstance(value, str) and (key == "whl" or path[-1:] == ("dependencies",)):
            yield (*path, key), value
        yield from _installed(value, (*path, key))


def _is_local(named: str) -> bool:
    """Whether it is a path of the project, and not a package, an option of pip, an address or a path of the workspace."""
    is_elsewhere = named.startswith(("/", "-")) or ":" in named or is_open(named)
    return not is_elsewhere and (named.startswith(".") or _EXTRAS.sub("", named).endswith(".whl"))


def _is_of(file: str, wheel: str) -> bool:
    """Whether two patterns can mean the same file."""
    (folder, name), (folder_of_wheel, name_of_wheel) = os.path.split(file), os.path.split(wheel)
    return folder == folder_of_wheel and (fnmatch(name, name_of_wheel) or fnmatch(name_of_wheel, name))


def _folder(place: Place | None, root: Path) -> Path:
    """Paths are relative to the file that says them."""
    return (root / place.file).parent if place else root
