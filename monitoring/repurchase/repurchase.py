"""Are the customers still like those the champion learned from, and are its predictions still good?"""

from datetime import timedelta

from inference.repurchase.repurchase import SCORING
from monitoring.limits import NullRate, Psi, Severity
from monitoring.spec import DriftMonitor, Retraining
from monitoring.table_limits import Quality

MONITOR = DriftMonitor(
    name="repurchase",
    description=__doc__,
    owner=SCORING.owner,
    scoring=SCORING,
    # Each window has one moment of decision.
    window=timedelta(weeks=4),
    limits={
        ":table": [
            Quality("roc_auc", at_least=0.75, severity=Severity.CRITICAL),
            Quality("calibration_error", at_most=0.03, severity=Severity.CRITICAL),
        ],
        "prediction": Psi(0.25),
        # No new customers come, so all grow older: beyond what the first champion had seen by Christmas.
        "purchases_12w": Psi(0.5),
        # Most customers buy once: there are no days between their purchases.
        "mean_days_between": NullRate(0.7),
        "*": NullRate(0.01),
    },
    # A label takes eight weeks, and so does what a new model did better.
    retraining=Retraining(on=Severity.CRITICAL, at_most_every=timedelta(weeks=12)),
)
