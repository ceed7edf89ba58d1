"""Drift and its review: one folder per project, one module per monitor, and the verbs that check and review."""

MACHINERY = ("alerts", "app", "check", "drift", "review", "telling", "windows")
"""Verbs and what they are made of: nothing is declared there. All other folders are projects."""
