"""Which test files a change affects: what git says was changed, what reads what, and all where that is not known."""

import subprocess
from pathlib import Path

import pytest

from tests.affected import ALWAYS, ROOT, affected, all_tests, changed, distances, graph

READS = {
    "engine.py": set(),
    "stage.py": {"engine.py"},
    "command.py": {"stage.py"},
    "tests/test_engine.py": {"engine.py"},
    "tests/test_stage.py": {"stage.py", "engine.py"},
    "tests/test_command.py": {"command.py"},
}
ALL = all_tests(ROOT)


@pytest.fixture(scope="module")
def reads() -> dict[str, set[str]]:
    return graph(ROOT)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A branch ``work`` that left main after one commit of three modules."""
    for name in ("kept.py", "edited.py", "removed.py"):
        (tmp_path / name).write_text("")
    git(tmp_path, "init", "--quiet", "--initial-branch", "main")
    git(tmp_path, "add", ".")
    commit(tmp_path)
    git(tmp_path, "checkout", "--quiet", "-b", "work")
    return tmp_path


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True)


def commit(folder: Path) -> None:
    git(folder, "-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "--quiet", "--all", "--message", "one")


def test_what_reads_a_change_is_affected_at_each_distance():
    assert distances({"stage.py"}, READS) == {
        "stage.py": 0,
        "command.py": 1,
        "tests/test_stage.py": 1,
        "tests/test_command.py": 2,
    }
    assert distances({"tests/test_engine.py"}, READS) == {"tests/test_engine.py": 0}


def test_changes_are_committed_ones_edited_ones_new_ones_and_removed_ones(repository):
    (repository / "committed.py").write_text("")
    git(repository, "add", "committed.py")
    commit(repository)
    (repository / "edited.py").write_text("x = 1\n")
    (repository / "staged.py").write_text("")
    git(repository, "add", "staged.py")
    (repository / "new one.py").write_text("")
    (repository / "removed.py").unlink()

    assert changed(repository) == {"committed.py", "edited.py", "staged.py", "new one.py", "removed.py"}


def test_a_module_that_was_moved_is_gone_from_where_it_was(repository):
    git(repository, "mv", "removed.py", "moved.py")

    assert changed(repository) == {"removed.py", "moved.py"}


def test_what_main_got_since_is_no_change_of_the_branch(repository):
    git(repository, "checkout", "--quiet", "main")
    (repository / "kept.py").write_text("x = 1\n")
    commit(repository)
    git(repository, "checkout", "--quiet", "work")
    (repository / "edited.py").write_text("x = 1\n")

    assert changed(repository) == {"edited.py"}


def test_without_git_without_main_or_without_any_change_it_is_not_known(repository, tmp_path_factory):
    assert changed(repository) is None  # nothing is changed
    assert changed(tmp_path_factory.mktemp("plain")) is None

    (repository / "edited.py").write_text("x = 1\n")
    (repository / "below").mkdir()
    assert changed(repository / "below") is None  # a copy inside another repository
    git(repository, "branch", "--delete", "--force", "main")
    assert changed(repository) is None


@pytest.mark.parametrize(
    "name",
    ["pyproject.toml", "Makefile", "requirements.lock", "databricks.yml", "resources/round.job.yml", "tests/conftest.py",
     "tests/monitoring/conftest.py", "training/module_that_is_gone.py", "tests/training/test_that_is_gone.py"],
)  # fmt: skip
def test_a_file_that_all_read_and_one_that_is_gone_affect_all_tests(name):
    assert affected({name}, ROOT) == ALL


def test_all_tests_run_where_it_is_not_known_what_was_changed():
    assert affected(None, ROOT) == ALL


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("DECISIONS.md", []),
        ("README.md", ["tests/test_demo.py", "tests/test_docs.py", "tests/test_readme.py"]),
        (
            "docs/databricks.md",
            [
                "tests/resources/test_new_project.py",
                "tests/test_demo.py",
                "tests/test_docs.py",
                "tests/test_workflows.py",
            ],
        ),
        ("examples/quickstart.py", ["tests/test_readme.py"]),
        ("tests/monitoring/alerts/test_rules.py", ["tests/monitoring/alerts/test_rules.py"]),
    ],
)
def test_a_text_an_example_or_a_test_affects_who_reads_it(name, expected):
    assert sorted(affected({name}, ROOT)) == sorted({*ALWAYS, *expected})


def test_a_change_to_one_stage_affects_its_own_tests_first_and_not_those_of_the_stages_below():
    files = affected({"monitoring/alerts/judge.py"}, ROOT)

    assert [file for file in files if file not in ALWAYS][:2] == [
        "tests/monitoring/alerts/test_actions.py",
        "tests/monitoring/alerts/test_judge.py",
    ]
    assert {"tests/monitoring/test_check.py", "tests/test_commands.py", "tests/test_demo.py"} <= set(files)
    assert not [file for file in files if file.startswith(("tests/training/", "tests/features/", "tests/conformance/"))]


def test_a_change_to_the_engine_affects_nearly_all_tests_the_nearest_first():
    files = affected({"feature_store/tables/turns.py"}, ROOT)

    assert files[:3] == [*ALWAYS, "tests/safety/test_turns.py"]
    assert len(files) > 0.8 * len(ALL)


@pytest.mark.parametrize(
    ("reader", "read"),
    [
        ("tests/training/steps/test_gates.py", "training/steps/gates.py"),  # imports it
        ("training/steps/pipeline.py", "training/steps/gates.py"),
        ("training/steps/gates.py", "training/__init__.py"),  # stands in it
        ("tests/test_house_rules.py", "features/flights/aircraft.py"),  # walks its package
        ("monitoring/review.py", "monitoring/flights/flight_delay.py"),
        ("resources/entry_points.py", "inference/score.py"),  # runs any command
        ("tests/safety/conftest.py", "tests/safety/other.py"),  # names it as a program
        ("tests/safety/test_turns.py", "tests/safety/conftest.py"),  # has its fixtures
        ("tests/features/publishing/test_windows.py", "tests/conftest.py"),
        ("tests/test_light_commands.py", "features/publish.py"),  # a program in a text imports it
    ],
)
def test_who_reads_what(reads, reader, read):
    assert read in reads[reader]
