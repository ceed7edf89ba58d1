"""A bundle written in the test, and real little commands for its tasks to run."""

import json
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import click
import pytest

from feature_store.errors import Misuse, NotFound
from feature_store.job import run_id, set_task_value
from resources.bundle import Bundle
from resources.entry_points import Loader
from resources.job_verb import checked_bundle
from resources.runs.execute import Runner
from resources.runs.record import Run
from tests.resources.shop import shop

__all__ = ["shop"]

Jobs: TypeAlias = "dict[str, list[dict[str, object]] | dict[str, object]]"

GIVEN = {"service_principal": "0a1b", "alert_email": "ops@example.com"}
"""What a team must give of this repository's own bundle, outside of development."""
HEADER = """
bundle:
  name: shop
include:
  - resources/*.yml
variables:
  catalog:
    description: Where tables are.
    default: main
targets:
  dev:
    default: true
  prod:
    variables:
      catalog: prod
"""


@dataclass
class Recorder:
    """A listener, and a package ``shop`` of commands that write down what they were told."""

    said: list[str] = field(default_factory=list)
    run_ids: list[str] = field(default_factory=list)
    events: list[str] = field(default_factory=list)

    def started(self, path: tuple[str, ...]) -> None:
        self.events.append(f"{' > '.join(path)} started")

    def ended(self, run: Run) -> None:
        self.events.append(f"{' > '.join(run.path)} {run.state}")

    def retried(self, run: Run) -> None:
        self.events.append(f"{' > '.join(run.path)} attempt {run.attempts}: {run.message}")

    def waits(self, run: Run) -> None:
        self.events.append(f"{' > '.join(run.path)} waits: {run.message}")

    def crashed(self, error: Exception) -> None:
        self.events.append(f"crashed: {error!r}")

    def entry_points(self, package: str) -> Mapping[str, Loader]:
        if package != "shop":
            raise NotFound(f"Package {package!r} is not installed here.")
        commands = (self._say(), self._give(), self._refuse(), self._crash(), self._leave(), self._heal())
        return {str(command.name): (lambda command=command: command) for command in commands}

    def _say(self) -> click.Command:
        @click.command("say", context_settings={"ignore_unknown_options": True})
        @click.argument("words", nargs=-1)
        def say(words: tuple[str, ...]) -> None:
            self.said.append(" ".join(words))
            self.run_ids.append(run_id())

        return say

    def _give(self) -> click.Command:
        @click.command("give")
        @click.argument("key")
        @click.argument("value")
        def give(key: str, value: str) -> None:
            set_task_value(key, json.loads(value))

        return give

    def _refuse(self) -> click.Command:
        @click.command("refuse")
        @click.argument("why", default="no such table")
        def refuse(why: str) -> None:
            raise Misuse(why)

        return refuse

    def _crash(self) -> click.Command:
        @click.command("crash")
        def crash() -> None:
            raise ZeroDivisionError("division by zero")

        return crash

    def _leave(self) -> click.Command:
        @click.command("leave")
        @click.argument("code", type=int)
        @click.option("--by", type=click.Choice(["click", "python"]), default="click")
        def leave(code: int, by: str) -> None:
            if by == "python":
                raise SystemExit(code)
            click.get_current_context().exit(code)

        return leave

    def _heal(self) -> click.Command:
        @click.command("heal")
        @click.argument("attempt", type=int)
        def heal(attempt: int) -> None:
            if attempt < 3:
                raise Misuse(f"not at attempt {attempt}")

        return heal


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    """Write a bundle with the given jobs (the YAML below ``resources: jobs:``), and say where it is."""

    def write_bundle(jobs: str) -> Path:
        (tmp_path / "resources").mkdir(exist_ok=True)
        (tmp_path / "databricks.yml").write_text(HEADER.lstrip())
        indented = textwrap.indent(textwrap.dedent(jobs).strip("\n"), "    ")
        (tmp_path / "resources" / "shop.job.yml").write_text(f"resources:\n  jobs:\n{indented}\n")
        return tmp_path

    return write_bundle


@pytest.fixture
def load(write: Callable[[str], Path], recorder: Recorder) -> Callable[[Jobs], Bundle]:
    """A bundle with the given jobs, each a list of tasks or a whole job, checked as ``run-job`` checks it."""

    def load_checked(jobs: Jobs) -> Bundle:
        whole = {key: {"name": key} | (job if isinstance(job, dict) else {"tasks": job}) for key, job in jobs.items()}
        return checked_bundle(
            write("\n".join(f"{key}: {json.dumps(job)}" for key, job in whole.items())),
            entry_points=recorder.entry_points,
        )

    return load_checked


@pytest.fixture
def run(load: Callable[[Jobs], Bundle], recorder: Recorder) -> Callable[..., Run]:
    """Run the job ``main`` of the given jobs."""

    def run_main(jobs: Jobs, **parameters: str) -> Run:
        return Runner(load(jobs), recorder, entry_points=recorder.entry_points).run("main", parameters)

    return run_main
