"""Aggregated features as a feature table: their values on a grid of moments."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from pyspark.sql import DataFrame

from feature_store.aggregate.plan import on_grid, reach
from feature_store.declare.feature import Feature, check_one_group, events_of, sources_of
from feature_store.declare.source import Source
from feature_store.errors import Misuse


@dataclass(frozen=True, kw_only=True, eq=False)
class Aggregates:
    """Features of one source and entity, on a grid of moments ``every`` so often (counted from midnight UTC).

    An entity has a row at every moment of the grid after its first event, until one step after its last event has left
    all windows: that row says "nothing lately", so that a lookup never finds an old value in its place. Where all
    windows are whole steps, and all operators can be combined of steps (all but the deviations, variances and
    approximations), events are first combined step by step.

    Raises
    ------
    Misuse
        At import, if the features cannot stand in one table.
    """

    every: timedelta
    features: Sequence[Feature]

    def __post_init__(self) -> None:
        check_one_group(self.features)
        if self.every <= timedelta(0):
            raise Misuse(f"Aggregates: every must be longer than nothing, and is {self.every}.")

    @property
    def sources(self) -> list[Source]:
        """The sources, in the order of :meth:`compute`'s parameters."""
        return sources_of(self.features[0].source)

    @property
    def lookback(self) -> timedelta:
        """How far back the sources must be read: the longest reach, and one step further for the row that says nothing."""
        return reach(self.features, every=self.every)

    @property
    def descriptions(self) -> dict[str, str]:
        """The features' names and descriptions, as a feature table declares them."""
        return {feature.name: feature.description for feature in self.features}

    def compute(self, *frames: DataFrame) -> DataFrame:
        """Entity, ``known_at`` and features, of one frame for each source.

        The same events give the same rows to the last bit, in whatever order and cut of time they are read.
        """
        return on_grid(events_of(self.features[0].source, *frames), self.features, every=self.every)
