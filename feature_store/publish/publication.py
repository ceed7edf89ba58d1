"""What publishing did."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from feature_store.declare.checks import WARN

if TYPE_CHECKING:
    from feature_store.publish.findings import Finding


@dataclass(frozen=True)
class Publication:
    """What publishing one window did, or would do.

    Rows written and set aside, features added to the table, texts of it that were renewed, and what the checks found.
    """

    rows: int
    quarantined: int
    added: Sequence[str]
    renewed: Sequence[str]
    findings: Sequence[Finding]

    @property
    def warnings(self) -> list[str]:
        """One clause for each check that failed without stopping the publishing."""
        return [f"{one.check}: {one.found}" for one in self.findings if not one.passed and one.check.on_failure == WARN]
