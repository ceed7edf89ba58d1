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


def test_a_misspelt_target_of_an_included_file_is_refused_and_makes_no_new_one(write: Write, recorder) -> None:
    root = write(SOUND)
    (root / "resources" / "prod.yml").write_text(
        "targets:\n  prd:\n    resources:\n      jobs:\n        main: {max_concurrent_runs: 1}\n"
    )

    assert problems(root, recorder) == [
        "resources/prod.yml, line 2: databricks.yml has no target 'prd'; did you mean prod?"
    ]
    with pytest.raises(NotFound, match="There are: dev, prod"):
        checked_bundle(root, target="prd", entry_points=recorder.entry_points)


def test_included_files_may_declare_the_targets_if_databricks_yml_does_not(tmp_path: Path, recorder) -> None:
    (tmp_path / "databricks.yml").write_text("bundle: {name: shop}\ninclude: [targets.yml]\n")
    (tmp_path / "targets.yml").write_text("targets: {dev: {}}\n")

    assert checked_bundle(tmp_path, entry_points=recorder.entry_points).target == "dev"


def test_a_target_of_which_nothing_is_said_is_one_to_which_other_files_may_add(tmp_path: Path, recorder) -> None:
    (tmp_path / "databricks.yml").write_text("bundle: {name: shop}\ninclude: [shop.yml]\ntargets:\n  dev:\n")
    (tmp_path / "shop.yml").write_text(
        "targets: {dev: {resources: {schemas: {shop: {catalog_name: a, name: shop}}}}}\n"
    )

    assert checked_bundle(tmp_path, entry_points=recorder.entry_points).others == 1
