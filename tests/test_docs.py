"""The documents: each says for whom it is, every command line is one that there is, all code stands in the file that it names."""

import importlib.util
import re
from collections.abc import Mapping
from functools import cache
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from click import Argument, Command, Context, Group
from mkdocs.commands.build import build
from mkdocs.config import load_config
from ruamel.yaml import YAML

import features
import inference
import monitoring
import training
from feature_store import FeatureTable
from feature_store.discovery import discover
from features.spec import LandedTable
from inference.spec import ScoringSpec
from monitoring.spec import Monitor
from resources.entry_points import installed_entry_points
from resources.run import OTHER_COMMANDS
from tests.documents import DOCS, LINES, NOT_RUN, OWN, ROOT, RUN_ELSEWHERE, SCRIPTS, Line, of
from training.spec import TrainingSpec

TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), flags=re.MULTILINE))
NOUNS: Mapping[str, tuple[ModuleType, type]] = {
    "ingest-sources": (features, LandedTable),
    "publish-features": (features, FeatureTable),
    "train-model": (training, TrainingSpec),
    "score-batch": (inference, ScoringSpec),
    "check-consistency": (inference, ScoringSpec),
    "check-drift": (monitoring, Monitor),
}


@cache
def command(script: str) -> Command:
    found = installed_entry_points("feature_pipelines")[script]()
    assert isinstance(found, Command)
    return found


def parsed(script: str, words: list[str]) -> tuple[Command, Context]:
    """The command that is called, and its context with the parsed words; a group's is that of the command in it."""
    called, above = command(script), None
    if script == "run-job" and words and words[0] in OTHER_COMMANDS:
        called, words = OTHER_COMMANDS[words[0]], words[1:]
    if isinstance(called, Group):
        above = Context(called, info_name=script)
        assert words[0] in called.commands, f"{script} has no {words[0]}"
        called, words = called.commands[words[0]], words[1:]
    return called, called.make_context(script, list(words), parent=above)


@cache
def names(script: str) -> set[str]:
    package, noun = NOUNS[script]
    found = discover(package, noun)
    return {*(name.split(".")[-1] for name in found), *found.projects}


@cache
def bundle() -> Any:
    return YAML(typ="safe").load((ROOT / "databricks.yml").read_text(encoding="utf-8"))


def jobs() -> set[str]:
    return {path.name.removesuffix(".job.yml") for path in (ROOT / "resources").glob("*.job.yml")}


def test_every_command_line_is_run_or_is_of_a_kind_that_is_not() -> None:
    assert {line.words[0] for line in LINES} - set(SCRIPTS) == set(NOT_RUN)


def test_what_is_run_elsewhere_stands_in_a_document_and_its_test_exists() -> None:
    for first, (file, test) in RUN_ELSEWHERE.items():
        assert of(*first.split()), first
        assert f"def {test}(" in (ROOT / file).read_text(encoding="utf-8")


@pytest.mark.parametrize("line", OWN, ids=str)
def test_a_command_in_a_document_has_these_options_and_its_nouns_exist(line: Line) -> None:
    script, *rest = line.words
    called, context = parsed(script, rest)

    for argument in (one for one in called.params if isinstance(one, Argument) and script in NOUNS):
        given = context.params[str(argument.name)] or ()
        assert {given} if isinstance(given, str) else set(given) <= names(script)
    if script == "run-job":
        assert context.params.get("name") in {None, *jobs()}
        assert context.params.get("target") in {None, *bundle()["targets"]}


def test_nouns_are_found_for_every_command_that_takes_them() -> None:
    assert names("publish-features") >= {"flights", "origin_congestion"}
    assert (names("train-model") >= {"flight_delay"}, names("check-drift") >= {"airport_weather"}) == (True, True)


@pytest.mark.parametrize("line", of("make"), ids=str)
def test_a_make_target_in_a_document_exists(line: Line) -> None:
    given = dict(word.split("=", 1) for word in line.words[1:] if "=" in word)

    assert {word for word in line.words[1:] if "=" not in word} <= TARGETS
    assert given.get("TARGET", "dev") in bundle()["targets"]


@pytest.mark.parametrize("line", of("databricks", "bundle"), ids=str)
def test_a_job_and_a_target_of_the_bundle_in_a_document_exist(line: Line) -> None:
    assert line.words[line.words.index("-t") + 1] in bundle()["targets"]
    if line.words[2] == "run":
        assert line.words[3] in jobs()


@pytest.mark.parametrize("line", of("python"), ids=str)
def test_a_program_in_a_document_exists(line: Line) -> None:
    if line.words[1] == "-m":
        assert find_spec(line.words[2]), line
    else:
        assert (ROOT / line.words[1]).exists()


@pytest.mark.parametrize("page", DOCS, ids=lambda page: page.name)
def test_a_document_begins_with_whom_it_is_for(page: Path) -> None:
    title, blank, first = page.read_text(encoding="utf-8").splitlines()[:3]

    assert title.startswith("# ")
    assert (blank, first.split()[0]) == ("", "For")


def bare(code: str) -> str:
    """The lines without what depends on where they stand: indentation, and a comma after the last."""
    return "\n".join(line.strip() for line in code.strip().splitlines())


def test_code_in_a_document_stands_in_the_file_named_above_it() -> None:
    page = ROOT / "docs" / "ml-developer-guide-fs.md"
    shown = re.findall(
        r"^\[([\w/.]+\.py)\]\([^)]*\)$|^```python\n(.*?)^```", page.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )  # fmt: skip
    file, compared = "", 0
    for named, code in shown:
        file = named or file
        if code:
            assert bare(code) in bare((ROOT / file).read_text(encoding="utf-8")), file
            compared += 1
    assert compared == page.read_text(encoding="utf-8").count("```python") >= 5


def test_the_pictures_are_those_that_are_drawn() -> None:
    path = ROOT / "docs" / "pictures" / "draw.py"
    spec = importlib.util.spec_from_file_location("draw", path)
    assert spec
    assert spec.loader
    draw = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(draw)

    assert {path.name for path in path.parent.glob("*.svg")} == set(draw.PICTURES)
    for name, picture in draw.PICTURES.items():
        assert (path.parent / name).read_text(encoding="utf-8") == picture()
    for _, (run, _), _ in draw.STAGES:
        assert run in SCRIPTS
    for (folder, _), _, _ in draw.STAGES:
        assert (ROOT / folder).is_dir()


class Asked(HTMLParser):
    """What a page makes its browser fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in ("img", "script", "iframe", "source"):
            self.addresses.append(given.get("src", ""))
        if tag == "link" and given.get("rel") not in ("canonical", "next", "prev"):
            self.addresses.append(given.get("href", ""))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole site, as ``make docs`` builds it."""
    folder = tmp_path_factory.mktemp("site")
    config = load_config(str(ROOT / "mkdocs.yml"), site_dir=str(folder), strict=True)
    config.plugins.on_startup(command="build", dirty=False)
    build(config)
    return folder


def test_the_site_asks_no_other_host_for_anything(site: Path) -> None:
    pages = sorted(site.rglob("*.html"))
    for page in pages:
        asked = Asked()
        asked.feed(page.read_text(encoding="utf-8"))
        assert not [address for address in asked.addresses if re.match(r"(https?:)?//", address)], page.name
    assert len(pages) > 10


@pytest.mark.parametrize(
    ("page", "name"),
    [
        ("api/feature_store.html", "feature_store.FeatureTable"),
        ("api/feature_store.html", "feature_store.store.FeatureStore.score_batch"),
        ("api/feature_store.html", "training.testing.check_direction"),
        ("api/stages.html", "training.spec.TrainingSpec"),
        ("api/stages.html", "monitoring.limits.Psi"),
        ("commands.html", "review-alerts-snooze"),
    ],
)
def test_the_reference_has_what_users_call(site: Path, page: str, name: str) -> None:
    assert f'id="{name}"' in (site / page).read_text(encoding="utf-8")


def test_no_role_of_sphinx_is_left_in_the_reference(site: Path) -> None:
    for page in (site / "api").glob("*.html"):
        assert ":class:" not in page.read_text(encoding="utf-8")
