"""Tell people and programs of drift, by a webhook and by mail.

Nothing is sent unless the environment says where to; ``channels`` says with which variables.
"""

import hmac
import json
import logging
import smtplib
import ssl
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import localtime, make_msgid
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from feature_store.errors import listed
from monitoring.telling.channels import Channels

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, Retry

__all__ = ["Attempt", "Channels", "Message", "notify"]

WEBHOOK, MAIL = CHANNELS = ("webhook", "mail")

TRIES = 3
TIMEOUT_SECONDS = 10.0
BACKOFF_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 30.0
"""However long a webhook asks to be left alone: a check does not wait for longer before it tries again."""


@dataclass(frozen=True, kw_only=True)
class Message:
    """What is told: a subject, a short plain text, data for programs, and where there is one a page of HTML."""

    subject: str
    text: str
    data: Mapping[str, object]
    page: str | None = None


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """What came of sending by one channel, in words; ``is_owed`` if another attempt may succeed."""

    channel: str
    said: str
    is_owed: bool = False


def notify(channels: Channels, message: Message, *, by: Collection[str] = CHANNELS) -> list[Attempt]:
    """Send ``message`` by each channel that there is; one that fails raises nothing.

    A webhook that was too slow to answer is called again, so it may get the same message more than once.
    """
    found = []
    if channels.webhook and WEBHOOK in by:
        name = f"The webhook at {urlsplit(channels.webhook).hostname}"
        try:
            _call(channels.webhook, channels.webhook_secret, message)
            found.append(Attempt(channel=WEBHOOK, said=f"{name} was told."))
        except Exception as error:
            said = f"{name} was not told: {_reason(error)}."
            found.append(Attempt(channel=WEBHOOK, said=said, is_owed=_is_owed(error)))
    if channels.smtp_host and MAIL in by:
        try:
            refused = _mail(channels, channels.smtp_host, message)
            said = f"A mail was sent to {listed(to for to in channels.recipients if to not in refused)}."
            said += f" No mail was sent to {listed(refused)}: {channels.smtp_host} refused to." if refused else ""
            found.append(Attempt(channel=MAIL, said=said))
        except Exception as error:
            said = f"No mail was sent by {channels.smtp_host}: {_reason(error)}."
            found.append(Attempt(channel=MAIL, said=said, is_owed=_is_owed(error)))
    return found


class _Undelivered(Exception):
    """A reason in words of ours. Those of other errors are never shown: they may have a secret in them."""


def _reason(error: Exception) -> str:
    match error:
        case _Undelivered():
            return str(error)
        case smtplib.SMTPRecipientsRefused():
            return "it refused every recipient"
        case smtplib.SMTPResponseException(smtp_code=code):
            return f"it answered {code} ({type(error).__name__})"
        case OSError():
            return f"it cannot be reached, or does not answer as it should ({type(error).__name__})"
        case _:
            return f"the message cannot be sent as it is ({type(error).__name__})"


def _is_owed(error: Exception) -> bool:
    """Whether it may go better another time: not with a message that cannot be written down."""
    return isinstance(error, (_Undelivered, OSError))


# ---- by webhook


def _call(webhook: str, secret: str | None, message: Message) -> None:
    import requests
    from requests.adapters import HTTPAdapter

    body = _body(message)
    headers = {"Content-Type": "application/json"}
    if secret:
        headers["X-Signature-256"] = f"sha256={hmac.new(secret.encode(), body, 'sha256').hexdigest()}"
    scheme = urlsplit(webhook).scheme
    with requests.Session() as session, _nothing_logged():
        session.trust_env = scheme == "https"  # what goes in clear, to this machine, goes by no proxy
        session.mount(f"{scheme}://", HTTPAdapter(max_retries=_patience()))
        answer = session.post(
            webhook, data=body, headers=headers, timeout=TIMEOUT_SECONDS, allow_redirects=False, stream=True
        )
        if not 200 <= answer.status_code < 300:
            raise _Undelivered(f"it answered {answer.status_code}")


def _body(message: Message) -> bytes:
    """As JSON, which has no NaN and no infinity: null is sent instead."""
    data = json.loads(json.dumps(dict(message.data), default=str), parse_constant=lambda name: None)
    return json.dumps({**data, "text": message.text, "subject": message.subject}).encode()


def _patience() -> "Retry":
    from urllib3.util import Retry

    class Patience(Retry):
        def get_retry_after(self, response: "BaseHTTPResponse") -> float | None:
            asked = super().get_retry_after(response)
            return asked and min(asked, LONGEST_WAIT_SECONDS)

    return Patience(
        total=TRIES - 1,
        allowed_methods=["POST"],
        status_forcelist=[429, *range(500, 600)],
        backoff_factor=BACKOFF_SECONDS,
        raise_on_status=False,
    )


@contextmanager
def _nothing_logged() -> Iterator[None]:
    """This thread's requests are not logged: urllib3 would write the webhook's path at every try."""
    loggers = [logging.getLogger(name) for name in ("urllib3.connectionpool", "urllib3.util.retry")]
    thread = threading.get_ident()

    def is_of_another(record: logging.LogRecord) -> bool:
        return record.thread != thread

    for logger in loggers:
        logger.addFilter(is_of_another)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(is_of_another)


# ---- by mail


def _mail(channels: Channels, host: str, message: Message) -> list[str]:
    """The recipients that the server refused, if it took the mail for others."""
    mail = _mail_of(message, channels.sender or "", channels.recipients)
    with closing(_server(channels, host)) as server:
        if channels.smtp_user and channels.smtp_password:
            server.login(channels.smtp_user, channels.smtp_password)
        refused = server.send_message(mail)
        with suppress(OSError):  # the mail is sent, whatever the server answers to a goodbye
            server.quit()
    return list(refused)


def _mail_of(message: Message, sender: str, recipients: tuple[str, ...]) -> EmailMessage:
    mail = EmailMessage()
    printable = "".join(letter if letter.isprintable() else " " for letter in message.subject)
    mail["Subject"] = " ".join(printable.split())  # a line's end would begin another header
    mail["From"] = sender
    mail["To"] = ", ".join(recipients)
    mail["Date"] = localtime()
    mail["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    mail["Auto-Submitted"] = "auto-generated"  # so that nobody's absence is answered
    mail.set_content(message.text)
    if message.page is not None:
        mail.add_attachment(message.page, subtype="html", filename="drift.html")
    return mail


def _server(channels: Channels, host: str) -> smtplib.SMTP:
    """A connection that is safe as asked for, or none."""
    tls = ssl.create_default_context()
    if channels.smtp_security == "tls":
        return smtplib.SMTP_SSL(host, channels.smtp_port, timeout=TIMEOUT_SECONDS, context=tls)
    server = smtplib.SMTP(host, channels.smtp_port, timeout=TIMEOUT_SECONDS)
    if channels.smtp_security == "starttls":
        try:
            server.starttls(context=tls)
        except Exception as error:
            server.close()
            if isinstance(error, smtplib.SMTPNotSupportedError):
                why = "it offers no STARTTLS, and nothing is sent in clear; see PIPELINE_SMTP_SECURITY"
                raise _Undelivered(why) from None
            raise
    return server
