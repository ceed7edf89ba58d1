"""``show-features``: what is found, what a table and a feature are, and what is said where something is wrong."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from feature_store import FeatureStore, open_store
from feature_store.catalog.facts import ColumnFacts, table_facts
from feature_store.catalog.reading import read_catalog
from feature_store.catalog.show import main
from feature_store.tables.commit import Commit
from tests.feature_store.catalog.shelves import at, publishing, register, shelve, shelve_wide

LOAD = {
    "courier": "string",
    "known_at": "timestamp",
    "open_orders": "long: Orders in the bag",
    "mood": "string: As told",
}
CHECKS = [
    {"check": "open_orders >= 0", "on_failure": "warn", "passed": False, "rows": 1, "found": "1 row"},
    {
        "check": "newest row at most 1 day old",
        "within_seconds": 86400.0,
        "on_failure": "warn",
        "passed": True,
        "found": "",
    },
]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> FeatureStore:
    """A table with time, one without, a table of scores, and a champion that was trained with a feature since dropped."""
    workspace = tmp_path_factory.mktemp("catalog")
    store = open_store(catalog="test", schema="couriers", workspace=workspace)
    details = {
        "checks": CHECKS, "module": "features.couriers.load", "job": "nightly", "seconds": 2.5, "views": ["order_counts"],
        "published_until": "2024-01-05T00:00:00+00:00",
    }  # fmt: skip
    rows = [("ann", at(1), 2, "glad"), ("bob", at(2), None, "glad"), ("ann", at(4), 7, "sad"), ("eve", at(4), 0, None)]
    shelve(
        store, "courier_load", LOAD, rows, keys=["courier", "known_at"], time="known_at", domain="bikes",
        description="What a courier carries", commit=publishing(at(5), **details),
    )  # fmt: skip
    shelve(
        store, "district", {"district": "string", "kilometres": "double"}, [("old town", 1.5)], keys=["district"],
        description="How far it is",
    )  # fmt: skip
    register(store, workspace / "v1", "late_order", {"courier_load": ["open_orders", "speed"]}, alias="champion")
    scored = Commit(
        verb="score-batch", as_of=at(5), sources={"test.couriers.courier_load": 1},
        details={"model": "test.couriers.late_order", "model_version": "1"},
    )  # fmt: skip
    shelve(store, "late_scores", {"order_id": "string", "prediction": "double"}, [("1", 0.5)], commit=scored)
    runs = {
        "population": "string", "as_of": "timestamp", "outcome": "string", "entities": "long",
        "misses": {"type": "map", "keyType": "string", "valueType": "long", "valueContainsNull": True},
    }  # fmt: skip
    missed = [
        ("all_orders", at(4), "scored", 9, [("test.couriers.courier_load", 9)]),
        ("all_orders", at(5), "scored", 6, [("test.couriers.courier_load", 1)]),
        ("all_orders", at(5), "scored", 2, [("test.couriers.courier_load", 1)]),
        ("all_orders", at(5), "refused", 2, None),
    ]
    shelve(store, "scoring_runs", runs, missed, commit=Commit(verb="record-scoring", as_of=at(5)))
    return store


def typed(store: FeatureStore, *words: str, as_of: str = "2024-01-05") -> Result:
    place = ["--workspace", str(store.reports.parent), "--catalog", "test", "--schema", "couriers", "--as-of", as_of]
    return CliRunner().invoke(main, [*words, *place])


def shown(store: FeatureStore, *words: str, as_of: str = "2024-01-05") -> str:
    result = typed(store, *words, as_of=as_of)
    assert result.exit_code == 0, result.output
    return "\n".join(" ".join(line.split()) for line in result.stdout.splitlines())


def document(store: FeatureStore, *words: str) -> object:
    return json.loads(typed(store, *words, "--json").stdout)


def test_a_table_is_told_with_all_that_is_recorded_of_it(store: FeatureStore) -> None:
    told = shown(store, "courier_load")

    assert told.startswith("test.couriers.courier_load feature table, version 1 written 20")
    assert told.splitlines()[1:16] == [
        "What a courier carries",
        "owner couriers@example.com",
        "tags domain=bikes",
        "keys courier, known_at (time)",
        "made of orders, order_counts",
        "made by features.couriers.load, job nightly, as of 2024-01-05 00:00, published until 2024-01-05 00:00",
        "fresh newest row of 2024-01-04 00:00, 24.0 h before 2024-01-05 00:00; at most 24.0 h is declared",
        f"costs 4 rows, {store.tables.open('courier_load').get_add_actions().column('size_bytes')[0].as_py() / 1000:.1f} kB, "
        "2.5 s for the last publishing",
        "check failed (warn) open_orders >= 0: 1 row",
        "check passed newest row at most 1 day old:",
        "read by models late_order/1 (champion)",
        "read by scores late_scores",
        "lookups 2 of 8 (25%) found nothing when all_orders was scored as of 2024-01-05 00:00",
        "column type nulls range or commonest values what it is",
        "─" * told.splitlines()[15].count("─"),
    ]
    assert told.splitlines()[16:20] == [
        "courier string 0% ann 50%, bob 25%, eve 25%",
        "known_at timestamp 0% 2024-01-01 00:00 to 2024-01-04 00:00",
        "open_orders bigint 25% 0 to 7 Orders in the bag",
        "mood string 25% glad 50%, sad 25% As told",
    ]


def test_a_feature_dropped_since_a_model_was_trained_on_it_is_told_with_the_table_and_by_its_name(
    store: FeatureStore,
) -> None:
    gone = "speed is no column of it; made with it: late_order/1 (champion), late_scores."

    assert gone in shown(store, "courier_load")
    assert gone in shown(store, "courier_load.speed")


def test_a_table_is_too_old_as_of_a_later_moment(store: FeatureStore) -> None:
    assert "24.0 h before 2024-01-05" in shown(store, "courier_load")
    told = shown(store, "courier_load", as_of="2024-01-10")
    assert (
        "fresh newest row of 2024-01-04 00:00, 6.0 d before 2024-01-10 00:00; too old: at most 24.0 h is declared"
        in told
    )


def test_what_was_made_later_than_the_moment_is_not_there_yet(store: FeatureStore) -> None:
    refused = typed(store, as_of="2024-01-02")

    assert refused.exit_code == 1
    assert "There are no feature tables in test.couriers. Run ingest-sources first" in " ".join(refused.stderr.split())


def test_a_feature_is_told_alone(store: FeatureStore) -> None:
    told = shown(store, "test.couriers.courier_load.open_orders").splitlines()

    assert told[:2] == ["test.couriers.courier_load.open_orders bigint", "Orders in the bag"]
    assert {"nulls 25%", "values 0 to 7", "read by models late_order/1 (champion)"} <= set(told)
    assert [line for line in told if line.startswith("check")] == ["check failed (warn) open_orders >= 0: 1 row"]


def test_words_find_features_with_who_reads_them(store: FeatureStore) -> None:
    assert shown(store, "ordres", "bag").splitlines()[2:] == [
        "courier_load.open_orders Orders in the bag bigint late_order/1 (champion), late_scores"
    ]


def test_without_words_all_feature_tables_are_listed(store: FeatureStore) -> None:
    assert [line.split()[0] for line in shown(store).splitlines()[2:]] == ["courier_load", "district"]


def test_programs_get_the_same_as_json(store: FeatureStore) -> None:
    told = document(store, "courier_load")

    assert isinstance(told, dict)
    orders = next(one for one in told["columns"] if one["name"] == "open_orders")
    assert orders == {
        "name": "open_orders", "type": "bigint", "description": "Orders in the bag", "nulls": 0.25, "least": 0,
        "greatest": 7, "commonest": [], "of_all": True, "readers": ["late_order/1", "late_scores"],
    }  # fmt: skip
    assert (told["rows"], told["publishing"]["seconds"], told["dropped"]) == (
        4,
        2.5,
        {"speed": ["late_order/1", "late_scores"]},
    )
    assert told["freshness"] == {
        "newest": "2024-01-04T00:00:00+00:00", "age": 86400.0, "within": 86400.0, "is_kept": True,
    }  # fmt: skip
    assert told["misses"] == [
        {"population": "all_orders", "as_of": "2024-01-05T00:00:00+00:00", "rows": 8, "misses": 2}
    ]
    assert [one["name"] for one in document(store, "carries")] == ["courier_load"]
    assert document(store, "zebra") == []


def test_a_name_that_is_half_right_finds_what_is_meant_and_a_columns_name_is_answered_with_those_there_are(
    store,
) -> None:
    assert "courier_load" in shown(store, "curier_laod")
    refused = typed(store, "courier_load.open_order")
    assert refused.exit_code == 1
    assert "has no column 'open_order'. Did you mean open_orders?" in " ".join(refused.stderr.split())
    refused = typed(store, "zebra")
    assert "Nothing in test.couriers is called or described as 'zebra'." in " ".join(refused.stderr.split())


def test_an_empty_schema_says_what_to_run(tmp_path: Path) -> None:
    empty = open_store(catalog="test", schema="couriers", workspace=tmp_path)

    for words in ([], ["orders"], ["--unused"]):
        refused = typed(empty, *words)
        assert refused.exit_code == 1
        assert "There are no feature tables in test.couriers. Run ingest-sources first" in " ".join(
            refused.stderr.split()
        )
    assert document(empty) == []


def test_a_broken_table_is_named_and_hides_no_other(tmp_path: Path) -> None:
    store = open_store(catalog="test", schema="couriers", workspace=tmp_path)
    shelve(store, "district", {"district": "string", "kilometres": "double"}, [("old", 1.5)], keys=["district"])
    log = tmp_path / "warehouse" / "test" / "couriers" / "torn" / "_delta_log"
    log.mkdir(parents=True)
    (log / f"{0:020}.json").write_text("{")

    for words in ([], ["kilometres"], ["--unused"]):
        told = shown(store, *words)
        assert "district" in told
        assert "torn cannot be read: Table test.couriers.torn is damaged" in told
    assert "problem Table test.couriers.torn is damaged" in shown(store, "torn")


def test_a_table_whose_data_is_gone_is_told_as_far_as_its_log_goes(tmp_path: Path) -> None:
    store = open_store(catalog="test", schema="couriers", workspace=tmp_path)
    columns = {"district": "string", "kilometres": "double", "zone": "string", "area": "string"}
    shelve(store, "district", columns, [("old", 1.5, "a", "a")], keys=["district"])
    for path in (tmp_path / "warehouse" / "test" / "couriers" / "district").glob("*.parquet"):
        path.unlink()

    told = shown(store, "district")

    assert "costs 1 row," in told
    assert "kilometres double 0% 1.5 to 1.5" in told
    assert "problem" in told
    assert "the whole table" in shown(store, "--unused")


def test_a_table_without_a_row_has_columns_all_the_same(tmp_path: Path) -> None:
    store = open_store(catalog="test", schema="couriers", workspace=tmp_path)
    shelve(store, "district", {"district": "string", "kilometres": "double"}, keys=["district"])

    told = shown(store, "district")

    assert "costs 0 rows, 0 B" in told
    assert "kilometres double –" in told
    assert "problem" not in told


def test_a_table_that_a_champion_reads_and_that_is_gone_is_named(tmp_path: Path) -> None:
    store = open_store(catalog="test", schema="couriers", workspace=tmp_path)
    shelve(store, "district", {"district": "string", "kilometres": "double"}, [("old", 1.5)], keys=["district"])
    register(store, tmp_path / "v1", "late_order", {"moods": ["mood"]}, alias="champion")

    assert "test.couriers.moods is no longer there; made with it: late_order/1 (champion)." in shown(store)
    assert "Table test.couriers.moods is no longer there" in " ".join(typed(store, "moods").stderr.split())


def test_markup_and_control_characters_are_shown_and_do_nothing(tmp_path: Path) -> None:
    store = open_store(catalog="test", schema="couriers", workspace=tmp_path)
    nasty = "[bold]<script>alert('\"')</script>\x1b[31m\u202e\nred"
    shelve(
        store, "odd", {"id": "string", "value <b>'x'": f"double: {nasty}"}, [("\x1b[2J[red]", 1.0)], keys=["id"],
        description=nasty, owner=nasty,
    )  # fmt: skip

    for words in ([], ["script"], ["odd"], ["odd.value <b>'x'"], ["--unused"]):
        result = typed(store, *words)
        assert result.exit_code == 0, result.output
        assert not {"\x1b", "\u202e"} & set(result.stdout)
        assert "[bold]<script>alert('\"')</script>\\x1b[31m\\u202e red" in result.stdout
    assert "\\x1b[2J[red]" in typed(store, "odd").stdout
    (found,) = document(store, "script", "value")
    assert found["description"] == nasty


def test_columns_without_statistics_are_told_of_the_newest_rows(tmp_path: Path) -> None:
    store = open_store(catalog="test", schema="couriers", workspace=tmp_path)
    columns = {"id": "string", **{f"value_{n}": "long" for n in range(40)}}
    for start in (0, 10):
        shelve(store, "wide", columns, [(f"{n}", *[n] * 40) for n in range(start, start + 3)], keys=["id"])
    table = read_catalog(store).tables["test.couriers.wide"]

    facts = table_facts(store.tables, table, most=2)

    assert (facts.rows, facts.read) == (6, 2)
    assert facts.columns["value_3"] == ColumnFacts(0.0, 0, 12, of_all=True)
    assert facts.columns["value_39"] == ColumnFacts(0.0, 10, 11, of_all=False)
    assert facts.columns["id"] == ColumnFacts(0.0, commonest=[("10", 0.5), ("11", 0.5)], of_all=True)


def test_of_ten_thousand_features_the_first_are_printed_and_all_are_found(tmp_path: Path) -> None:
    store = open_store(catalog="test", schema="couriers", workspace=tmp_path)
    shelve_wide(store, "wide", 10_000)

    told = shown(store, "wide")
    assert "feature_498 double" in told
    assert "feature_499 " not in told
    assert "and 9,501 more columns: words find them, and --json has them all." in told
    assert shown(store, "feature", "7301").splitlines()[2].startswith("wide.feature_7301 ")
    assert "feature_7301 double" in shown(store, "wide.feature_7301")
    assert len(document(store, "wide")["columns"]) == 10_001


def test_words_and_unused_contradict_each_other(store: FeatureStore) -> None:
    assert "--unused is about all tables: leave the words out." in typed(store, "orders", "--unused").stderr
