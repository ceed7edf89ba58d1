"""The vendor's own words for notebooks on Databricks; only lookups of this project are put into the vendor's terms."""

from typing import Any

from feature_store.databricks.translation import vendor_words
from feature_store.errors import Misuse


def vendor_word(name: str) -> Any:
    """What :func:`vendors_own` gives; the client takes this project's lookups as well."""
    word = vendors_own(name)
    return _client(word) if name == "FeatureEngineeringClient" else word


def vendors_own(name: str) -> Any:
    """What ``databricks.feature_engineering`` calls ``name``.

    Raises
    ------
    Misuse
        If the vendor's package is not installed, or has no such name.
    """
    try:
        import databricks.feature_engineering as vendor
    except ImportError as error:
        raise Misuse(
            f"The databricks backend needs databricks-feature-engineering, which cannot be imported ({error}). "
            "Install it: pip install 'feature-pipelines[databricks]'."
        ) from error
    if not hasattr(vendor, name):
        raise Misuse(f"databricks.feature_engineering has no {name} in the version that is installed.")
    return getattr(vendor, name)


def _client(vendor: Any) -> Any:
    class FeatureEngineeringClient(vendor):  # type: ignore[misc]
        __doc__ = vendor.__doc__

        def create_training_set(self, *, feature_lookups: Any = None, **kwargs: Any) -> Any:
            return super().create_training_set(feature_lookups=vendor_words(feature_lookups), **kwargs)

        def create_feature_spec(self, *, features: Any, **kwargs: Any) -> Any:
            return super().create_feature_spec(features=vendor_words(features), **kwargs)

    return FeatureEngineeringClient
