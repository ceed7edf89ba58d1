"""Java's standard error without the one line that no user can act on."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

GREETING = b"WARNING: Using incubator modules: jdk.incubator.vector"


@contextmanager
def without_greeting() -> Iterator[None]:
    """Let a Java that is started meanwhile write to standard error, now and later, all but its greeting.

    Spark asks for the vector module, which is still in incubation, and Java has no switch that keeps it from saying so.
    """
    terminal = os.dup(2)
    reading, writing = os.pipe()
    os.dup2(writing, 2)
    os.close(writing)
    threading.Thread(target=_copy, args=(reading, os.dup(terminal)), name="java-stderr", daemon=True).start()
    try:
        yield
    finally:
        os.dup2(terminal, 2)
        os.close(terminal)


def _copy(reading: int, writing: int) -> None:
    """Line by line, until the last process that writes has ended."""
    with os.fdopen(reading, "rb") as lines, os.fdopen(writing, "wb", buffering=0) as terminal:
        for line in lines:
            if line.rstrip() != GREETING:
                terminal.write(line)
