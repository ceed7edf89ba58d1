"""What a feature's values were by window, how far they drifted, and which alerts there were: given by whoever measures it."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class History:
    """One series of windows, oldest first; a value that was not measured is None.

    ``low`` and ``high`` hold the middle 90 % of the values. ``limit`` is how much ``drift`` may be, and ``alerts`` are sentences.
    """

    of: str
    windows: Sequence[str] = ()
    mean: Sequence[float | None] = ()
    low: Sequence[float | None] = ()
    high: Sequence[float | None] = ()
    nulls: Sequence[float | None] = ()
    drift: Sequence[float | None] = ()
    limit: float | None = None
    alerts: Sequence[str] = ()
