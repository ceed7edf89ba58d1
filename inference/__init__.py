"""Batch scoring by keys: one folder per project, one module per scored population, the verb that scores, and the one that checks."""
