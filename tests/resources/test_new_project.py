"""``make new-project``: what it refuses, what it leaves when it fails, and that what it makes runs."""

import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from feature_store.errors import Misuse, NotFound, StorageError
from resources.new_project.__main__ import main
from resources.new_project.answers import Answers, projects
from resources.new_project.making import make_project, with_layers
from resources.new_project.rendering import escaped, render
from tests.conftest import where_java_listens
from tests.resources.made_projects import ROOT, check_churn
from tests.test_light_commands import HEAVY

CHURN = Answers(
    project_name="churn", table="visits", keys=["customer_id", "shop"], timestamp="visited_at", label="has_left",
    owner="churn@example.com",
)  # fmt: skip
NOT_COPIED = shutil.ignore_patterns(
    ".*", "workspace", "dist", "docs", "benchmarks", "__pycache__", "spark-warehouse", "template"
)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with one project, as far as making another looks at it."""
    for stage in ("features", "training", "inference", "monitoring"):
        (tmp_path / stage / "flights").mkdir(parents=True)
        (tmp_path / stage / "flights" / "__init__.py").write_text('"""A project."""\n')
        (tmp_path / stage / "__init__.py").write_text('"""A stage."""\n\nMACHINERY = ("publishing",)\n')
    (tmp_path / "features" / "publishing").mkdir()
    (tmp_path / "features" / "publishing" / "__init__.py").touch()
    (tmp_path / "training" / "flights" / "delay.py").write_text(
        '"""A model."""\n\nTRAINING = dict(name="flight_delay")  # noqa: C408\n'
    )
    layers = "".join(f'    "{stage}.flights",\n' for stage in ("monitoring", "inference", "training", "features"))
    (tmp_path / "pyproject.toml").write_text(f"layers = [\n{layers}]\n")
    (tmp_path / "databricks.yml").touch()
    return tmp_path


def files(root: Path) -> dict[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_template_names_what_was_asked_and_writes_two_braces_so() -> None:
    assert render('{{.table}} of {{"{{"}}job.as_of}}', {"table": "visits"}) == "visits of {{job.as_of}}"
    assert render(escaped("{{job.as_of}} {one}"), {}) == "{{job.as_of}} {one}"


@pytest.mark.parametrize("action", ["{{.tabel}}", "{{if .table}}", "{{ .table }}", "{{.}}"])
def test_a_template_with_an_action_of_another_kind_is_refused(action: str) -> None:
    with pytest.raises(NotFound, match="in a template is nothing known"):
        render(action, {"table": "visits"})


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"project_name": "Churn"}, "the project's name cannot be 'Churn': write small letters"),
        ({"project_name": "class"}, "the project's name cannot be 'class': .* no word of Python's own"),
        ({"project_name": "../up"}, "the project's name cannot be '../up'"),
        ({"project_name": "flights"}, "there is something called 'flights' in features/, training/.* Projects are: flights."),
        ({"project_name": "publishing"}, "there is something called 'publishing' in features/. Projects are: flights."),
        ({"project_name": "flight_delay"}, "'flight_delay' is declared in training/flights/delay.py already"),
        ({"table": "flight_delay"}, "'flight_delay' is declared in training/flights/delay.py already"),
        ({"table": "a.b"}, "the table cannot be 'a.b'"),
        ({"keys": []}, "there must be at least one key"),
        ({"keys": ["customer_id", "customer_id"]}, "customer_id is named twice"),
        ({"label": "visited_at"}, "visited_at is named twice"),
        ({"timestamp": "known_at"}, "the timestamp cannot be 'known_at': the sample has such a column itself"),
        ({"owner": "nobody"}, "such as churn@example.com, not 'nobody'"),
    ],
)  # fmt: skip
def test_an_answer_that_cannot_be_is_refused_and_nothing_is_made(
    changes: dict[str, object], told: str, repository: Path
) -> None:
    before = files(repository)

    with pytest.raises(Misuse, match=f"^No project was made: .*{told}"):
        make_project(replace(CHURN, **changes), repository)  # type: ignore[arg-type]

    assert files(repository) == before


def test_a_file_in_the_way_is_kept_and_told_of(repository: Path) -> None:
    (repository / "resources").mkdir()
    (repository / "resources" / "churn_monitor.job.yml").write_text("mine")
    before = files(repository)

    with pytest.raises(Misuse, match=r"there is resources/churn_monitor\.job\.yml already"):
        make_project(CHURN, repository)

    assert files(repository) == before


def test_what_was_written_before_a_failure_is_removed_again(repository: Path) -> None:
    (repository / "tests").write_text("a file where a folder should be")
    before = files(repository)

    with pytest.raises(StorageError, match=r"No project was made, since .*tests.* cannot be written"):
        make_project(CHURN, repository)

    assert files(repository) == before
    assert not (repository / "features" / "churn").exists()


def test_a_project_stands_beside_the_others_in_the_layers_of_imports() -> None:
    layers = '    "monitoring.a",\n    "inference.a | inference.b",\n    "training.a | training.profile",\n    "features.a",\n'

    assert with_layers(layers, "new", ["a", "b"]).splitlines() == [
        '    "monitoring.a | monitoring.new",',
        '    "inference.a | inference.b | inference.new",',
        '    "training.a | training.new | training.profile",',
        '    "features.a | features.new",',
    ]
    with pytest.raises(Misuse, match="no layer with features.other"):
        with_layers(layers, "new", ["other"])


def test_it_asks_for_what_is_not_given_and_says_what_to_do_next(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository)

    done = CliRunner().invoke(main, ["churn", "--label", "has_left"], input="visits\n\n\n\n")

    assert done.exit_code == 0, done.output
    assert "Source table [churn_rows]: visits" in done.output
    assert "Keys: whom a row is about, with commas between [customer_id]:" in done.output
    assert "run-job churn_replay -t dev" in done.output
    assert 'name="visits"' in (repository / "features/churn/landing.py").read_text()
    assert projects(repository) == ["churn", "flights"]


@pytest.mark.parametrize("name", ["churn", "as_long_as_a_project_s_name_is", "zoo"])
def test_what_it_makes_is_formatted_and_its_imports_sorted_whatever_it_is_called(
    name: str, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(ROOT / "pyproject.toml", repository)
    monkeypatch.chdir(repository)
    assert CliRunner().invoke(main, [name, "--defaults"]).exit_code == 0

    ruff = [str(Path(sys.executable).with_name("ruff"))]
    settings = ["--no-cache", "."]
    for arguments in (["check"], ["format", "--check"]):
        done = subprocess.run([*ruff, *arguments, *settings], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout


def test_a_made_project_keeps_the_house_rules_and_its_replay_runs(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(ROOT, copy, ignore=NOT_COPIED)
    make_project(CHURN, copy)

    check_churn(copy, tmp_path / "workspace", tests="replay", java=where_java_listens(pytestconfig))


def test_asking_loads_no_large_package() -> None:
    program = "import sys, resources.new_project.__main__; print(*{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)

    assert {*done.stdout.split()} & HEAVY == set()
    assert "click" in done.stdout.split()
