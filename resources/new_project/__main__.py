"""``python -m resources.new_project NAME``, behind ``make new-project``: ask, and make the project."""

import shutil
import subprocess
import sys
from pathlib import Path

import click

from feature_store.cli import Verb, console
from resources.bundle import find_root
from resources.new_project.answers import Answers
from resources.new_project.making import JOBS, make_project


@click.command(cls=Verb, context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("name")
@click.option("--table", metavar="NAME", help="The source table.  [default: <project>_rows]")
@click.option("--keys", metavar="NAME,…", help="Whom a row is about.  [default: customer_id]")
@click.option("--timestamp", metavar="NAME", help="The moment of decision.  [default: decided_at]")
@click.option("--label", metavar="NAME", help="What is predicted, yes or no.  [default: is_<project>]")
@click.option("--owner", metavar="ADDRESS", help="Whom to write to.  [default: <project>@example.com]")
@click.option("--defaults", is_flag=True, help="Ask nothing: what is not given is the default.")
def main(
    name: str, table: str | None, keys: str | None, timestamp: str | None, label: str | None, owner: str | None,
    defaults: bool,
) -> None:  # fmt: skip
    """Make the project NAME in this repository: features, model, scores, monitor, jobs and tests, all of it running.

    \b
    python -m resources.new_project churn
    python -m resources.new_project churn --table visits --keys customer_id,shop --label has_left --defaults
    """

    def answer(given: str | None, question: str, default: str) -> str:
        if given is not None or defaults:
            return given if given is not None else default
        return str(click.prompt(question, default=default))

    answers = Answers(
        project_name=name,
        table=answer(table, "Source table", f"{name}_rows"),
        keys=[
            key.strip()
            for key in answer(keys, "Keys: whom a row is about, with commas between", "customer_id").split(",")
            if key.strip()
        ],
        timestamp=answer(timestamp, "Timestamp: the moment of decision", "decided_at"),
        label=answer(label, "Label: what is predicted, yes or no", f"is_{name}"),
        owner=answer(owner, "Owner: whom to write to", f"{name}@example.com"),
    )
    root = find_root(Path.cwd())
    written = make_project(answers, root)
    tidy([str(root / path) for path in written if path.endswith(".py")])
    for path in written:
        console.print(f"  {path}", markup=False)
    console.print(
        f"\nProject {name} is made, with a sample that features/{name}/landing.py makes up. Next:\n"
        f"  make test PROJECT={name}\n"
        f"  run-job {name}_replay -t dev\n"
        f"  databricks bundle deploy -t dev --select {','.join(f'{name}_{job}' for job in JOBS)}\n"
        f"Commands typed by hand take --schema {name} (or PIPELINE_SCHEMA={name}). docs/new-project.md tells the rest.",
        markup=False,
    )


def tidy(files: list[str]) -> None:
    """Sort imports and break lines as the names need it, where ruff is installed."""
    ruff = shutil.which("ruff", path=str(Path(sys.executable).parent))
    if ruff:
        for arguments in (["check", "--quiet", "--select", "I", "--fix"], ["format", "--quiet"]):
            subprocess.run([ruff, *arguments, *files], check=False)


if __name__ == "__main__":
    main(prog_name="python -m resources.new_project")
