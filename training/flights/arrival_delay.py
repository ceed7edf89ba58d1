"""By how many minutes will a flight arrive late (early: below zero)? Decided two hours before scheduled departure."""

from datetime import timedelta

from features.flights.sources import FLIGHT_OUTCOMES
from training.estimators import boosted_regression
from training.flights import flight_delay
from training.spec import AtMost, NotWorse, TrainingSpec

TRAINING = TrainingSpec(
    name="arrival_delay",
    description=__doc__,
    owner="flight-models@example.com",
    labels=FLIGHT_OUTCOMES,
    label="arrival_delay_minutes",
    lookups=flight_delay.TRAINING.lookups,
    exclude_columns=flight_delay.TRAINING.exclude_columns,
    estimators={"boosted_regression": boosted_regression},
    holdout=timedelta(days=21),
    gates={"rmse": [AtMost(60), NotWorse(by=0.5)], "mean_absolute_error": AtMost(40)},
)
