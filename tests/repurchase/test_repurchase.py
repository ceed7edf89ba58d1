"""The project repurchase: who is decided on, its features on literal rows, and its loop on one customer in ten."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from pyspark.sql import SparkSession

from feature_store import FeatureStore, open_store
from feature_store.testing import check_table
from features.ingest import ingest
from features.publish import publish
from features.repurchase import landing, purchase_history, recent_purchases
from inference.repurchase.repurchase import SCORING
from inference.score import score
from monitoring.alerts.checking import check
from monitoring.repurchase.repurchase import MONITOR
from training.repurchase.repurchase import TRAINING
from training.steps.pipeline import train
from training.testing import check_direction, check_quality

CHRISTMAS = datetime(1997, 12, 25, tzinfo=UTC)
CHAMPION = "models:/test.repurchase.repurchase@champion"


def bought(*rows: tuple[str, str]) -> pd.DataFrame:
    """Purchases as they are landed, of ``(customer, day)``."""
    days = pd.to_datetime([day for _, day in rows], utc=True)
    return pd.DataFrame(
        {"customer_id": [who for who, _ in rows], "bought_at": days, "known_at": days + pd.Timedelta(days=1)}
    )


def test_a_customer_is_decided_on_from_when_the_first_purchase_is_known_and_buys_again_within_eight_weeks() -> None:
    # Moments of decision are 23 January, 20 February, 20 March, 17 April …
    rows = landing.decided(
        bought(("one", "1997-01-22"), ("one", "1997-03-19"), ("two", "1997-01-23"), ("end", "1997-04-17"))
    )

    told = [(row.customer_id, f"{row.decided_at:%m-%d}", row.buys_again) for row in rows.itertuples()]
    assert told == [
        # Eight weeks from 23 January end before 20 March.
        ("one", "01-23", True),
        ("one", "02-20", True),
        ("two", "02-20", False),
        ("one", "03-20", pd.NA),
        ("two", "03-20", pd.NA),
        ("one", "04-17", pd.NA),
        ("two", "04-17", pd.NA),
    ]
    assert [f"{known:%m-%d}" for known in rows["outcome_known_at"].dropna()] == ["03-20", "04-17", "04-17"]


def test_history_is_of_all_purchases_until_a_day_and_two_on_one_day_are_one_row(frame) -> None:  # type: ignore[no-untyped-def]
    def day(of_january: int) -> datetime:
        return datetime(1997, 1, of_january, tzinfo=UTC)

    purchases = frame(
        [
            (1, "one", day(1), day(2), 1, 10.0),
            (2, "one", day(1), day(2), 2, 20.0),
            (3, "one", day(11), day(12), 1, 0.0),
        ],
        "purchase_id long, customer_id string, bought_at timestamp, known_at timestamp, cds long, dollars double",
    )

    rows = purchase_history.compute(purchases).orderBy("known_at").collect()

    assert [(row.purchases_so_far, row.dollars_so_far, row.cds_so_far, row.mean_days_between) for row in rows] == [
        (2, 30.0, 3, None),
        (3, 30.0, 4, 10.0),
    ]


@pytest.fixture(scope="module")
def store(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> FeatureStore:
    """A store with every tenth customer landed, features published and a champion, as of Christmas 1997."""
    there = open_store(catalog="test", schema="repurchase", workspace=tmp_path_factory.mktemp("repurchase"))
    tenth = landing.purchases()
    tenth = tenth[tenth["customer_id"].str.endswith("0")].reset_index(drop=True)
    ingest(there, replace(landing.PURCHASES, read=lambda: tenth, stamp=None), as_of=CHRISTMAS)
    ingest(there, replace(landing.DECISIONS, read=lambda: landing.decided(tenth), stamp=None), as_of=CHRISTMAS)
    for table in (recent_purchases.TABLE, purchase_history.TABLE):
        publish(there, table, as_of=CHRISTMAS)
    train(there, TRAINING, as_of=CHRISTMAS)
    return there


def test_stored_tables_are_what_is_declared(store: FeatureStore) -> None:
    for table in (recent_purchases.TABLE, purchase_history.TABLE):
        check_table(store, table, as_of=CHRISTMAS)


def test_the_champion_is_much_better_than_chance_and_expects_less_of_those_who_bought_long_ago(
    store: FeatureStore,
) -> None:
    check_quality(store, TRAINING, CHAMPION, as_of=CHRISTMAS, metric="roc_auc", limit=0.75)
    keys = SCORING.entities.read(store.tables, as_of=CHRISTMAS).where("decided_at = '1997-12-25'")
    check_direction(
        store, CHAMPION, keys.select("customer_id", "decided_at").limit(200),
        feature="last_bought_at", change=lambda moments: moments - pd.Timedelta(days=180), goes="down", at_most=0.05,
    )  # fmt: skip


def test_the_customers_of_a_moment_are_scored_by_their_keys_and_measured(store: FeatureStore) -> None:
    january = datetime(1998, 1, 22, tzinfo=UTC)
    score(store, SCORING, as_of=january, start=CHRISTMAS, end=CHRISTMAS + timedelta(weeks=4))

    check(store, MONITOR, as_of=january)

    profile = store.tables.read(MONITOR.profile_table).where("column_name = ':table'").collect()
    assert [(f"{row.window.start:%Y-%m-%d}", row["count"]) for row in profile] == [("1997-12-01", 2357)]
