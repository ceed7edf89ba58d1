"""Train, evaluate, gate and promote a model: ``train-model``."""

from __future__ import annotations

import getpass
from datetime import datetime
from typing import TYPE_CHECKING

import click
from rich.table import Table

from feature_store import FeatureStore, Misuse, open_store
from feature_store.cli import Verb, console, place_options, progress
from feature_store.discovery import discover, pick
from feature_store.job import set_task_value
from training.steps import STEPS

if TYPE_CHECKING:
    from training.profile import Settings
    from training.spec import TrainingSpec
    from training.steps.pipeline import Trained


@click.command(cls=Verb)
@click.argument("name")
@click.option(
    "--profile",
    default="local",
    show_default=True,
    metavar="NAME",
    envvar="PIPELINE_PROFILE",
    help="How training runs here: training/profiles/NAME.yml.",
)
@click.option(
    "--step", "until", type=click.Choice(STEPS), default=STEPS[-1], help="Go up to this step.  [default: all]"
)
@click.option(
    "--without",
    "fewer",
    multiple=True,
    metavar="TABLE[.FEATURE]",
    help="Register nothing: what is the model worth without it? May be repeated.",
)
@click.option(
    "--with",
    "more",
    multiple=True,
    metavar="TABLE[.FEATURE][@COLUMN,…]",
    help="Register nothing: what is it worth with this looked up, too (by these columns)? May be repeated.",
)
@click.option("--rerun", is_flag=True, help="Do all steps again, even if nothing has changed.")
@click.option(
    "--promote", metavar="VERSION", help="Train nothing: make this version champion, whatever its gates said."
)
@click.option("--rollback", metavar="VERSION", help="Train nothing: make a former champion champion again.")
@click.option("--reason", default="", help="Why, for --promote and --rollback.")
@click.option("--user", default=getpass.getuser, metavar="NAME", help="Who.  [default: who is logged in]")
@click.option(
    "--reproduce",
    metavar="VERSION",
    help="Train nothing: build that version's training frame again, and prove it equal.",
)
@place_options
def main(
    name: str,
    profile: str,
    until: str,
    fewer: tuple[str, ...],
    more: tuple[str, ...],
    rerun: bool,
    promote: str | None,
    rollback: str | None,
    reason: str,
    user: str,
    reproduce: str | None,
    catalog: str,
    schema: str,
    as_of: datetime,
    workspace: str,
) -> None:
    """Train the model NAME on what was known as of --as-of, and promote it if it passes its gates.

    \b
    train-model flight_delay
    train-model flight_delay --as-of 2013-07-01 --step evaluate
    train-model flight_delay --without airport_weather --with airport.altitude_feet@dest
    train-model flight_delay --rollback 2 --reason "version 3 is late at night"
    train-model flight_delay --reproduce 2

    A model is one module in training/. The steps are assemble (features looked up as of each entity's moment of decision, the
    last stretch of time held out), fit, evaluate, validate (the declared gates, and not worse than the champion on the same
    holdout), register and promote. Each leaves what it made in the workspace's reports/training, and is not done again while
    what it was made of is the same. Every version stays registered, a refused one with the reason, and has a card: a page
    of HTML that says what it learned from, how good it is and where, and what looks like a leak.

    With --without and --with two models are fitted on the same rows, as declared and as asked, and compared on the same
    holdout: each metric's difference with its interval, and the cost. They are logged, and nothing is registered.

    With --reproduce the tables are read at the versions that the model recorded, whatever was published since; the
    command fails if the frame is another, and says whose history has been vacuumed.
    """
    asked = [
        option
        for option, given in (
            ("--promote", promote),
            ("--rollback", rollback),
            ("--reproduce", reproduce),
            ("--with or --without", more or fewer),
        )
        if given
    ]
    if len(asked) > 1:
        raise Misuse(f"{' and '.join(asked)} are different things to do. Give one of them.")
    if (more or fewer) and (until != STEPS[-1] or rerun):
        raise Misuse("--with and --without compare two models, and go through no steps. Leave --step and --rerun out.")
    # What is wrong with the declarations is told before there is a workspace.
    declared = _declared(name, profile) if not asked or more or fewer else None
    store = open_store(catalog=catalog, schema=schema, workspace=workspace)
    if reproduce is not None:
        _reproduce(store, name, reproduce)
    elif declared is not None and (more or fewer):
        _weigh(store, *declared, more, fewer, as_of)
    elif declared is None:
        _move_office(store, name, promote, rollback, as_of=as_of, reason=reason, user=user)
    else:
        _train(store, *declared, until, rerun, as_of)


def _reproduce(store: FeatureStore, name: str, version: str) -> None:
    from training.steps import reproduce as reproduction

    with progress(3, "steps") as begin:
        done = reproduction.reproduce(store, name, version, begin=begin)
    set_task_value("equal", done.equal)
    reproduction.show(done)


def _move_office(
    store: FeatureStore,
    name: str,
    promote: str | None,
    rollback: str | None,
    *,
    as_of: datetime,
    reason: str,
    user: str,
) -> None:
    from training.steps import champion as office

    model = store.tables.full_name(name)
    if not reason.strip():
        raise Misuse("Say with --reason why: whoever looks at the model's history will want to know.")
    if promote is not None:
        before = office.promote_by_hand(model, promote, as_of=as_of, reason=reason, by=user)
    else:
        before = office.roll_back(model, str(rollback), as_of=as_of, reason=reason, by=user)
    console.print(
        f"  {model}: version {promote or rollback} is champion as of {as_of:%Y-%m-%d %H:%M}; before: {before or 'none'}"
    )


def _declared(name: str, profile: str) -> tuple[TrainingSpec, Settings]:
    import training
    from training.profile import load_profile
    from training.spec import TrainingSpec

    models = discover(training, TrainingSpec)
    spec = pick(models, name, "model")
    return spec, load_profile(profile, spec, models=models)


def _weigh(
    store: FeatureStore,
    spec: TrainingSpec,
    settings: Settings,
    more: tuple[str, ...],
    fewer: tuple[str, ...],
    as_of: datetime,
) -> None:
    from training.steps.pipeline import weigh

    with progress(4, "steps") as begin:
        worth, page = weigh(store, spec, more=more, fewer=fewer, as_of=as_of, settings=settings, begin=begin)
    names = ("declared", "asked", "change", "95 % interval")
    table = Table("metric on the holdout", *names, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for one in worth.differences:
        told = {True: "[good]better[/]", False: "[bad]worse[/]", None: ""}[one.is_better]
        numbers = (f"{one.declared:.4f}", f"{one.asked:.4f}", f"{one.change:+.4f}")
        table.add_row(one.metric, *numbers, f"{one.low:+.4f} to {one.high:+.4f}  {told}")
    console.print(f"  {worth.estimator} {worth.sentence}", markup=False)
    console.print(table)
    for what, fitted in (("declared", worth.as_declared), ("asked", worth.as_asked)):
        megabytes = fitted.input_bytes / 1e6
        console.print(
            f"  {what}: {fitted.columns} columns, {megabytes:,.1f} MB to fit on, {fitted.seconds:.1f} s to fit"
        )
    console.print(f"  page: {page}")


def _train(
    store: FeatureStore, spec: TrainingSpec, settings: Settings, until: str, rerun: bool, as_of: datetime
) -> None:
    from training.steps.gates import refused
    from training.steps.pipeline import train

    with progress(len(spec.estimators) + 6, "steps") as begin:
        trained = train(store, spec, as_of=as_of, settings=settings, until=until, rerun=rerun, begin=begin)
    set_task_value("version", trained.version)
    set_task_value("promoted", trained.promoted)
    set_task_value("accepted", trained.promoted or settings.run_mode != "enabled" or not refused(trained.verdicts))
    show(trained)


def show(trained: Trained) -> None:
    """Print what became of a training run."""
    name = f"{trained.model} version {trained.version}" if trained.version else trained.model
    if trained.repeated:
        state = "was promoted then" if trained.promoted else "was refused then"
        console.print(
            f"  {name} has already learned from exactly these {trained.rows:,} rows, and {state}: nothing to do."
        )
        if trained.card:
            console.print(f"  its card: {trained.card}")
        return
    for output in trained.steps:
        if not output.is_new:
            console.print(f"  {output.step}: unchanged since {output.made_at:%Y-%m-%d %H:%M}")
    console.print(f"  {name}, {trained.rows:,} rows")
    if trained.metrics:
        table = Table("metric on the holdout", *trained.metrics, box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for metric in next(iter(trained.metrics.values())):
            values = [f"{found[metric]:.4f}" if metric in found else "" for found in trained.metrics.values()]
            table.add_row(metric, *values)
        console.print(table)
    for verdict in trained.verdicts:
        if not verdict.passed:
            console.print(f"  [bad]refused[/]: {verdict.sentence}")
    if trained.card:
        console.print(f"  card: {trained.card}")
    if not trained.version:
        console.print(f"  {trained.steps[-1].step} has left what it made in {trained.steps[-1].folder}")
    elif trained.promoted:
        console.print("  [good]promoted to champion[/]")
    else:
        console.print("  stays challenger; the champion stays")


if __name__ == "__main__":
    main()
