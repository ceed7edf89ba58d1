"""64-bit hashes of rows in this process, bit for bit those of Spark's ``xxhash64``.

The algorithm is XXH64 (Y. Collet, https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md); what of a value is
hashed, and that the hash of one column is the seed of the next, is Spark's own convention.
"""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Hashes = npt.NDArray[np.uint64]
_SEED = 42
_1, _2, _3, _4, _5 = (
    np.uint64(prime)
    for prime in (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63, 0x27D4EB2F165667C5)
)
_MOST_DIGITS_OF_A_LONG = 18


def can_hash(kind: pa.DataType) -> bool:
    """Whether values of this type are hashed here: all but lists, structs, maps and long decimals."""
    return bool(_is_short(kind) or _is_long(kind) or _is_text(kind))


def seeds(rows: int, text: str) -> Hashes:
    """The hash of ``text``, shape (rows,): what the hash of each row begins with."""
    array = pa.array([text.encode()], pa.binary())
    return np.repeat(_bytes(np.array([_SEED], np.uint64), array), rows)


def and_then(hashes: Hashes, column: pa.Array) -> Hashes:
    """``hashes`` with the values of ``column``, shape (rows,) both, and with whether each is null.

    As in SQL, 0.0 and -0.0 are equal, and NaN equals NaN.
    """
    null = np.asarray(column.is_null().to_numpy(zero_copy_only=False), dtype=np.bool_)
    (there,) = np.nonzero(~null)
    result = hashes.copy()
    if len(there):
        values = column.drop_null() if null.any() else column
        result[there] = _values(hashes[there], values)
    return _short(result, null.astype(np.uint64))


def _values(seed: Hashes, values: pa.Array) -> Hashes:
    kind = values.type
    if _is_text(kind):
        return _bytes(seed, values)
    if pa.types.is_decimal(kind):
        return _long(seed, _unscaled(values))
    if pa.types.is_floating(kind):
        numbers = values.to_numpy() + np.array(0, values.type.to_pandas_dtype())  # -0.0 + 0 is 0.0
        numbers[np.isnan(numbers)] = np.nan
        bits = numbers.view(np.uint32 if numbers.dtype.itemsize == 4 else np.uint64).astype(np.uint64)
        return _long(seed, bits) if numbers.dtype.itemsize == 8 else _short(seed, bits)
    if pa.types.is_timestamp(kind):
        values = values.cast(pa.timestamp("us", kind.tz)).view(pa.int64())
    elif pa.types.is_date(kind):
        values = values.view(pa.int32())
    integers = values.to_numpy(zero_copy_only=False).astype(np.int64).view(np.uint64)
    return _long(seed, integers) if _is_long(kind) else _short(seed, integers & np.uint64(0xFFFFFFFF))


def _short(seed: Hashes, value: Hashes) -> Hashes:
    """Of 32 bits each."""
    with np.errstate(over="ignore"):
        mixed = (seed + _5 + np.uint64(4)) ^ (value * _1)
        return _finished(_turned(mixed, 23) * _2 + _3)


def _long(seed: Hashes, value: Hashes) -> Hashes:
    """Of 64 bits each."""
    with np.errstate(over="ignore"):
        return _finished(_word(seed + _5 + np.uint64(8), value))


def _bytes(seed: Hashes, values: pa.Array) -> Hashes:
    """Of texts and bytes: those of one length at a time, whose bytes are then the columns of a matrix."""
    binary = values.cast(pa.large_binary())
    lengths = pc.binary_length(binary).to_numpy()
    data = np.frombuffer(binary.buffers()[2] or b"", np.uint8)
    starts = np.frombuffer(binary.buffers()[1], np.int64)[binary.offset :][: len(binary)]
    result = np.empty(len(values), np.uint64)
    for length in np.unique(lengths):
        (chosen,) = np.nonzero(lengths == length)
        matrix = data[starts[chosen][:, None] + np.arange(length)]
        result[chosen] = _of_one_length(seed[chosen], matrix)
    return result


def _of_one_length(seed: Hashes, matrix: npt.NDArray[np.uint8]) -> Hashes:
    length = matrix.shape[1]
    words = np.ascontiguousarray(matrix[:, : length - length % 8]).view("<u8").T
    with np.errstate(over="ignore"):
        stripes = length // 32
        if stripes:
            lanes = [seed + _1 + _2, seed + _2, seed, seed - _1]
            for position, word in enumerate(words[: stripes * 4]):
                lanes[position % 4] = _turned(lanes[position % 4] + word * _2, 31) * _1
            hashes = np.sum([_turned(lane, by) for lane, by in zip(lanes, (1, 7, 12, 18), strict=True)], axis=0)
            for lane in lanes:
                hashes = (hashes ^ (_turned(lane * _2, 31) * _1)) * _1 + _4
        else:
            hashes = seed + _5
        hashes = hashes + np.uint64(length)
        for word in words[stripes * 4 :]:
            hashes = _word(hashes, word)
        place = length - length % 8
        if length % 8 >= 4:
            half = np.ascontiguousarray(matrix[:, place : place + 4]).view("<u4")[:, 0].astype(np.uint64)
            hashes = _turned(hashes ^ (half * _1), 23) * _2 + _3
            place += 4
        for byte in matrix[:, place:].T:
            hashes = _turned(hashes ^ (byte.astype(np.uint64) * _5), 11) * _1
        return _finished(hashes)


def _word(hashes: Hashes, word: Hashes) -> Hashes:
    return _turned(hashes ^ (_turned(word * _2, 31) * _1), 27) * _1 + _4


def _turned(value: Hashes, by: int) -> Hashes:
    return (value << np.uint64(by)) | (value >> np.uint64(64 - by))


def _finished(hashes: Hashes) -> Hashes:
    hashes = (hashes ^ (hashes >> np.uint64(33))) * _2
    hashes = (hashes ^ (hashes >> np.uint64(29))) * _3
    return cast(Hashes, hashes ^ (hashes >> np.uint64(32)))


def _unscaled(values: pa.Array) -> Hashes:
    """The decimals' digits as whole numbers: the low half of Arrow's 128 bits, since there are at most 18 digits."""
    halves = np.frombuffer(values.buffers()[1], np.uint64)[2 * values.offset :][: 2 * len(values)]
    return halves[::2].copy()


def _is_short(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_boolean(kind)
        or pa.types.is_date32(kind)
        or pa.types.is_float32(kind)
        or (pa.types.is_signed_integer(kind) and kind.bit_width < 64)
    )


def _is_long(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_int64(kind)
        or pa.types.is_float64(kind)
        or pa.types.is_timestamp(kind)
        or (pa.types.is_decimal128(kind) and kind.precision <= _MOST_DIGITS_OF_A_LONG)
    )


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind)
        or pa.types.is_large_string(kind)
        or pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
    )
