"""A folder of an object store, as much of it as tables need: S3, Google's and Azure's, by the client that delta-rs has too.

There are no folders there, only objects whose names have slashes, and no locks: what one writer alone may do is decided
by conditional writes. Addresses and credentials are those of the environment (``AWS_ENDPOINT_URL``,
``AWS_ACCESS_KEY_ID`` and so on), which delta-rs, Polars and Spark read as well.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from feature_store.errors import StorageError, suggestion

if TYPE_CHECKING:
    from obstore.store import ObjectStore

SCHEMES = ("abfs", "abfss", "gs", "s3", "s3a")


@dataclass(frozen=True)
class ObjectFolder:
    """All objects whose names begin with an address and a slash."""

    address: str

    def __str__(self) -> str:
        return self.address

    @property
    def name(self) -> str:
        """The last part of the address."""
        return self.address.rsplit("/", 1)[-1]

    def joinpath(self, *parts: str) -> ObjectFolder:
        """A folder in this one."""
        return ObjectFolder("/".join((self.address, *parts)))

    @property
    def store(self) -> ObjectStore:
        """The client of the bucket."""
        parts = urlsplit(self.address)
        return _store(f"{parts.scheme}://{parts.netloc}", os.environ.get("AWS_ENDPOINT_URL"))

    @property
    def key(self) -> str:
        """The address within the bucket."""
        return urlsplit(self.address).path.strip("/")

    def folders(self) -> list[ObjectFolder]:
        """The folders in it, by name."""
        found = self.store.list_with_delimiter(self.key + "/")
        return [self.joinpath(prefix.rstrip("/").rsplit("/", 1)[-1]) for prefix in sorted(found["common_prefixes"])]

    def names(self) -> Iterator[str]:
        """The names, without the folder, of all objects below."""
        for page in self.store.list(self.key + "/"):
            yield from (str(one["path"]).removeprefix(self.key + "/") for one in page)

    def remove(self) -> None:
        """Remove all objects below."""
        for page in self.store.list(self.key + "/"):
            self.store.delete([one["path"] for one in page])


Place = Path | ObjectFolder
"""Where tables are: a folder of a disk or of an object store."""


def place(address: str | Path) -> Place:
    """The folder that a path or an address names.

    Raises
    ------
    StorageError
        If it is in a store that this pipeline cannot write to, or has a query or a fragment.
    """
    parts = urlsplit(str(address))
    if "://" not in str(address):
        return Path(address).absolute()
    if parts.scheme == "file":
        return Path(parts.path)
    if parts.scheme not in SCHEMES:
        raise StorageError(
            f"A warehouse cannot be at {parts.scheme}://. {suggestion(parts.scheme, SCHEMES)} Or name a folder; a file "
            "system that is mounted on all machines is one."
        )
    if parts.query or parts.fragment or not parts.netloc or parts.password:
        raise StorageError(
            "A warehouse's address has a scheme, a bucket and a path, as in s3://bucket/warehouse, no more."
        )
    return ObjectFolder(str(address).rstrip("/"))


@functools.lru_cache(maxsize=8)
def _store(root: str, endpoint: str | None) -> ObjectStore:
    """The client, kept for as long as the endpoint is the same."""
    from obstore.store import from_url

    return from_url(root)
