"""How a model is trained: frame, fit, evaluation, gates, champion, reproduction. Not for editing by projects."""

STEPS = ("assemble", "fit", "evaluate", "validate", "register", "promote")
"""The steps of a training run, in order."""
