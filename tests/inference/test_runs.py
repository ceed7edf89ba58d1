"""What a scoring run says of itself: a row of the log for each window, what was missing, and what refuses a run."""

import shutil
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression

from feature_store import FeatureLookup, Fresh, InvalidRows, NotFound, Source
from feature_store.cli import show_error
from feature_store.package.packaging import packaged_folder
from feature_store.tables.commit import Commit
from inference.limits import MaxMisses, MaxStale
from inference.scoring import runs
from inference.scoring.runs import RUNS_TABLE, schema
from inference.scoring.told import lines, sentence
from inference.scoring.unlogged import LATE
from tests.couriers import COURIER_LOAD, DAY, at, frame
from tests.inference.orders import MODEL, OUTPUT, SPEC, Orders
from training.steps.champion import promote

LOADS, ORDERS = "test.couriers.courier_load", "test.couriers.orders"
FRESH = replace(COURIER_LOAD, checks=[Fresh(timedelta(hours=12), on_failure="warn")])
BY_NAME = FeatureLookup(LOADS, "courier", timestamp_lookup_key="decided_at")
WITH_FRESH = replace(
    SPEC, training=replace(SPEC.training, lookups=[FeatureLookup(FRESH, "courier", timestamp_lookup_key="decided_at")])
)


def log(orders: Orders) -> list[dict[str, Any]]:
    """The log's rows, in the order of their commits."""
    rows = orders.store.tables.collect(RUNS_TABLE, schema().names).to_pylist()
    for row in rows:
        for name, value in row.items():
            row[name] = dict(value) if name in ("misses", "stale", "table_versions") and value is not None else value
    return sorted(rows, key=lambda row: (row["as_of"], str(row["window_start"]), row["outcome"]))


def outcomes(orders: Orders) -> list[tuple[str, int]]:
    return [(row["outcome"], row["rows"]) for row in log(orders)]


def test_a_scored_window_is_a_row_with_what_was_read_missed_and_written(orders: Orders) -> None:
    orders.score(as_of=at("3"), start=at("1"))

    (row,) = log(orders)
    assert row.pop("duration_seconds") > 0
    assert row == {
        "run_id": "run", "population": "late_order", "score_table": OUTPUT, "as_of": at("3"),
        "window_start": at("1"), "window_end": at("3"), "outcome": "scored", "chunk": 1, "chunks": 1,
        "reason": None, "warnings": [], "rows": 4, "entities": 4, "entities_without_moment": 0,
        "misses": {LOADS: 1}, "stale": {}, "model": MODEL, "model_version": "1",
        "table_versions": {
            LOADS: orders.store.tables.version(LOADS), ORDERS: orders.store.tables.version(ORDERS),
        },
        "score_table_version": orders.store.tables.version(OUTPUT),
    }  # fmt: skip


def test_every_column_of_the_log_says_what_it_means(orders: Orders) -> None:
    orders.score(as_of=at("3"), start=at("1"))

    info = orders.store.tables.info(RUNS_TABLE)
    assert info.description
    assert all(len(column.metadata["comment"]) > 10 for column in info.schema)


def test_a_window_that_is_repeated_or_has_nobody_is_a_row_too_and_rows_are_never_changed(orders: Orders) -> None:
    orders.score(as_of=at("3"), start=at("2"))
    orders.score(as_of=at("3"), start=at("2"))
    orders.score(as_of=at("3T12"), start=at("3"))

    assert outcomes(orders) == [("repeated", 2), ("scored", 2), ("nobody", 0)]
    assert log(orders)[0]["misses"] is None
    assert {entry.operation for entry in orders.store.tables.history(RUNS_TABLE)} == {"CREATE TABLE", "WRITE"}


def test_what_was_missing_is_told_with_its_share(orders: Orders) -> None:
    done = orders.score(as_of=at("3"), start=at("1"))

    assert sentence(done) == f"{OUTPUT}: 4 rows from 2024-01-01 00:00 to 2024-01-03 00:00, by version 1"
    assert lines(done) == ["without features: courier_load 1 (25.0%)"]


def test_what_is_older_than_its_table_declares_is_counted_as_stale(orders: Orders) -> None:
    # Order 3 is decided at the 2nd, and ann's count is of the 1st; order 2's is twelve hours old, less a microsecond.
    done = orders.score(WITH_FRESH, as_of=at("3"), start=at("1"))

    assert (done.misses, done.stale) == ({LOADS: 1}, {LOADS: 1})
    assert lines(done) == ["without features: courier_load 1 (25.0%)", "stale features: courier_load 1 (25.0%)"]


@pytest.mark.parametrize(
    ("limit", "told"),
    [
        (
            MaxMisses(COURIER_LOAD, share=0.24),
            r"1 of 4 rows \(25.0%\) find no row in test\.couriers\.courier_load; the limit is at most 24.0% of the rows without",
        ),
        (
            MaxStale(FRESH, share=0.0),
            r"1 of 4 rows \(25.0%\) find only a stale row in test\.couriers\.courier_load; the limit is at most 0.0%",
        ),
    ],
    ids=["misses", "stale"],
)
def test_beyond_a_limit_nothing_is_written_and_the_log_says_why(orders: Orders, limit: Any, told: str) -> None:
    with pytest.raises(InvalidRows, match=f"^Scored population late_order: {told}"):
        orders.score(replace(WITH_FRESH, limits=[limit]), as_of=at("3"), start=at("1"))

    assert not orders.store.tables.exists(OUTPUT)
    (row,) = log(orders)
    assert (row["outcome"], row["rows"], row["score_table_version"]) == ("refused", 0, None)
    assert row["reason"].startswith("Scored population late_order: 1 of 4 rows (25.0%)")
    assert (row["entities"], row["misses"], row["model_version"]) == (4, {LOADS: 1}, "1")


def test_as_much_as_the_limit_may_be_missing(orders: Orders) -> None:
    limits = [MaxMisses(COURIER_LOAD, share=0.25), MaxStale(FRESH, share=0.25)]

    assert orders.score(replace(WITH_FRESH, limits=limits), as_of=at("3"), start=at("1")).rows == 4


def test_a_refused_window_leaves_the_scores_that_were_there(orders: Orders) -> None:
    orders.score(as_of=at("3"), start=at("1"))
    version = orders.store.tables.version(OUTPUT)

    with pytest.raises(InvalidRows):
        orders.score(
            replace(SPEC, limits=[MaxMisses(COURIER_LOAD, share=0)]), as_of=at("4"), start=at("1"), end=at("3")
        )

    assert orders.store.tables.version(OUTPUT) == version


def of(orders: Orders, *rows: tuple[Any, ...]) -> Any:
    """A population of its own: orders as ``(order_id, courier, decided_at)``."""
    df = frame(orders.store.spark, rows, "order_id string, courier string, decided_at timestamp")
    if not orders.store.tables.exists("walk_ins"):
        orders.store.tables.create("walk_ins", df.schema)
    orders.store.tables.overwrite("walk_ins", df, commit=Commit(verb="ingest-sources", as_of=at("1")))
    entities = Source(name="walk_ins", description="Orders", table="walk_ins", columns=df.columns)
    return replace(SPEC, entities=entities)


REFUSED = "The entities of 'walk_ins' decided from 2024-01-01 00:00 to 2024-01-03 00:00 cannot be scored: "


@pytest.fixture(params=["here", "in Spark"])
def counting(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few entities are counted in this process, many in Spark; a limit of no bytes makes these many."""
    if request.param == "in Spark":
        monkeypatch.setattr("feature_store.tables.gathering._MOST_BYTES_READ", -1)


@pytest.mark.usefixtures("counting")
def test_null_and_duplicate_primary_keys_in_the_window_are_named_and_refused(orders: Orders) -> None:
    walk_ins = of(
        orders,
        ("1", "ann", at("1")), ("2", "ann", at("1")), ("2", "bob", at("2")), (None, "cy", at("2")),
        (None, "out of the window", at("4")), ("1", "out of the window", at("4")),
    )  # fmt: skip

    with pytest.raises(InvalidRows) as refused:
        orders.score(walk_ins, as_of=at("3"), start=at("1"))

    assert str(refused.value) == (
        f"{REFUSED}1 of them lacks a primary key (order_id), for example order_id=null, courier=cy, decided_at=2024-01-02 "
        "00:00. And 1 primary key is there more than once: order_id=2 (2 times). Nothing was written. Put the "
        "source right, and score the window again."
    )
    assert outcomes(orders) == [("refused", 0)]
    assert not orders.store.tables.exists(OUTPUT)


@pytest.mark.usefixtures("counting")
def test_entities_without_a_moment_of_decision_are_counted_and_told_and_the_others_scored(orders: Orders) -> None:
    done = orders.score(
        of(orders, ("1", "ann", at("1")), ("2", "ann", None), ("2", None, None)), as_of=at("3"), start=at("1")
    )

    assert (done.rows, done.without_moment) == (1, 2)
    assert lines(done) == ["2 entities have no moment of decision, and so no score in any window."]
    (row,) = log(orders)
    assert (row["entities"], row["entities_without_moment"], row["warnings"]) == (1, 2, lines(done))


def test_a_null_lookup_key_is_a_miss_and_is_scored(orders: Orders) -> None:
    done = orders.score(of(orders, ("1", "ann", at("1")), ("2", None, at("2"))), as_of=at("3"), start=at("1"))

    assert (done.rows, done.misses) == (2, {LOADS: 1})


def test_an_alias_that_points_nowhere_is_refused_and_nothing_is_written(orders: Orders) -> None:
    with pytest.raises(NotFound, match=r"Model test\.couriers\.late_order has no alias 'shadow'") as refused:
        orders.score(replace(SPEC, alias="shadow"), as_of=at("3"), start=at("1"))

    assert not orders.store.tables.exists(OUTPUT)
    (row,) = log(orders)
    assert row.pop("duration_seconds") > 0
    assert row == {
        "run_id": "run", "population": "late_order", "score_table": OUTPUT, "as_of": at("3"),
        "window_start": at("1"), "window_end": at("3"), "outcome": "refused", "chunk": 1, "chunks": 1,
        "reason": str(refused.value), "warnings": [], "rows": 0, "entities": None, "entities_without_moment": None,
        "misses": None, "stale": None, "model": MODEL, "model_version": None, "table_versions": None,
        "score_table_version": None,
    }  # fmt: skip


def with_model(name: str) -> Any:
    return replace(SPEC, training=replace(SPEC.training, name=name))


@pytest.mark.parametrize(
    ("spec", "window", "started", "reason"),
    [
        (with_model("untrained"), {}, None, r"Model test\.couriers\.untrained has no champion: it was never trained"),
        (with_model("untrained"), {"start": at("1")}, at("1"), r"Model test\.couriers\.untrained has no champion"),
        (replace(SPEC, entities=replace(SPEC.entities, table="lost")), {"start": at("2")}, at("2"), r"There is no table .*lost"),
    ],
    ids=["no champion, and so no beginning", "no champion", "no entities' table"],
)  # fmt: skip
def test_what_keeps_a_run_from_its_first_window_is_a_row_too(
    orders: Orders, spec: Any, window: Any, started: Any, reason: str
) -> None:
    with pytest.raises(NotFound, match=reason) as refused:
        orders.score(spec, as_of=at("3"), **window)

    (row,) = log(orders)
    assert (row["window_start"], row["window_end"], row["outcome"]) == (started, at("3"), "refused")
    assert (row["reason"], row["rows"], row["model_version"]) == (str(refused.value), 0, None)


def test_a_model_version_whose_files_are_gone_is_a_row(orders: Orders) -> None:
    orders.register("gone", chance_with_ten_orders=1.0)
    promote("test.couriers.gone", "1", as_of=at("1"), reason="first")
    shutil.rmtree(packaged_folder("models:/test.couriers.gone/1").parents[1])

    with pytest.raises(NotFound, match=r"There is no model 'models:/test\.couriers\.gone/1'"):
        orders.score(with_model("gone"), as_of=at("3"), start=at("1"))

    (row,) = log(orders)
    assert (row["outcome"], row["model_version"], row["entities"]) == ("refused", "1", 4)


def test_what_nobody_foresaw_is_a_row_as_well_with_its_kind_and_first_line(orders: Orders) -> None:
    orders.log(LinearRegression(), "never_fitted")
    promote("test.couriers.never_fitted", "1", as_of=at("1"), reason="first")

    with pytest.raises(NotFittedError):
        orders.score(with_model("never_fitted"), as_of=at("3"), start=at("1"))

    (row,) = log(orders)
    assert (row["outcome"], row["rows"], row["entities"], row["misses"]) == ("failed", 0, 4, {LOADS: 1})
    assert row["reason"].startswith("NotFittedError: This LinearRegression instance is not fitted yet.")


def test_where_the_log_cannot_be_written_either_the_first_error_is_told_and_the_second_beside_it(
    orders: Orders, capsys: pytest.CaptureFixture[str]
) -> None:
    place = orders.store.tables.path(RUNS_TABLE)  # type: ignore[attr-defined]
    place.write_text("not a folder")
    try:
        with pytest.raises(NotFound, match="has no alias 'shadow'") as refused:
            orders.score(replace(SPEC, alias="shadow"), as_of=at("3"), start=at("1"))
    finally:
        place.unlink()

    show_error(refused.value)
    assert "Nor could it be recorded in scoring_runs: " in capsys.readouterr().err


class Killed(BaseException):
    """The machine went away."""


@pytest.fixture
def killed_before_recording(orders: Orders, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Scores a window, and is gone before the window is recorded."""

    def gone(*_: Any) -> None:
        raise Killed

    def killed(spec: Any = SPEC, **arguments: Any) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(runs, "record", gone)
            with pytest.raises(Killed):
                orders.score(spec, run="killed", **arguments)

    return killed


def test_a_run_that_was_killed_between_its_scores_and_their_row_is_recorded_by_the_next_one(
    orders: Orders, killed_before_recording: Any
) -> None:
    spec = of(orders, ("1", "ann", at("1")), ("4", "nobody knows", at("1T18")), ("5", None, None))
    killed_before_recording(spec, as_of=at("2"), start=at("1"))
    assert orders.scores().count() == 2
    assert not orders.store.tables.exists(RUNS_TABLE)

    for _ in range(2):
        orders.score(spec, as_of=at("3"), run="next")

    killed, *following = log(orders)
    assert [(row["run_id"], row["window_start"], row["outcome"]) for row in following] == [
        ("next", at("2"), "nobody")
    ] * 2
    assert killed == {
        "run_id": "killed", "population": "late_order", "score_table": OUTPUT, "as_of": at("2"),
        "window_start": at("1"), "window_end": at("2"), "outcome": "scored", "duration_seconds": None, "chunk": 1, "chunks": 1,
        "reason": None, "rows": 2, "entities": 2, "entities_without_moment": 1, "misses": {LOADS: 1}, "stale": {},
        "warnings": ["1 entity has no moment of decision, and so no score in any window.", LATE],
        "model": MODEL, "model_version": "1",
        "table_versions": {
            LOADS: orders.store.tables.version(LOADS), "test.couriers.walk_ins": orders.store.tables.version("walk_ins"),
        },
        "score_table_version": orders.store.tables.version(OUTPUT),
    }  # fmt: skip


def test_a_killed_chunk_is_recorded_when_the_backfill_goes_on_and_those_that_have_their_row_are_not_again(
    orders: Orders, killed_before_recording: Any
) -> None:
    orders.score(as_of=at("2"), start=at("1"))
    killed_before_recording(as_of=at("5"), chunk=DAY)

    orders.score(as_of=at("5"), chunk=DAY)

    found = [(row["run_id"], row["window_start"], row["outcome"], row["chunk"], row["chunks"]) for row in log(orders)]
    assert found == [
        ("run", at("1"), "scored", 1, 1),
        ("run", at("2"), "repeated", 1, 3), ("killed", at("2"), "scored", 1, 3), ("run", at("3"), "nobody", 2, 3),
        ("run", at("4"), "scored", 3, 3),
    ]  # fmt: skip


def test_a_run_that_is_refused_leaves_the_killed_one_to_the_next(orders: Orders, killed_before_recording: Any) -> None:
    killed_before_recording(as_of=at("3"), start=at("1"))
    with pytest.raises(NotFound):
        orders.score(replace(SPEC, alias="shadow"), as_of=at("3"), start=at("1"))
    orders.score(as_of=at("3"))  # nothing to score since

    assert sorted(outcomes(orders)) == [("refused", 0), ("scored", 4)]


def test_a_limit_may_name_its_table_as_the_lookup_does(orders: Orders) -> None:
    by_name = replace(SPEC, training=replace(SPEC.training, lookups=[BY_NAME]), limits=[MaxMisses(LOADS, share=0.2)])

    with pytest.raises(InvalidRows, match=r"1 of 4 rows \(25.0%\) find no row"):
        orders.score(by_name, as_of=at("3"), start=at("1"))
