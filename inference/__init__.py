"""Batch scoring by keys: one folder per project, one module per scored population, the verb that scores, and the one that checks."""

MACHINERY = ("consistency", "score", "scoring", "testing")
"""Verbs and what they are made of: nothing is declared there. All other folders are projects."""
