"""For the tests of a deployment: what must hold before the first scheduled run, told in one line.

def test_late_flights_can_be_scored(store):
    check_deployed(store, SCORING, as_of=datetime(2013, 7, 1, tzinfo=UTC))
"""

from __future__ import annotations

from datetime import datetime, timedelta

import mlflow
from pyspark.sql import functions as F

from feature_store import FeatureStore
from feature_store.moments import is_within, utc
from inference.spec import ScoringSpec
from training.steps import champion as office
from training.steps.kinds import result_type


def check_deployed(
    store: FeatureStore, spec: ScoringSpec, *, as_of: datetime, within: timedelta = timedelta(days=1), rows: int = 100
) -> None:
    """The alias names a version, its signature asks for what the entities have, and a batch of them is scored.

    The batch is at most ``rows`` entities decided in the time ``within`` before ``as_of``; nothing is written.

    Raises
    ------
    AssertionError
        If the signature asks for a column that is not given, there is nobody to score, or a row has no prediction.
    NotFound
        If the model, the alias or a table does not exist.
    """
    champion = office.champion_at(store.tables.full_name(spec.training.name), as_of, alias=spec.alias)
    signature = mlflow.models.get_model_info(champion.uri).signature
    required = [column.name for column in signature.inputs if column.required] if signature else []
    missing = sorted(set(required) - set(spec.entity_columns))
    if missing:
        raise AssertionError(f"{champion.uri} asks for {missing}, and the entities have {spec.entity_columns}.")
    moment, end = F.col(spec.training.decided_at), utc(as_of)
    entities = spec.entities.read(store.tables, as_of=as_of).where(is_within(moment, end - within, end))
    keys = entities.select(*spec.entity_columns).orderBy(*spec.primary_keys).limit(rows)
    batch = store.score_batch(model_uri=champion.uri, df=keys, result_type=result_type(store, spec.training))
    scored = batch.select(*spec.primary_keys, "prediction").toPandas()
    if scored.empty:
        raise AssertionError(f"There is nobody to score in the {within} before {end:%Y-%m-%d %H:%M}.")
    without = scored[scored["prediction"].isna()]
    if len(without):
        raise AssertionError(
            f"{len(without):,} of {len(scored):,} entities have no prediction, for example:\n{without.head().to_string(index=False)}"
        )
