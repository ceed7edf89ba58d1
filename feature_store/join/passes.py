"""In which order lookups and functions are computed, and in as few passes as can be.

A lookup's key may be made by a function or by another lookup, and a function may read what lookups and other functions
give. Each pass computes all lookups, or all functions, whose inputs are there.
"""

from collections.abc import Collection, Sequence

from feature_store.join.functions import ResolvedFunction
from feature_store.join.ordering import ordered
from feature_store.join.resolved_lookup import ResolvedLookup

Node = ResolvedLookup | ResolvedFunction
Pass = Sequence[ResolvedLookup] | Sequence[ResolvedFunction]


def passes(
    columns: Collection[str], lookups: Sequence[ResolvedLookup], functions: Sequence[ResolvedFunction]
) -> list[Pass]:
    """The passes that compute everything from ``columns``; what ``columns`` lack is known to be given by something.

    Raises
    ------
    Misuse
        If lookups and functions need each other.
    """
    nodes: list[Node] = [*lookups, *functions]
    ordered({output: node.inputs for node in nodes for output in node.output_names if output not in columns})
    return min((_alternating(columns, lookups, functions, lookups_first=first) for first in (True, False)), key=len)


def _alternating(
    columns: Collection[str],
    lookups: Sequence[ResolvedLookup],
    functions: Sequence[ResolvedFunction],
    *,
    lookups_first: bool,
) -> list[Pass]:
    there, found = set(columns), list[Pass]()
    open_lookups, open_functions = list(lookups), list(functions)
    for_lookups = lookups_first
    while open_lookups or open_functions:
        if for_lookups:
            ready = [one for one in open_lookups if there.issuperset(one.inputs)]
            open_lookups = [one for one in open_lookups if one not in ready]
            there.update(name for one in ready for name in one.output_names)
            found += [ready] if ready else []
        else:
            runnable = _runnable(there, open_functions)
            open_functions = [one for one in open_functions if one not in runnable]
            there.update(one.output for one in runnable)
            found += [runnable] if runnable else []
        # Lookups that only now can be made come before the functions do.
        for_lookups = any(there.issuperset(one.inputs) for one in open_lookups) if for_lookups else True
    return found


def _runnable(columns: Collection[str], functions: Sequence[ResolvedFunction]) -> list[ResolvedFunction]:
    """The functions that can be computed one after the other from ``columns``."""
    found, there = [], set(columns)
    by_output = {one.output: one for one in functions}
    for output in ordered({one.output: one.inputs for one in functions}):
        if there.issuperset(by_output[output].inputs):
            found.append(by_output[output])
            there.add(output)
    return found


def needed(
    wanted: Collection[str], lookups: Sequence[ResolvedLookup], functions: Sequence[ResolvedFunction]
) -> tuple[list[ResolvedLookup], list[ResolvedFunction]]:
    """Those of the lookups' outputs, and of the functions, that the ``wanted`` columns need."""
    nodes: list[Node] = [*lookups, *functions]
    makers = {output: node for node in nodes for output in node.output_names}
    keep, look_at = set[str](), list(wanted)
    while look_at:
        name = look_at.pop()
        if name not in keep:
            keep.add(name)
            look_at += makers[name].inputs if name in makers else []
    trimmed = [one.only(keep) for one in lookups]
    return [one for one in trimmed if one.outputs], [one for one in functions if one.output in keep]
