"""Train, evaluate, gate and promote a model: ``train-model``."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click
from rich.table import Table

from feature_store import open_store
from feature_store.cli import Verb, console, place_options, progress
from feature_store.discovery import discover, pick
from feature_store.job import set_task_value

if TYPE_CHECKING:
    from training.steps.pipeline import Trained


@click.command(cls=Verb)
@click.argument("name")
@click.option(
    "--reproduce",
    metavar="VERSION",
    help="Train nothing: build that version's training frame again, and prove it equal.",
)
@place_options
def main(name: str, reproduce: str | None, catalog: str, schema: str, as_of: datetime, workspace: str) -> None:
    """Train the model NAME on what was known as of --as-of, and promote it if it passes its gates.

    \b
    train-model flight_delay
    train-model flight_delay --as-of 2013-07-01
    train-model flight_delay --reproduce 2

    A model is one module in training/. Its features are looked up as of each entity's moment of decision; the last
    stretch of time is held out; the challenger must pass the declared gates and not be worse than the champion on the
    same holdout. Every version stays registered, a refused one with the reason.

    With --reproduce the tables are read at the versions that the model recorded, whatever was published since; the
    command fails if the frame is another, and says whose history has been vacuumed.
    """
    if reproduce is not None:
        from training.steps import reproduce as reproduction

        store = open_store(catalog=catalog, schema=schema, workspace=workspace)
        with progress(3, "steps") as begin:
            done = reproduction.reproduce(store, name, reproduce, begin=begin)
        set_task_value("equal", done.equal)
        reproduction.show(done)
        return
    import training
    from training.spec import TrainingSpec
    from training.steps.pipeline import train

    spec = pick(discover(training, TrainingSpec), name, "model")
    store = open_store(catalog=catalog, schema=schema, workspace=workspace)
    with progress(len(spec.estimators) + 4, "steps") as begin:
        trained = train(store, spec, as_of=as_of, begin=begin)
    set_task_value("version", trained.version)
    set_task_value("promoted", trained.promoted)
    show(trained)


def show(trained: Trained) -> None:
    """Print what became of a training run."""
    name = f"{trained.model} version {trained.version}"
    if trained.repeated:
        state = "was promoted then" if trained.promoted else "was refused then"
        console.print(
            f"  {name} has already learned from exactly these {trained.rows:,} rows, and {state}: nothing to do."
        )
        return
    table = Table("metric on the holdout", *trained.metrics, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for metric in next(iter(trained.metrics.values())):
        table.add_row(metric, *(f"{values[metric]:.4f}" for values in trained.metrics.values()))
    console.print(f"  {name}, {trained.rows:,} rows")
    console.print(table)
    for verdict in trained.verdicts:
        if not verdict.passed:
            console.print(f"  [bad]refused[/]: {verdict.sentence}")
    console.print("  [good]promoted to champion[/]" if trained.promoted else "  stays challenger; the champion stays")


if __name__ == "__main__":
    main()
