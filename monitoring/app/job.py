"""Training on the platform: the app asks the training job for a new model, waits for it, and records what came of it.

    python -m monitoring.app.job --monitor flight_delay --as-of 2024-01-01 --catalog prod --schema flights

The job's number is in ``PIPELINE_REVIEW_JOB``, as the app's resource gives it.
"""

from datetime import datetime, timedelta

import click

from feature_store import open_store
from feature_store.cli import Verb, console, place_options
from feature_store.discovery import discover, pick
from feature_store.errors import PipelineError

MOST_HOURS = 6


class TrainingFailed(PipelineError):
    """The training job did not succeed."""


@click.command(cls=Verb)
@click.option("--monitor", required=True, metavar="NAME", help="Whose alerts are told what came of it.")
@click.option(
    "--job", type=int, required=True, envvar="PIPELINE_REVIEW_JOB", show_envvar=True, help="The training job."
)
@place_options
def main(monitor: str, job: int, catalog: str, schema: str, as_of: datetime, workspace: str) -> None:
    """Run the training job, and record its outcome with the alerts that asked for it."""
    import monitoring as stage
    from monitoring.alerts.retraining import record_outcomes
    from monitoring.spec import DriftMonitor

    watched = pick(discover(stage, DriftMonitor), monitor, "monitor")
    store = open_store(catalog=catalog, schema=schema, workspace=workspace)
    try:
        run_job(job, as_of=as_of)
    finally:
        record_outcomes(store, watched, as_of=as_of, is_over=True)


def run_job(job: int, *, as_of: datetime) -> None:
    """Run the job with this number as of ``as_of``, to its end.

    Raises
    ------
    TrainingFailed
        If the platform cannot be reached, or the run does not succeed within ``MOST_HOURS``.
    """
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.errors.base import DatabricksError

    try:
        waiting = WorkspaceClient().jobs.run_now(job, job_parameters={"as_of": as_of.isoformat()})
        console.print(f"  run {waiting.run_id} of job {job} has begun")
        done = waiting.result(timeout=timedelta(hours=MOST_HOURS))
    except (DatabricksError, TimeoutError, ValueError, OSError) as error:
        raise TrainingFailed(f"Job {job} was not run to its end: {error}") from error
    state = done.state
    if state is None or state.result_state is None or state.result_state.value != "SUCCESS":
        said = state.state_message if state else ""
        raise TrainingFailed(
            f"Run {done.run_id} of job {job} did not succeed. {said} {done.run_page_url or ''}".strip()
        )
    console.print(f"  run {done.run_id} has succeeded")


if __name__ == "__main__":
    main()
