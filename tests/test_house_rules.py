"""The rules of the house, as tests: what the engine exports, who answers for what, and which way imports point."""

import inspect
import re
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
from feature_store.databricks import DatabricksStore
from feature_store.databricks_tables import UnityTables
from feature_store.discovery import discover
from feature_store.local.store import LocalStore
from feature_store.local.tables import DeltaTables
from feature_store.tables import Tables
from features.spec import LandedTable

ROOT = Path(__file__).parents[1]
PACKAGES = [feature_store, features, training, inference, monitoring, resources]
MODULES = sorted(path for package in PACKAGES for path in Path(package.__file__).parent.rglob("*.py"))
MOST_LINES = 300
TOO_LONG: list[str] = []
"""Modules that may be longer for now. Empty is right."""


def test_the_engine_exports_these_names():
    assert feature_store.__all__ == [
        "ConcurrentWrite",
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


def test_imports_point_one_way(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert lint_imports(is_debug_mode=False, cache_dir=None) == EXIT_STATUS_SUCCESS


@pytest.mark.parametrize(
    ("interface", "implementation"),
    [(FeatureStore, LocalStore), (Tables, DeltaTables), (FeatureStore, DatabricksStore), (Tables, UnityTables)],
)
def test_each_store_has_the_verbs_of_the_seam_with_the_same_parameters(interface, implementation):
    for name, verb in vars(interface).items():
        if name.startswith("_") or not callable(verb):
            continue
        ours = inspect.signature(getattr(implementation, name))
        assert list(ours.parameters) == list(inspect.signature(verb).parameters), name
        for parameter, declared in inspect.signature(verb).parameters.items():
            assert (ours.parameters[parameter].kind, ours.parameters[parameter].default) == (
                declared.kind,
                declared.default,
            ), (name, parameter)


def test_the_lock_names_packages_versions_and_hashes_and_no_place_to_download_from():
    lock = (ROOT / "requirements.lock").read_text()
    assert not re.search(r"https?://|pypi\.org|pythonhosted|(?<!-no-emit-)\b(index-url|find-links)\b", lock)
    packages = re.findall(r"^([a-z0-9][\w.-]*)==", lock, re.MULTILINE)
    assert len(packages) > 50
    assert lock.count("--hash=sha256:") >= len(packages)
