"""When each fact about a customer became known: one source for each moment."""

from feature_store import Source
from features.repurchase import landing

PURCHASES = Source(
    name="purchases",
    description="What was bought, known at the end of the day",
    table=landing.PURCHASES.name,
    known_at="known_at",
    columns=("purchase_id", "customer_id", "bought_at", "cds", "dollars"),
)

TO_SCORE = Source(
    name="customers_to_decide_on",
    description="Whom to score: customers, and the moment of decision",
    table=landing.DECISIONS.name,
    known_at="decided_at",
    columns=("customer_id", "decided_at"),
)

OUTCOMES = Source(
    name="repurchases",
    description="The labels, known when the eight weeks are over",
    table=landing.DECISIONS.name,
    known_at="outcome_known_at",
    columns=("customer_id", "decided_at", "buys_again"),
)
