"""Feature tables: what feature engineers publish. One folder per project; the verbs beside them are shared."""

MACHINERY = ("ingest", "publish", "publishing")
"""Verbs and what they are made of: nothing is declared there. All other folders are projects."""
