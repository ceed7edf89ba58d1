# Databricks notebook source
# MAGIC %md
# MAGIC # For alert reviewers: what drifted, and what was decided
# MAGIC
# MAGIC The open alerts as of a moment, and the evidence of the most severe one. Write what you found into the parameter `comment`, and
# MAGIC run the last cell to acknowledge it. The page (`review-alerts serve`) and the command line record the same.

# COMMAND ----------

import getpass

from feature_store import open_store
from feature_store.cli import console, parse_moment
from feature_store.notebooks import parameters
from monitoring.alerts.actions import acknowledged
from monitoring.alerts.events import read_events
from monitoring.alerts.reviewing import Filter, act, history_of
from monitoring.alerts.state import current
from monitoring.telling.printing import alerts_table, print_alert
from monitoring.telling.trend import reading, trend

given = parameters(catalog="dev", schema="flights", as_of="2014-01-01", comment="")
store = open_store(catalog=given["catalog"], schema=given["schema"])
as_of = parse_moment(given["as_of"])

# COMMAND ----------

events = read_events(store, as_of=as_of)
alerts = [alert for alert in current(events) if Filter().wants(alert, as_of)]
console.print(alerts_table(alerts) if alerts else "No open alerts.")

# COMMAND ----------

# MAGIC %md What, since when, how badly, why it may be, whom it concerns.

# COMMAND ----------

worst = min(alerts, key=lambda alert: (alert.severity, alert.since), default=None)
if worst:
    values = [point.value for point in trend(reading(store), worst, as_of=as_of)]
    print_alert(console, worst, history_of(events, worst), values)

# COMMAND ----------

# MAGIC %md Decide. Without a comment nothing is recorded.

# COMMAND ----------

if worst and given["comment"]:
    act(
        store,
        worst.alert_id,
        lambda alert: acknowledged(alert, actor=getpass.getuser(), comment=given["comment"], as_of=as_of),
        as_of=as_of,
    )
    console.print(f"Alert {worst.alert_id} is acknowledged.")
