"""The engine: feature tables, lookups, point-in-time joins, and models that carry their features."""

from typing import TYPE_CHECKING, Any

from feature_store.declare.checks import Fresh, InRange, NullShare, OneOf, RowCount
from feature_store.declare.function import FeatureFunction
from feature_store.declare.lookup import FeatureLookup
from feature_store.declare.source import Source
from feature_store.declare.table import FeatureTable
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
from feature_store.opening import open_store
from feature_store.package.spine import training_frame
from feature_store.store import FeatureStore

if TYPE_CHECKING:
    from feature_store.porting.client import FeatureEngineeringClient

__all__ = [
    "ConcurrentWrite",
    "FeatureEngineeringClient",
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
    "training_frame",
]

if not TYPE_CHECKING:

    def __getattr__(name: str) -> Any:
        """What notebooks that were written for the vendor's client import, loaded when it is asked for."""
        from feature_store.porting.importing import given

        return given(name)
