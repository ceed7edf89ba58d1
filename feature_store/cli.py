"""What every command line of the pipeline shares: options, the as-of moment, progress, and how errors are shown."""

import functools
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, TextIO

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.theme import Theme

from feature_store.errors import Misuse, PipelineError, RegistryUnavailable
from feature_store.names import DEFAULT_SCHEMA

# A job's tasks write to a pipe, and are told how wide the terminal at its other end is.
_WIDTH_OF_A_LOG = int(os.environ.get("PIPELINE_COLUMNS", "110"))
_PROJECT = Path(__file__).parents[1]
THEME = Theme({"good": "green", "bad": "bold red", "note": "yellow"})
console = Console(
    theme=THEME,
    highlight=False,
    soft_wrap=True,
    width=None if sys.stdout.isatty() else _WIDTH_OF_A_LOG,
)
error_console = Console(stderr=True, highlight=False, soft_wrap=True)
_on_step: ContextVar[Callable[[str], None] | None] = ContextVar("on_step", default=None)


class Moment(click.ParamType[datetime | None]):
    """An instant in UTC, given as ``2013-07-01``, ``2013-07-01T06:00`` or with any offset."""

    name = "moment"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> datetime | None:
        """The moment that was typed; None for an empty text, which a job passes for "not given"."""
        if isinstance(value, datetime):
            return value
        text = str(value).strip()
        if not text:
            return None
        try:
            return parse_moment(text)
        except Misuse as wrong:
            self.fail(str(wrong), param, ctx)


class Duration(click.ParamType[timedelta]):
    """A length of time: ``31d``, ``12h``, ``30m`` or ``4w``."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """The length that was typed."""
        if isinstance(value, timedelta):
            return value
        text = str(value).strip()
        unit = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}.get(text[-1:])
        if unit is None or not text[:-1].isdigit() or not int(text[:-1]):
            self.fail(f"{text!r} is not a length of time. Write a whole number of d, h, m or w: 31d, 12h.", param, ctx)
        return timedelta(**{unit: int(text[:-1])})


def parse_moment(text: str) -> datetime:
    """The UTC instant that ``text`` names; a date is its first instant, a time without an offset is UTC.

    Raises
    ------
    Misuse
        If ``text`` is not an ISO 8601 date or time.
    """
    try:
        moment = datetime.combine(date.fromisoformat(text), time()) if len(text) <= 10 else datetime.fromisoformat(text)
    except ValueError:
        raise Misuse(
            f"{text!r} is not a moment. Write a date (2013-07-01) or a time (2013-07-01T06:00, UTC unless it says "
            "otherwise: 2013-07-01T06:00-04:00)."
        ) from None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def check_range(start: datetime | None, end: datetime | None) -> None:
    """Refuse ``--from`` that is not before ``--until``, where both are given.

    Raises
    ------
    Misuse
        With both as they were understood.
    """
    if start and end and start >= end:
        raise Misuse(f"--from {start:%Y-%m-%d %H:%M} is not before --until {end:%Y-%m-%d %H:%M}.")


def place_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--catalog``, ``--schema``, ``--as-of`` and ``--workspace``, the same words for every command."""
    options = [
        click.option(
            "--catalog", default="dev", show_default=True, metavar="NAME", help="Catalog of all tables and models."
        ),
        click.option(
            "--schema",
            envvar="PIPELINE_SCHEMA",
            default=DEFAULT_SCHEMA,
            show_default=True,
            show_envvar=True,
            metavar="NAME",
            help="Schema inside the catalog: each project has its own, called as it is.",
        ),
        click.option(
            "--as-of",
            type=Moment(),
            default=None,
            metavar="MOMENT",
            help="See only what was known by this moment: 2013-07-01, or 2013-07-01T06:00 (UTC).  [default: now]",
        ),
        click.option(
            "--workspace",
            type=click.Path(file_okay=False),
            envvar="PIPELINE_WORKSPACE",
            default="workspace",
            show_default=True,
            show_envvar=True,
            help="Where tables, models and reports are kept when not on Databricks.",
        ),
    ]
    for option in reversed(options):
        command = option(command)

    @functools.wraps(command)
    def with_now(*args: Any, **kwargs: Any) -> Any:
        kwargs["as_of"] = kwargs["as_of"] or datetime.now(UTC)
        return command(*args, **kwargs)

    return with_now


class Verb(click.Command):
    """A command whose users see one clear sentence, not a stack trace, for what they can put right."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command; inside a job (not standalone) errors go to the runner."""
        if not kwargs.get("standalone_mode", True):
            with _registry_trouble_told():
                return super().main(*args, **kwargs)
        try:
            with warnings.catch_warnings(), _registry_trouble_told():
                warnings.showwarning = functools.partial(_show_warning, otherwise=warnings.showwarning)
                return super().main(*args, **kwargs)
        except PipelineError as error:
            show_error(error)
            sys.exit(self.exit_code(error))

    def exit_code(self, error: PipelineError) -> int:
        """What the process ends with after ``error``."""
        return 1


class VerbGroup(Verb, click.Group):
    """A group of verbs, with their errors shown alike."""

    command_class = Verb


@contextmanager
def _registry_trouble_told() -> Iterator[None]:
    """What MLflow, or what it is built on, says of a store that is locked or does not answer, in one sentence."""
    try:
        yield
    except Exception as error:
        # Known by name: whoever does not use MLflow need not load it to be told.
        package, text = type(error).__module__.split(".")[0], str(error)
        if package not in ("mlflow", "requests", "sqlalchemy", "sqlite3"):
            raise
        where = os.environ.get("MLFLOW_TRACKING_URI", "")
        place = f"MLflow's store {_without_password(where)}" if where else "The workspace's MLflow store"
        if "database is locked" in text:
            raise RegistryUnavailable(
                f"{place} is locked by another process. What was done before is kept: run the same again when it is free."
            ) from error
        if any(
            sign in text for sign in ("Max retries exceeded", "Connection refused", "could not connect", "timed out")
        ):
            raise RegistryUnavailable(
                f"{place} does not answer. See that it runs and that MLFLOW_TRACKING_URI is its address, and run the same again: "
                "what was done before is kept."
            ) from error
        raise


def _without_password(address: str) -> str:
    return re.sub(r"//[^/@]*@", "//", address)


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
    *,
    otherwise: Callable[..., None],
) -> None:
    """What this project warns of is one sentence for users; other packages' warnings look as ever."""
    if category is UserWarning and Path(filename).is_relative_to(_PROJECT):
        error_console.print(f"[yellow]Warning:[/] {escape(str(message))}")
    else:
        otherwise(message, category, filename, lineno, file, line)


def show_error(error: BaseException) -> None:
    """Print ``error`` to standard error the way every command does."""
    error_console.print(f"[bold red]Error:[/] {escape(str(error))}")
    for note in getattr(error, "__notes__", ()):
        error_console.print(escape(note))
    if os.environ.get("PIPELINE_DEBUG"):
        error_console.print_exception()


@contextmanager
def progress(total: int, unit: str) -> Iterator[Callable[[str], None]]:
    """Show progress over ``total`` steps; call what is yielded with the name of each step as it begins.

    On a terminal a bar moves; elsewhere (a log, CI) nothing is drawn, and the steps' own lines tell. Inside
    :func:`told_of_steps` whoever asked is told instead.
    """
    told = _on_step.get()
    if told is not None:
        yield _in_words(total, unit, told)
        return
    bar = Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
        console=error_console,
        transient=True,
        disable=not error_console.is_terminal,
    )
    with bar:
        task = bar.add_task("starting", total=total)
        begun = False

        def begin(name: str) -> None:
            nonlocal begun
            bar.update(task, description=name, advance=1 if begun else 0)
            begun = True

        yield begin
        bar.update(task, completed=total)


@contextmanager
def told_of_steps(on_step: Callable[[str], None]) -> Iterator[None]:
    """Whoever shows several commands at once draws no bars: ``on_step`` is told in words which step begins."""
    token = _on_step.set(on_step)
    try:
        yield
    finally:
        _on_step.reset(token)


def _in_words(total: int, unit: str, told: Callable[[str], None]) -> Callable[[str], None]:
    begun = 0

    def begin(name: str) -> None:
        nonlocal begun
        begun += 1
        told(f"{name} ({min(begun, total)} of {total} {unit})")

    return begin
