"""Are this week's departures still like those the champion learned from, and are its predictions still good?"""

from datetime import timedelta

from inference.flights.flight_delay import SCORING
from monitoring.limits import Automatic, MeanShift, NullRate, Patience, Psi, Severity
from monitoring.spec import DriftMonitor, Retraining
from monitoring.table_limits import Custom, Quality

MONITOR = DriftMonitor(
    name="flight_delay",
    description=__doc__,
    owner="flight-models@example.com",
    scoring=SCORING,
    window=timedelta(days=7),
    slices=["origin"],
    measures={"share_called_late": "avg(CAST(prediction >= 0.5 AS DOUBLE))"},
    limits={
        ":table": [
            Quality("roc_auc", at_least=0.65, severity=Severity.CRITICAL),
            Quality("calibration_error", at_most=0.10, severity=Severity.CRITICAL),
            Quality("roc_auc", at_least=0.60, by="origin"),
            Custom("share_called_late", at_most=0.35),
        ],
        "prediction": Psi(0.25, severity=Severity.CRITICAL),
        "carrier": Psi(0.10),
        "origin": Psi(0.10),
        "dest": Psi(0.10),
        "mean_departure_delay_minutes_3h": Psi(0.25),
        "share_departed_late_3h": Psi(0.25),
        "carrier_share_late_7d": MeanShift(1.0),
        "route_share_late_28d": MeanShift(1.0),
        "visibility_miles": Psi(0.50),
        "pressure_millibars": NullRate(0.30),
        "year_built": NullRate(0.25),
        # All other columns: no more missing than the weeks of the training set had.
        "*": NullRate(Automatic(no_tighter_than=0.02)),
    },
    alert_after=Patience(violations=2, windows=3),
    # A new model is judged by some weeks of its own before the next one is asked for.
    retraining=Retraining(on=Severity.CRITICAL, at_most_every=timedelta(weeks=6)),
)
