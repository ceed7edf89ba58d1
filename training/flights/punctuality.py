"""Will a flight arrive early, on time, late or very late? Decided two hours before scheduled departure."""

from datetime import timedelta

from features.flights.sources import FLIGHT_OUTCOMES
from training.estimators import boosted_trees
from training.flights import flight_delay
from training.spec import AtLeast, TrainingSpec

TRAINING = TrainingSpec(
    name="punctuality",
    description=__doc__,
    owner="flight-models@example.com",
    labels=FLIGHT_OUTCOMES,
    label="punctuality",
    lookups=flight_delay.TRAINING.lookups,
    exclude_columns=flight_delay.TRAINING.exclude_columns,
    estimators={"boosted_trees": boosted_trees},
    holdout=timedelta(days=21),
    gates={"accuracy": AtLeast(0.5), "macro_f1": AtLeast(0.25)},
)
