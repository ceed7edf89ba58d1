"""Will a flight arrive more than 15 minutes late? Decided two hours before scheduled departure."""

from datetime import timedelta

from feature_store import FeatureLookup
from features.flights import (
    aircraft,
    aircraft_day,
    airport,
    airport_weather,
    carrier_at_origin,
    carrier_punctuality,
    destination_congestion,
    flight_schedule,
    origin_congestion,
    route_punctuality,
)
from features.flights.sources import FLIGHT_OUTCOMES
from training.estimators import boosted_trees, logistic_regression
from training.spec import AtLeast, AtMost, TrainingSpec

DECIDED_AT = "decided_at"

TRAINING = TrainingSpec(
    name="flight_delay",
    description=__doc__,
    owner="flight-models@example.com",
    labels=FLIGHT_OUTCOMES,
    label="is_late",
    lookups=[
        FeatureLookup(flight_schedule.TABLE, "flight_id"),
        FeatureLookup(
            airport_weather.TABLE, "origin", timestamp_lookup_key=DECIDED_AT, lookback_window=timedelta(hours=6)
        ),
        FeatureLookup(origin_congestion.TABLE, "origin", timestamp_lookup_key=DECIDED_AT),
        FeatureLookup(carrier_at_origin.TABLE, ["origin", "carrier"], timestamp_lookup_key=DECIDED_AT),
        FeatureLookup(carrier_punctuality.TABLE, "carrier", timestamp_lookup_key=DECIDED_AT),
        FeatureLookup(route_punctuality.TABLE, ["origin", "dest"], timestamp_lookup_key=DECIDED_AT),
        FeatureLookup(destination_congestion.TABLE, "dest", timestamp_lookup_key=DECIDED_AT),
        FeatureLookup(
            aircraft_day.TABLE,
            "tailnum",
            timestamp_lookup_key=DECIDED_AT,
            lookback_window=timedelta(days=1),
            default_values={"aircraft_departures_24h": 0},
        ),
        FeatureLookup(aircraft.TABLE, "tailnum"),
        FeatureLookup(
            airport.TABLE,
            "dest",
            feature_names=["latitude", "longitude", "utc_offset_hours"],
            rename_outputs={
                "latitude": "destination_latitude",
                "longitude": "destination_longitude",
                "utc_offset_hours": "destination_utc_offset_hours",
            },
        ),
    ],
    exclude_columns=["flight_id", "tailnum"],
    estimators={"boosted_trees": boosted_trees, "logistic_regression": logistic_regression},
    holdout=timedelta(days=21),
    gates={"roc_auc": AtLeast(0.65), "brier_score": AtMost(0.20)},
)
