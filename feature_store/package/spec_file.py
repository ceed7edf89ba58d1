"""A feature spec found again: of looked-up features, or of declared ones."""

from io import StringIO
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from feature_store.errors import Misuse
from feature_store.package import declared_spec
from feature_store.package.feature_spec import FILE_NAME, FeatureSpec


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
        document = YAML(typ="safe").load(StringIO(path.read_text(encoding="utf-8")))
        return declared_spec.load(folder, document) if "features" in document else FeatureSpec.from_document(document)
    except (YAMLError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise Misuse(
            f"The model's feature_spec.yaml cannot be read: {error!r} is missing or of another form."
        ) from error
