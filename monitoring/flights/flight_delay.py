"""Are this week's departures still like those the champion learned from, and are its predictions still good?"""

from datetime import timedelta

from inference.flights.flight_delay import SCORING
from monitoring.limits import Automatic, MeanShift, NullRate, Patience, Psi, Severity
from monitoring.spec import DriftMonitor, Retraining
from monitoring.table_limits import Custom, Quality

AT_ONCE = Patience()
SELDOM, SHIFT = Automatic(0.05, no_tighter_than=0.25), Automatic(0.05, no_tighter_than=1.0)

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
            Custom("share_called_late", at_most=0.35, values="share"),
        ],
        "prediction": Psi(0.25, severity=Severity.CRITICAL),
        # Who flies where does not change by chance: one week is enough.
        "carrier": Psi(0.05, after=AT_ONCE),
        "origin": Psi(0.05, after=AT_ONCE),
        "dest": Psi(0.10, after=AT_ONCE),
        # Delays come and go with the weather: beyond what one week in twenty of the training set was, twice in three weeks.
        "mean_departure_delay_minutes_3h": Psi(SELDOM),
        "share_departed_late_3h": Psi(SELDOM),
        "carrier_share_late_7d": MeanShift(SHIFT),
        "route_share_late_28d": MeanShift(SHIFT),
        "visibility_miles": Psi(Automatic(0.05, no_tighter_than=0.50)),
        "pressure_millibars": NullRate(0.30, after=AT_ONCE),
        "wind_gust_mph": NullRate(1.0),
        # Cancelled flights, which have no aircraft, are scored and not learned from: 2 to 4 % of a bad week.
        "tailnum": NullRate(0.10, after=AT_ONCE),
        **dict.fromkeys(["year_built", "seats", "engines", "manufacturer"], NullRate(0.22, after=AT_ONCE)),
        # All other columns: no more missing than the weeks of the training set had. Lookups that find nothing are no chance.
        "*": NullRate(Automatic(no_tighter_than=0.02), after=AT_ONCE),
    },
    alert_after=Patience(violations=2, windows=3),
    # A new model is judged by some weeks of its own before the next one is asked for.
    retraining=Retraining(on=Severity.CRITICAL, at_most_every=timedelta(weeks=6)),
)
