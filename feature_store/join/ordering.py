"""Names in an order in which each comes after those that it needs."""

import heapq
from collections.abc import Collection, Mapping

from feature_store.errors import Misuse, listed


def ordered(needs: Mapping[str, Collection[str]]) -> list[str]:
    """The keys so that each comes after those that it needs, and otherwise in the given order.

    >>> ordered({"b": ["a"], "a": [], "c": []})
    ['a', 'b', 'c']

    Raises
    ------
    Misuse
        If some need each other.
    """
    position = {name: place for place, name in enumerate(needs)}
    waiting = {name: {other for other in others if other in needs} for name, others in needs.items()}
    needed_by: dict[str, list[str]] = {}
    for name, others in waiting.items():
        for other in others:
            needed_by.setdefault(other, []).append(name)
    ready = [position[name] for name, others in waiting.items() if not others]
    names, found = list(needs), []
    while ready:
        name = names[heapq.heappop(ready)]
        found.append(name)
        for other in needed_by.get(name, []):
            waiting[other].discard(name)
            if not waiting[other]:
                heapq.heappush(ready, position[other])
    if len(found) < len(names):
        stuck = [name for name in names if name not in found]
        raise Misuse(
            f"These columns need each other, so none can be computed first: {listed(stuck)}. Bind one otherwise."
        )
    return found
