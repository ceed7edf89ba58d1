"""``run-job``: execute a job of the bundle here, as Databricks would."""

import difflib
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from feature_store.cli import Moment, console
from feature_store.errors import Misuse, NotFound
from feature_store.tables.commit import code_revision
from resources.bundle import Bundle
from resources.every_target import checked_targets
from resources.history_command import history
from resources.job_verb import JobVerb, checked_bundle, place_of_runs, ways_to_run
from resources.parameters import parse_pairs
from resources.repair_command import repair
from resources.running import How, run_recorded
from resources.runs.beginning import new_run
from resources.runs.history import History
from resources.runs.recorder import begin_record
from resources.telling.show import show_jobs

OTHER_COMMANDS = {"history": history, "repair": repair}


class RunJob(JobVerb):
    """``run-job NAME``, but for a NAME that is another command's."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command that the first word names, or the job."""
        given = args[0] if args else kwargs.pop("args", None)
        words = [*(sys.argv[1:] if given is None else given)]
        if words and words[0] in OTHER_COMMANDS:
            kwargs["prog_name"] = f"run-job {words[0]}"
            return OTHER_COMMANDS[words[0]].main(words[1:], *args[1:], **kwargs)
        return super().main(words, *args[1:], **kwargs)


@click.command(cls=RunJob, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("name", required=False)
@click.option(
    "-t",
    "--target",
    metavar="TARGET",
    help="Target of databricks.yml.  [default: the one marked default; to check, all]",
)
@click.option("--params", multiple=True, metavar="K=V,…", help="Job parameters; a value may be JSON. May be repeated.")
@click.option("--var", "variables", multiple=True, metavar="K=V", help="A bundle variable. May be repeated.")
@click.option("--catalog", metavar="NAME", help="Same as --var catalog=NAME.")
@click.option("--schema", metavar="NAME", help="Same as --var schema=NAME.")
@click.option("--as-of", type=Moment(), metavar="MOMENT", help="Same as --params as_of=MOMENT, for jobs that have it.")
@place_of_runs
@ways_to_run
@click.option("--list", "only_list", is_flag=True, help="List the jobs and what they do.")
@click.option(
    "--check",
    "only_check",
    is_flag=True,
    help="Check the whole bundle, in all targets unless -t names one; run nothing.",
)
@click.option("--all-jobs", is_flag=True, help="With --check, as without a NAME: all jobs, and all else in resources/.")
@click.pass_context
def main(
    context: click.Context, name: str | None, target: str | None, params: tuple[str, ...], variables: tuple[str, ...],
    catalog: str | None, schema: str | None, as_of: datetime | None, how: How, only_list: bool, only_check: bool, all_jobs: bool,
) -> None:  # fmt: skip
    """Run the job NAME on this machine, as Databricks would run it.

    Jobs are defined in resources/*.job.yml, the files that `databricks bundle deploy` deploys; targets (dev, test,
    staging, prod) and variables in databricks.yml. Everything is checked before the first task starts. Tasks run in
    processes beside this one, which are ended when a task times out; nested jobs show as a path. Ctrl-C ends them all.

    \b
    Other forms:
      run-job history [JOB or RUN]   what ran here, when, and how each task ended
      run-job repair RUN             run again what did not succeed in a run, and what depends on it

    \b
    The exit code is
      0    if the job succeeded: its last tasks did, even if some before them failed (SUCCESS_WITH_FAILURES)
      1    if it failed, timed out, or is running already and has no queue
      2    if the command or the bundle is wrong: nothing has run
      130  if it was interrupted (143 by SIGTERM); what had ended is on record, and `run-job repair` goes on

    \b
    Examples:
      run-job --list
      run-job --all-jobs --check
      run-job --all-jobs --check -t prod --var service_principal=… --var alert_email=…
      run-job publish_features -t dev --as-of 2013-07-01
      run-job score_batch -t dev --params from=2013-07-01,until=2013-08-01,as_of=2013-08-01
      run-job replay --params 'rounds=[{"from":"2013-07-01","as_of":"2013-08-01"}]'
    """
    if not name and not only_list and not only_check:
        raise click.UsageError("Name a job; `run-job --list` shows them.", context)
    if all_jobs and (name or not only_check):
        raise click.UsageError("--all-jobs goes with --check, and without a NAME.", context)
    given = parse_pairs(variables, option="--var")
    given |= {key: value for key, value in (("catalog", catalog), ("schema", schema)) if value is not None}
    if only_check and not target:
        everywhere = checked_targets(Path.cwd(), variables=given)
        _check_name(name, [checked.bundle for checked in everywhere])
        for checked in everywhere:
            console.print(str(checked))
        return
    bundle = checked_bundle(Path.cwd(), target=target, variables=given)
    if only_check:
        _check_name(name, [bundle])
        console.print(f"{bundle.contents}: nothing is wrong with them.")
        return
    if only_list or not name:
        show_jobs(bundle)
        return
    _check_name(name, [bundle])
    parameters = parse_pairs(params, option="--params")
    if as_of:
        parameters["as_of"] = _as_of(bundle, name, as_of)
    run = new_run(bundle, name, parameters)
    record = begin_record(History(how.workspace), run, target=bundle.target, variables=given, revision=code_revision())
    run_recorded(bundle, record, how)


def _check_name(name: str | None, bundles: Sequence[Bundle]) -> None:
    """Refuse a name that is of no job in any of the targets."""
    known = [job for bundle in bundles for job in bundle.jobs]
    if name is None or name in known:
        return
    close = difflib.get_close_matches(name, [*OTHER_COMMANDS, *known], n=1)
    if close and close[0] in OTHER_COMMANDS:
        raise NotFound(f"There is no job {name!r}. Did you mean the command `run-job {close[0]}`?")
    bundles[0].job(name)


def _as_of(bundle: Bundle, name: str, as_of: datetime) -> str:
    known = bundle.job(name).defaults
    if "as_of" not in known:
        parameters = ", ".join(known) or "none"
        raise Misuse(f"Job {name} has no parameter as_of, so --as-of cannot set it. Its parameters are: {parameters}.")
    return as_of.isoformat()
