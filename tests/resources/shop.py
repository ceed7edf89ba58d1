"""A package ``shop`` that is really installed, in a folder of the test, so that the processes in which tasks run find it."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from resources.run import main

ROOT = Path(__file__).parents[2]
COMMANDS = '''
import json, os, signal, subprocess, sys, time
from pathlib import Path
import click
from feature_store.cli import console, progress
from feature_store.errors import Misuse
from feature_store.job import run_id, set_task_value

SHOP = Path(os.environ["SHOP"])

@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("words", nargs=-1)
def say(words):
    """Write the words into the shop's book, and to standard output."""
    with (SHOP / "said").open("a") as said:
        said.write(" ".join(words) + "\\n")
    print(*words)

@click.command()
@click.argument("key")
@click.argument("value")
def give(key, value):
    set_task_value(key, json.loads(value))

@click.command()
@click.argument("name")
def need(name):
    """Fail unless there is a file of that name."""
    if not (SHOP / name).exists():
        raise Misuse(f"there is no {name}")
    with (SHOP / "said").open("a") as said:
        said.write(f"found {name}\\n")

@click.command()
@click.argument("name")
@click.argument("other")
def meet(name, other):
    """Wait until a task that runs at the same time has come as well."""
    (SHOP / name).touch()
    for _ in range(500):
        if (SHOP / other).exists():
            print(name, "met", other)
            time.sleep(0.2)
            return
        time.sleep(0.02)
    raise Misuse(f"{name} waited for {other} in vain")

@click.command()
@click.argument("name")
def alone(name):
    """Tell when one comes and leaves."""
    for does in ("came", "left"):
        with (SHOP / "said").open("a") as said:
            said.write(f"{name} {does}\\n")
        time.sleep(0.1)

@click.command()
@click.argument("name")
def hang(name):
    """Sleep, and have a process of one's own that sleeps, as Spark's Java does."""
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    (SHOP / f"{name}.new").write_text(json.dumps([os.getpid(), child.pid]))
    (SHOP / f"{name}.new").rename(SHOP / name)
    time.sleep(600)

@click.command()
def die():
    os.kill(os.getpid(), signal.SIGKILL)

@click.command()
def shout():
    """Write to both streams, take some steps, and print the last line without its end."""
    print("out\\n\\nthird")
    print("error", file=sys.stderr)
    with progress(2, "tables") as begin:
        begin("first table")
        begin("second table")
    sys.stdout.write("unfinished")

@click.command()
def crash():
    raise ZeroDivisionError("division by zero")

@click.command()
def spoil():
    """Make the history impossible to write."""
    folder = SHOP / "workspace" / "runs"
    folder.rename(SHOP / "gone")
    folder.touch()

@click.command()
def look():
    """Tell what the project's own lines are printed for."""
    with (SHOP / "said").open("a") as said:
        said.write(f"{'terminal' if console.is_terminal else 'log'} {console.width}\\n")

@click.command()
def where():
    """Tell which process this is, and on whose behalf."""
    with (SHOP / "said").open("a") as said:
        said.write(f"{os.getpid()} {run_id()}\\n")
'''
NAMES = ("say", "give", "need", "meet", "alone", "hang", "die", "shout", "crash", "spoil", "look", "where")
HEADER = """
bundle: {name: shop}
include: [resources/*.yml]
targets:
  dev: {default: true}
  prod: {}
"""


def wheel(key: str, command: str, *words: str, after: str = "", **more: object) -> dict[str, object]:
    """A task that runs one of the shop's commands; ``after`` names the tasks before it."""
    does = {"package_name": "shop", "entry_point": command, "parameters": [*words]}
    depends_on = [dict(zip(("task_key", "outcome"), one.split(":"), strict=False)) for one in after.split()]
    return {"task_key": key, "existing_cluster_id": "any", "python_wheel_task": does, "depends_on": depends_on, **more}


def call(key: str, job: str, after: str = "", **parameters: str) -> dict[str, object]:
    """A task that runs another job."""
    depends_on = [{"task_key": one} for one in after.split()]
    does = {"job_id": f"${{resources.jobs.{job}.id}}", "job_parameters": parameters}
    return {"task_key": key, "run_job_task": does, "depends_on": depends_on}


def loop(key: str, inputs: str, task: dict[str, object], concurrency: int = 1, after: str = "") -> dict[str, object]:
    """A task that runs another for each item."""
    depends_on = [{"task_key": one} for one in after.split()]
    does = {"inputs": inputs, "concurrency": concurrency, "task": task}
    return {"task_key": key, "for_each_task": does, "depends_on": depends_on}


def job(*tasks: dict[str, object], parameters: dict[str, str] | None = None, **more: object) -> dict[str, object]:
    """A whole job."""
    declared = [{"name": name, "default": value} for name, value in (parameters or {}).items()]
    return {"tasks": [*tasks], "parameters": declared, **more}


@dataclass
class Shop:
    """A bundle and its package in ``folder``; ``run-job`` is typed there."""

    folder: Path
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def write(self, **jobs: dict[str, object]) -> None:
        """Define the bundle's jobs anew."""
        whole = {"resources": {"jobs": {key: {"name": key} | one for key, one in jobs.items()}}}
        (self.folder / "resources" / "shop.job.yml").write_text(json.dumps(whole))

    def run_job(self, *words: str) -> Result:
        """Type ``run-job`` in this process; its tasks run in others."""
        return CliRunner().invoke(main, [*words])

    def begin(self, *words: str) -> "subprocess.Popen[str]":
        """Type ``run-job`` in a process that goes on beside the test."""
        process = subprocess.Popen(
            [sys.executable, "-P", "-c", "from resources.run import main; main()", *words],
            cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        self.started.append(process)
        return process

    def history(self, *words: str) -> "list[dict[str, object]]":
        """What ``run-job history --json`` prints."""
        return json.loads(self.run_job("history", *words, "--json").stdout)

    @property
    def said(self) -> list[str]:
        """The lines in the shop's book."""
        book = self.folder / "said"
        return book.read_text().splitlines() if book.exists() else []

    def processes_of(self, name: str) -> list[int]:
        """The process of the task that hangs by that name, and its child, once they are there."""
        until((self.folder / name).exists)
        return json.loads((self.folder / name).read_text())


def until(found: Callable[[], object]) -> object:
    """What ``found`` returns as soon as it is true; a test that waits in vain is ended by its own limit."""
    while not (result := found()):
        time.sleep(0.02)
    return result


def is_gone(process: int) -> bool:
    """Whether the process has ended; one that nobody has asked about yet (a zombie) has."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")")[-1].split()[0] == "Z"
    except OSError:
        return True


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The package, installed, and an empty bundle."""
    facts = tmp_path / "shop-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: shop\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(
        "[console_scripts]\n" + "\n".join(f"{one} = shop_commands:{one}" for one in NAMES)
    )
    (tmp_path / "shop_commands.py").write_text(COMMANDS)
    (tmp_path / "databricks.yml").write_text(HEADER)
    (tmp_path / "resources").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{ROOT}")
    monkeypatch.setenv("SHOP", str(tmp_path))
    monkeypatch.setenv("PIPELINE_WORKSPACE", str(tmp_path / "workspace"))
    shop = Shop(tmp_path)
    yield shop
    for process in shop.started:
        process.kill()
        process.wait()
        process.stdout.close()
