"""The rules of the house, as tests: what the engine exports, who answers for what, and which way imports point."""

import ast
import inspect
import logging.config
import pkgutil
import re
import tomllib
from pathlib import Path

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

import feature_store
import features
import inference
import monitoring
import resources
import training
from feature_store import FeatureStore, FeatureTable, Source
from feature_store.databricks.store import DatabricksStore
from feature_store.discovery import discover
from feature_store.local import session
from feature_store.local.store import LocalStore
from feature_store.tables.delta_tables import DeltaTables
from feature_store.tables.protocol import Tables
from features.spec import LandedTable
from inference.spec import ScoringSpec
from monitoring.spec import DriftMonitor
from resources.new_project.answers import STAGES, projects
from training.spec import TrainingSpec

ROOT = Path(__file__).parents[1]
PACKAGES = [feature_store, features, training, inference, monitoring, resources]
MODULES = sorted(path for package in PACKAGES for path in Path(package.__file__).parent.rglob("*.py"))
MOST_LINES = 300
TOO_LONG: list[str] = []
"""Modules that may be longer for now. Empty is right."""


def test_the_engine_exports_these_names():
    assert feature_store.__all__ == [
        "ConcurrentWrite",
        "FeatureEngineeringClient",
        "FeatureFunction",
        "FeatureLookup",
        "FeatureStore",
        "FeatureTable",
        "Fresh",
        "InRange",
        "InvalidRows",
        "Misuse",
        "NotFound",
        "NullShare",
        "OneOf",
        "PipelineError",
        "RowCount",
        "SchemaMismatch",
        "Source",
        "StorageError",
        "WrongKind",
        "open_store",
        "training_frame",
    ]
    assert all(hasattr(feature_store, name) for name in feature_store.__all__)


@pytest.mark.parametrize("table", discover(features, FeatureTable).values(), ids=lambda table: table.name)
def test_every_feature_table_has_an_owner_a_description_and_describes_every_column(table):
    assert "@" in table.owner
    assert table.description
    assert table.description.strip() == inspect.getmodule(table.compute).__doc__.strip()
    assert all(text.strip() for text in table.features.values())


def test_every_source_is_of_a_landed_table_and_of_its_columns():
    landed = discover(features, LandedTable)
    for source in discover(features, Source).values():
        assert source.description
        columns = {*landed[source.table].columns, "known_at"}
        assert set(source.columns) <= columns, source.name
        assert source.known_at is None or source.known_at in columns, source.name


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_is_short_and_begins_by_saying_what_it_is_for(path):
    text = path.read_text()
    if str(path.relative_to(ROOT)) not in TOO_LONG:
        assert len(text.splitlines()) < MOST_LINES
    assert not text.strip() or text.startswith('"""')


def folders(map_of_the_house):
    """The folders of an indented map, by their paths; two that stand on one line are neighbours."""
    found, above = set(), []
    for line in map_of_the_house.splitlines():
        depth = (len(line) - len(line.lstrip())) // 4
        names = re.findall(r"(?:^| )([a-z_]+)/(?= |$)", line.split("  <-")[0])
        above = [*above[:depth], *names[:1]]
        found |= {"/".join([*above[:depth], name]) for name in names}
    return found


def test_the_map_of_the_house_names_every_folder_that_there_is_and_no_other():
    drawn = folders((ROOT / "ARCHITECTURE.md").read_text().split("```")[1])
    there = {str(path.parent.relative_to(ROOT)) for path in MODULES if path.name == "__init__.py"}
    of_projects = {f"{stage}/{name}" for stage in STAGES for name in projects(ROOT)}
    # One project shows where projects are; the others look like it.
    assert drawn - of_projects == there - of_projects
    assert {stage for stage in STAGES for path in drawn & of_projects if path.startswith(f"{stage}/")} == {*STAGES}
    assert drawn <= there


def test_the_way_of_one_value_leads_through_modules_that_there_are():
    way = (ROOT / "ARCHITECTURE.md").read_text().split("## The way of one value")[1]
    named = re.findall(r"`([\w/]+\.py)`", way)
    assert len(named) > 5
    for name in named:
        assert (ROOT / name).exists() or (ROOT / "feature_store" / name).exists(), name


@pytest.mark.parametrize(
    "path", [path for path in MODULES if path.name == "__init__.py"], ids=lambda path: str(path.relative_to(ROOT))
)
def test_each_folder_says_what_lives_there(path):
    said = ast.get_docstring(ast.parse(path.read_text()))
    assert said
    assert len(said.split()) > 5


@pytest.mark.parametrize(
    ("stage", "noun"),
    [(features, FeatureTable), (training, TrainingSpec), (inference, ScoringSpec), (monitoring, DriftMonitor)],
    ids=lambda value: value.__name__,
)
def test_a_stage_s_folders_are_machinery_or_declare_something(stage, noun):
    there = list(pkgutil.iter_modules(stage.__path__))
    assert set(stage.MACHINERY) <= {module.name for module in there}
    folders = {module.name for module in there if module.ispkg} - set(stage.MACHINERY)
    assert folders == set(discover(stage, noun).projects)


def test_each_project_stands_in_the_layers_of_imports():
    layers = next(
        contract["layers"]
        for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
        if contract["name"].startswith("In a stage")
    )
    listed = {name for layer in layers for name in layer.split(" | ")}
    for stage in STAGES:
        assert {f"{stage}.{name}" for name in projects(ROOT) if (ROOT / stage / name).is_dir()} <= listed


def test_imports_point_one_way(monkeypatch):
    monkeypatch.chdir(ROOT)
    # It would switch off all loggers that are there, in tests that come after, too.
    monkeypatch.setattr(logging.config, "dictConfig", lambda settings: None)
    assert lint_imports(is_debug_mode=False, cache_dir=None) == EXIT_STATUS_SUCCESS


def in_a_folder(tmp_path):
    tables = DeltaTables(tmp_path, catalog="test", schema="flights", engine=session)
    return LocalStore(tmp_path, tables), tables


def on_databricks(tmp_path):
    store = DatabricksStore(None, None, catalog="test", schema="flights", workspace=tmp_path)
    return store, store.tables


@pytest.mark.parametrize("implementation", [in_a_folder, on_databricks])
@pytest.mark.parametrize(("interface", "which"), [(FeatureStore, 0), (Tables, 1)])
def test_each_store_has_the_verbs_of_the_seam_with_the_same_parameters(interface, which, implementation, tmp_path):
    implemented = implementation(tmp_path)[which]
    verbs = {name: verb for name, verb in vars(interface).items() if not name.startswith("_") and callable(verb)}
    assert len(verbs) > 10
    for name, verb in verbs.items():
        ours = inspect.signature(getattr(implemented, name)).parameters
        declared = dict(list(inspect.signature(verb).parameters.items())[1:])
        assert list(ours) == list(declared), name
        for parameter, one in declared.items():
            assert (ours[parameter].kind, ours[parameter].default) == (one.kind, one.default), (name, parameter)


def test_the_lock_names_packages_versions_and_hashes_and_no_place_to_download_from():
    lock = (ROOT / "requirements.lock").read_text()
    assert not re.search(r"https?://|pypi\.org|pythonhosted|(?<!-no-emit-)\b(index-url|find-links)\b", lock)
    packages = re.findall(r"^([a-z0-9][\w.-]*)==", lock, re.MULTILINE)
    assert len(packages) > 50
    assert lock.count("--hash=sha256:") >= len(packages)
