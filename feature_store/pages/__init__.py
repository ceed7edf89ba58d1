"""Pages for people: one look for all, opened from disk or from a server, without a script and without an address outside."""
