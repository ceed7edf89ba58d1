"""Turns on an object store, where there are no locks: a lease, which ends if its holder does not renew it.

The lease is an object. To make it where there is none, and to replace the one that was read, are conditional writes, of
which the store lets one succeed. A holder that was killed renews no more: who waits sees the same object for as long as
a lease lasts, by its own clock, and replaces it; the clocks of different machines are never compared.

A holder may sleep through the end of its lease and write after all. What delta-rs commits is a conditional write, too, and is then
refused. Spark's commit on S3 is not: it looks, and then writes. Whoever has lost the turn is therefore told so.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import threading
import time
from contextlib import suppress
from datetime import timedelta

from obstore.exceptions import AlreadyExistsError, BaseError, PreconditionError

from feature_store.tables.objects import ObjectFolder

LASTS = timedelta(seconds=45)
"""How long a lease is worth that nobody renews."""
_ENDING = ".turn"


class Lease:
    """The turn to write in one folder; :meth:`take` it and :meth:`give_back`."""

    def __init__(self, folder: ObjectFolder, *, lasts: timedelta = LASTS) -> None:
        self.store = folder.store
        # Beside the folder, so that to drop the table does not end the turn in which it is dropped.
        self.key = folder.key + _ENDING
        self.lasts = lasts.total_seconds()
        self._seen: tuple[str | None, float] = (None, 0.0)
        self._etag: str | None = None
        self._done = threading.Event()
        self._renewing: threading.Thread | None = None

    def take(self) -> None:
        """Take the turn.

        Raises
        ------
        BlockingIOError
            If somebody has it; try again.
        """
        try:
            self._etag = self.store.put(self.key, _body(), mode="create")["e_tag"]
        except AlreadyExistsError:
            self._replace_if_over()
        self._renewing = threading.Thread(target=self._renew, name=f"lease of {self.key}", daemon=True)
        self._renewing.start()

    def give_back(self) -> bool:
        """End the turn; whether it was kept until now."""
        self._done.set()
        assert self._renewing is not None
        self._renewing.join()
        try:
            if self._etag is None or self.store.head(self.key)["e_tag"] != self._etag:
                return False
        except FileNotFoundError:
            return False
        with suppress(FileNotFoundError, BaseError):  # then it ends by itself
            self.store.delete(self.key)
        return True

    def _replace_if_over(self) -> None:
        try:
            there = self.store.head(self.key)["e_tag"]
        except FileNotFoundError as error:
            raise BlockingIOError("given back just now") from error
        if there is None or there != self._seen[0]:
            self._seen = (there, time.monotonic())
        if there is None or time.monotonic() - self._seen[1] < self.lasts:
            raise BlockingIOError("held by another")
        try:
            self._etag = self._put_instead_of(there)
        except (PreconditionError, FileNotFoundError) as error:
            raise BlockingIOError("taken by another just now") from error

    def _renew(self) -> None:
        while not self._done.wait(self.lasts / 5):
            assert self._etag is not None
            try:
                self._etag = self._put_instead_of(self._etag)
            except (PreconditionError, FileNotFoundError):
                self._etag = None  # another has it
                return
            except BaseError:
                continue  # the store does not answer: the next time, perhaps

    def _put_instead_of(self, there: str) -> str | None:
        return self.store.put(self.key, _body(), mode={"e_tag": there})["e_tag"]


def _body() -> bytes:
    """Who holds it, for people; and something new, so that each renewal is another object."""
    return json.dumps({"host": socket.gethostname(), "process": os.getpid(), "renewal": secrets.token_hex(8)}).encode()
