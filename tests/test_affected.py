"""Which tests a change can affect: never fewer than those that import what was changed."""

import subprocess
from pathlib import Path

import grimp
import pytest

from tests.affected import PACKAGES, ROOT, affected, changed_files, imported_by

TESTS = {
    "tests/conftest.py": {"feature_store.local.session"},
    "tests/couriers.py": {"features.publish", "training.spec"},
    "tests/test_house_rules.py": {"feature_store"},
    "tests/test_readme.py": set(),
    "tests/monitoring/conftest.py": {"tests.couriers"},
    "tests/monitoring/test_judge.py": {"monitoring.judge"},
    "tests/monitoring/test_rules.py": {"monitoring.rules"},
    "tests/resources/test_states.py": {"resources.states"},
    "tests/training/test_train.py": {"tests.couriers", "training.pipeline"},
}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*PACKAGES)


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        (["monitoring/judge.py"], ["tests/monitoring/test_judge.py"]),
        (["monitoring/rules.py"], ["tests/monitoring/test_judge.py", "tests/monitoring/test_rules.py"]),
        (["training/gates.py"], ["tests/training/test_train.py"]),
        (["features/windows.py"], ["tests/training/test_train.py"]),
        (["tests/couriers.py"], ["tests/training/test_train.py"]),
        (["tests/monitoring/conftest.py"], ["tests/monitoring/test_judge.py", "tests/monitoring/test_rules.py"]),
        (["monitoring/no_longer_there.py"], ["tests/monitoring/test_judge.py", "tests/monitoring/test_rules.py"]),
        (["resources/replay.job.yml"], ["tests/resources/test_states.py"]),
        (["README.md"], ["tests/test_readme.py"]),
        (["CHANGELOG.md"], []),
        (["tests/test_readme.py"], ["tests/test_readme.py"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_the_tests_that_import_what_was_changed_are_chosen_however_indirectly(graph, changed, expected) -> None:
    chosen = affected(changed, TESTS, graph)

    assert chosen is not None
    assert sorted({*chosen} - {"tests/test_house_rules.py"}) == expected
    assert "tests/test_house_rules.py" in chosen


@pytest.mark.parametrize(
    "changed", ["tests/conftest.py", "pyproject.toml", "requirements.lock", "Makefile", "a_new_file"]
)
def test_a_change_whose_reach_is_not_known_affects_all_tests(graph, changed) -> None:
    assert affected([changed], TESTS, graph) is None


def test_uncommitted_new_and_deleted_files_are_part_of_the_change(tmp_path: Path) -> None:
    def git(*arguments: str) -> None:
        identity = ["-c", "user.name=me", "-c", "user.email=me@example.com"]
        subprocess.run(["git", *identity, *arguments], cwd=tmp_path, check=True, capture_output=True)

    for name in ("kept.py", "changed.py", "deleted.py"):
        (tmp_path / name).write_text("1")
    git("init", "--quiet")
    git("add", ".")
    git("commit", "-m", "all")
    (tmp_path / "changed.py").write_text("2")
    (tmp_path / "deleted.py").unlink()
    (tmp_path / "new.py").touch()

    assert changed_files(tmp_path) == ["changed.py", "deleted.py", "new.py"]


def test_without_git_nothing_is_known_of_the_change(tmp_path: Path) -> None:
    assert changed_files(tmp_path / "nowhere") is None


def test_imports_are_found_wherever_they_stand_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text("import a.b\n\ndef test():\n    from c import d\n")

    assert imported_by(tmp_path / "test_it.py") == {"a.b", "c", "c.d"}


def test_the_projects_own_tests_import_what_they_test() -> None:
    assert "training.pipeline" in imported_by(ROOT / "tests" / "training" / "test_train.py")
