"""Which row of a feature table belongs to each row of a data frame: a search in sorted integers, on this machine.

Keys become small integers, the same for the data frame and the table; key and moment together become one integer of 64
bits that sorts as the pair does. One sort of the table's integers and one binary search then find, for each row asked,
the newest row at or before its moment, and only the rows that were found are fetched from the wide columns.

    customer  decided_at        customer  known_at  row        row found
    anna      10:00        in   anna      08:00     0     =    1
    anna      07:00             anna      10:00     1          none
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
import numpy.typing as npt
import polars as pl

from feature_store.errors import Misuse

Integers = npt.NDArray[np.int64]
_CODE, _BITS = "__code", 63
_NOBODY = -1  # the code of a key that is not asked for
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, eq=False)
class Asked:
    """The rows of a data frame that can find something, by one lookup key and, unless None, one moment.

    ``rows`` are their positions in the data frame, sorted by key and moment; ``codes`` and ``moments`` (microseconds)
    stand in the same order. ``keys`` has each key once, in the columns ``0``, ``1``, … and its code; no key is null.
    """

    height: int
    keys: pl.DataFrame
    rows: Integers
    codes: Integers
    moments: Integers | None

    @classmethod
    def of(cls, frame: pl.DataFrame, keys: Sequence[str], moment: str | None) -> "Asked":
        """What ``frame`` asks for by its columns ``keys`` and ``moment``."""
        numbered = frame.select(
            *(pl.col(key).alias(str(number)) for number, key in enumerate(keys)),
            *([_instant(frame, moment).alias("moment")] if moment else []),
        ).with_row_index("row")
        usable = numbered.drop_nulls()
        names = [str(number) for number in range(len(keys))]
        known = usable.select(names).unique().with_row_index(_CODE)
        codes = _integers(usable.join(known, on=names, how="left", maintain_order="left", nulls_equal=False)[_CODE])
        rows = _integers(usable["row"])
        if moment is None:
            return cls(frame.height, known, rows, codes, None)
        moments = _integers(usable["moment"])
        (pairs,) = _as_one(known.height, (codes, moments))
        order = np.argsort(pairs)
        return cls(frame.height, known, rows[order], codes[order], moments[order])


def find(
    asked: Asked, features: pl.DataFrame, keys: Sequence[str], time: str | None, lookback: timedelta | None
) -> pl.Series:
    """For each row of the data frame the row of ``features`` that belongs to it, null where there is none.

    Raises
    ------
    Misuse
        If ``features``, having no time, has two rows of one key that is asked for.
    """
    names = {key: str(number) for number, key in enumerate(keys)}
    named = features.select(keys).rename(names)
    coded = named.join(asked.keys, on=list(names.values()), how="left", maintain_order="left")[_CODE]
    codes = _integers(coded.cast(pl.Int64).fill_null(_NOBODY))
    if asked.moments is None or time is None:
        found, row = _by_code(asked, codes, keys)
    else:
        moments = _integers(features.select(_instant(features, time)).to_series())
        found, row = _newest(asked, asked.moments, codes, moments, lookback)
    result = np.full(asked.height, -1, dtype=np.int64)
    result[asked.rows[found]] = row[found]
    series = pl.Series(result)
    return series.set(series < 0, None)


def _by_code(asked: Asked, codes: Integers, keys: Sequence[str]) -> tuple[npt.NDArray[np.bool_], Integers]:
    (rows,) = np.nonzero(codes != _NOBODY)
    if len(rows) and np.bincount(codes[rows]).max() > 1:
        raise Misuse(f"A feature table has more than one row of the same {', '.join(keys)}. Write its rows again.")
    row_of = np.full(asked.keys.height, -1, dtype=np.int64)
    row_of[codes[rows]] = rows
    row = row_of[asked.codes]
    return row >= 0, row


def _newest(
    asked: Asked, asked_moments: Integers, codes: Integers, moments: Integers, lookback: timedelta | None
) -> tuple[npt.NDArray[np.bool_], Integers]:
    """Whether each row asked for finds one, and which of ``codes`` and ``moments``."""
    questions, answers = _as_one(asked.keys.height, (asked.codes, asked_moments), (codes, moments))
    order = np.argsort(answers)
    last = np.searchsorted(answers[order], questions, side="right") - 1
    found = last >= 0
    if not len(order):
        return found, last
    row = order[last]
    found &= codes[row] == asked.codes
    if lookback is not None:
        found &= asked_moments - moments[row] <= lookback // _MICROSECOND
    return found, row


def _as_one(codes: int, *pairs: tuple[Integers, Integers]) -> list[Integers]:
    """Each pair of code and moment as one integer; they compare as the pairs do."""
    moments = [moment for _, moment in pairs]
    low, high = (
        (min(m.min() for m in moments if len(m)), max(m.max() for m in moments if len(m)))
        if any(len(m) for m in moments)
        else (0, 0)
    )
    bits = int(high - low).bit_length()
    if codes.bit_length() + bits <= _BITS:
        return [(code << bits) | (moment - low) for code, moment in pairs]
    # Too long a time for too many keys: the moments' ranks are smaller numbers.
    ranks = np.unique(np.concatenate(moments), return_inverse=True)[1].astype(np.int64)
    bits = int(ranks.max()).bit_length()
    cut = np.cumsum([len(moment) for moment in moments])[:-1]
    return [(code << bits) | rank for (code, _), rank in zip(pairs, np.split(ranks, cut), strict=True)]


def _instant(frame: pl.DataFrame, name: str) -> pl.Expr:
    """The column as microseconds; a date is its first moment."""
    return pl.col(name).cast(pl.Datetime("us") if frame.schema[name] == pl.Date else frame.schema[name]).to_physical()


def _integers(series: pl.Series) -> Integers:
    return series.cast(pl.Int64).to_numpy()
