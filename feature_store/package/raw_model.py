"""The model without its features, where it predicts: in this process, or on workers that may not see this machine's disk."""

from __future__ import annotations

import hashlib
import io
import tempfile
import zipfile
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mlflow

if TYPE_CHECKING:
    from pyspark import Broadcast
    from pyspark.sql import SparkSession


@dataclass(frozen=True)
class Folder:
    """A model in a folder of this machine."""

    path: str

    def load(self) -> Any:
        """The model."""
        return mlflow.pyfunc.load_model(self.path)


@dataclass(frozen=True)
class Sent:
    """A model's folder as Spark sends it to its workers, once to each; two of the same content are the same."""

    digest: str
    content: Broadcast[bytes] = field(compare=False)

    def load(self) -> Any:
        """The model, from a folder that the worker's executor takes away when it ends."""
        from pyspark import SparkFiles

        folder = tempfile.mkdtemp(prefix="model-", dir=SparkFiles.getRootDirectory())
        with zipfile.ZipFile(io.BytesIO(self.content.value)) as packed:
            packed.extractall(folder)
        return mlflow.pyfunc.load_model(folder)


def sent(folder: Path, spark: SparkSession) -> Sent:
    """The model in ``folder``, ready for the workers of ``spark``."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                # Without the files' own times, so that the same model is the same content.
                name = zipfile.ZipInfo(path.relative_to(folder).as_posix())
                packed.writestr(name, path.read_bytes())
    content = buffer.getvalue()
    return Sent(hashlib.sha256(content).hexdigest(), spark.sparkContext.broadcast(content))


@lru_cache(maxsize=4)
def loaded(model: Folder | Sent) -> Any:
    """The model, loaded once in each process."""
    return model.load()
