"""The time windows of aggregated features: which events count at a moment.

Of the moment ``t``, with boundaries counted from midnight UTC (of 1 January 1970) plus ``offset``:

    RollingWindow    events in [t - duration - delay, t - delay)
    TumblingWindow   the last complete window: [b - duration, b), b being the last multiple of duration up to t
    SlidingWindow    likewise, b being the last multiple of slide_duration up to t

The beginning of a window belongs to it and its end does not, so an event at the very moment ``t`` never counts.
"""

from dataclasses import dataclass
from datetime import timedelta

from feature_store.errors import Misuse, WrongKind

MICROSECOND = timedelta(microseconds=1)


def micros(duration: timedelta) -> int:
    """A duration in microseconds, exactly."""
    return duration // MICROSECOND


@dataclass(frozen=True, kw_only=True)
class RollingWindow:
    """The last ``window_duration`` before the moment; ``delay`` moves the window back by as much."""

    window_duration: timedelta
    delay: timedelta | None = None

    def __post_init__(self) -> None:
        _check_positive(self, "window_duration")
        _check_duration(self, "delay")
        if self.delay is not None and self.delay < timedelta(0):
            raise Misuse(f"RollingWindow: delay cannot be negative: {self.delay}. The window would see the future.")

    @property
    def boundaries(self) -> None:
        """A rolling window has none: it ends at the moment itself, or ``delay`` before."""

    @property
    def frame(self) -> tuple[int, int]:
        """The first and the last microsecond that counts, relative to the moment."""
        end = -micros(self.delay or timedelta(0))
        return end - micros(self.window_duration), end - 1

    @property
    def reach(self) -> timedelta:
        """How far back the oldest event that counts can be."""
        return self.window_duration + (self.delay or timedelta(0))


@dataclass(frozen=True, kw_only=True)
class SlidingWindow:
    """The last complete window of ``window_duration``, of those that end every ``slide_duration``."""

    window_duration: timedelta
    slide_duration: timedelta
    offset: timedelta | None = None

    def __post_init__(self) -> None:
        _check_positive(self, "window_duration", "slide_duration")
        _check_duration(self, "offset")
        if self.slide_duration > self.window_duration:
            raise Misuse(
                f"SlidingWindow: slide_duration ({self.slide_duration}) is longer than window_duration "
                f"({self.window_duration}), so some events would be in no window. Shorten it."
            )

    @property
    def boundaries(self) -> tuple[int, int]:
        """Microseconds from one boundary to the next, and from midnight UTC to the first, below the former."""
        slide = micros(self.slide_duration)
        return slide, micros(self.offset or timedelta(0)) % slide

    @property
    def frame(self) -> tuple[int, int]:
        """The first and the last microsecond that counts, relative to the last boundary."""
        return -micros(self.window_duration), -1

    @property
    def reach(self) -> timedelta:
        """How far back the oldest event that counts can be."""
        return self.window_duration + self.slide_duration


@dataclass(frozen=True, kw_only=True)
class TumblingWindow:
    """The last complete window of those that follow each other without gap or overlap."""

    window_duration: timedelta
    offset: timedelta | None = None

    def __post_init__(self) -> None:
        _check_positive(self, "window_duration")
        _check_duration(self, "offset")

    @property
    def _sliding(self) -> SlidingWindow:
        return SlidingWindow(
            window_duration=self.window_duration, slide_duration=self.window_duration, offset=self.offset
        )

    @property
    def boundaries(self) -> tuple[int, int]:
        """As in :class:`SlidingWindow`."""
        return self._sliding.boundaries

    @property
    def frame(self) -> tuple[int, int]:
        """As in :class:`SlidingWindow`."""
        return self._sliding.frame

    @property
    def reach(self) -> timedelta:
        """How far back the oldest event that counts can be."""
        return self._sliding.reach


TimeWindow = RollingWindow | TumblingWindow | SlidingWindow


def _check_duration(window: object, field: str) -> None:
    given = getattr(window, field)
    if given is not None and not isinstance(given, timedelta):
        raise WrongKind(f"{type(window).__name__}: {field} is a timedelta, not {type(given).__name__}.")


def _check_positive(window: object, *fields: str) -> None:
    for field in fields:
        given = getattr(window, field)
        if not isinstance(given, timedelta):
            raise WrongKind(
                f"{type(window).__name__}: {field} is a timedelta, not {type(given).__name__}. Every window has an end: "
                "a feature must say how far back it looks."
            )
        if given <= timedelta(0):
            raise Misuse(f"{type(window).__name__}: {field} must be longer than nothing, and is {given}.")
