"""Time the catalog: 100 tables of 50 features, a year of daily commits each, and 50 model versions that read them.

    python benchmarks/finding.py [--times 10] [--tables 100] [--keep FOLDER] [--only commands|pages]

The tables are written as Delta's own files, a data file of 24 rows for each commit, with the statistics and checkpoints that a
writer leaves; the models are registered with MLflow, ten of them in five versions, the newest in office. Each command runs in
a process of its own, as a person types it. ``show-lineage``, which reads all commits of all tables, is told for comparison.
Pages are timed in Chromium (``catalog_pages.py``), beside the least that Streamlit can do.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import catalog_pages
import click
import deltalake
import mlflow
import pyarrow as pa
import pyarrow.parquet as pq
from browsing import chromium, summary, timed

from feature_store import open_store
from feature_store.join.columns import FeatureColumn, SourceColumn
from feature_store.package.feature_spec import FeatureSpec
from feature_store.tables.commit import Commit

FIRST, DAY, HOURS = datetime(2024, 1, 1, tzinfo=UTC), timedelta(days=1), 24
FEATURES, MODELS, VERSIONS, CHECKPOINT = 50, 10, 5, 100
WITH_STATISTICS = 32
"""Columns of which Delta keeps statistics by default."""
SUBJECTS = ["airport", "carrier", "route", "aircraft", "crew", "gate", "runway", "weather", "passenger", "baggage"]
MEASURES = ["delay_minutes", "departures", "share_late", "wind_speed", "load_factor", "distance_miles", "queue_length"]


def names(table: int) -> tuple[str, list[str]]:
    """The name of a table and of its features."""
    subject = SUBJECTS[table % len(SUBJECTS)]
    columns = [f"{subject}_{MEASURES[number % len(MEASURES)]}_{number}h" for number in range(FEATURES)]
    return f"{subject}_{table:03}", columns


def write_table(folder: Path, table: int, *, commits: int) -> None:
    """One feature table: its log, and a data file for each commit, all of them links to one."""
    name, columns = names(table)
    log = folder / name / "_delta_log"
    log.mkdir(parents=True)
    chance = random.Random(table)
    moments = pa.array([FIRST + timedelta(hours=hour) for hour in range(HOURS)], pa.timestamp("us", "UTC"))
    values = {one: [chance.random() * 100 for _ in range(HOURS)] for one in columns}
    data = folder / name / "part-0.parquet"
    pq.write_table(pa.table({"entity": ["JFK"] * HOURS, "known_at": moments, **values}), data)
    described = [(one, "double", True, f"The {one.replace('_', ' ')}, as known by then") for one in columns]
    keys = [("entity", "string", False, ""), ("known_at", "timestamp", False, "")]
    fields = [
        {"name": one, "type": kind, "nullable": nullable, "metadata": {"comment": text} if text else {}}
        for one, kind, nullable, text in [*keys, *described]
    ]
    metadata = {
        "id": f"00000000-0000-0000-0000-{table:012}", "name": name, "description": f"What is known of the {name}",
        "format": {"provider": "parquet", "options": {}}, "partitionColumns": [], "createdTime": 0,
        "schemaString": json.dumps({"type": "struct", "fields": fields}),
        "configuration": {
            "pipeline.format": "1", "pipeline.owner": f"team-{table % 7}@example.com",
            "pipeline.primary_keys": '["entity", "known_at"]', "pipeline.timeseries_column": "known_at",
        },
    }  # fmt: skip
    for version in range(commits):
        start = FIRST + version * DAY
        if version:
            os.link(data, data.with_name(f"part-{version}.parquet"))
        actions = [{"commitInfo": _written(start)}]
        if not version:
            actions += [{"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}, {"metaData": metadata}]
        counted = list(columns[: WITH_STATISTICS - 2])
        low, high = f"{start:%Y-%m-%dT%H:%M:%S.000Z}", f"{start + DAY - timedelta(hours=1):%Y-%m-%dT%H:%M:%S.000Z}"
        statistics = {
            "numRecords": HOURS,
            "minValues": {"known_at": low} | {one: min(values[one]) for one in counted},
            "maxValues": {"known_at": high} | {one: max(values[one]) for one in counted},
            "nullCount": dict.fromkeys(("entity", "known_at", *counted), 0),
        }
        added = {
            "path": f"part-{version}.parquet", "partitionValues": {}, "size": data.stat().st_size, "dataChange": True,
            "modificationTime": int(start.timestamp() * 1000), "stats": json.dumps(statistics),
        }  # fmt: skip
        lines = [json.dumps(action, separators=(",", ":")) for action in [*actions, {"add": added}]]
        (log / f"{version:020}.json").write_text("\n".join(lines) + "\n")
        if version and version % CHECKPOINT == 0:
            deltalake.DeltaTable(str(folder / name)).create_checkpoint()


def _written(start: datetime) -> dict[str, object]:
    """What a publishing commit says of itself."""
    check = {"check": "distance >= 0", "on_failure": "warn", "passed": True, "rows": 0, "found": "0 rows"}
    commit = Commit(
        verb="publish-features", as_of=start + DAY, sources={"dev.flights.flights": 1}, window=(start, start + DAY),
        details={"checks": [check] * 5, "module": "features.flights.one", "seconds": 3.1, "views": ["departures"]},
        revision="c64effb00000", run="0" * 32,
    )  # fmt: skip
    return {"timestamp": int(start.timestamp() * 1000), "operation": "WRITE", "userMetadata": commit.to_json()}


def register_models(workspace: Path, *, tables: int) -> None:
    """Ten models in five versions, each reading ten features of five tables."""
    client = mlflow.MlflowClient()
    for model in range(MODELS):
        name = f"dev.flights.model_{model}"
        client.create_registered_model(name)
        read = [(model * 5 + number) % tables for number in range(5)]
        features = [
            FeatureColumn(
                name=f"{column}_{table}", data_type="double", table=f"dev.flights.{names(table)[0]}", feature=column,
                lookup_key=["entity"], timestamp_lookup_key="decided_at", lookback=None, default=None, include=True,
            )
            for table in read
            for column in names(table)[1][:10]
        ]  # fmt: skip
        sources = [SourceColumn(name=one, data_type="", include=False) for one in ("entity", "decided_at")]
        for version in range(VERSIONS):
            folder = workspace / "models" / f"{model}-{version}"
            packaged = folder / "data" / "feature_store"
            packaged.mkdir(parents=True)
            ids = {one.table: "0" for one in features}
            FeatureSpec(sources=sources, features=features, table_ids=ids).save(packaged)
            (packaged / "lineage.json").write_text(json.dumps({"owner": "models@example.com"}))
            client.create_model_version(name, source=str(folder))
        client.set_registered_model_alias(name, "champion", str(VERSIONS))


def make(workspace: Path, *, tables: int, commits: int) -> None:
    """The workspace that is searched."""
    open_store(workspace=workspace)
    for table in range(tables):
        write_table(workspace / "warehouse" / "dev" / "flights", table, commits=commits)
    register_models(workspace, tables=tables)


def run(workspace: Path, script: str, *arguments: str) -> None:
    """Run a command in a process of its own."""
    environment = {key: value for key, value in os.environ.items() if key != "MLFLOW_TRACKING_URI"}
    program = [str(Path(sys.executable).with_name(script)), *arguments, "--workspace", str(workspace)]
    subprocess.run(program, check=True, env=environment, stdout=subprocess.DEVNULL)


def time_commands(workspace: Path, *, times: int) -> None:
    """Print what each way to ask in the terminal takes."""
    name, columns = names(3)
    asked = {
        "search": ["show-features", "wether", "wind", "sped"],
        "all tables": ["show-features"],
        "one table": ["show-features", name],
        "one feature": ["show-features", f"{name}.{columns[7]}"],
        "one table, JSON": ["show-features", name, "--json"],
        "unused": ["show-features", "--unused"],
        "show-lineage": ["show-lineage", name],
    }
    for what, words in asked.items():
        runs = times if words[0] == "show-features" and what != "unused" else min(times, 3)
        click.echo(f"{what:24} {summary([timed(partial(run, workspace, *words)) for _ in range(runs)])}")


def time_pages(workspace: Path, folder: Path, *, times: int) -> None:
    """Print what each page takes."""
    with chromium(folder / "profile") as browser:
        for what, found in {
            "the file": catalog_pages.the_file(browser, workspace, folder / "site", names, times=times),
            "review-alerts serve": catalog_pages.review_pages(browser, workspace, names, times=times),
            "for comparison": catalog_pages.an_empty_page(browser, folder, times=times),
        }.items():
            click.echo(f"{what}:")
            for page, seconds in found.items():
                click.echo(f"  {page:40} {summary(seconds)}")


@click.command()
@click.option("--times", default=10, show_default=True, help="How often each command runs, and each page is looked at.")
@click.option("--tables", default=100, show_default=True, help="Tables of fifty features.")
@click.option("--commits", default=365, show_default=True, help="Commits of each table.")
@click.option("--keep", type=click.Path(path_type=Path), help="Make the workspace here, or use the one that is here.")
@click.option("--only", type=click.Choice(["commands", "pages"]), help="Time only these.")
def main(times: int, tables: int, commits: int, keep: Path | None, only: str | None) -> None:
    """Print the median and the 95th percentile of each way to ask, and of each page, in seconds."""
    with tempfile.TemporaryDirectory() as folder:
        workspace = (keep or Path(folder) / "workspace").absolute()
        if not (workspace / "models").exists():
            make(workspace, tables=tables, commits=commits)
        if only != "pages":
            time_commands(workspace, times=times)
        if only != "commands":
            time_pages(workspace, Path(folder), times=times)


if __name__ == "__main__":
    main()
