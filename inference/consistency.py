"""Were scores made of what training would be given? ``check-consistency``."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import click
from rich.markup import escape

from feature_store import Misuse, open_store
from feature_store.cli import Moment, Verb, check_range, console, place_options, progress
from feature_store.discovery import discover, pick
from feature_store.errors import listed
from feature_store.job import set_task_value
from inference.scoring.compared import Difference
from inference.scoring.consistency import Consistency, check_consistency


@click.command(cls=Verb, name="check-consistency")
@click.argument("name")
@click.option("--sample", type=click.IntRange(min=1), default=1000, show_default=True, help="Compare so many rows.")
@click.option(
    "--from", "start", type=Moment(), default=None, help="Rows decided from this moment.  [default: last window scored]"
)
@click.option(
    "--until", "end", type=Moment(), default=None, help="Rows decided before this moment.  [default: --as-of]"
)
@click.option("--strict", is_flag=True, help="Fail for any difference, even if a table was only published again.")
@place_options
def main(
    name: str,
    sample: int,
    start: datetime | None,
    end: datetime | None,
    strict: bool,
    catalog: str,
    schema: str,
    as_of: datetime,
    workspace: str,
) -> None:
    """Build the features of scored rows of the population NAME again, as training does, and compare them bit for bit.

    \b
    check-consistency flight_delay                                  a sample of the last window that was scored
    check-consistency flight_delay --from 2013-07-01 --until 2013-08-01 --sample 5000

    Compared are all columns that the model does not ask its caller for and that the scores keep: looked up, computed by
    functions, aggregated. What the versions of the tables that were read do not give is a defect, and fails. A value that only
    the tables of today give otherwise comes from late data or a window that was published again: it is told, and fails with
    --strict.
    """
    check_range(start, end)
    import inference
    from inference.spec import ScoringSpec

    spec = pick(discover(inference, ScoringSpec), name, "scored population")
    store = open_store(catalog=catalog, schema=schema, workspace=workspace)
    with progress(1, "check") as begin:
        begin("building features again")
        found = check_consistency(store, spec, as_of=as_of, start=start, end=end, sample=sample)
    show(found)
    set_task_value("differences", sum(one.rows for one in found.differences))
    set_task_value("defects", sum(one.rows for one in found.defects))
    verdict(found, strict=strict)


def verdict(found: Consistency, *, strict: bool) -> None:
    """Fail for a defect; when ``strict``, also for what was published again and for what cannot be told.

    Raises
    ------
    Misuse
        The command fails then.
    """
    if found.defects:
        raise Misuse(
            f"Scores of {found.score_table} were not made of the features that training is given: "
            f"{_values(found.defects)}. Find out what differs before these scores, or a model, are relied upon."
        )
    if strict and not found.is_certain:
        raise Misuse("Not all that was scored is what training is given today, and --strict allows no difference.")


def show(found: Consistency) -> None:
    """Print what was compared, and what differs, with causes and examples."""
    if found.window is None or not found.rows:
        console.print(f"  {found.score_table}: no scores to compare")
        return
    window = f"from {found.window[0]:%Y-%m-%d %H:%M} to {found.window[1]:%Y-%m-%d %H:%M}"
    compared = f"{found.values:,} values of {found.rows:,} rows {window}"
    if found.is_certain:
        console.print(f"  {found.score_table}: [good]equal[/], {compared} are what training is given")
        _show_not_compared(found)
        return
    console.print(f"  {found.score_table}: {compared}, of which {_values(found.differences)} differ")
    for one in found.differences:
        style = "bad" if one in found.defects else "note"
        console.print(f"    [{style}]{escape(one.feature)}[/]  {one.rows:,} rows, {one.cause}: {escape(one.because)}")
        for example in one.examples:
            console.print(f"      {escape(example)}")
    for lost in found.lost:
        console.print(f"    [note]not built again as it was scored:[/] {escape(lost)}")
    if found.untraced:
        console.print(
            f"    [note]{found.untraced:,} rows are of no scoring run that the table's history still knows[/]"
        )
    _show_not_compared(found)


def _show_not_compared(found: Consistency) -> None:
    """Print which of the models' columns were not compared, or in one way only."""
    if found.not_kept:
        names = escape(listed(found.not_kept))
        console.print(f"    [note]not compared, since the scores do not keep them:[/] {names}")
    if found.undeclared:
        names = escape(listed(found.undeclared))
        console.print(
            f"    [note]not compared with training, since the model's module declares nothing that gives them:[/] {names}"
        )


def _values(differences: Sequence[Difference]) -> str:
    count = sum(one.rows for one in differences)
    return f"{count:,} value{'s' * (count != 1)}"


if __name__ == "__main__":
    main()
