"""Score a population by its keys: ``score-batch``."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import click

from feature_store import FeatureStore, Misuse, open_store
from feature_store.cli import Moment, Verb, console, place_options, progress
from feature_store.discovery import discover, pick
from feature_store.job import run_id, set_task_value
from feature_store.moments import utc
from feature_store.tables.commit import Commit
from inference.scoring.already import ROWS, VERB, already_scored, definition

if TYPE_CHECKING:
    from inference.spec import ScoringSpec


@dataclass(frozen=True)
class Scored:
    """What a scoring run did: ``rows`` is 0 and ``model_version`` empty if there was nobody to score.

    ``repeated``: the window had been scored just so before, and nothing was done again.
    """

    output: str
    start: datetime
    end: datetime
    rows: int
    model_version: str
    repeated: bool = False


def score(
    store: FeatureStore,
    spec: ScoringSpec,
    *,
    as_of: datetime,
    start: datetime | None = None,
    end: datetime | None = None,
    rerun: bool = False,
) -> Scored:
    """Score the entities decided in ``[start, end)``, and replace that window of the score table in one commit.

    The window begins where the last one ended (the first: when the first champion took office) and ends at ``as_of``.
    It is scored by the champion in office when it begins, whatever has been promoted since: a rerun gives the same rows.
    One that was scored just so before, from what is still the same, is left as it is, unless ``rerun``.

    Raises
    ------
    NotFound
        If the model has no champion.
    """
    from pyspark.sql import functions as F

    from feature_store.tables.evolve import fit_to_table
    from training.steps import champion as office

    model = store.tables.full_name(spec.training.name)
    output = store.tables.full_name(spec.output)
    until = min(utc(end or as_of), utc(as_of))
    since = utc(start) if start else _scored_until(store, spec) or office.champion_at(model, as_of).since
    if since >= until:
        return Scored(output, since, until, 0, "")
    champion = office.champion_at(model, since, alias=spec.alias)
    details: dict[str, object] = {"model": champion.model, "model_version": champion.version}
    details |= {"definition": definition(spec)}
    same = None if rerun else already_scored(store, spec, window=(since, until), as_of=as_of, details=details)
    if same is not None:
        return Scored(output, since, until, same, champion.version, repeated=True)
    population = store.tables.full_name(spec.entities.table)
    sources = {population: store.tables.info(population).version}
    entities = spec.entities.read(store.tables, as_of=as_of, version=sources[population])
    decided_at = F.col(spec.training.decided_at)
    decided = entities.where((decided_at >= F.lit(since)) & (decided_at < F.lit(until)))
    keys = decided.select(*spec.entity_columns)
    count = keys.count()
    if not count:
        return Scored(output, since, until, 0, "")
    versions = store.feature_versions(model_uri=champion.uri)
    scored = store.score_batch(model_uri=champion.uri, df=keys, table_versions=versions).withColumns(
        {
            "model_name": F.lit(champion.model),
            "model_version": F.lit(champion.version),
            "scored_at": F.lit(utc(as_of)),
            "run_id": F.lit(run_id()),
        }
    )
    rows = fit_to_table(
        store.tables, spec.output, scored, description=(spec.description or "").strip(), owner=spec.owner
    )
    commit = Commit(
        verb=VERB,
        as_of=as_of,
        window=(since, until),
        sources={**versions, **sources},
        details={**details, ROWS: count},
    )
    written = store.tables.replace_window(
        spec.output, rows, column=spec.training.decided_at, start=since, end=until, commit=commit
    )
    return Scored(output, since, until, written, champion.version)


def _scored_until(store: FeatureStore, spec: ScoringSpec) -> datetime | None:
    if not store.tables.exists(spec.output):
        return None
    commits = [entry.commit for entry in store.tables.history(spec.output) if entry.commit]
    return max((commit.window[1] for commit in commits if commit.verb == VERB and commit.window), default=None)


@click.command(cls=Verb)
@click.argument("name")
@click.option(
    "--from", "start", type=Moment(), default=None, help="Score from this moment.  [default: where it was left]"
)
@click.option("--until", "end", type=Moment(), default=None, help="Score up to this moment.  [default: --as-of]")
@click.option("--rerun", is_flag=True, help="Score the window even if nothing has changed since it was scored.")
@place_options
def main(
    name: str,
    start: datetime | None,
    end: datetime | None,
    rerun: bool,
    catalog: str,
    schema: str,
    as_of: datetime,
    workspace: str,
) -> None:
    """Score the population NAME: keys and moments of decision go in, features are looked up, predictions come out.

    \b
    score-batch flight_delay                                        what was decided since the last run
    score-batch flight_delay --from 2013-07-01 --until 2013-08-01

    A population is one module in inference/. Scoring the same window again replaces
    it; if nothing that it was made of has changed, it is left as it is.
    """
    if start and end and start >= end:
        raise Misuse(f"--from {start:%Y-%m-%d %H:%M} is not before --until {end:%Y-%m-%d %H:%M}.")
    import inference
    from inference.spec import ScoringSpec

    spec = pick(discover(inference, ScoringSpec), name, "scored population")
    store = open_store(catalog=catalog, schema=schema, workspace=workspace)
    with progress(1, "window") as begin:
        begin("scoring")
        done = score(store, spec, as_of=as_of, start=start, end=end, rerun=rerun)
    set_task_value("rows", done.rows)
    window = f"from {done.start:%Y-%m-%d %H:%M} to {done.end:%Y-%m-%d %H:%M}"
    if done.repeated:
        console.print(f"  {done.output}: up to date {window}, {done.rows:,} rows by version {done.model_version}")
    elif done.rows:
        console.print(f"  {done.output}: {done.rows:,} rows {window}, by version {done.model_version}")
    else:
        console.print(f"  {done.output}: nobody to score {window}")


if __name__ == "__main__":
    main()
