"""What is sent where, by a webhook and a mail server that listen on this machine."""

import hashlib
import hmac
import json
import logging
import socket
import ssl
import time
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from threading import Thread
from types import SimpleNamespace

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from feature_store.errors import Misuse
from monitoring.telling import notify as module
from monitoring.telling.notify import Channels, Message
from monitoring.telling.notify import notify as attempts

PATH = "/services/T000/verysecret?token=alsosecret"
DRIFTED = Message(
    subject="1 drift alert of tomorrow",
    text="wind_mph has drifted: PSI 0.31 > 0.25.\nDie Ursache ist noch nicht bekannt, ¿verdad?\n",
    data={"monitor": "tomorrow", "opened": ["4f1c2a9b"], "psi": 0.31},
    page="<html><style>p { color: red }</style><p>wind_mph: 0.31</p></html>",
)
FROM, TO = "alerts@example.com", ("anna@example.com", "ben@example.com")


def notify(channels, message):
    """What is said of each channel."""
    return [attempt.said for attempt in attempts(channels, message)]


# ---- servers


class Webhook(ThreadingHTTPServer):
    """Answers as it is told, then 200, and keeps what came."""

    def __init__(self, answers):
        super().__init__(("127.0.0.1", 0), Answering)
        self.answers, self.requests = list(answers), []
        self.url = f"http://127.0.0.1:{self.server_port}{PATH}"

    def handle_error(self, request, client_address):
        """A client that does not trust the server hangs up; that is not to be printed."""


class Answering(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((self.path, dict(self.headers), body))
        status, headers = self.server.answers.pop(0) if self.server.answers else (200, {})
        self.send_response(status)
        for name, value in {**headers, "Content-Length": "0"}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format, *args):
        """Nothing is printed."""


@contextmanager
def webhook(*answers, tls=None):
    with Webhook(answers) as server:
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
            server.url = f"https://localhost:{server.server_port}{PATH}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class MailServer(Controller):
    """Keeps the mails that it got, and each user and password, with whether they came encrypted."""

    def __init__(self, *, refused=(), password=None, tls=None, encrypted=None):
        self.mails, self.logins, self.refused, self.password = [], [], refused, password
        super().__init__(
            SimpleNamespace(handle_RCPT=self.recipient, handle_DATA=self.mail),
            hostname="127.0.0.1",
            ssl_context=encrypted,
            tls_context=tls,
            authenticator=self.login,
            auth_require_tls=False,
        )

    def _create_server(self):
        listening = socket.create_server((self.hostname, 0))
        self.port = listening.getsockname()[1]
        return self.loop.create_server(self._factory_invoker, sock=listening, ssl=self.ssl_context)

    def login(self, server, session, envelope, mechanism, data):
        self.logins.append((data.login.decode(), data.password.decode(), session.ssl is not None))
        return AuthResult(success=data.password.decode() == self.password, handled=False)

    async def recipient(self, server, session, envelope, address, options):
        if address in self.refused:
            return "550 No such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def mail(self, server, session, envelope):
        encrypted = session.ssl is not None or self.ssl_context is not None
        self.mails.append((envelope.mail_from, tuple(envelope.rcpt_tos), envelope.content, encrypted))
        return "250 OK"


@contextmanager
def mail_server(**options):
    server = MailServer(**options)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def by_mail(server, **others):
    plain = {"smtp_host": "127.0.0.1", "smtp_port": server.port, "smtp_security": "none", "sender": FROM}
    return Channels(**{**plain, "recipients": TO, **others})


def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return listening.getsockname()[1]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate of localhost that vouches for itself, as a file, and a server's side of TLS with it."""
    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")]),
    )
    hosts = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(hosts, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = made.public_bytes(serialization.Encoding.PEM)
    file = tmp_path_factory.mktemp("tls") / "localhost.pem"
    form = serialization.PrivateFormat.PKCS8
    file.write_bytes(pem + key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(file)
    return file, server


@pytest.fixture
def trusted(certificate, monkeypatch):
    """The server's side of TLS, with a certificate that clients trust."""
    file, server = certificate
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(file))
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    return server


@pytest.fixture(autouse=True)
def _no_long_waits(monkeypatch):
    monkeypatch.setattr(module, "BACKOFF_SECONDS", 0.01)


@pytest.fixture(autouse=True)
def _no_secret_is_logged(caplog):
    """Whatever a test is about, and however much is logged."""
    caplog.set_level(logging.DEBUG)
    yield
    assert [line for line in caplog.get_records("call") if "secret" in line.getMessage()] == []


# ---- nothing


def test_where_nothing_is_set_nothing_is_sent():
    channels = Channels.from_environment({"PATH": "/bin", "PIPELINE_ALERT_WEBHOOK": " ", "PIPELINE_SMTP_HOST": ""})
    assert channels == Channels()
    assert notify(channels, DRIFTED) == []


# ---- by webhook


def test_a_webhook_gets_the_text_the_subject_and_the_data_as_json():
    with webhook() as server:
        assert notify(Channels(webhook=server.url), DRIFTED) == ["The webhook at 127.0.0.1 was told."]
    [(path, headers, body)] = server.requests
    assert path == PATH
    assert headers["Content-Type"] == "application/json"
    assert "X-Signature-256" not in headers
    assert json.loads(body) == {
        "text": DRIFTED.text, "subject": "1 drift alert of tomorrow", "monitor": "tomorrow", "opened": ["4f1c2a9b"], "psi": 0.31,
    }  # fmt: skip


def test_the_body_is_signed_where_there_is_a_secret():
    with webhook() as server:
        notify(Channels(webhook=server.url, webhook_secret="my secret"), DRIFTED)
    [(_, headers, body)] = server.requests
    assert headers["X-Signature-256"] == "sha256=" + hmac.new(b"my secret", body, hashlib.sha256).hexdigest()


def test_what_json_cannot_hold_is_sent_as_null_or_as_text_and_data_does_not_replace_the_text():
    odd = {
        "psi": float("nan"),
        "limits": [float("inf"), 1.5],
        "as_of": datetime(2013, 9, 1, tzinfo=UTC),
        "text": "mine",
    }
    with webhook() as server:
        notify(Channels(webhook=server.url), Message(subject="s", text="t", data=odd))
    assert json.loads(server.requests[0][2]) == {
        "text": "t", "subject": "s", "psi": None, "limits": [None, 1.5], "as_of": "2013-09-01 00:00:00+00:00",
    }  # fmt: skip


def test_a_webhook_that_fails_twice_and_then_accepts_was_told():
    with webhook((503, {}), (429, {})) as server:
        assert notify(Channels(webhook=server.url), DRIFTED) == ["The webhook at 127.0.0.1 was told."]
    assert len(server.requests) == 3
    assert len({body for _, _, body in server.requests}) == 1


@pytest.mark.parametrize(("status", "tries"), [(500, 3), (503, 3), (429, 3), (404, 1), (410, 1)])
def test_a_webhook_that_always_fails_is_told_of_without_its_path(status, tries):
    with webhook(*[(status, {})] * 9) as server:
        said = notify(Channels(webhook=server.url), DRIFTED)
    assert said == [f"The webhook at 127.0.0.1 was not told: it answered {status}."]
    assert len(server.requests) == tries


def test_a_webhook_is_waited_for_as_long_as_it_asks():
    with webhook((429, {"Retry-After": "1"})) as server:
        began = time.monotonic()
        assert notify(Channels(webhook=server.url), DRIFTED) == ["The webhook at 127.0.0.1 was told."]
    assert time.monotonic() - began >= 1
    assert len(server.requests) == 2


def test_but_not_for_longer_than_a_check_can_wait(monkeypatch):
    monkeypatch.setattr(module, "LONGEST_WAIT_SECONDS", 0.05)
    with webhook(*[(503, {"Retry-After": "3600"})] * 3) as server:
        began = time.monotonic()
        assert notify(Channels(webhook=server.url), DRIFTED) == [
            "The webhook at 127.0.0.1 was not told: it answered 503."
        ]
    assert 0.1 <= time.monotonic() - began < 30
    assert len(server.requests) == 3


def test_a_redirect_is_not_followed():
    with webhook() as other, webhook((307, {"Location": other.url})) as server:
        said = notify(Channels(webhook=server.url), DRIFTED)
    assert said == ["The webhook at 127.0.0.1 was not told: it answered 307."]
    assert (len(server.requests), len(other.requests)) == (1, 0)


def test_a_webhook_on_this_machine_is_called_by_no_proxy(monkeypatch):
    with webhook() as proxy, webhook() as server:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("http_proxy", proxy.url)
        assert notify(Channels(webhook=server.url), DRIFTED) == ["The webhook at 127.0.0.1 was told."]
    assert (len(server.requests), len(proxy.requests)) == (1, 0)


def test_a_webhook_that_nobody_serves_is_told_of_without_its_path():
    channels = Channels(webhook=f"http://user:secretpassword@127.0.0.1:{closed_port()}{PATH}")
    [said] = notify(channels, DRIFTED)
    assert said.startswith("The webhook at 127.0.0.1 was not told: it cannot be reached")
    assert "secret" not in said


def test_a_webhook_that_does_not_answer_in_time_is_told_of(monkeypatch):
    monkeypatch.setattr(module, "TIMEOUT_SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        [said] = notify(Channels(webhook=f"http://127.0.0.1:{silent.getsockname()[1]}{PATH}"), DRIFTED)
    assert said.startswith("The webhook at 127.0.0.1 was not told: it cannot be reached, or does not answer")
    assert "secret" not in said


def test_a_webhook_is_called_by_https(trusted):
    with webhook(tls=trusted) as server:
        assert notify(Channels(webhook=server.url), DRIFTED) == ["The webhook at localhost was told."]
    assert len(server.requests) == 1


def test_a_webhook_whose_certificate_is_not_trusted_gets_nothing(certificate, monkeypatch):
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with webhook(tls=certificate[1]) as server:
        [said] = notify(Channels(webhook=server.url), DRIFTED)
    assert said.startswith("The webhook at localhost was not told: it cannot be reached")
    assert "SSLError" in said
    assert server.requests == []


def test_other_threads_log_what_they_did_while_a_webhook_is_called(caplog):
    with module._nothing_logged():
        thread = Thread(target=logging.getLogger("urllib3.connectionpool").warning, args=["of another thread"])
        thread.start()
        thread.join()
        logging.getLogger("urllib3.connectionpool").warning("of this one")
    logging.getLogger("urllib3.connectionpool").warning("afterwards")
    assert [record.getMessage() for record in caplog.records] == ["of another thread", "afterwards"]


# ---- by mail


def test_a_mail_has_the_text_the_page_as_a_file_and_all_recipients():
    with mail_server() as server:
        assert notify(by_mail(server), DRIFTED) == ["A mail was sent to anna@example.com, ben@example.com."]
    [(sender, recipients, content, _)] = server.mails
    assert (sender, recipients) == (FROM, TO)
    mail = message_from_bytes(content, policy=default)
    assert mail["Subject"] == "1 drift alert of tomorrow"
    assert (mail["From"], mail["To"]) == (FROM, "anna@example.com, ben@example.com")
    assert mail["Date"].datetime.tzinfo
    assert mail["Message-ID"].endswith("@example.com>")
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail.get_body(["plain", "html"]).get_content().replace("\r\n", "\n") == DRIFTED.text
    [page] = mail.iter_attachments()
    assert (page.get_content_type(), page.get_filename()) == ("text/html", "drift.html")
    assert page.get_content().strip() == DRIFTED.page


def test_a_mail_without_a_page_is_a_plain_one():
    with mail_server() as server:
        notify(by_mail(server), Message(subject="s", text="all is well\n", data={}))
    mail = message_from_bytes(server.mails[0][2], policy=default)
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().strip() == "all is well"


def test_a_webhook_that_fails_does_not_keep_the_mail_back():
    with webhook(*[(500, {})] * 3) as hook, mail_server() as server:
        said = notify(by_mail(server, webhook=hook.url), DRIFTED)
    assert said == [
        "The webhook at 127.0.0.1 was not told: it answered 500.",
        "A mail was sent to anna@example.com, ben@example.com.",
    ]
    assert len(server.mails) == 1


def test_a_mail_server_that_is_down_does_not_keep_the_webhook_from_being_told():
    with webhook() as hook, mail_server() as server:
        said = notify(by_mail(server, webhook=hook.url, smtp_port=closed_port()), DRIFTED)
    assert said == [
        "The webhook at 127.0.0.1 was told.",
        "No mail was sent by 127.0.0.1: it cannot be reached, or does not answer as it should (ConnectionRefusedError).",
    ]
    assert len(hook.requests) == 1


def test_a_message_that_cannot_be_written_down_is_told_of():
    broken = Message(subject="s", text="half a letter: \ud83d", data={("a", "tuple"): 1})
    with webhook() as hook, mail_server() as server:
        said = notify(by_mail(server, webhook=hook.url), broken)
    assert said == [
        "The webhook at 127.0.0.1 was not told: the message cannot be sent as it is (TypeError).",
        "No mail was sent by 127.0.0.1: the message cannot be sent as it is (UnicodeEncodeError).",
    ]
    assert (hook.requests, server.mails) == ([], [])


def test_recipients_that_the_server_refuses_are_named():
    with mail_server(refused=["ben@example.com"]) as server:
        assert notify(by_mail(server), DRIFTED) == [
            "A mail was sent to anna@example.com. No mail was sent to ben@example.com: 127.0.0.1 refused to.",
        ]
    assert [mail[1] for mail in server.mails] == [("anna@example.com",)]


def test_a_server_that_refuses_all_recipients_is_told_of():
    with mail_server(refused=TO) as server:
        assert notify(by_mail(server), DRIFTED) == ["No mail was sent by 127.0.0.1: it refused every recipient."]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r", "\u2028", "\x85", "\x00", "\x0b"])
def test_a_subject_with_a_line_s_end_begins_no_other_header(end):
    message = Message(subject=f"drift of{end}Bcc: eve@example.com{end}{end}<p>more", text="t", data={})
    with mail_server() as server:
        notify(by_mail(server), message)
    [(_, recipients, content, _)] = server.mails
    mail = message_from_bytes(content, policy=default)
    assert recipients == TO
    assert mail["Bcc"] is None
    assert mail["Subject"] == "drift of Bcc: eve@example.com <p>more"
    assert mail.get_content().strip() == "t"


# ---- passwords


LOGIN = {"smtp_user": "alerts", "smtp_password": "secret"}


def test_user_and_password_are_sent_after_starttls(trusted):
    with mail_server(tls=trusted, password="secret") as server:
        said = notify(by_mail(server, smtp_security="starttls", **LOGIN), DRIFTED)
    assert said == ["A mail was sent to anna@example.com, ben@example.com."]
    assert server.logins == [("alerts", "secret", True)]
    assert [encrypted for *_, encrypted in server.mails] == [True]


def test_a_mail_goes_by_tls_from_the_first_byte_on(trusted):
    with mail_server(encrypted=trusted) as server:
        said = notify(by_mail(server, smtp_security="tls"), DRIFTED)
    assert said == ["A mail was sent to anna@example.com, ben@example.com."]
    assert [encrypted for *_, encrypted in server.mails] == [True]


def test_where_starttls_is_not_offered_nothing_is_sent_in_clear():
    with mail_server() as server:
        said = notify(by_mail(server, smtp_security="starttls", **LOGIN), DRIFTED)
    assert said == [
        "No mail was sent by 127.0.0.1: it offers no STARTTLS, and nothing is sent in clear; see PIPELINE_SMTP_SECURITY."
    ]
    assert (server.logins, server.mails) == ([], [])


def test_a_mail_server_whose_certificate_is_not_trusted_gets_nothing(certificate):
    with mail_server(tls=certificate[1]) as server:
        [said] = notify(by_mail(server, smtp_security="starttls", **LOGIN), DRIFTED)
    assert said.startswith("No mail was sent by 127.0.0.1: it cannot be reached")
    assert "SSLCertVerificationError" in said
    assert (server.logins, server.mails) == ([], [])


def test_a_password_that_the_server_refuses_is_told_of_and_not_repeated():
    with mail_server(password="another") as server:
        said = notify(by_mail(server, **LOGIN), DRIFTED)
    assert said == ["No mail was sent by 127.0.0.1: it answered 535 (SMTPAuthenticationError)."]
    assert server.mails == []


def test_the_repr_of_channels_has_no_secret():
    channels = Channels(
        webhook=f"https://hooks.example.com{PATH}", webhook_secret="secret", smtp_host="mail.example.com", sender=FROM,
        recipients=TO, **LOGIN,
    )  # fmt: skip
    assert "secret" not in f"{channels!r} {channels}".replace("webhook_secret", "").lower()
    assert "mail.example.com" in repr(channels)


# ---- the environment


MAIL = {
    "PIPELINE_SMTP_HOST": "mail.example.com",
    "PIPELINE_ALERT_FROM": "alerts@example.com",
    "PIPELINE_ALERT_TO": "anna@example.com, ben@example.com,",
}


def test_the_environment_says_where_to():
    others = {
        "PIPELINE_ALERT_WEBHOOK": "https://hooks.example.com/T000",
        "PIPELINE_ALERT_WEBHOOK_SECRET": "a",
        "PIPELINE_SMTP_PORT": "2525",
        "PIPELINE_SMTP_USER": "b",
        "PIPELINE_SMTP_PASSWORD": "c",
        "PIPELINE_SMTP_SECURITY": "TLS",
    }
    assert Channels.from_environment({**MAIL, **others}) == Channels(
        webhook="https://hooks.example.com/T000",
        webhook_secret="a",
        smtp_host="mail.example.com",
        smtp_port=2525,
        smtp_user="b",
        smtp_password="c",
        smtp_security="tls",
        sender=FROM,
        recipients=TO,
    )


def test_the_variables_are_those_of_this_process(monkeypatch):
    monkeypatch.setenv("PIPELINE_ALERT_WEBHOOK", "https://hooks.example.com/T000")
    assert Channels.from_environment().webhook == "https://hooks.example.com/T000"


@pytest.mark.parametrize(("security", "port"), [("", 587), ("starttls", 587), ("none", 587), ("tls", 465)])
def test_the_usual_port_depends_on_the_security(security, port):
    assert Channels.from_environment({**MAIL, "PIPELINE_SMTP_SECURITY": security}).smtp_port == port


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_a_password_may_go_to_this_machine_in_clear(host):
    login = {"PIPELINE_SMTP_USER": "alerts", "PIPELINE_SMTP_PASSWORD": "secret", "PIPELINE_SMTP_SECURITY": "none"}
    assert Channels.from_environment({**MAIL, **login, "PIPELINE_SMTP_HOST": host}).smtp_host == host


@pytest.mark.parametrize("url", ["http://localhost:8080/x", "http://127.0.0.2/x", "http://[::1]/x", "https://e.com"])
def test_a_webhook_is_https_or_of_this_machine(url):
    assert Channels.from_environment({"PIPELINE_ALERT_WEBHOOK": url}).webhook == url


WRONG = [
    ({"PIPELINE_ALERT_WEBHOOK": f"http://hooks.example.com{PATH}"}, "PIPELINE_ALERT_WEBHOOK is an http address at hooks.example.com, .*give an https address"),
    ({"PIPELINE_ALERT_WEBHOOK": f"http://localhost.example.com{PATH}"}, "in clear: give an https address"),
    ({"PIPELINE_ALERT_WEBHOOK": "verysecret"}, "PIPELINE_ALERT_WEBHOOK is not a web address: give it whole"),
    ({"PIPELINE_ALERT_WEBHOOK": "ftp://example.com/secret"}, "PIPELINE_ALERT_WEBHOOK is not a web address"),
    ({"PIPELINE_ALERT_WEBHOOK": "https:///secret"}, "PIPELINE_ALERT_WEBHOOK is not a web address"),
    ({"PIPELINE_ALERT_WEBHOOK": "https://[secret/"}, "PIPELINE_ALERT_WEBHOOK is not a web address"),
    ({"PIPELINE_ALERT_WEBHOOK": "https://e.com:secret/"}, "PIPELINE_ALERT_WEBHOOK is not a web address"),
    ({"PIPELINE_ALERT_WEBHOOK": "https://e.com/a\r\nX-Header: secret"}, "PIPELINE_ALERT_WEBHOOK is not a web address"),
    ({"PIPELINE_ALERT_WEBHOOK_SECRET": "verysecret"}, "PIPELINE_ALERT_WEBHOOK_SECRET has nothing to sign: set PIPELINE_ALERT_WEBHOOK too"),
    ({"PIPELINE_SMTP_HOST": "mail.example.com"}, "PIPELINE_SMTP_HOST set, but not PIPELINE_ALERT_FROM, PIPELINE_ALERT_TO. Set them all"),
    ({**MAIL, "PIPELINE_ALERT_TO": " , "}, "PIPELINE_SMTP_HOST, PIPELINE_ALERT_FROM set, but not PIPELINE_ALERT_TO"),
    ({**MAIL, "PIPELINE_SMTP_HOST": ""}, "set, but not PIPELINE_SMTP_HOST"),
    ({"PIPELINE_SMTP_PASSWORD": "verysecret"}, "PIPELINE_SMTP_PASSWORD set, but not PIPELINE_SMTP_HOST"),
    ({"PIPELINE_SMTP_PORT": "25"}, "PIPELINE_SMTP_PORT set, but not PIPELINE_SMTP_HOST"),
    ({"PIPELINE_SMTP_SECURITY": "tls"}, "PIPELINE_SMTP_SECURITY, PIPELINE_SMTP_PORT set, but not PIPELINE_SMTP_HOST"),
    ({**MAIL, "PIPELINE_SMTP_PASSWORD": "verysecret"}, "PIPELINE_SMTP_USER and PIPELINE_SMTP_PASSWORD go together"),
    ({**MAIL, "PIPELINE_SMTP_USER": "alerts"}, "PIPELINE_SMTP_USER and PIPELINE_SMTP_PASSWORD go together"),
    ({**MAIL, "PIPELINE_SMTP_HOST": "smtp://user:secret@mail.example.com"}, "PIPELINE_SMTP_HOST is not a host's name: give the name alone"),
    ({**MAIL, "PIPELINE_SMTP_PORT": "smtp"}, "PIPELINE_SMTP_PORT is not a port: give a number from 1 to 65535"),
    ({**MAIL, "PIPELINE_SMTP_PORT": "0"}, "PIPELINE_SMTP_PORT is not a port"),
    ({**MAIL, "PIPELINE_SMTP_PORT": "65536"}, "PIPELINE_SMTP_PORT is not a port"),
    ({**MAIL, "PIPELINE_SMTP_SECURITY": "start_tls"}, "PIPELINE_SMTP_SECURITY cannot be 'start_tls'. Did you mean starttls"),
    ({**MAIL, "PIPELINE_SMTP_SECURITY": "none", "PIPELINE_SMTP_USER": "alerts", "PIPELINE_SMTP_PASSWORD": "verysecret"}, "PIPELINE_SMTP_PASSWORD would be sent to mail.example.com in clear: set the security to starttls"),
    ({**MAIL, "PIPELINE_ALERT_FROM": "alerts"}, "PIPELINE_ALERT_FROM has 'alerts', which is not an address"),
    ({**MAIL, "PIPELINE_ALERT_TO": "anna@example.com;ben@example.com"}, "PIPELINE_ALERT_TO has .*, which is not an address: give it alone"),
    ({**MAIL, "PIPELINE_ALERT_TO": "anna\x00@example.com"}, "PIPELINE_ALERT_TO has .*, which is not an address"),
    ({**MAIL, "PIPELINE_ALERT_TO": "anna@example.com\nBcc: eve@example.com"}, "PIPELINE_ALERT_TO has .*, which is not an address"),
]  # fmt: skip


@pytest.mark.parametrize(("environment", "why"), WRONG, ids=[why[:60] for _, why in WRONG])
def test_what_is_wrong_is_named_with_what_to_do_and_without_a_secret(environment, why):
    with pytest.raises(Misuse, match=why) as refused:
        Channels.from_environment(environment)
    assert "secret" not in str(refused.value)
    assert refused.value.__cause__ is None
    assert refused.value.__context__ is None
