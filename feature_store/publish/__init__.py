"""One window of a feature table's rows: computed once, counted, held against its checks, quarantined, committed."""
