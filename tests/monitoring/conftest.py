"""A small monitored model of parcels, so that nothing here knows flights."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql.types import StructType
from sklearn.dummy import DummyClassifier

from feature_store import FeatureLookup, Source
from feature_store.store import FeatureStore
from feature_store.tables.commit import Commit
from inference.spec import ScoringSpec
from monitoring.drift.schemas import arrow_table
from monitoring.limits import Limit, Patience, Psi
from monitoring.spec import DriftMonitor, Retraining
from monitoring.windows.calendar import Window
from tests.registries import new_registry
from training.spec import TrainingSpec

MONDAY = datetime(2024, 1, 1, tzinfo=UTC)
"""The start of week 0 in these tests."""
WEEK = timedelta(days=7)
HOUR = timedelta(hours=1)

OUTCOMES = Source(
    name="parcel_outcomes",
    description="Parcels that arrived",
    table="parcels",
    columns=("parcel_id", "depot", "decided_at", "is_late"),
    known_at="arrived_at",
)
TRAINING = TrainingSpec(
    name="parcel_delay",
    description="Will a parcel be late?",
    owner="parcels@example.com",
    labels=OUTCOMES,
    label="is_late",
    lookups=[FeatureLookup("depot_load", "depot", feature_names=["load"], timestamp_lookup_key="decided_at")],
    estimators={"dummy": DummyClassifier},
    holdout=timedelta(days=30),
    gates={},
)
SCORING = ScoringSpec(
    name="parcel_delay",
    description="All parcels",
    owner="parcels@example.com",
    training=TRAINING,
    entities=OUTCOMES,
    primary_keys=["parcel_id"],
    output="parcel_scores",
)

SCORES = (
    "parcel_id string, depot string, decided_at timestamp, load double, prediction double, model_name string, "
    "model_version string, scored_at timestamp, run_id string"
)
PARCELS = "parcel_id string, depot string, decided_at timestamp, is_late boolean, arrived_at timestamp"
TRAINING_SET = "depot string, decided_at timestamp, load double, is_late boolean, prediction double, split string, model_version string"


class Example:
    """A weekly monitor of the parcels; weeks are counted from ``MONDAY``."""

    def week(self, number: int) -> datetime:
        """The start of week ``number``."""
        return MONDAY + number * WEEK

    def window(self, number: int) -> Window:
        """Week ``number``."""
        return Window(self.week(number), self.week(number + 1))

    def monitor(
        self,
        limits: Mapping[str, Limit | Sequence[Limit]] | None = None,
        *,
        patience: Patience | None = None,
        retraining: Retraining | None = None,
        minimum_rows: int = 1,
        **others: Any,
    ) -> DriftMonitor:
        """The monitor; it judges windows of any size, and alerts at the first violation, unless told otherwise."""
        return DriftMonitor(
            name="parcels",
            description="Are parcels still like those the model learned from?",
            owner="parcels@example.com",
            scoring=SCORING,
            window=WEEK,
            limits=limits or {"load": Psi(0.25)},
            alert_after=patience or Patience(violations=1, windows=1),
            minimum_rows=minimum_rows,
            retraining=retraining,
            **others,
        )


class Parcels(Example):
    """Writes parcels into a store as the jobs before monitoring do."""

    def __init__(self, store: FeatureStore) -> None:
        self.store = store

    def score(self, first: int, *weeks: Sequence[float | None], version: str = "1", depot: str = "north") -> None:
        """Score one parcel per load, an hour apart, in consecutive weeks; even ones at 0.8, odd ones at 0.3."""
        rows = [
            (
                f"{number}-{i}",
                depot,
                self.week(number) + i * HOUR,
                load,
                _prediction(i),
                "parcel_delay",
                version,
                MONDAY,
                "run",
            )
            for number, loads in enumerate(weeks, start=first)
            for i, load in enumerate(loads)
        ]
        self._replace("parcel_scores", SCORES, rows, first, first + len(weeks))

    def score_depots(self, number: int, loads: Mapping[str, Sequence[float | None]]) -> None:
        """Score parcels of several depots in week ``number``, one per load."""
        rows = [
            (
                f"{depot}-{i}",
                depot,
                self.week(number) + i * HOUR,
                load,
                _prediction(i),
                "parcel_delay",
                "1",
                MONDAY,
                "run",
            )
            for depot, some in loads.items()
            for i, load in enumerate(some)
        ]
        self._replace("parcel_scores", SCORES, rows, number, number + 1)

    def learn_weeks(self, weeks: Sequence[Sequence[float | None]]) -> None:
        """Record that version 1 learned from parcels of consecutive weeks with these loads, all of them held out."""
        start = datetime(2023, 6, 5, tzinfo=UTC)
        rows = [
            ("north", start + number * WEEK + i * HOUR, load, i % 2 == 0, _prediction(i), "holdout", "1")
            for number, loads in enumerate(weeks)
            for i, load in enumerate(loads)
        ]
        self._learned(rows, start)

    def arrive(self, number: int, late: Sequence[bool | None], *, arrived_at: datetime) -> None:
        """Tell the outcome of the first parcels of week ``number``."""
        rows = [
            (f"{number}-{i}", "north", self.week(number) + i * HOUR, outcome, arrived_at)
            for i, outcome in enumerate(late)
        ]
        self._replace("parcels", PARCELS, rows, number, number + 1)

    def learn(
        self, loads: Sequence[float | None], *, version: str = "1", depot: str = "north", split: str = "train"
    ) -> None:
        """Record that ``version`` learned from parcels with these loads."""
        start = datetime(2023, 6, 1, tzinfo=UTC)
        rows = [(depot, start, load, i % 2 == 0, _prediction(i), split, version) for i, load in enumerate(loads)]
        self._learned(rows, start)

    def _learned(self, rows: Sequence[tuple[object, ...]], start: datetime) -> None:
        self.learn_rows(TRAINING_SET, rows, start)

    def learn_rows(self, schema: str, rows: Sequence[tuple[object, ...]], start: datetime = MONDAY) -> None:
        """Record that a model learned from these rows."""
        made = self._made("parcel_delay_training_set", schema, rows)
        self.store.tables.append("parcel_delay_training_set", made, commit=Commit(verb="train-model", as_of=start))

    def _made(self, name: str, schema: str, rows: Sequence[tuple[object, ...]]) -> pa.Table:
        """The rows as an Arrow table, which needs no Spark; and the table, if there is none yet."""
        columns = StructType.fromDDL(schema)
        if not self.store.tables.exists(name):
            self.store.tables.create(name, columns)
        return arrow_table([dict(zip(columns.names, row, strict=True)) for row in rows], columns)

    def _replace(self, name: str, schema: str, rows: Sequence[tuple[object, ...]], first: int, last: int) -> None:
        made = self._made(name, schema, rows)
        start, end = self.week(first), self.week(last)
        commit = Commit(verb="score-batch", as_of=end, window=(start, end))
        self.store.tables.replace_window(name, made, column="decided_at", start=start, end=end, commit=commit)


def _prediction(position: int) -> float:
    return 0.8 if position % 2 == 0 else 0.3


@pytest.fixture
def example() -> Example:
    return Example()


@pytest.fixture
def parcels(store: FeatureStore) -> Parcels:
    return Parcels(store)


@pytest.fixture(scope="session")
def mlflow_database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One database for all tests here."""
    return new_registry(tmp_path_factory.mktemp("mlflow"))


@pytest.fixture(autouse=True)
def _shared_mlflow(monkeypatch: pytest.MonkeyPatch, mlflow_database: str) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_database)
    monkeypatch.delenv("PIPELINE_SET_MLFLOW_TRACKING_URI", raising=False)
