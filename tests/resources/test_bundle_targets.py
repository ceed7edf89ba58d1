"""``databricks.yml``: its targets, its variables, and where it is found."""

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from feature_store.errors import NotFound
from feature_store.yaml_files import InvalidFile
from resources.bundle import find_root
from resources.run import checked_bundle

Write = Callable[[str], Path]

SOUND = """
main:
  name: main
  tasks:
    - task_key: say
      existing_cluster_id: any
      python_wheel_task:
        package_name: shop
        entry_point: say
        parameters: ["${var.catalog}"]
"""


def problems(root: Path, recorder) -> list[str]:
    with pytest.raises(InvalidFile) as found:
        checked_bundle(root, entry_points=recorder.entry_points)
    return [str(problem) for problem in found.value.problems]


def test_databricks_yml_itself_is_checked(tmp_path: Path, recorder) -> None:
    (tmp_path / "databricks.yml").write_text(
        textwrap.dedent("""\
            bundle:
              name: shop
            target:
              dev:
                default: true
        """)
    )

    assert problems(tmp_path, recorder) == [
        "databricks.yml, line 1: key 'targets' is missing in databricks.yml",
        "databricks.yml, line 3: unknown key 'target' in databricks.yml; did you mean targets?",
    ]


def test_a_variable_without_a_value_names_itself_and_its_meaning(tmp_path: Path, recorder) -> None:
    (tmp_path / "databricks.yml").write_text(
        textwrap.dedent("""\
            bundle:
              name: shop
            targets:
              dev: {}
            variables:
              recipients:
                description: Who is told of alerts.
        """)
    )

    assert problems(tmp_path, recorder) == [
        "databricks.yml, line 6: variable recipients (Who is told of alerts.) has no value; "
        "give it with --var recipients=…"
    ]


def test_a_target_that_does_not_exist_is_refused_with_the_closest(write: Write, recorder) -> None:
    with pytest.raises(NotFound, match=r"no target 'prd' in databricks.yml\. Did you mean prod\?"):
        checked_bundle(write(SOUND), target="prd", entry_points=recorder.entry_points)


def test_variables_come_from_the_command_line_then_the_target_then_the_default(write: Write, recorder) -> None:
    def catalog(**options: object) -> str:
        bundle = checked_bundle(write(SOUND), entry_points=recorder.entry_points, **options)
        wheel = bundle.jobs["main"].tasks[0].python_wheel_task
        return wheel.parameters[0] if wheel else ""

    assert catalog() == "main"
    assert catalog(target="prod") == "prod"
    assert catalog(target="prod", variables={"catalog": "mine"}) == "mine"


def test_the_bundle_is_found_from_any_folder_inside_it(write: Write) -> None:
    root = write(SOUND)

    assert find_root(root / "resources") == root
