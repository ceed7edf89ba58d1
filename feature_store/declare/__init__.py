"""What users write: sources, feature tables, lookups, functions, aggregated features, checks.

A declaration is data and says at import what is wrong with it; nothing here reads, joins or writes. Users take the words
from ``feature_store`` (and ``feature_store.aggregation``), never from here.
"""
