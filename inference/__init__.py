"""Batch scoring by keys: one folder per project, one module per scored population, and the verb that scores."""
