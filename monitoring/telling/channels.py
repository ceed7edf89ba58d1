"""Where alerts are sent to: a webhook, a mail server, both, or nowhere. The environment says so:

PIPELINE_ALERT_WEBHOOK         an https address (or http on this machine) that takes JSON by POST, as of Slack and Teams
PIPELINE_ALERT_WEBHOOK_SECRET  signs the body: ``X-Signature-256: sha256=<HMAC-SHA256 in hex>``
PIPELINE_SMTP_HOST             the mail server
PIPELINE_SMTP_PORT             587 where it is not set, or 465 if the security is tls
PIPELINE_SMTP_USER             with PIPELINE_SMTP_PASSWORD, if the server asks who sends
PIPELINE_SMTP_PASSWORD         never sent in clear, but to this machine
PIPELINE_SMTP_SECURITY         starttls (where it is not set), tls or none
PIPELINE_ALERT_FROM            the sender's address
PIPELINE_ALERT_TO              the recipients' addresses, with commas between

Neither a webhook's path, which is often its only secret, nor a password is in any sentence, error or log.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

from feature_store.errors import Misuse, listed, suggestion

_SECURITY = ("starttls", "tls", "none")
_ADDRESS = re.compile(r"[^\s@<>,;:\"()]+@[^\s@<>,;:\"()]+")
_HOST = re.compile(r"[A-Za-z0-9_.-]+|[0-9A-Fa-f:.]+")


@dataclass(frozen=True, kw_only=True)
class Channels:
    """Where alerts are sent to; nowhere, if nothing is given. Its ``repr`` has no secret."""

    webhook: str | None = field(default=None, repr=False)
    webhook_secret: str | None = field(default=None, repr=False)
    smtp_host: str | None = None
    smtp_port: int = 587
    smtp_user: str | None = None
    smtp_password: str | None = field(default=None, repr=False)
    smtp_security: str = "starttls"
    sender: str | None = None
    recipients: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.webhook:
            _check_webhook(self.webhook)
        elif self.webhook_secret:
            raise Misuse(
                "PIPELINE_ALERT_WEBHOOK_SECRET has nothing to sign: set PIPELINE_ALERT_WEBHOOK too, or neither."
            )
        _check_nothing_is_missing(self)
        if self.smtp_host:
            _check_mail(self, self.smtp_host)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Channels":
        """The channels that the environment names; an empty variable is one that is not set.

        Raises
        ------
        Misuse
            If a variable is wrong, or another one is missing; its name is told, and what to do.
        """
        variables = os.environ if environment is None else environment
        said = {name: value.strip() for name, value in variables.items() if value.strip()}
        security = said.get("PIPELINE_SMTP_SECURITY", "starttls").lower()
        port = said.get("PIPELINE_SMTP_PORT", "465" if security == "tls" else "587")
        return cls(
            webhook=said.get("PIPELINE_ALERT_WEBHOOK"),
            webhook_secret=said.get("PIPELINE_ALERT_WEBHOOK_SECRET"),
            smtp_host=said.get("PIPELINE_SMTP_HOST"),
            smtp_port=int(port) if re.fullmatch("[0-9]{1,5}", port) else -1,
            smtp_user=said.get("PIPELINE_SMTP_USER"),
            smtp_password=said.get("PIPELINE_SMTP_PASSWORD"),
            smtp_security=security,
            sender=said.get("PIPELINE_ALERT_FROM"),
            recipients=tuple(filter(None, (part.strip() for part in said.get("PIPELINE_ALERT_TO", "").split(",")))),
        )


def _check_webhook(webhook: str) -> None:
    """Nothing of the address is repeated: it may be a secret from its first letter on."""
    try:
        address = urlsplit(webhook)
        host, _ = address.hostname, address.port
    except ValueError:
        host = None
    if not host or not re.fullmatch(r"[!-~]+", webhook) or address.scheme not in ("https", "http"):
        raise Misuse("PIPELINE_ALERT_WEBHOOK is not a web address: give it whole, as https://hooks.example.com/...")
    if address.scheme == "http" and not _is_this_machine(host):
        raise Misuse(
            f"PIPELINE_ALERT_WEBHOOK is an http address at {host}, and its path would be sent in clear: give an https "
            "address. http is for this machine only, as http://localhost/..."
        )


def _check_nothing_is_missing(channels: Channels) -> None:
    needed = {
        "PIPELINE_SMTP_HOST": channels.smtp_host,
        "PIPELINE_ALERT_FROM": channels.sender,
        "PIPELINE_ALERT_TO": channels.recipients,
    }
    others = {
        "PIPELINE_SMTP_USER": channels.smtp_user,
        "PIPELINE_SMTP_PASSWORD": channels.smtp_password,
        "PIPELINE_SMTP_SECURITY": channels.smtp_security != "starttls",
        "PIPELINE_SMTP_PORT": channels.smtp_port != 587,
    }
    there = [name for name, value in {**needed, **others}.items() if value]
    missing = [name for name, value in needed.items() if not value]
    if there and missing:
        raise Misuse(f"No mail can be sent: {listed(there)} set, but not {listed(missing)}. Set them all, or none.")
    if bool(channels.smtp_user) != bool(channels.smtp_password):
        raise Misuse("PIPELINE_SMTP_USER and PIPELINE_SMTP_PASSWORD go together: set both, or neither.")


def _check_mail(channels: Channels, host: str) -> None:
    if not _HOST.fullmatch(host):
        raise Misuse("PIPELINE_SMTP_HOST is not a host's name: give the name alone, as mail.example.com.")
    if not 1 <= channels.smtp_port <= 65535:
        raise Misuse("PIPELINE_SMTP_PORT is not a port: give a number from 1 to 65535, or leave it out.")
    security = channels.smtp_security
    if security not in _SECURITY:
        raise Misuse(f"PIPELINE_SMTP_SECURITY cannot be {security!r}. {suggestion(security, _SECURITY)}")
    if security == "none" and channels.smtp_password and not _is_this_machine(host):
        raise Misuse(
            f"PIPELINE_SMTP_SECURITY is none, and PIPELINE_SMTP_PASSWORD would be sent to {host} in clear: set the "
            "security to starttls or tls, or send without user and password."
        )
    for name, addresses in {
        "PIPELINE_ALERT_FROM": [channels.sender or ""],
        "PIPELINE_ALERT_TO": channels.recipients,
    }.items():
        for address in addresses:
            if not _ADDRESS.fullmatch(address) or not address.isprintable():
                raise Misuse(f"{name} has {address!r}, which is not an address: give it alone, as name@example.com.")


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
