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


def overrides(root: Path, target: str, text: str) -> None:
    """Write the target's file of values, as Databricks' command line reads it."""
    file = root / ".databricks" / "bundle" / target / "variable-overrides.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)


def test_variables_come_from_the_command_line_the_environment_the_targets_file_the_target_and_the_default(
    write: Write, recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = write(SOUND)

    def catalog(**options: object) -> str:
        bundle = checked_bundle(root, entry_points=recorder.entry_points, **options)
        wheel = bundle.jobs["main"].tasks[0].python_wheel_task
        return wheel.parameters[0] if wheel else ""

    assert catalog() == "main"
    assert catalog(target="prod") == "prod"
    overrides(root, "prod", '{"catalog": "of_the_file"}')
    assert (catalog(target="prod"), catalog()) == ("of_the_file", "main")
    monkeypatch.setenv("BUNDLE_VAR_catalog", "of_the_environment")
    assert catalog(target="prod") == "of_the_environment"
    assert catalog(target="prod", variables={"catalog": "mine"}) == "mine"
    monkeypatch.delenv("BUNDLE_VAR_catalog")
    overrides(root, "prod", '{"catalog": null}')
    assert catalog(target="prod") == "prod"


OF_A_FILE = """\
bundle: {name: shop}
targets: {dev: {}}
variables:
  catalog: {default: main}
  tags: {type: complex, default: {team: a}}
  warehouse: {lookup: {warehouse: Starter}}
"""
JOB_WITH_TAGS = """\
resources:
  jobs:
    main:
      name: main
      tags: ${var.tags}
      tasks: [{task_key: t, condition_task: {op: EQUAL_TO, left: a, right: a}}]
"""
FILE = ".databricks/bundle/dev/variable-overrides.json"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"catalog": "mine",\n nothing}', [f"{FILE}, line 2: not valid JSON: Expecting property name enclosed in double quotes"]),
        ("", [f"{FILE}, line 1: not valid JSON: Expecting value"]),
        ('["catalog"]', [f'{FILE}, line 1: a JSON object is expected: {{"variable": "value"}}']),
        ('{"catalg": "mine"}', [f"{FILE}: variable 'catalg' is not declared. Did you mean catalog or tags? There are: catalog, tags, warehouse."]),
        ('{"catalog": ["a"]}', [f"{FILE}: variable catalog is not of type complex, and its value here is an object or a list"]),
        ('{"tags": "b"}', [f"{FILE}: variable tags is of type complex, and its value here is neither an object nor a list"]),
        (
            '{"warehouse": "0a1b"}',
            [
                f"{FILE}: variable warehouse is looked up, and its value here is not used. Give it with --var warehouse=… or as "
                "BUNDLE_VAR_warehouse."
            ],
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_targets_file_of_values_is_told(
    tmp_path: Path, recorder, text: str, said: list[str]
) -> None:
    (tmp_path / "databricks.yml").write_text(OF_A_FILE)
    overrides(tmp_path, "dev", text)

    assert problems(tmp_path, recorder) == said


def test_a_targets_file_of_values_may_be_empty_and_may_have_a_complex_value(tmp_path: Path, recorder) -> None:
    for text, team in (("{}", "a"), ('{"tags": {"team": "b"}, "warehouse": null}', "b")):
        (tmp_path / "databricks.yml").write_text(OF_A_FILE + JOB_WITH_TAGS)
        overrides(tmp_path, "dev", text)

        assert checked_bundle(tmp_path, entry_points=recorder.entry_points).jobs["main"].tags == {"team": team}


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
