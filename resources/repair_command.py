"""``run-job repair``: run again what did not succeed in a run."""

from pathlib import Path

import click

from feature_store.cli import console
from feature_store.tables.commit import code_revision
from resources.job_verb import JobVerb, checked_bundle, place_of_runs, ways_to_run
from resources.parameters import parse_pairs
from resources.running import How, run_recorded
from resources.runs.beginning import new_repair
from resources.runs.history import History
from resources.runs.recorder import begin_repair, going_on
from resources.runs.repair import check_repair, tasks_to_repeat


@click.command("repair", cls=JobVerb, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("run_id", metavar="RUN")
@click.option(
    "--task", "tasks", multiple=True, metavar="KEY", help="Only this task of the job, and what depends on it."
)
@click.option("--params", multiple=True, metavar="K=V,…", help="Other job parameters than the run had.")
@place_of_runs
@ways_to_run
def repair(run_id: str, tasks: tuple[str, ...], params: tuple[str, ...], how: How) -> None:
    """Run again what did not succeed in RUN (the beginning of its id), and all that depends on it.

    A run that failed, timed out, was interrupted or killed is repaired. Tasks that succeeded keep their outcomes and
    task values; of a loop only the iterations that failed are run again, of a task that runs a job only what failed in that
    job, unless something before them is run again or their parameters are others. The run keeps its id, target,
    variables and parameters; bundle and code are today's.

    \b
    Examples:
      run-job history --failed
      run-job repair 4f2a91c0
      run-job repair 4f2a91c0 --task score --params until=2013-08-01
    """
    record = History(how.workspace).find(run_id)
    with going_on(record):
        pass
    before, parameters = record.run, parse_pairs(params, option="--params")
    bundle = checked_bundle(Path.cwd(), target=record.target, variables=record.variables)
    job = bundle.job(before.key)
    check_repair(before.key, job, before, tasks, parameters)
    repeated = [task.task_key for task in job.tasks if task.task_key in tasks_to_repeat(job, before, tasks)]
    console.print(f"Repairing run {before.run_id[:8]} of job {before.key}: {', '.join(repeated)}", markup=False)
    run = new_repair(bundle, before, parameters)
    repaired = begin_repair(record, run, tasks=repeated, parameters=parameters, revision=code_revision())
    run_recorded(bundle, repaired, how, before=before, asked=tasks)
