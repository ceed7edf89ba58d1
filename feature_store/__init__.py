"""The engine: feature tables, lookups, point-in-time joins, and models that carry their features."""

from feature_store.errors import (
    ConcurrentWrite,
    InvalidRows,
    Misuse,
    NotFound,
    PipelineError,
    SchemaMismatch,
    StorageError,
    WrongKind,
)
from feature_store.lookup import FeatureLookup
from feature_store.source import Source
from feature_store.store import FeatureStore, open_store
from feature_store.table import FeatureTable

__all__ = [
    "ConcurrentWrite",
    "FeatureLookup",
    "FeatureStore",
    "FeatureTable",
    "InvalidRows",
    "Misuse",
    "NotFound",
    "PipelineError",
    "SchemaMismatch",
    "Source",
    "StorageError",
    "WrongKind",
    "open_store",
]
