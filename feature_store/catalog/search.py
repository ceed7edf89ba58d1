"""Search: words against names, descriptions, owners, tags, sources and readers, whatever is misspelt, the best first.

Each word is held against each different word that the catalog has, once; what a word finds counts more in a name than in a
description, and more there than in what surrounds a table. All words must be found, if anything has them all. A feature also
answers to words about its table, as long as one is about itself. The page's ``search.js`` finds the same.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from feature_store.catalog.model import TABLE, Catalog, Column, Table
from feature_store.catalog.typos import typos

_WORD = re.compile(r"[^\W_]+")
_NAME, _DESCRIPTION, _AROUND, _OF_ITS_TABLE = 1.0, 0.7, 0.5, 0.4
_BEGINS, _WITHIN, _MISSPELT = 0.9, 0.7, 0.8
_NOT_UNLIKE = 0.5
_NO_TYPOS = 3
"""Words of so many letters are meant as they are."""
_LETTERS_FOR_A_TYPO = 4
"""One letter in so many may be wrong, missing, too many or changed over with the next."""


@dataclass(frozen=True)
class Found:
    """A table, or a column of it; ``score`` lies between 0 and 1."""

    table: Table
    column: Column | None
    score: float

    @property
    def name(self) -> str:
        """``table``, or ``table.column``."""
        return self.table.short + (f".{self.column.name}" if self.column else "")


class Index:
    """The words of a catalog, gathered once for all who search it."""

    def __init__(self, catalog: Catalog) -> None:
        self._entries: list[tuple[Table, Column | None, int]] = []  # with the number of the table's own entry
        # Of each word the numbers of the entries that have it, and what it counts there.
        self._words: dict[str, list[tuple[int, float]]] = {}
        said = around(catalog)
        for table in catalog.feature_tables:
            own = len(self._entries)
            for column in (None, *table.features):
                self._entries.append((table, column, own))
                name, about = (column.name, column.description) if column else (table.short, table.description)
                self._add(name, about, said.get((table.name, column.name if column else None), ()))

    def _add(self, name: str, about: str, said: Iterable[str]) -> None:
        """A name counts by its parts, and as a whole, for who writes it together."""
        parts = words_of(name)
        counts = dict.fromkeys([word for text in said for word in words_of(text)], _AROUND)
        counts |= dict.fromkeys(words_of(about), _DESCRIPTION)
        counts |= dict.fromkeys([*parts, "".join(parts)], _NAME)
        for word, weight in counts.items():
            if word:
                self._words.setdefault(word, []).append((len(self._entries) - 1, weight))

    def search(self, words: Sequence[str]) -> list[Found]:
        """What the words find, the best first."""
        asked = [self._scores(word) for word in dict.fromkeys(words_of(" ".join(words)))]
        found: list[tuple[int, Found]] = []
        for number in {number for scores in asked for number in scores}:
            table, column, own = self._entries[number]
            best = [max(scores.get(number, 0.0), _OF_ITS_TABLE * scores.get(own, 0.0)) for scores in asked]
            found.append((sum(score > 0 for score in best), Found(table, column, sum(best) / len(best))))
        most = max((number for number, _ in found), default=0)
        kept = [one for number, one in found if number == most]
        return sorted(kept, key=lambda one: (-one.score, one.column is not None, one.name))

    def closest(self, words: Sequence[str], *, most: int = 3) -> list[str]:
        """Names that are the least unlike the words."""
        names = {column.name if column else table.short for table, column, _ in self._entries}
        return get_close_matches(" ".join(words).lower(), sorted(names), n=most, cutoff=_NOT_UNLIKE)

    def _scores(self, word: str) -> Mapping[int, float]:
        """How well each entry answers to the word; those that do not are left out."""
        found: dict[int, float] = {}
        for other, entries in self._words.items():
            sure = _alike(word, other)
            if sure:
                for number, weight in entries:
                    found[number] = max(found.get(number, 0.0), sure * weight)
        return found


def words_of(text: str) -> list[str]:
    """Letters and digits that stand together, in small letters."""
    return _WORD.findall(text.lower())


def around(catalog: Catalog) -> Mapping[tuple[str, str | None], Sequence[str]]:
    """What else a feature table (column None) and each of its columns is found by: owner, keys, tags, sources, and who reads it."""
    found: dict[tuple[str, str | None], dict[str, None]] = {}
    for table in catalog.feature_tables:
        tags = [text for tag in table.tags.items() for text in tag]
        found[table.name, None] = dict.fromkeys([table.owner, *table.keys, *tags, *table.sources])
    for reader in catalog.readers:
        if reader.kind == TABLE:
            continue
        for name, columns in reader.reads.items():
            for place in (None, *(columns or ())):
                found.setdefault((name, place), {}).update({reader.short.split("/")[0]: None, reader.owner: None})
    return {place: [text for text in texts if text] for place, texts in found.items()}


def _alike(word: str, other: str) -> float:
    """How surely ``word`` means ``other``: 0, if it does not."""
    if other == word:
        return 1.0
    if other.startswith(word):
        return _BEGINS
    if len(word) >= _NO_TYPOS and word in other:
        return _WITHIN
    most = len(word) // _LETTERS_FOR_A_TYPO if len(word) > _NO_TYPOS else 0
    wrong = typos(word, other, most=most) if most else None
    return 0.0 if wrong is None else _MISSPELT * (1 - wrong / len(word))
