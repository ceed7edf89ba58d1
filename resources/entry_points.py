"""How a ``python_wheel_task`` finds its command: among what the installed distribution exports."""

from collections.abc import Callable, Mapping
from importlib.metadata import PackageNotFoundError, distribution
from typing import TypeAlias

import click

from feature_store.errors import NotFound, WrongKind

Loader: TypeAlias = Callable[[], click.Command]
# From the name of a package to the commands that it exports; NotFound if there is no such package.
EntryPoints: TypeAlias = Callable[[str], Mapping[str, Loader]]


def installed_entry_points(package: str) -> Mapping[str, Loader]:
    """The commands that an installed distribution exports, each loaded when called.

    Raises
    ------
    NotFound
        If the distribution is not installed.
    """
    try:
        found = distribution(package).entry_points
    except PackageNotFoundError:
        raise NotFound(f"Package {package!r} is not installed here. Install it: `uv pip install -e .`") from None

    def loader(name: str) -> Loader:
        def load() -> click.Command:
            command = next(iter(found.select(name=name))).load()
            if not isinstance(command, click.Command):
                kind = type(command).__name__
                raise WrongKind(f"Entry point {name!r} of {package} is a {kind}, not a click command.")
            return command

        return load

    return {entry_point.name: loader(entry_point.name) for entry_point in found}
