"""The address that models name which were packaged before there was :mod:`feature_store.loader`."""

from feature_store.local.keyed_model import KeyedModel, load


def _load_pyfunc(data_path: str) -> KeyedModel:
    return load(data_path)
