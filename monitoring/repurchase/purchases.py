"""Do purchases still arrive, as many as usual and in the same shape?"""

from datetime import UTC, datetime, timedelta

from features.repurchase import landing
from monitoring.limits import MeanShift
from monitoring.spec import Span, TableMonitor
from monitoring.table_limits import Freshness, SchemaChange, Volume

MONITOR = TableMonitor(
    name="purchases",
    description=__doc__,
    owner=landing.OWNER,
    table=landing.PURCHASES.name,
    time_column="known_at",
    key_columns=["purchase_id", "customer_id", "bought_at"],
    window=timedelta(days=7),
    # From April on no new customers were recorded.
    baseline=Span(datetime(1997, 4, 7, tzinfo=UTC), datetime(1997, 12, 22, tzinfo=UTC)),
    limits={
        ":table": [Volume(at_least=0.5, at_most=2.0), Freshness(timedelta(days=2)), SchemaChange()],
        "dollars": MeanShift(0.25),
    },
    minimum_rows=100,
)
