"""Score a population by its keys: ``score-batch``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click
from rich.markup import escape

from feature_store import FeatureStore, open_store
from feature_store.cli import Duration, Moment, Verb, check_range, console, place_options, progress
from feature_store.discovery import discover, pick
from feature_store.job import run_id, set_task_value
from feature_store.moments import utc
from inference.scoring.chunks import CHUNK, Window, cut, first_and_last, scored_until, scoring_history, stopped
from inference.scoring.runs import Run, recorded_if_it_fails
from inference.scoring.told import lines, sentence
from inference.scoring.unlogged import complete
from inference.scoring.window import Scored, ScoringRun, together

if TYPE_CHECKING:
    from inference.spec import ScoringSpec


OnChunk = Callable[[int, int, Scored], None]


def score(
    store: FeatureStore,
    spec: ScoringSpec,
    *,
    as_of: datetime,
    start: datetime | None = None,
    end: datetime | None = None,
    rerun: bool = False,
    chunk: timedelta = CHUNK,
    on_chunk: OnChunk | None = None,
) -> Scored:
    """Score the entities decided in ``[start, end)``, and replace that window of the score table in one commit.

    The window begins where the last one ended (the first: when the first champion took office) and ends at ``as_of``.
    It is scored by the champion in office when it begins, whatever has been promoted since: a rerun gives the same rows.
    One that was scored just so before, from what is still the same, is left as it is, unless ``rerun``.

    A window longer than ``chunk`` is cut: each chunk is one commit, all are by the champion of the whole window's beginning
    and of the same versions of the tables, and ``on_chunk`` is told of each: its number, of how many, and what was done. A
    run that stopped before its end goes on there when it is asked for again.

    Whatever comes of a window is one row of the table ``scoring_runs``; so is what keeps a run from its first window. A run that
    was killed between its scores and their row is recorded by the next one that gets through.

    Raises
    ------
    NotFound
        If the model has no champion.
    InvalidRows
        If a primary key is null or not unique, or a limit is passed; nothing of that window is written then.
    """
    history = scoring_history(store, spec)
    commits = [entry.commit for entry in history if entry.commit]
    left = stopped(commits, utc(start) if start else None)
    since = utc(start) if start else left.start if left else scored_until(commits)
    known = Run(
        run_id=run_id(), population=spec.name, score_table=store.tables.full_name(spec.output), as_of=utc(as_of),
        window_start=since, window_end=min(utc(end or as_of), utc(as_of)), model=store.tables.full_name(spec.training.name),
    )  # fmt: skip
    with recorded_if_it_fails(store, known, {}):
        asked = (since or _first_champion(store, spec, as_of), known.window_end)
        if asked[0] >= asked[1]:
            complete(store, spec, history)
            return Scored(known.score_table, *asked, 0, "")
        as_ofs = [as_of, *([left.as_of] if left else [])]
        run, windows = _begun(store, spec, asked, chunk=chunk, as_ofs=as_ofs, rerun=rerun)
    done = []
    for number, window in enumerate(windows, 1):
        done.append(run.score(window, number=number))
        if on_chunk:
            on_chunk(number, len(windows), done[-1])
    complete(store, spec, history)
    return done[0] if len(done) == 1 else together(done)


def _first_champion(store: FeatureStore, spec: ScoringSpec, as_of: datetime) -> datetime:
    """When the first champion took office."""
    from training.steps import champion as office

    return office.champion_at(store.tables.full_name(spec.training.name), as_of).since


def _begun(
    store: FeatureStore, spec: ScoringSpec, asked: Window, *, chunk: timedelta, as_ofs: Sequence[datetime], rerun: bool
) -> tuple[ScoringRun, list[Window]]:
    """The run, as of the first of ``as_ofs``, and its windows: champion and version of the entities are those of now."""
    from training.steps import champion as office

    as_of = as_ofs[0]
    champion = office.champion_at(store.tables.full_name(spec.training.name), asked[0], alias=spec.alias)
    version = store.tables.version(spec.entities.table)
    is_long = asked[1] - asked[0] > chunk
    somebody = first_and_last(store, spec, asked, as_of=as_of, version=version) if is_long else None
    windows = cut(asked, chunk=chunk, somebody=somebody)
    run = ScoringRun(
        store=store, spec=spec, as_of=as_of, champion=champion, asked=asked, chunks=len(windows), as_ofs=as_ofs,
        rerun=rerun, population_version=version,
    )  # fmt: skip
    return run, windows


@click.command(cls=Verb)
@click.argument("name")
@click.option(
    "--from", "start", type=Moment(), default=None, help="Score from this moment.  [default: where it was left]"
)
@click.option("--until", "end", type=Moment(), default=None, help="Score up to this moment.  [default: --as-of]")
@click.option("--rerun", is_flag=True, help="Score the window even if nothing has changed since it was scored.")
@click.option(
    "--chunk",
    type=Duration(),
    default=f"{CHUNK.days}d",
    show_default=True,
    help="Score so much time at once, in one commit: 31d, 12h.",
)
@place_options
def main(
    name: str,
    start: datetime | None,
    end: datetime | None,
    rerun: bool,
    chunk: timedelta,
    catalog: str,
    schema: str,
    as_of: datetime,
    workspace: str,
) -> None:
    """Score the population NAME: keys and moments of decision go in, features are looked up, predictions come out.

    \b
    score-batch flight_delay                                        what was decided since the last run
    score-batch flight_delay --from 2013-07-01 --until 2013-08-01
    score-batch flight_delay --from 2013-01-01 --until 2013-07-01 --chunk 7d

    A population is one module in inference/. Scoring the same window again replaces
    it; if nothing that it was made of has changed, it is left as it is. A long window
    is scored in chunks, and goes on where it stopped when it is asked for again.
    Entities without features are counted, and refuse the run only beyond a limit
    that the population declares; the table scoring_runs has a row for each window.
    """
    check_range(start, end)
    import inference
    from inference.spec import ScoringSpec

    spec = pick(discover(inference, ScoringSpec), name, "scored population")
    store = open_store(catalog=catalog, schema=schema, workspace=workspace)
    with progress(1, "window") as begin:
        begin("scoring")
        done = score(
            store, spec, as_of=as_of, start=start, end=end, rerun=rerun, chunk=chunk, on_chunk=_chunk_line
        )  # fmt: skip
    set_task_value("rows", done.rows)
    console.print(f"  {sentence(done)}")
    for line in lines(done):
        console.print(f"    [note]{escape(line)}[/]")


def _chunk_line(number: int, of: int, done: Scored) -> None:
    """Print a line for each chunk, where there is more than one."""
    if of > 1:
        console.print(f"  {number} of {of}: {sentence(done)}")


if __name__ == "__main__":
    main()
