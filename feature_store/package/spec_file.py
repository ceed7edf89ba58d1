"""A feature spec found again: of looked-up features, or of declared ones."""

from pathlib import Path

import yaml

from feature_store.errors import Misuse
from feature_store.package import declared_spec
from feature_store.package.feature_spec import FILE_NAME, FeatureSpec

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The one in C, where there is one: a wide model's spec takes seconds without."""


def load_spec(folder: Path) -> FeatureSpec:
    """Read ``feature_spec.yaml`` from ``folder``.

    Raises
    ------
    Misuse
        If there is none, or it is not a feature spec that can be scored here.
    """
    path = folder / FILE_NAME
    if not path.exists():
        raise Misuse("The model was not packaged with features: it has no feature_spec.yaml. Log it with log_model().")
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), Loader=_LOADER)
        return declared_spec.load(folder, document) if "features" in document else FeatureSpec.from_document(document)
    except (yaml.YAMLError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise Misuse(
            f"The model's feature_spec.yaml cannot be read: {error!r} is missing or of another form."
        ) from error
