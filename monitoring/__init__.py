"""Drift and its review: one folder per project, one module per monitor, and the verbs that check and review."""
