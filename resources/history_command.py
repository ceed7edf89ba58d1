"""``run-job history``: the runs that a workspace has seen, or one of them task by task."""

import itertools
import json
from collections.abc import Mapping
from pathlib import Path

import click
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from feature_store.cli import console
from feature_store.errors import NotFound, suggestion
from resources.job_verb import JobVerb, place_of_runs
from resources.runs.history import History, Record
from resources.runs.record import Run
from resources.telling.show import STYLES, duration, ending


@click.command("history", cls=JobVerb, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("which", metavar="[JOB|RUN]", required=False)
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, metavar="N", help="The newest so many."
)
@click.option("--failed", is_flag=True, help="Only those that did not succeed.")
@click.option("--json", "as_json", is_flag=True, help="Everything that is known, for programs.")
@place_of_runs
def history(which: str | None, limit: int, failed: bool, as_json: bool, workspace: Path) -> None:
    """List the runs of all jobs or of one, the newest first; or show RUN (the beginning of its id) task by task.

    \b
    Examples:
      run-job history
      run-job history replay --failed --limit 5
      run-job history 4f2a91c0
      run-job history 4f2a91c0 --json
    """
    runs = History(workspace)
    every = list(runs.newest())
    jobs = sorted({one.run.key for one in every})
    if which is None or which in jobs:
        chosen = (one for one in every if which in (None, one.run.key) and (one.run.state.is_failure or not failed))
        shown = [*itertools.islice(chosen, limit)]
        if as_json:
            click.echo(json.dumps([one.to_json() for one in shown], indent=1))
        elif shown:
            _show_runs(shown)
        else:
            console.print("No such runs." if every else "Nothing has run in this workspace yet.")
        return
    try:
        record = runs.find(which)
    except NotFound as error:
        raise NotFound(f"{error} And no job of that name has run. {suggestion(which, jobs)}") from None
    if as_json:
        click.echo(json.dumps(record.to_json(), indent=1))
    else:
        _show_run(record)


def _show_runs(records: list[Record]) -> None:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("RUN", "JOB", "TARGET", "STATE", "STARTED (UTC)", "TOOK", "BY", ""):
        table.add_column(heading, header_style="dim", overflow="fold", no_wrap=heading not in ("", "JOB"))
    for one in records:
        run = one.run
        table.add_row(
            Text(run.run_id[:8], "bold"), run.key, one.target, Text(run.state.value, STYLES[run.state]),
            f"{run.started_at:%Y-%m-%d %H:%M:%S}" if run.started_at else "", duration(run.seconds) if run.seconds else "",
            one.user, Text(_where(one), "dim"),
        )  # fmt: skip
    console.print(table)


def _where(record: Record) -> str:
    run, repairs = record.run, len(record.repairs)
    failed = ", ".join(" > ".join(one.path[1:]) for one in run.failures() if one is not run)
    told = [
        f"in {failed}" if failed else run.message,
        f"repaired {repairs} time{'s' * (repairs != 1)}" if repairs else "",
    ]
    return "; ".join(part for part in told if part)


def _show_run(record: Record) -> None:
    run = record.run
    facts = Table.grid(padding=(0, 2, 0, 0))
    facts.add_column(no_wrap=True)
    facts.add_column(overflow="fold")
    rows = [
        ("run", run.run_id),
        ("job", f"{run.key} in target {record.target}"),
        ("state", f"{run.state.value}{'  ' * bool(run.message)}{run.message}"),
        ("started", f"{run.started_at:%Y-%m-%d %H:%M:%S} UTC" if run.started_at else ""),
        ("took", duration(run.seconds)),
        ("by", f"{record.user} on {record.machine}, process {record.process}, code {record.revision}"),
        ("parameters", _pairs(run.parameters)),
        ("variables", _pairs(record.variables)),
        ("output", str(record.log) if record.log.exists() else ""),
    ]
    for name, value in rows:
        if value:
            facts.add_row(Text(name, "dim"), Text(value))
    for number, repair in enumerate(record.repairs, 1):
        text = f"{repair.get('started_at', '')} by {repair.get('user', '')}, code {repair.get('revision', '')}: "
        facts.add_row(Text(f"repair {number}", "dim"), Text(f"{text}{repair.get('tasks')} {repair.get('state', '')}"))
    console.print(facts)
    console.print()
    console.print(_tree(run))
    if not run.succeeded and run.state.has_ended:
        console.print(f"\nTo run again what did not succeed: run-job repair {run.run_id[:8]}", markup=False)


def _tree(run: Run) -> Tree:
    line = Text.assemble((run.key, "bold"), "  ", ending(run))
    if run.attempts > 1:
        line.append(f"  {run.attempts} attempts", "note")
    tree = Tree(line)
    told = [("parameters", run.parameters if len(run.path) > 1 else {}), ("values", run.values)]
    for name, pairs in told:
        if pairs:
            tree.add(Text(f"{name}: {_pairs(pairs)}", "dim"))
    for attempt in run.earlier:
        tree.add(Text(f"attempt {attempt.get('attempt')}: {attempt.get('state')}  {attempt.get('message')}", "dim"))
    for inner in run.inner:
        tree.add(_tree(inner))
    return tree


def _pairs(values: Mapping[str, object]) -> str:
    return ", ".join(
        f"{name}={value if isinstance(value, str) else json.dumps(value)}" for name, value in values.items()
    )
