"""What could not be delivered is sent by the next check: servers on this machine that are down, and come back."""

import json
from dataclasses import replace

import pytest

from feature_store import open_store
from monitoring.telling.notify import Channels
from monitoring.telling.outbox import MOST_KEPT, send, send_kept
from tests.monitoring.telling.test_notify import DRIFTED, by_mail, mail_server, webhook

DOWN = [(404, {})]
"""A webhook that is not tried again at once."""


@pytest.fixture
def store(tmp_path):
    return open_store(workspace=tmp_path / "workspace")


def later(number):
    return replace(DRIFTED, subject=f"{number}", data={"as_of": f"2013-09-{number:02}T00:00:00+00:00"})


def subjects(server):
    return [json.loads(body)["subject"] for _, _, body in server.requests]


def test_what_a_webhook_did_not_take_is_sent_once_in_order_when_it_is_back(store):
    with webhook(*DOWN * 3) as server:
        channels = Channels(webhook=server.url)
        assert send(store, channels, later(1)) == [
            "The webhook at 127.0.0.1 was not told: it answered 404. The next check sends it."
        ]
        send(store, channels, later(2))
        assert send_kept(store, channels) == [
            "Kept from before, '1': The webhook at 127.0.0.1 was not told: it answered 404."
        ]
        assert send_kept(store, channels) == [
            f"Kept from before, '{number}': The webhook at 127.0.0.1 was told." for number in (1, 2)
        ]
        assert send_kept(store, channels) == []
    assert subjects(server) == ["1", "2", "1", "1", "2"]


def test_a_channel_that_took_the_message_does_not_get_it_again(store):
    with webhook(*DOWN) as hook, mail_server() as mails:
        both = replace(by_mail(mails), webhook=hook.url)
        send(store, both, DRIFTED)
        send_kept(store, both)
    assert (len(mails.mails), len(hook.requests)) == (1, 2)


def test_a_mail_is_sent_later_with_its_page(store):
    with mail_server() as server:
        channels = by_mail(server)
    assert "The next check sends it." in send(store, channels, DRIFTED)[0]
    with mail_server() as back:
        assert send_kept(store, by_mail(back))[0].endswith("A mail was sent to anna@example.com, ben@example.com.")
    assert b"drift.html" in back.mails[0][2]


def test_where_the_channel_is_not_set_any_more_the_message_waits(store):
    with webhook(*DOWN) as server:
        send(store, Channels(webhook=server.url), DRIFTED)
        assert send_kept(store, Channels()) == []
        assert len(send_kept(store, Channels(webhook=server.url))) == 1


def test_a_message_that_cannot_be_written_down_is_not_kept(store):
    circle: dict[str, object] = {}
    circle["itself"] = circle
    with webhook() as server:
        [said] = send(store, Channels(webhook=server.url), replace(DRIFTED, data=circle))
        assert "cannot be sent as it is" in said
        assert "next check" not in said
        assert send_kept(store, Channels(webhook=server.url)) == []


def test_a_kept_message_that_cannot_be_read_is_told_and_keeps_no_other_back(store):
    with webhook(*DOWN) as server:
        channels = Channels(webhook=server.url)
        send(store, channels, later(1))
        broken = store.reports.absolute() / "monitoring" / "undelivered" / "webhook" / "0.json"
        broken.write_text('{"subject": "half a')
        told, sent = send_kept(store, channels)
    assert told == f"A message that was kept cannot be read: {broken}"
    assert sent.endswith("The webhook at 127.0.0.1 was told.")


def test_the_newest_are_kept_and_no_address_is_among_them(store):
    with webhook(*DOWN * (MOST_KEPT + 1)) as server:
        for number in range(MOST_KEPT + 1):
            send(store, Channels(webhook=server.url), later(number))
    files = sorted((store.reports / "monitoring" / "undelivered" / "webhook").iterdir())
    assert [json.loads(file.read_text())["subject"] for file in files] == [f"{n}" for n in range(1, MOST_KEPT + 1)]
    assert not any("verysecret" in file.read_text() for file in files)
