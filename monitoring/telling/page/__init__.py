"""The report of a check: one page that says what needs a person, how badly, since when and why, and how the rest stands."""
