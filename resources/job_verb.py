"""What the forms of ``run-job`` share: the bundle, options, and exit codes."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from feature_store.cli import Verb
from feature_store.errors import Misuse, PipelineError
from feature_store.yaml_files import InvalidFile
from resources.bundle import Bundle, find_root, load_bundle
from resources.checks import check
from resources.entry_points import EntryPoints, installed_entry_points
from resources.processes.workers import default_at_once
from resources.running import WORKSPACE, How


class JobVerb(Verb):
    """A command that tells a job that failed (1) from a line or bundle that cannot be right (2)."""

    def exit_code(self, error: PipelineError) -> int:
        """2 for what was wrong before anything ran."""
        return 2 if isinstance(error, Misuse) else 1


def checked_bundle(
    start: Path,
    *,
    target: str | None = None,
    variables: dict[str, str] | None = None,
    entry_points: EntryPoints = installed_entry_points,
) -> Bundle:
    """The bundle at or above ``start``, in which nothing is wrong that can be known before a run.

    Raises
    ------
    InvalidFile
        With everything that is wrong.
    """
    bundle, problems = load_bundle(find_root(start), target=target, variables=variables)
    problems = [*problems, *check(bundle, entry_points)]
    if problems:
        raise InvalidFile(problems)
    return bundle


def place_of_runs(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--workspace``."""
    return click.option(
        "--workspace",
        type=click.Path(file_okay=False, path_type=Path),
        envvar=WORKSPACE,
        default="workspace",
        show_default=True,
        show_envvar=True,
        help="Where tables, models, reports and the history of runs are kept when not on Databricks.",
    )(command)


def ways_to_run(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--at-once`` and ``--in-process``; with ``--workspace`` they become one argument, ``how``."""

    @functools.wraps(command)
    def with_how(*args: Any, workspace: Path, at_once: int | None, in_process: bool, **kwargs: Any) -> Any:
        how = How(workspace, at_once or default_at_once(), in_this_process=in_process)
        return command(*args, how=how, **kwargs)

    options = [
        click.option(
            "--at-once",
            type=click.IntRange(min=1),
            metavar="N",
            help="How many tasks may run side by side.  [default: one for each core and 4 GiB of memory]",
        ),
        click.option(
            "--in-process",
            is_flag=True,
            help="Run tasks in this process, one at a time, as for a debugger; timeouts cannot end them then.",
        ),
    ]
    for option in reversed(options):
        with_how = option(with_how)
    return with_how
