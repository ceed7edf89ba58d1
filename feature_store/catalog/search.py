"""Search: words against names, descriptions, owners, tags, sources and readers, whatever is misspelt, the best first.

Each word is held against each different word that the catalog has, once; what a word finds counts more in a name than in a
description, and more there than in what surrounds a table. All words must be found, if anything has them all. A feature also
answers to words about its table, as long as one is about itself.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher, get_close_matches

from feature_store.catalog.model import TABLE, Catalog, Column, Table

_WORD = re.compile(r"[^\W_]+")
_NAME, _DESCRIPTION, _AROUND, _OF_ITS_TABLE = 1.0, 0.7, 0.5, 0.4
_BEGINS, _WITHIN, _MISSPELT = 0.9, 0.7, 0.8
_ALIKE, _NOT_UNLIKE = 0.75, 0.5
"""One letter in four may be wrong, missing or too many."""
_NO_TYPOS = 3
"""Words of so many letters are meant as they are."""


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


@dataclass
class _Entry:
    table: Table
    column: Column | None
    words: dict[str, float] = field(default_factory=dict)

    def add(self, text: str, weight: float) -> None:
        for word in _WORD.findall(text.lower()):
            self.words[word] = max(weight, self.words.get(word, 0.0))

    def score(self, alike: Mapping[str, float]) -> float:
        """How well the entry has a word, of which these are alike."""
        return max((self.words[word] * alike[word] for word in self.words.keys() & alike.keys()), default=0.0)


def search(catalog: Catalog, words: Sequence[str]) -> list[Found]:
    """What the words find, the best first."""
    entries = _entries(catalog)
    asked = [word for text in words for word in _WORD.findall(text.lower())]
    vocabulary = sorted({word for entry in entries for word in entry.words})
    alike = [_alike(word, vocabulary) for word in asked]
    own = [[entry.score(one) for one in alike] for entry in entries]
    of_table = {entry.table.name: scores for entry, scores in zip(entries, own, strict=True) if entry.column is None}
    found = []
    for entry, scores in zip(entries, own, strict=True):
        if any(scores):
            around = of_table[entry.table.name] if entry.column else scores
            best = [max(mine, _OF_ITS_TABLE * its) for mine, its in zip(scores, around, strict=True)]
            number = sum(score > 0 for score in best)
            found.append((number, Found(entry.table, entry.column, sum(best) / len(best))))
    most = max((number for number, _ in found), default=0)
    kept = [one for number, one in found if number == most]
    return sorted(kept, key=lambda one: (-one.score, one.column is not None, one.name))


def closest(catalog: Catalog, words: Sequence[str], *, most: int = 3) -> list[str]:
    """Names that are the least unlike the words."""
    names = {entry.column.name if entry.column else entry.table.short for entry in _entries(catalog)}
    return get_close_matches(" ".join(words).lower(), sorted(names), n=most, cutoff=_NOT_UNLIKE)


def _alike(word: str, vocabulary: Sequence[str]) -> Mapping[str, float]:
    """The words that ``word`` may stand for, and how surely."""
    matcher, found = SequenceMatcher(autojunk=False), {}
    matcher.set_seq2(word)  # what is known of the second is kept
    for other in vocabulary:
        if other == word:
            found[other] = 1.0
        elif other.startswith(word):
            found[other] = _BEGINS
        elif len(word) > _NO_TYPOS:
            matcher.set_seq1(other)
            bounds = matcher.real_quick_ratio, matcher.quick_ratio, matcher.ratio
            if all(bound() >= _ALIKE for bound in bounds):
                found[other] = _MISSPELT * matcher.ratio()
        if other not in found and len(word) >= _NO_TYPOS and word in other:
            found[other] = _WITHIN
    return found


def _entries(catalog: Catalog) -> list[_Entry]:
    readers = _names_of_readers(catalog)
    entries = []
    for table in catalog.feature_tables:
        entry = _Entry(table, None)
        _name(entry, table.short)
        entry.add(table.description, _DESCRIPTION)
        tags = (text for tag in table.tags.items() for text in tag)
        for text in (table.owner, *tags, *table.sources, *readers.get((table.name, None), ())):
            entry.add(text, _AROUND)
        entries.append(entry)
        for column in table.features:
            entry = _Entry(table, column)
            _name(entry, column.name)
            entry.add(column.description, _DESCRIPTION)
            for text in readers.get((table.name, column.name), ()):
                entry.add(text, _AROUND)
            entries.append(entry)
    return entries


def _name(entry: _Entry, name: str) -> None:
    """A name counts by its parts, and as a whole, for who writes it together."""
    entry.add(name, _NAME)
    entry.add("".join(_WORD.findall(name)), _NAME)


def _names_of_readers(catalog: Catalog) -> Mapping[tuple[str, str | None], set[str]]:
    """The names of models, score tables and monitors, by the table and by the columns that they read."""
    found: dict[tuple[str, str | None], set[str]] = {}
    for reader in catalog.readers:
        if reader.kind == TABLE:
            continue
        for table, columns in reader.reads.items():
            places: Iterable[tuple[str, str | None]] = [(table, None), *((table, one) for one in columns or ())]
            for place in places:
                found.setdefault(place, set()).update((reader.short.split("/")[0], reader.owner))
    return found
