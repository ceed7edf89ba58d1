"""The form that a scoring module fills in."""

from collections.abc import Sequence
from dataclasses import dataclass

from feature_store import Source
from feature_store.errors import Misuse, WrongKind, listed, suggestion
from feature_store.names import check_simple_name
from inference.limits import Limit, MaxMisses, MaxStale
from training.spec import TrainingSpec


@dataclass(frozen=True, kw_only=True, eq=False)
class ScoringSpec:
    """One scored population: whom to score, with which model, and where the scores go.

    Lookup keys and the moment of decision follow from ``training``; ``entities`` must have them, and ``primary_keys``,
    and no feature. ``output`` is the score table, which is the inference log that monitoring reads.
    ``limits`` say how much may be missing; a window beyond one is refused, and nothing of it is written.
    """

    name: str
    description: str | None
    owner: str
    training: TrainingSpec
    entities: Source
    primary_keys: Sequence[str]
    output: str
    alias: str = "champion"
    limits: Sequence[Limit] = ()

    def __post_init__(self) -> None:
        where = f"Scoring spec {self.name!r}"
        check_simple_name(self.output, "score table")
        missing = ["its own description"] * (not (self.description or "").strip()) + ["an owner"] * (
            not self.owner.strip()
        )
        if missing:
            raise Misuse(f"{where} lacks {listed(missing)}.")
        if not self.primary_keys:
            raise Misuse(f"{where} names no primary keys.")
        for column in self.entity_columns:
            if column not in self.entities.columns:
                raise Misuse(
                    f"{where}: source {self.entities.name!r} has no column {column!r}. "
                    f"{suggestion(column, self.entities.columns)}"
                )
        looked_up = [lookup.table_name for lookup in self.training.lookups]
        for limit in self.limits:
            if not isinstance(limit, MaxMisses | MaxStale):
                raise WrongKind(f"{where}: {limit!r} is no limit. There are: MaxMisses, MaxStale.")
            if limit.table_name not in looked_up:
                raise Misuse(
                    f"{where}: the limit '{limit}' is of a table that the model does not look up. "
                    f"{suggestion(limit.table_name, looked_up)}"
                )

    @property
    def entity_columns(self) -> list[str]:
        """What is read of each entity: its primary keys, the lookups' keys and the moment of decision."""
        others = [name for name in self.training.entity_columns if name not in self.primary_keys]
        return [*self.primary_keys, *others]
