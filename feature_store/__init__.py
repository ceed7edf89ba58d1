"""The engine: feature tables, lookups, point-in-time joins, and models that carry their features."""

from feature_store.checks import Fresh, InRange, NullShare, OneOf, RowCount
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
from feature_store.function import FeatureFunction
from feature_store.lookup import FeatureLookup
from feature_store.source import Source
from feature_store.store import FeatureStore, open_store
from feature_store.table import FeatureTable

__all__ = [
    "ConcurrentWrite",
    "FeatureFunction",
    "FeatureLookup",
    "FeatureStore",
    "FeatureTable",
    "Fresh",
    "InRange",
    "InvalidRows",
    "Misuse",
    "NotFound",
    "NullShare",
    "OneOf",
    "PipelineError",
    "RowCount",
    "SchemaMismatch",
    "Source",
    "StorageError",
    "WrongKind",
    "open_store",
]
