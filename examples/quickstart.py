"""One feature table, one training spec, one scoring call and one monitor, on the flights that `ingest-sources` has landed."""

from datetime import UTC, datetime, timedelta

from pyspark.sql import functions as F

from feature_store import FeatureLookup, FeatureTable, open_store
from feature_store.aggregation import Aggregates, AggregationFunction, Avg, Feature, RollingWindow
from feature_store.testing import check_table
from features.flights.sources import ARRIVALS, FLIGHT_OUTCOMES, SCHEDULED_FLIGHTS
from features.publish import publish
from inference.score import score
from inference.spec import ScoringSpec
from monitoring.alerts.checking import check
from monitoring.limits import AUTOMATIC, Automatic, NullRate, Patience, Psi, Severity
from monitoring.spec import DriftMonitor
from monitoring.table_limits import Quality, Volume
from training.estimators import boosted_trees
from training.spec import AtLeast, TrainingSpec
from training.steps.pipeline import train
from training.testing import check_direction, check_quality

# [readme]
DAY = RollingWindow(window_duration=timedelta(days=1))
MEAN_DELAY = Feature(
    name="mean_delay_24h", description="Mean arrival delay of the last day, in minutes",
    source=ARRIVALS, entity=["dest"], function=AggregationFunction(Avg("arrival_delay_minutes"), DAY),
)  # fmt: skip
HOURLY = Aggregates(every=timedelta(hours=1), features=[MEAN_DELAY])
TABLE = FeatureTable(
    name="destination_delay", description="How late flights have been arriving there", owner="me@example.com",
    primary_keys=["dest", "known_at"], timeseries_column="known_at", compute=HOURLY.compute,
    sources=HOURLY.sources, lookback=HOURLY.lookback, features=HOURLY.descriptions,
)  # fmt: skip
TRAINING = TrainingSpec(
    name="late_at_destination", description="Will this flight arrive late?", owner="me@example.com",
    labels=FLIGHT_OUTCOMES, label="is_late", estimators={"boosted_trees": boosted_trees},
    lookups=[FeatureLookup(TABLE, "dest", timestamp_lookup_key="decided_at")],
    holdout=timedelta(days=14), gates={"roc_auc": AtLeast(0.55)},
)  # fmt: skip

store, july = open_store(), datetime(2013, 7, 1, tzinfo=UTC)
print(publish(store, TABLE, as_of=july).sentence)
print(f"ROC AUC {train(store, TRAINING, as_of=july).metrics['boosted_trees']['roc_auc']:.3f}")
keys = SCHEDULED_FLIGHTS.read(store.tables, as_of=july).where("flight_id LIKE 'B6-%-20130630T21%'")
keys = keys.select("flight_id", "dest", "decided_at").orderBy("flight_id").limit(4)
scored = store.score_batch(model_uri="models:/dev.flights.late_at_destination@champion", df=keys)
# [/readme]
scored.withColumns({name: F.round(name, 3) for name in ("mean_delay_24h", "prediction")}).show(truncate=False)

# [readme]
champion = "models:/dev.flights.late_at_destination@champion"
check_table(store, TABLE, as_of=july)
check_quality(store, TRAINING, champion, as_of=july, metric="roc_auc", limit=0.55)
check_direction(
    store, champion, keys, feature="mean_delay_24h", change=lambda minutes: minutes + 60, goes="up"
)  # fmt: skip
# [/readme]

# [readme]
SCORING = ScoringSpec(
    name="late_at_destination", description="All scheduled departures", owner="me@example.com",
    training=TRAINING, entities=SCHEDULED_FLIGHTS, primary_keys=["flight_id"], output="late_scores",
)  # fmt: skip
MONITOR = DriftMonitor(
    name="late_at_destination", description="Are departures still like those it learned from?",
    owner="me@example.com", scoring=SCORING, window=timedelta(days=1), slices=["dest IN ('ATL', 'ORD')"],
    limits={
        ":table": [Quality("roc_auc", at_least=0.5, severity=Severity.CRITICAL), Volume(at_least=0.5)],
        "prediction": Psi(AUTOMATIC),
        "mean_delay_24h": [Psi(0.25), Psi(0.5, by="dest IN ('ATL', 'ORD')")],
        "*": NullRate(Automatic(no_tighter_than=0.02)),
    },
    alert_after=Patience(violations=2, windows=3),
)  # fmt: skip

score(store, SCORING, as_of=july, start=july - timedelta(days=7), end=july)
for alert in check(store, MONITOR, as_of=july).verdict.alerts:
    print(f"{alert.severity}: {alert.what} {alert.value:.2f}, since {alert.since:%d %B}, {alert.status}")
# [/readme]
