"""The training card: one page for each run that says what was learned from what, how good it is, and what looks wrong."""
