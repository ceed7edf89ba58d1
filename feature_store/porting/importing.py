"""What ``from feature_store import ...`` gives for the words of the vendor's client."""

import sys
from pathlib import Path
from typing import Any

from feature_store.errors import Misuse
from feature_store.porting.vocabulary import ABSENT_NAMES, CLIENT

_ENGINE = str(Path(__file__).parents[1])


def given(name: str) -> Any:
    """What ``from feature_store import name`` gives for a word of the vendor's: on Databricks the vendor's own.

    Raises
    ------
    Misuse
        If only the vendor has it; the text says what there is instead.
    AttributeError
        If it is no word of the vendor's.
    """
    if name != CLIENT and name not in ABSENT_NAMES:
        raise AttributeError(f"module 'feature_store' has no attribute {name!r}")
    from feature_store.opening import chosen_backend

    if chosen_backend() == "databricks":
        from feature_store.databricks import client

        return client.vendor_word(name)
    if name in ABSENT_NAMES:
        raise Misuse(f"{name} is not in the local store: {ABSENT_NAMES[name]}.")
    from feature_store.porting.client import FeatureEngineeringClient
    from feature_store.porting.notebook import prepare

    prepare(_importing())
    return FeatureEngineeringClient


def _importing() -> str:
    """The file whose code imports: the nearest that is neither the engine's nor Python's way of importing."""
    frame = sys._getframe(1)
    while frame.f_back and frame.f_code.co_filename.startswith((_ENGINE, "<frozen importlib")):
        frame = frame.f_back
    return frame.f_code.co_filename
