"""The chance that each customer will buy again within eight weeks, every four weeks."""

from features.repurchase.sources import TO_SCORE
from inference.spec import ScoringSpec
from training.repurchase.repurchase import TRAINING

SCORING = ScoringSpec(
    name="repurchase",
    description=__doc__,
    owner=TRAINING.owner,
    training=TRAINING,
    entities=TO_SCORE,
    primary_keys=["customer_id", "decided_at"],
    output="repurchase_scores",
)
