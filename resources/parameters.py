"""``k=v,k2=v2`` as typed in a terminal, where a value may be JSON with commas of its own."""

import re
from collections.abc import Iterable, Iterator

from feature_store.errors import Misuse

PAIR = re.compile(r"\s*([A-Za-z_][\w.\-]*)=(.*)", re.DOTALL)
NEXT_PAIR = re.compile(r",\s*[A-Za-z_][\w.\-]*=")
OPENING, CLOSING = "[{(", "]})"


def parse_pairs(texts: Iterable[str], *, option: str) -> dict[str, str]:
    """``name=value`` pairs from every text; a later one wins.

    A comma ends a value only where a new ``name=`` follows and the comma is not inside brackets or double quotes, so
    ``rounds=[{"from":"2013-07-01","as_of":"2013-08-01"}],first_as_of=2013-07-01`` is two pairs, and so is
    ``note=a, b,as_of=2013-07-01``.

    Raises
    ------
    Misuse
        If a text does not begin with ``name=``.
    """
    pairs: dict[str, str] = {}
    for text in texts:
        for part in _parts(text):
            pair = PAIR.fullmatch(part)
            if not pair:
                raise Misuse(f"{option} takes name=value pairs separated by commas, not {part!r}.")
            pairs[pair[1]] = pair[2]
    return pairs


def _parts(text: str) -> Iterator[str]:
    depth, quoted, begin = 0, False, 0
    for position, character in enumerate(text):
        if character == '"' and (position == 0 or text[position - 1] != "\\"):
            quoted = not quoted
        elif quoted:
            continue
        elif character in OPENING:
            depth += 1
        elif character in CLOSING:
            depth -= 1
        elif character == "," and depth <= 0 and NEXT_PAIR.match(text, position):
            yield text[begin:position]
            begin = position + 1
    yield text[begin:]
