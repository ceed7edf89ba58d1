"""Where packaged models are loaded from: their MLmodel file names this module, which therefore stays where it is.

MLflow calls ``_load_pyfunc`` with the model's ``data/feature_store`` folder. What it gives may change and move; this
address may not.
"""

from feature_store.local.keyed_model import KeyedModel, load


def _load_pyfunc(data_path: str) -> KeyedModel:
    return load(data_path)
