"""What GitHub, Azure DevOps and GitLab run: commands and targets that there are, pinned actions, and no more rights than needed."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ELSEWHERE = [ROOT / "docs" / "ci-azure-devops.md", ROOT / "docs" / "ci-gitlab.md"]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
BUNDLE = (ROOT / "databricks.yml").read_text(encoding="utf-8")
NEEDS_THE_WORKSPACE = ("make validate", "make deploy", "make integration-test")


def read(text: str) -> Any:
    return YAML(typ="safe").load(text)


def files_shown_on(page: Path) -> dict[str, str]:
    """The pipelines that a page shows, by the name that stands above each."""
    return dict(
        re.findall(
            r"^`([\w/.-]+)`[^\n]*:\n\n```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
        )
    )


def texts() -> dict[str, str]:
    found = {path.name: path.read_text(encoding="utf-8") for path in WORKFLOWS}
    return found | {name: text for page in ELSEWHERE for name, text in files_shown_on(page).items()}


def jobs() -> Iterator[tuple[str, dict[str, Any]]]:
    for path in WORKFLOWS:
        for name, job in read(path.read_text(encoding="utf-8"))["jobs"].items():
            yield f"{path.stem}/{name}", job


def steps(job: dict[str, Any]) -> list[dict[str, Any]]:
    return list(job.get("steps", []))


JOBS = dict(jobs())
TEXTS = texts()
MADE = set(re.findall(r"^([a-z-]+):", MAKEFILE, flags=re.MULTILINE))


def test_the_pages_show_whole_pipelines() -> None:
    azure, gitlab = (files_shown_on(page) for page in ELSEWHERE)

    assert list(azure) == [f".azure/{name}.yml" for name in ("check", "databricks", "pull-request", "main", "release")]
    assert list(gitlab) == [".gitlab-ci.yml"]
    assert all(page.read_text(encoding="utf-8").count("```yaml") == len(files_shown_on(page)) for page in ELSEWHERE)
    for name in ("check", "databricks", "pull-request", "main", "release"):
        included = re.findall(r"template: (\S+)", azure[f".azure/{name}.yml"])
        assert {f".azure/{other}" for other in included} <= set(azure)


@pytest.mark.parametrize("name", TEXTS)
def test_a_pipeline_is_yaml_and_every_step_of_it_has_something_to_do(name: str) -> None:
    assert isinstance(read(TEXTS[name]), dict)


@pytest.mark.parametrize("name", TEXTS)
def test_every_make_target_that_is_run_exists(name: str) -> None:
    lines = re.findall(r"\bmake ((?:[a-z][a-z-]* ?)+)", TEXTS[name])

    assert {word for line in lines for word in line.split()} <= MADE


def test_every_target_that_is_deployed_to_is_one_of_the_bundle() -> None:
    named = re.findall(r"(?:\btarget: |\bTARGET[=:] ?|bundle (?:\w+ )+-t )\"?([a-z]+)\"?", "\n".join(TEXTS.values()))

    assert set(named) == {"test", "staging", "prod"}
    assert set(named) <= set(read(BUNDLE)["targets"])


def test_the_integration_test_is_a_job_that_there_is() -> None:
    script = (ROOT / ".ci" / "bundle").read_text(encoding="utf-8")
    (job,) = re.findall(r"bundle run (\w+)", script)

    assert (ROOT / "resources" / f"{job}.job.yml").exists()


@pytest.mark.parametrize("job", JOBS.values(), ids=JOBS)
def test_every_action_is_pinned_to_a_commit_with_its_version_beside_it(job: dict[str, Any]) -> None:
    used = [step["uses"] for step in steps(job) if "uses" in step] + ([job["uses"]] if "uses" in job else [])

    for action in used:
        if action.startswith("./"):
            assert (ROOT / action).exists()
        else:
            assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40}", action)
            lines = [line for text in TEXTS.values() for line in text.splitlines() if action in line]
            assert all(re.search(r" # v\d+\.\d+\.\d+$", line) for line in lines)


def test_one_action_has_one_version_everywhere() -> None:
    pins = re.findall(r"uses: ([\w/-]+)@(\w+)", "\n".join(TEXTS.values()))

    assert len({action for action, _ in pins}) == len(set(pins))


def test_nothing_is_known_to_the_workflows_that_could_be_stolen() -> None:
    for name, text in TEXTS.items():
        assert "secrets." not in text, name
        assert not re.search(r"DATABRICKS_(TOKEN|CLIENT_SECRET)", text), name
        assert "pull_request_target" not in text, name


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_do_nothing_but_what_its_jobs_say(path: Path) -> None:
    assert read(path.read_text(encoding="utf-8"))["permissions"] == {}
    assert all("permissions" in job for job in read(path.read_text(encoding="utf-8"))["jobs"].values())


@pytest.mark.parametrize("job", JOBS.values(), ids=JOBS)
def test_only_jobs_that_speak_to_the_workspace_or_publish_the_pages_may_ask_for_a_token(job: dict[str, Any]) -> None:
    commands = "\n".join(step.get("run", "") for step in steps(job))
    speaks = any(command in commands for command in NEEDS_THE_WORKSPACE) or str(job.get("uses")).endswith("/deploy.yml")
    publishes = job.get("environment") == "github-pages"

    assert (job["permissions"].get("id-token") == "write") == (speaks or publishes)


def test_a_job_that_speaks_to_the_workspace_has_an_environment_and_strangers_cannot_start_it() -> None:
    assert JOBS["deploy/deploy"]["environment"] == "${{ inputs.target }}"
    assert JOBS["pull-request/validate"]["environment"] == "test"
    assert "head.repo.full_name == github.repository" in JOBS["pull-request/validate"]["if"]


def test_the_job_that_may_comment_runs_nothing_of_the_pull_request() -> None:
    job = JOBS["pull-request/comment"]

    assert job["permissions"] == {"pull-requests": "write"}
    assert [step["uses"].split("@")[0] for step in job["steps"]] == [
        "actions/download-artifact",
        "actions/github-script",
    ]
    assert [name for name, other in JOBS.items() if "pull-requests" in other["permissions"]] == ["pull-request/comment"]


def test_staging_waits_for_the_integration_test_and_prod_for_a_tag_on_main() -> None:
    assert (JOBS["main/integration-test"]["needs"], JOBS["main/staging"]["needs"]) == ("check", "integration-test")
    assert JOBS["main/integration-test"]["with"] == {"target": "test", "integration-test": True}
    assert (JOBS["release/check"]["needs"], JOBS["release/prod"]["needs"]) == ("merged", "check")
    assert read((ROOT / ".github/workflows/release.yml").read_text(encoding="utf-8"))["on"] == {
        "push": {"tags": ["v*"]}
    }


RECORDER = """#!/bin/sh
echo "$@" >> called
cat .databricks/bundle/*/variable-overrides.json >> called 2>/dev/null
[ -z "${REFUSE:-}" ] || [ "$4" != "$REFUSE" ]
"""


def bundle(folder: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """What ``.ci/bundle`` does with a program in the CLI's place, which writes down how it was called."""
    recorder = folder / "bin" / "databricks"
    recorder.parent.mkdir(exist_ok=True)
    recorder.write_text(RECORDER, encoding="utf-8")
    recorder.chmod(0o755)
    path = f"{recorder.parent}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        [ROOT / ".ci" / "bundle", *words], cwd=folder, env=os.environ | environment | {"PATH": path},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def test_the_integration_test_runs_the_replay(tmp_path: Path) -> None:
    done = [bundle(tmp_path, "deploy", "test"), bundle(tmp_path, "integration-test", "test")]

    assert [one.returncode for one in done] == [0, 0]
    assert (tmp_path / "called").read_text().splitlines() == ["bundle deploy -t test", "bundle run replay -t test"]


def test_all_targets_are_validated_and_one_that_is_not_valid_fails(tmp_path: Path) -> None:
    done = bundle(tmp_path, "validate", "test", "staging", "prod", REFUSE="staging")

    assert done.returncode == 1
    assert done.stdout.splitlines() == ["== test", "== staging", "== prod"]


def test_a_deployment_that_fails_stops(tmp_path: Path) -> None:
    done = bundle(tmp_path, "deploy", "staging", "prod", REFUSE="staging")

    assert done.returncode != 0
    assert (tmp_path / "called").read_text().splitlines() == ["bundle deploy -t staging"]


def test_the_environment_s_values_are_given_to_the_bundle(tmp_path: Path) -> None:
    done = bundle(tmp_path, "deploy", "staging", BUNDLE_VARIABLES='{"schema": "flights"}')

    assert done.returncode == 0
    assert json.loads((tmp_path / "called").read_text().splitlines()[1]) == {"schema": "flights"}


def test_without_the_cli_it_says_what_to_install(tmp_path: Path) -> None:
    shell = shutil.which("sh")
    done = subprocess.run(
        [str(shell), ROOT / ".ci" / "bundle", "deploy", "staging"], env={"PATH": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 1
    assert done.stderr.startswith("Error: The Databricks CLI is needed")


def test_a_workflow_that_is_wrong_is_found(tmp_path: Path) -> None:
    wrong = tmp_path / ".github" / "workflows" / "wrong.yml"
    wrong.parent.mkdir(parents=True)
    wrong.write_text(
        "on: push\njobs:\n  one:\n    runs-on: ubuntu-24.04\n    steps: [{run: 'echo ${{ github.nothing }}'}]\n"
    )

    found = subprocess.run(
        [ROOT / ".venv/bin/actionlint", "-shellcheck=", "-pyflakes=", wrong],
        capture_output=True,
        text=True,
        check=False,
    )

    assert found.returncode == 1
    assert 'property "nothing" is not defined' in found.stdout
