"""Will a customer buy again within eight weeks?"""

from datetime import timedelta

from feature_store import FeatureLookup
from features.repurchase import landing, purchase_history, recent_purchases
from features.repurchase.sources import OUTCOMES
from training.estimators import boosted_trees, logistic_regression
from training.spec import AtLeast, AtMost, TrainingSpec

DECIDED_AT = "decided_at"

TRAINING = TrainingSpec(
    name="repurchase",
    description=__doc__,
    owner=landing.OWNER,
    labels=OUTCOMES,
    label="buys_again",
    lookups=[
        FeatureLookup(
            recent_purchases.TABLE,
            list(landing.KEYS),
            timestamp_lookup_key=DECIDED_AT,
            # A sum of nothing is null.
            default_values={"dollars_24w": 0.0},
        ),
        FeatureLookup(purchase_history.TABLE, list(landing.KEYS), timestamp_lookup_key=DECIDED_AT),
    ],
    exclude_columns=list(landing.KEYS),
    estimators={"boosted_trees": boosted_trees, "logistic_regression": logistic_regression},
    # A label takes eight weeks: of the last twelve, the customers of two moments of decision have theirs.
    holdout=timedelta(weeks=12),
    gates={"roc_auc": AtLeast(0.75), "brier_score": AtMost(0.11)},
)
