"""How much may be missing before a run is refused, declared in a scoring spec: ``limits=[MaxMisses(aircraft.TABLE, share=0.05)]``.

By default nothing that is missing refuses a run: it is counted, told and recorded. Null and duplicate primary keys always do.
"""

from dataclasses import KW_ONLY, dataclass

from feature_store import FeatureTable
from feature_store.declare.checks import Fresh, check_share
from feature_store.errors import Misuse, WrongKind


@dataclass(frozen=True)
class MaxMisses:
    """At most this share of a window's rows, from 0 to 1, finds no row in the feature table."""

    table: FeatureTable | str
    _: KW_ONLY
    share: float

    def __post_init__(self) -> None:
        _check(self)

    @property
    def table_name(self) -> str:
        """The name that the lookups use."""
        return _name(self.table)

    def __str__(self) -> str:
        return f"at most {self.share:.1%} of the rows without a row in {self.table_name}"


@dataclass(frozen=True)
class MaxStale:
    """At most this share of a window's rows finds only a row that was older, when decided, than its table's ``Fresh`` says."""

    table: FeatureTable
    _: KW_ONLY
    share: float

    def __post_init__(self) -> None:
        _check(self)
        if not isinstance(self.table, FeatureTable):
            raise WrongKind(f"MaxStale takes the declared feature table, whose Fresh it goes by, not {self.table!r}.")
        if not any(isinstance(check, Fresh) for check in self.table.checks):
            raise Misuse(
                f"MaxStale({self.table_name}): the table does not say how old its rows may be. "
                "Declare checks=[Fresh(...)] in its module."
            )

    @property
    def table_name(self) -> str:
        """The name that the lookups use."""
        return _name(self.table)

    def __str__(self) -> str:
        return f"at most {self.share:.1%} of the rows with a stale row of {self.table_name}"


Limit = MaxMisses | MaxStale


def _check(limit: Limit) -> None:
    if not isinstance(limit.table, FeatureTable | str):
        raise WrongKind(f"A limit is of a FeatureTable or its name, not of a {type(limit.table).__name__}.")
    check_share(f"{type(limit).__name__}({_name(limit.table)})", limit.share)


def _name(table: FeatureTable | str) -> str:
    return table.name if isinstance(table, FeatureTable) else table
