"""A mistake in a YAML file is reported with its file, its line and the closest names, before anything runs."""

from collections.abc import Callable
from pathlib import Path

import pytest

from feature_store.yaml_files import InvalidFile
from resources.run import checked_bundle

Write = Callable[[str], Path]

# The first line of every job below is line 3 of its file.
SOUND = """
main:
  name: main
  parameters:
    - name: as_of
      default: ""
  environments:
    - environment_key: default
  tasks:
    - task_key: check
      environment_key: default
      python_wheel_task:
        package_name: shop
        entry_point: say
        parameters: ["${var.catalog}", "{{job.parameters.as_of}}"]
    - task_key: due
      depends_on:
        - task_key: check
      condition_task:
        op: EQUAL_TO
        left: "{{tasks.check.values.retrain}}"
        right: "true"
    - task_key: train
      depends_on:
        - task_key: due
          outcome: "true"
      run_job_task:
        job_id: ${resources.jobs.train.id}
        job_parameters:
          as_of: "{{job.parameters.as_of}}"
train:
  name: train
  parameters:
    - name: as_of
      default: ""
  tasks:
    - task_key: loop
      for_each_task:
        inputs: "[1, 2]"
        task:
          task_key: train
          existing_cluster_id: any
          python_wheel_task:
            package_name: shop
            entry_point: say
            parameters: ["{{input}}"]
"""


def problems(root: Path, recorder) -> list[str]:
    try:
        checked_bundle(root, entry_points=recorder.entry_points)
    except InvalidFile as error:
        return [str(problem).removeprefix("resources/shop.job.yml, ") for problem in error.problems]
    return []


def test_a_sound_bundle_has_no_problems(write: Write, recorder) -> None:
    assert problems(write(SOUND), recorder) == []


SLIPS = {
    "a misspelt key": (
        "      depends_on:\n        - task_key: check",
        "      depend_on:\n        - task_key: check",
        "line 18: unknown key 'depend_on' in task due; did you mean depends_on?",
    ),
    "a misspelt command": (
        'entry_point: say\n        parameters: ["$',
        'entry_point: sai\n        parameters: ["$',
        "line 15: task check: shop has no entry point 'sai'. Did you mean say? There are: crash, give, "
        "heal, leave, refuse, say.",
    ),
    "a misspelt package": (
        "package_name: shop\n        e",
        "package_name: ship\n        e",
        "line 14: task check: Package 'ship' is not installed here.",
    ),
    "a misspelt environment": (
        "environment_key: default\n      python",
        "environment_key: defalt\n      python",
        "line 12: task check runs in environment 'defalt', which job main lacks. Did you mean default? "
        "There is: default.",
    ),
    "no environment": (
        "environment_key: default\n      python",
        "timeout_seconds: 60\n      python",
        "line 11: task check does not say where it runs; add environment_key. There is: default.",
    ),
    "a misspelt operator": (
        "op: EQUAL_TO",
        "op: EQUALS",
        "line 21: op is 'EQUALS' in task due; did you mean EQUAL_TO or NOT_EQUAL?",
    ),
    "an outcome that is no text": (
        'outcome: "true"',
        "outcome: true",
        "line 27: outcome in task train must be text (put it in quotes), not True",
    ),
    "an outcome of what is no condition": (
        "- task_key: due\n          outcome",
        "- task_key: check\n          outcome",
        "line 26: task train asks for an outcome of check, which is no condition_task",
    ),
    "an unknown dependency": (
        "- task_key: check\n      condition",
        "- task_key: chek\n      condition",
        "line 19: task due depends on 'chek', which is not in job main. Did you mean check? There are: check, train.",
    ),
    "a circle of tasks": (
        "- task_key: check\n      condition",
        "- task_key: train\n      condition",
        "line 17: tasks depend on each other in a circle: due, train",
    ),
    "a task key used twice": (
        "- task_key: train\n      depends",
        "- task_key: check\n      depends",
        "line 24: task 'check' is defined twice in job main; the other is in resources/shop.job.yml, line 11",
    ),
    "a misspelt variable": (
        "${var.catalog}",
        "${var.catalogue}",
        "line 16: ${var.catalogue} refers to nothing. Did you mean var.catalog? There is: var.catalog.",
    ),
    "a misspelt job": (
        "jobs.train.id",
        "jobs.trian.id",
        "line 29: ${resources.jobs.trian.id} refers to nothing. Did you mean resources.jobs.train.id or "
        "resources.jobs.main.id? There are: resources.jobs.main.id, resources.jobs.train.id.",
    ),
    "a job without ${}": (
        "job_id: ${resources.jobs.train.id}",
        "job_id: train",
        "line 29: job_id in task train must be a whole number, usually ${resources.jobs.<name>.id}, not 'train'",
    ),
    "a job of another bundle": (
        "job_id: ${resources.jobs.train.id}",
        "job_id: 77",
        "line 29: task train runs job 77, which is not in this bundle. Write ${resources.jobs.<name>.id}."
        " There are: main, train.",
    ),
    "a misspelt parameter of a called job": (
        '          as_of: "{{job',
        '          asof: "{{job',
        "line 31: task train passes parameter 'asof', which job train does not have. Did you mean as_of? "
        "There is: as_of.",
    ),
    "a parameter that the own job's wins over": (
        'as_of: "{{job.parameters.as_of}}"',
        'as_of: "2013-07-01"',
        "line 31: task train passes 'as_of', but job main has a parameter of that name, and on Databricks"
        " a job's own parameters win over what its tasks pass; rename it in job main",
    ),
    "a misspelt parameter": (
        '{{job.parameters.as_of}}"]',
        '{{job.parameters.as_off}}"]',
        "line 16: task check: {{job.parameters.as_off}} is not a parameter of job main. Did you mean "
        "as_of? There is: as_of.",
    ),
    "a value of a task that runs later": (
        "{{tasks.check.values",
        "{{tasks.train.values",
        "line 22: task due: {{tasks.train.values.retrain}} names a task that has not ended before this "
        "one. There is: check.",
    ),
    "an item outside a loop": (
        '{{job.parameters.as_of}}"]',
        '{{input}}"]',
        "line 16: task check: {{input}} exists only in the task inside a for_each_task",
    ),
    "inputs that are no array": (
        'inputs: "[1, 2]"',
        'inputs: "1, 2"',
        "line 40: task loop: inputs of a for_each_task must be a JSON array, not '1, 2' (Extra data: line"
        " 1 column 2 (char 1)).",
    ),
    "a number as a parameter's default": (
        'default: ""\n  environments',
        "default: 3\n  environments",
        "line 7: default in job main must be text (put it in quotes), not 3",
    ),
    "a task type that does not run here": (
        'condition_task:\n        op: EQUAL_TO\n        left: "{{tasks.check.values.retrain}}"\n        right: "true"',
        "notebook_task:\n        notebook_path: due.py",
        "line 20: 'notebook_task' in task due is not something that run-job can execute; it runs "
        "python_wheel_task, condition_task, run_job_task, for_each_task",
    ),
}


@pytest.mark.parametrize(("right", "wrong", "problem"), SLIPS.values(), ids=SLIPS)
def test_a_slip_is_reported_with_its_line_and_the_remedy(
    write: Write, recorder, right: str, wrong: str, problem: str
) -> None:
    assert SOUND.count(right) == 1

    assert problems(write(SOUND.replace(right, wrong)), recorder) == [problem]


def test_all_problems_are_shown_at_once(write: Write, recorder) -> None:
    root = write(SOUND.replace("op: EQUAL_TO", "op: EQUALS").replace('inputs: "[1, 2]"', "inputs: x"))

    with pytest.raises(InvalidFile) as found:
        checked_bundle(root, entry_points=recorder.entry_points)

    assert str(found.value).splitlines() == [
        "2 problems in the bundle:",
        "  resources/shop.job.yml, line 21: op is 'EQUALS' in task due; did you mean EQUAL_TO or NOT_EQUAL?",
        "  resources/shop.job.yml, line 40: task loop: inputs of a for_each_task must be a JSON array, not 'x' "
        "(Expecting value: line 1 column 1 (char 0)).",
    ]


def test_broken_yaml_is_reported_with_its_line(write: Write, recorder) -> None:
    assert problems(write("main:\n  name: main\n  tasks: [\n"), recorder)[0].startswith("line 6: not valid YAML: ")


def test_a_key_written_twice_is_reported(write: Write, recorder) -> None:
    assert problems(write("main:\n  name: main\n  name: again\n"), recorder) == [
        'line 5: not valid YAML: found duplicate key "name" with value "again" (original value: "main")'
    ]


def test_a_job_defined_in_two_files_is_reported_with_both(write: Write, recorder) -> None:
    root = write(SOUND)
    (root / "resources" / "zoo.job.yml").write_text(
        "resources:\n  jobs:\n    main:\n      name: other\n      tasks: []\n"
    )

    assert problems(root, recorder) == [
        "resources/zoo.job.yml, line 3: resources.jobs.main is defined twice; "
        "the other is in resources/shop.job.yml, line 3"
    ]


def test_jobs_that_run_each_other_in_a_circle_are_reported(write: Write, recorder) -> None:
    job = "{0}: {{name: {0}, tasks: [{{task_key: t, run_job_task: {{job_id: '${{resources.jobs.{1}.id}}'}}}}]}}"

    assert problems(write("\n".join([job.format("a", "b"), job.format("b", "a")])), recorder) == [
        "line 3: jobs run each other in a circle: a > b > a",
        "line 4: jobs run each other in a circle: b > a > b",
    ]


def test_more_nested_jobs_than_databricks_runs_are_reported(write: Write, recorder) -> None:
    job = "{0}: {{name: {0}, tasks: [{{task_key: t, run_job_task: {{job_id: '${{resources.jobs.{1}.id}}'}}}}]}}"
    leaf = "e: {name: e, tasks: [{task_key: t, condition_task: {op: EQUAL_TO, left: a, right: a}}]}"

    found = problems(write("\n".join([*(job.format(*pair) for pair in ("ab", "bc", "cd", "de")), leaf])), recorder)

    assert found == ["line 3: Databricks runs at most 3 run_job_tasks inside each other: a > b > c > d > e"]
