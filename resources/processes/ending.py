"""What must be done to its end: to end processes, and to wait for those who do."""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def to_its_end(work: Coroutine[Any, Any, Any]) -> None:
    """Await ``work``, even if whoever awaits it is cancelled meanwhile; they are cancelled afterwards."""
    doing, is_cancelled = asyncio.ensure_future(work), False
    while not doing.done():
        try:
            await asyncio.wait([doing])
        except asyncio.CancelledError:
            is_cancelled = True
    doing.result()
    if is_cancelled:
        raise asyncio.CancelledError
