"""What the page is told by environment variables, since that is how platforms start it; ``review-alerts serve`` sets them."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from feature_store.cli import parse_moment
from feature_store.errors import Misuse, suggestion
from feature_store.names import DEFAULT_SCHEMA

LOGIN, HEADER, TOKEN = "login", "header", "token"
IDENTITIES = (LOGIN, HEADER, TOKEN)
TOKEN_VARIABLE = "PIPELINE_REVIEW_TOKEN"
SHORTEST_TOKEN = 16
"""Characters of a token: fewer could be guessed."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Whose alerts are shown, as of when (None: now), how people say who they are, and what trains a model again.

    ``training`` is a command line with ``{alert}``, ``{monitor}``, ``{as_of}``, ``{catalog}``, ``{schema}`` and ``{workspace}``,
    run without a shell; empty: this project's own. ``profile`` is that of the own one.
    """

    catalog: str = "dev"
    schema: str = DEFAULT_SCHEMA
    workspace: str = "workspace"
    as_of: datetime | None = None
    identity: str = LOGIN
    training: str = ""
    profile: str = "local"

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Settings":
        """The settings that environment variables name.

        Raises
        ------
        Misuse
            If the moment is none, or there is no such way to say who one is.
        """
        given = {field: environment.get(name, "") for field, name in _VARIABLES.items()}
        moment = given.pop("as_of")
        found = cls(
            **{field: text for field, text in given.items() if text}, as_of=parse_moment(moment) if moment else None
        )
        if found.identity not in IDENTITIES:
            raise Misuse(f"There is no identity {found.identity!r}. {suggestion(found.identity, IDENTITIES)}")
        return found

    def environment(self) -> dict[str, str]:
        """The variables that name these settings; those that are empty, too, so that nothing is inherited."""
        values = {field: getattr(self, field) for field in _VARIABLES}
        values["as_of"] = self.as_of.isoformat() if self.as_of else ""
        return {_VARIABLES[field]: str(value) for field, value in values.items()}


_VARIABLES = {
    "catalog": "PIPELINE_REVIEW_CATALOG",
    "schema": "PIPELINE_REVIEW_SCHEMA",
    "workspace": "PIPELINE_WORKSPACE",
    "as_of": "PIPELINE_REVIEW_AS_OF",
    "identity": "PIPELINE_REVIEW_IDENTITY",
    "training": "PIPELINE_REVIEW_TRAINING",
    "profile": "PIPELINE_PROFILE",
}


def check_exposure(identity: str, *, address: str, token: str) -> None:
    """Refuse to serve where others can come in and nobody says who they are.

    Raises
    ------
    Misuse
        If ``address`` is not this machine's own and there is no identity; or there is no token that cannot be guessed.
    """
    if identity == TOKEN and len(token) < SHORTEST_TOKEN:
        raise Misuse(
            f"--identity token needs a secret of {SHORTEST_TOKEN} characters or more in the environment variable "
            f"{TOKEN_VARIABLE}."
        )
    if identity == LOGIN and not is_own(address):
        raise Misuse(
            f"The page is not served on {address or 'all addresses'} without knowing who reviews: add --identity header "
            "behind a platform that forwards its users, or --identity token."
        )


def is_own(address: str) -> bool:
    """Whether only this machine can reach the address; an empty one means all."""
    try:
        return address == "localhost" or ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
