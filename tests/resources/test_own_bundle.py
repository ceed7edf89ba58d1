"""This repository's own bundle: what must be given, whom jobs run as, and that what is installed is what is locked."""

import re
import tomllib
from pathlib import Path

import pytest

from feature_store.yaml_files import InvalidFile
from resources.job_verb import checked_bundle
from tests.resources.conftest import GIVEN

ROOT = Path(__file__).parents[2]


def test_what_a_team_must_fill_in_is_demanded_in_production_and_not_in_development() -> None:
    assert checked_bundle(ROOT, target="dev").jobs
    for target in ("test", "staging", "prod"):
        with pytest.raises(InvalidFile) as found:
            checked_bundle(ROOT, target=target)
        assert re.findall(r"variable (\w+) \(\w", str(found.value)) == ["alert_email", "service_principal"]
        assert checked_bundle(ROOT, target=target, variables=GIVEN).others == 10


def test_development_has_each_persons_own_and_production_runs_as_the_service_principal() -> None:
    runs = {
        target: {str(job.run_as) for job in checked_bundle(ROOT, target=target, variables=GIVEN).jobs.values()}
        for target in ("dev", "prod")
    }
    assert runs["prod"] == {"{'service_principal_name': '0a1b'}"}
    assert [one.split(":")[0] for one in runs["dev"]] == ["{'user_name'"]


def test_the_environments_and_the_app_pin_what_the_lock_has() -> None:
    def plain(name: str) -> str:
        return re.sub(r"[-_.]+", "-", name).lower()

    lock = re.findall(r"^([a-z0-9._-]+)==([^ \\]+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE)
    locked = {plain(name): version for name, version in lock}
    texts = [file.read_text() for file in sorted((ROOT / "resources").glob("*.job.yml"))]
    pinned = [pin for text in texts for pin in re.findall(r"^ +- ([A-Za-z0-9._-]+)==(\S+)$", text, re.MULTILINE)]
    assert len(pinned) == sum("environments:" in text for text in texts)
    of_app = re.findall(r"^([A-Za-z0-9._-]+)==(\S+)$", (ROOT / "requirements.txt").read_text(), re.MULTILINE)
    for name, version in [*pinned, *of_app]:
        if name != "databricks-connect":  # Spark itself is there in its place
            assert (name, version) == (name, locked.get(plain(name)))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = [*project["dependencies"], *project["optional-dependencies"]["review"]]
    names = {plain(re.split(r"[<>=\[]", one)[0]) for one in needed}
    assert names <= {plain(name) for name, _ in of_app}
