"""Work on several tables at the same time: while Spark plans or computes for one, this process computes for another."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

AT_ONCE = 2


@contextmanager
def side_by_side(items: Sequence[Item], work: Callable[[Item], Result]) -> Iterator[list[tuple[Item, Future[Result]]]]:
    """The items being worked on, ``AT_ONCE`` at the same time; once the caller gives up, none is begun any more."""
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        # With the caller's context: the commits name the job's run.
        yield [(item, pool.submit(copy_context().run, work, item)) for item in items]
    finally:
        pool.shutdown(cancel_futures=True)
