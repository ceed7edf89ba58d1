"""The features' pages say what is there, and show the rest: nothing yet, a torn table, half a name, what is gone, very much."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit import config
from streamlit.testing.v1 import AppTest

from feature_store import FeatureStore, open_store
from monitoring.app.serving import MAIN
from tests.feature_store.catalog.shelves import register, shelve, shelve_wide


@pytest.fixture
def store(tmp_path: Path) -> FeatureStore:
    return open_store(catalog="test", schema="couriers", workspace=tmp_path)


@pytest.fixture
def shown(store: FeatureStore, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """A page's texts, its code, and the links with what is told of each."""
    for name, value in {
        "REVIEW_CATALOG": "test",
        "REVIEW_SCHEMA": "couriers",
        "WORKSPACE": str(store.workspace),
    }.items():
        monkeypatch.setenv(f"PIPELINE_{name}", value)
    # As the page's own config.toml says, from whose folder no test starts.
    config.set_option("server.address", "127.0.0.1")

    def texts(name: str = "", words: str = "") -> str:
        app = AppTest.from_file(str(MAIN), default_timeout=60)
        app.query_params.update({"page": "features", "name": name, "words": words})
        app.run()
        assert not app.exception
        return "\n".join(told(one) for one in app.main)

    def told(element: Any) -> str:
        return (
            of_ours(json.loads(element.proto.json))
            if element.type == "bidi_component"
            else str(getattr(element, "value", ""))
        )

    def of_ours(data: Any) -> str:
        return data if isinstance(data, str) else "\n".join(" | ".join(line) for line in data["lines"])

    return texts


def district(store: FeatureStore) -> None:
    shelve(store, "district", {"district": "string", "kilometres": "double"}, [("old", 1.5)], keys=["district"])


def test_no_tables_yet(shown) -> None:
    assert "There are no feature tables in test.couriers yet: publish-features makes them." in shown()
    assert "There is nothing called 'test.couriers.district' in test.couriers." in shown(name="test.couriers.district")


def test_a_torn_table_is_named_and_hides_no_other(store, shown) -> None:
    district(store)
    log = store.workspace / "warehouse" / "test" / "couriers" / "torn" / "_delta_log"
    log.mkdir(parents=True)
    (log / f"{0:020}.json").write_text("{")

    for text in (shown(), shown(words="torn")):
        assert "torn | Table test.couriers.torn is damaged" in text
    assert "test.couriers.district" in shown()
    assert "Cannot be read in full: Table test" in shown(name="test.couriers.torn")
    assert "values: 1.5 to 1.5" in shown(name="test.couriers.district.kilometres")


def test_half_a_name_is_answered_with_the_closest(store, shown) -> None:
    district(store)

    assert "The closest names are district." in shown(name="test.couriers.distrct")
    assert "has no column 'kilometre'. The closest names are kilometres." in shown(
        name="test.couriers.district.kilometre"
    )
    assert "Nothing is called or described so. The closest names are kilometres." in shown(words="kilotonnes")
    assert "1 found" in shown(words="kilometers")


def test_a_feature_and_a_table_that_are_gone_since_a_model_was_trained_on_them(store, shown) -> None:
    district(store)
    register(
        store, store.workspace / "v1", "late_order", {"district": ["steepness"], "moods": ["mood"]}, alias="champion"
    )

    assert "steepness is no column of it; made with it: late_order/1" in shown(name="test.couriers.district")
    gone = shown(name="test.couriers.district.steepness")
    assert "It is no longer a column of the table." in gone
    assert "A change reaches late_order/1. Ask models@example.com first." in gone
    gone = shown(name="test.couriers.moods")
    assert "It is not in test" in gone
    assert "A change reaches late_order/1." in gone


def test_of_ten_thousand_features_the_first_are_listed_and_all_are_found(store, shown) -> None:
    shelve_wide(store, "wide", 10_000)

    table = shown(name="test.couriers.wide")
    assert "feature_498 | double" in table
    assert "feature_499" not in table
    assert "and 9,501 more, which the search finds" in table
    assert "test.couriers.wide.feature_7301 | wide.feature_7301 | double" in shown(words="feature 7301")
