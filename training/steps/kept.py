"""The outputs of training's steps, kept under a hash of what they were made of: what has not changed is not done again.

    <workspace>/training/<model>/<step>/<hash>/inputs.json   what the step was made of
                                              told.json     what there is to tell of it, written last
                                              ...           its own files

A step is made in a folder beside and renamed, so that a run that is killed leaves nothing half made, and two runs at once do
not disturb each other.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

NEWEST = 5
"""So many outputs of each step are kept."""
_INPUTS, _TOLD = "inputs.json", "told.json"


@dataclass(frozen=True)
class Output:
    """What a step has made: ``told`` as JSON data, and files in ``folder``; not ``is_new`` if an earlier run made it."""

    step: str
    folder: Path
    told: Mapping[str, Any]
    is_new: bool

    @property
    def made_at(self) -> datetime:
        """When it was made, by the clock."""
        return datetime.fromtimestamp((self.folder / _TOLD).stat().st_mtime, UTC)


@dataclass
class Kept:
    """The outputs of one model's steps in ``folder``; with ``rerun``, all are made again. ``done`` has those of this run."""

    folder: Path
    rerun: bool = False
    done: list[Output] = field(default_factory=list)

    def step(self, name: str, inputs: Mapping[str, object], make: Callable[[Path], Mapping[str, object]]) -> Output:
        """The output of the step ``name``, made of these ``inputs`` (JSON data): the one that there is, or made now.

        ``make`` writes files into a folder, and gives what there is to tell.
        """
        text, place = self._place(name, inputs)
        known = None if self.rerun else _read(place / _TOLD)
        if known is not None:
            output = Output(name, place, known, is_new=False)
            os.utime(place)
        else:
            output = Output(name, place, _made(place, text, make), is_new=True)
            _prune(place.parent, keep=place)
        self.done.append(output)
        return output

    def unfinished(self, name: str, inputs: Mapping[str, object]) -> Path:
        """A folder for what a step of these ``inputs`` leaves for the next run, should it be killed; the step removes it."""
        _, place = self._place(name, inputs)
        return place.with_name(f"{place.name}.unfinished")

    def _place(self, name: str, inputs: Mapping[str, object]) -> tuple[str, Path]:
        text = json.dumps(inputs, sort_keys=True, default=str, indent=1)
        return text, self.folder / name / hashlib.sha256(text.encode()).hexdigest()[:16]


def _made(place: Path, inputs: str, make: Callable[[Path], Mapping[str, object]]) -> Mapping[str, Any]:
    """Make the output beside ``place``, and put it there."""
    beside = place.with_name(f"{place.name}.{os.getpid()}.new")
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True)
    try:
        told = json.dumps(make(beside), indent=1)
        (beside / _INPUTS).write_text(inputs, encoding="utf-8")
        (beside / _TOLD).write_text(told, encoding="utf-8")
        shutil.rmtree(place, ignore_errors=True)
        beside.rename(place)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return json.loads(told)  # type: ignore[no-any-return]


def _read(file: Path) -> Mapping[str, Any] | None:
    """What was told; None if there is nothing, or nothing that can be read."""
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return told if isinstance(told, dict) else None


def _prune(folder: Path, *, keep: Path) -> None:
    """Remove all but the newest outputs, and what killed runs have left."""
    whole = [one for one in folder.iterdir() if one != keep and (one / _TOLD).exists() and one.suffix != ".new"]
    for old in sorted(whole, key=lambda one: one.stat().st_mtime, reverse=True)[NEWEST - 1 :]:
        shutil.rmtree(old, ignore_errors=True)
