"""The chance that each scheduled departure will arrive late, decided two hours before it leaves."""

from features.flights.sources import SCHEDULED_FLIGHTS
from inference.spec import ScoringSpec
from training.flights.flight_delay import TRAINING

SCORING = ScoringSpec(
    name="flight_delay",
    description=__doc__,
    owner="flight-ops@example.com",
    training=TRAINING,
    entities=SCHEDULED_FLIGHTS,
    primary_keys=["flight_id"],
    output="flight_delay_scores",
)
