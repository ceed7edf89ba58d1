"""``run-job``: execute a job of the bundle here, as Databricks would."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import click

from feature_store.cli import Moment, Verb, console, error_console
from feature_store.errors import Misuse, PipelineError
from feature_store.yaml_files import InvalidFile
from resources.bundle import Bundle, find_root, load_bundle
from resources.checks import check
from resources.entry_points import EntryPoints, installed_entry_points
from resources.execute import Run, Runner
from resources.parameters import parse_pairs
from resources.show import ConsoleListener, failures, show_jobs, show_summary

WORKSPACE = "PIPELINE_WORKSPACE"


class JobError(PipelineError):
    """A job's run failed."""


@click.command(cls=Verb, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("name", required=False)
@click.option("-t", "--target", metavar="TARGET", help="Target of databricks.yml.  [default: the one marked default]")
@click.option("--params", multiple=True, metavar="K=V,…", help="Job parameters; a value may be JSON. May be repeated.")
@click.option("--var", "variables", multiple=True, metavar="K=V", help="A bundle variable. May be repeated.")
@click.option("--catalog", metavar="NAME", help="Same as --var catalog=NAME.")
@click.option("--schema", metavar="NAME", help="Same as --var schema=NAME.")
@click.option("--as-of", type=Moment(), metavar="MOMENT", help="Same as --params as_of=MOMENT, for jobs that have it.")
@click.option(
    "--workspace",
    type=click.Path(file_okay=False),
    envvar=WORKSPACE,
    default="workspace",
    show_default=True,
    show_envvar=True,
    help="Where tables, models and reports are kept when not on Databricks.",
)
@click.option("--list", "only_list", is_flag=True, help="List the jobs and what they do.")
@click.option("--check", "only_check", is_flag=True, help="Check the whole bundle, and run nothing.")
@click.pass_context
def main(
    context: click.Context, name: str | None, target: str | None, params: tuple[str, ...], variables: tuple[str, ...],
    catalog: str | None, schema: str | None, as_of: datetime | None, workspace: str, only_list: bool,
    only_check: bool,
) -> None:  # fmt: skip
    """Run the job NAME on this machine, as Databricks would run it.

    Jobs are defined in resources/*.job.yml, the files that `databricks bundle deploy` deploys; targets (dev, test,
    staging, prod) and variables in databricks.yml. Everything is checked before the first task starts. Tasks run one
    after another in this process; nested jobs show as a path. The exit code is 0 if the job succeeded.

    \b
    Examples:
      run-job --list
      run-job --check -t prod
      run-job publish_features -t dev --as-of 2013-07-01
      run-job score_batch -t dev --params from=2013-07-01,until=2013-08-01,as_of=2013-08-01
      run-job replay --params 'rounds=[{"from":"2013-07-01","as_of":"2013-08-01"}]'
    """
    if not name and not only_list and not only_check:
        raise click.UsageError("Name a job; `run-job --list` shows them.", context)
    given = parse_pairs(variables, option="--var")
    given |= {key: value for key, value in (("catalog", catalog), ("schema", schema)) if value is not None}
    bundle = checked_bundle(Path.cwd(), target=target, variables=given)
    if only_check:
        tasks = sum(len(job.tasks) for job in bundle.jobs.values())
        console.print(f"{len(bundle.jobs)} jobs with {tasks} tasks: nothing is wrong with them.")
        return
    if only_list or not name:
        show_jobs(bundle)
        return
    parameters = parse_pairs(params, option="--params")
    if as_of:
        parameters["as_of"] = _as_of(bundle, name, as_of)
    with workspace_for_tasks(workspace):
        run_shown(bundle, name, parameters)


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


def run_shown(
    bundle: Bundle, name: str, parameters: dict[str, str], *, entry_points: EntryPoints = installed_entry_points
) -> Run:
    """Run a job and print what happens.

    Raises
    ------
    JobError
        If it failed, after its summary was printed.
    """
    listener = ConsoleListener()
    try:
        run = Runner(bundle, listener, entry_points=entry_points).run(name, parameters)
    except KeyboardInterrupt:
        error_console.print(f"\nStopped in {' > '.join(listener.current)}.", markup=False)
        sys.exit(130)
    if not run.succeeded:
        show_summary(run)
        raise JobError(f"Job {name} failed in {', '.join(' > '.join(one.path) for one in failures(run))}.")
    listener.ended(run)
    return run


def _as_of(bundle: Bundle, name: str, as_of: datetime) -> str:
    known = bundle.job(name).defaults
    if "as_of" not in known:
        parameters = ", ".join(known) or "none"
        raise Misuse(f"Job {name} has no parameter as_of, so --as-of cannot set it. Its parameters are: {parameters}.")
    return as_of.isoformat()


@contextmanager
def workspace_for_tasks(folder: str) -> Iterator[None]:
    """Set the environment variable from which the tasks' command lines take ``--workspace``."""
    before = os.environ.get(WORKSPACE)
    os.environ[WORKSPACE] = folder
    try:
        yield
    finally:
        if before is None:
            del os.environ[WORKSPACE]
        else:
            os.environ[WORKSPACE] = before
