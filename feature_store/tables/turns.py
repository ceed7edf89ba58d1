"""Writers take turns, and a writer that lost a race runs again.

Delta lets one of two writers win and tells the other, which then has to look at the table again: :func:`in_turn` does
so, a few times, with growing pauses. That alone is not enough in a folder: Spark's log store looks whether a commit's
file is there and then renames over it, which is two steps, so two processes can both believe that they won and one
commit is lost. Therefore a process locks the table's folder while it writes. The lock is the operating system's: it
ends with the process, however that ends, leaves no file behind, and does not keep readers out. On an object store it is
a lease (:mod:`feature_store.tables.leases`), of all machines.
"""

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, stop_after_delay, wait_exponential_jitter

from feature_store.errors import ConcurrentWrite, StorageError
from feature_store.tables.objects import ObjectFolder, Place

Result = TypeVar("Result")
PATIENCE = timedelta(minutes=10)
"""How long a writer waits for another process to finish with the table."""
TRIES = 6
"""How often a write is tried when writers that do not know our lock, on other machines, keep winning."""


def in_turn(
    name: str, folder: Place, write: Callable[[], Result], *, patience: timedelta = PATIENCE, tries: int = TRIES
) -> Result:
    """What ``write`` returns, run while no other process of this machine (of any machine, on an object store) writes to the table.

    ``write`` is run again after a conflict, so it must look at the table anew each time and raise
    :class:`ConcurrentWrite` only where nothing was written.

    Raises
    ------
    ConcurrentWrite
        If another process keeps the table for longer than ``patience``, or other writers won each race.
    """
    began = time.monotonic()
    again = Retrying(
        retry=retry_if_exception_type(ConcurrentWrite),
        wait=wait_exponential_jitter(multiplier=0.2, max=10, jitter=0.5),
        stop=stop_after_attempt(tries),
        reraise=True,
    )
    with _alone(name, folder, patience):
        try:
            return again(write)
        except ConcurrentWrite as error:
            raise ConcurrentWrite(
                f"{name} could not be written: another writer changed it first in each of {tries} tries within "
                f"{time.monotonic() - began:.0f} seconds. Nothing was written. Its history says who writes; run the job "
                "again when that writer is done."
            ) from error


@contextmanager
def _alone(name: str, folder: Place, patience: timedelta) -> Iterator[None]:
    """Hold the folder's lock; a folder that is not there has none, and the writer finds out by itself."""
    waiting = Retrying(
        retry=retry_if_exception_type(BlockingIOError),
        wait=wait_exponential_jitter(multiplier=0.02, max=1, jitter=0.05),
        stop=stop_after_delay(patience.total_seconds()),
        reraise=True,
    )
    try:
        give_back = waiting(_lease(folder) if isinstance(folder, ObjectFolder) else partial(_locked, folder))
    except BlockingIOError as error:
        raise ConcurrentWrite(
            f"{name} is being written by another process, and still was after {patience.total_seconds():.0f} seconds of "
            "waiting. Nothing was written. Run the job again when the other one is done."
        ) from error
    try:
        yield
    except BaseException:
        give_back()
        raise
    if not give_back():
        raise StorageError(
            f"{name} was written, but the turn to write had ended before: this process, or its network, stood still for too long, and "
            "another may have written at the same time. Look at the table's history before the job is run again."
        )


def _lease(folder: ObjectFolder) -> Callable[[], Callable[[], bool]]:
    from feature_store.tables.leases import Lease

    lease = Lease(folder)

    def take() -> Callable[[], bool]:
        lease.take()
        return lease.give_back

    return take


def _locked(folder: Path) -> Callable[[], bool]:
    """Lock the folder, if there is one; what ends the lock."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:
        return lambda: True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not _is_still(folder, descriptor):
            raise BlockingIOError(f"{folder} was dropped and made again.")
    except BlockingIOError:
        os.close(descriptor)
        raise
    except OSError:
        # Some network disks have no locks; Delta's own detection of conflicts remains.
        pass
    return partial(_unlock, descriptor)


def _unlock(descriptor: int) -> bool:
    os.close(descriptor)
    return True


def _is_still(folder: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), folder.stat())
    except FileNotFoundError:
        return False
