"""What is sent of a check: the news of this very run, short enough for a mail, once."""

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from click.testing import CliRunner

from feature_store import open_store
from monitoring.alerts.actions import snoozed
from monitoring.alerts.checking import check
from monitoring.check import main
from monitoring.drift.metrics import ByColumn
from monitoring.limits import Psi, Severity
from monitoring.spec import Retraining
from monitoring.telling.channels import Channels
from monitoring.telling.notify import Message
from monitoring.telling.outbox import send
from monitoring.telling.short import MOST_LINES, WIDTH, message, news_of, tell
from monitoring.windows.metrics import WindowMetrics
from tests.monitoring.telling.checks import EXAMPLE, by_hand, drifting, with_one_cause
from tests.monitoring.telling.test_notify import webhook

CRITICAL = {"load": Psi(0.25, severity=Severity.CRITICAL)}


def text_of(checked):
    lines = message(checked, None).text.splitlines()
    assert len(lines) <= MOST_LINES
    assert [line for line in lines if len(line) > WIDTH] == []
    return lines


def test_the_subject_says_how_many_how_bad_and_what_is_worst():
    assert message(by_hand(EXAMPLE.monitor(CRITICAL), drifting(0.1, 0.504)), None).subject == (
        "parcels: 1 critical alert (load psi 0.50 > 0.25)"
    )
    two = EXAMPLE.monitor({"load": Psi(0.25), "weight": Psi(0.25, severity=Severity.CRITICAL)})
    weeks: list[ByColumn] = [{name: WindowMetrics(100, "1", psi=0.2504) for name in ("load", "weight")}]
    assert (
        message(by_hand(two, weeks), None).subject == "parcels: 1 critical alert and 1 more (weight psi 0.2504 > 0.25)"
    )


def test_the_text_says_what_is_new_and_where_to_look():
    checked = by_hand(EXAMPLE.monitor(), drifting(0.1, 0.504))
    [alert] = checked.verdict.alerts
    assert text_of(checked) == [
        "parcels as of 2024-01-15 00:00 UTC: 1 alert open, 0 critical.",
        "",
        "New:",
        "- warning: load psi 0.50 > 0.25, since 2024-01-08",
        "",
        "Of load psi:",
        "- The column comes from depot_load.",
        "- Most drifted in the last window (PSI): load 0.50.",
        "- Last window: psi 0.504.",
        "",
        f"review-alerts show {alert.alert_id}",
        "Expected false alarms: cannot be told, the baseline has too few windows to",
        "  learn from.",
    ]


def test_alerts_that_may_follow_from_one_cause_are_told_as_one():
    checked = with_one_cause(21)
    plain = replace(checked, causes={})
    assert text_of(checked)[:7] == [
        "parcels as of 2024-01-08 00:00 UTC: 22 alerts open, 1 critical.",
        "",
        "New:",
        "- 1 cause, 21 alerts (1 critical) that may follow from it: schedule",
        "  unknown_origins (0aec70a8); the worst of them: load psi 0.50 > 0.25",
        "- warning: column_00 psi 0.50 > 0.25, since 2024-01-01",
        "",
    ]
    assert "review-alerts show 0aec70a8" in text_of(checked)
    told = message(checked, None)
    assert told.subject == ("parcels: 1 critical alert and 21 more (load psi 0.50 > 0.25), 21 may follow from 1 cause")
    assert {one["follows"] for one in told.data["alerts"]} == {"", "0aec70a8"}
    assert "may follow" not in message(plain, None).subject


def test_programs_get_the_same_as_data():
    checked = by_hand(EXAMPLE.monitor(CRITICAL), drifting(0.1, 0.504))
    data = json.loads(json.dumps(message(checked, None).data))
    [alert] = data.pop("alerts")
    assert data == {
        "monitor": "parcels", "table": "parcel_scores", "owner": "parcels@example.com",
        "as_of": "2024-01-15T00:00:00+00:00", "open": 1, "retrain": False, "page": None,
    }  # fmt: skip
    assert (alert["column"], alert["metric"], alert["slice"], alert["happened"]) == ("load", "psi", {}, ["opened"])
    assert (alert["value"], alert["limit"], alert["severity"], alert["status"]) == (0.504, 0.25, "critical", "open")


def test_what_only_goes_on_is_not_news_and_what_recovers_is():
    monitor = EXAMPLE.monitor()
    before = by_hand(monitor, drifting(0.5))
    going_on = by_hand(monitor, drifting(0.5, 0.6), recorded=before.verdict.events)
    assert [event.kind for event in going_on.verdict.events] == ["still_violating"]
    assert news_of(going_on) == {}
    over = by_hand(monitor, drifting(0.5, 0.1), recorded=before.verdict.events)
    assert message(over, None).subject == "parcels: 1 alert over (load psi)"
    assert "- load psi, 2024-01-01 to 2024-01-08" in text_of(over)


def test_the_same_check_again_has_no_news():
    before = by_hand(EXAMPLE.monitor(), drifting(0.5))
    again = by_hand(EXAMPLE.monitor(), drifting(0.5), recorded=before.verdict.events)
    assert again.verdict.news == before.verdict.news  # the page says the same
    assert news_of(again) == {}


def test_that_a_new_model_is_asked_for_is_news_of_an_alert_that_goes_on():
    monitor = EXAMPLE.monitor(CRITICAL)
    before = by_hand(monitor, drifting(0.5))
    asking = replace(monitor, retraining=Retraining())
    later = by_hand(asking, drifting(0.5, 0.6), recorded=before.verdict.events)
    assert message(later, None).subject == "parcels: 1 critical alert (load psi 0.60 > 0.25), new model asked for"
    assert text_of(later)[1] == "A new model is asked for, because of load psi."


def test_a_snoozed_alert_is_not_told():
    monitor = EXAMPLE.monitor()
    before = by_hand(monitor, drifting(0.5))
    [alert] = before.verdict.alerts
    quiet = snoozed(
        alert, until=EXAMPLE.week(9), actor="ann", comment="known", as_of=EXAMPLE.week(1) + timedelta(hours=1)
    )
    over = by_hand(monitor, drifting(0.5, 0.1), recorded=[*before.verdict.events, quiet])
    assert [event.kind for event in over.verdict.events] == ["recovered"]
    assert news_of(over) == {}


def test_however_much_is_new_the_text_is_short():
    columns = [f"a_column_with_a_name_that_is_rather_long_for_a_mail_{number:02}" for number in range(40)]
    monitor = EXAMPLE.monitor({column: Psi(0.25) for column in columns})
    lines = text_of(by_hand(monitor, [{column: WindowMetrics(100, "1", psi=0.5) for column in columns}]))
    assert "- and 34 more" in lines
    some = by_hand(
        monitor, [{column: WindowMetrics(100, "1", psi=0.5 - number) for column in columns} for number in (0, 1)]
    )
    both = EXAMPLE.monitor({column: Psi(0.25) for column in columns[:20]}, retraining=Retraining())
    assert "- and 37 more" in text_of(some)
    assert len(text_of(by_hand(both, [{column: WindowMetrics(100, "1", psi=0.5) for column in columns}]))) <= MOST_LINES


def test_a_name_with_a_line_s_end_in_it_stays_on_its_line():
    name = "load\r\nBcc: everybody@example.com"
    checked = by_hand(EXAMPLE.monitor({name: Psi(0.25)}), [{name: WindowMetrics(100, "1", psi=0.5)}])
    assert message(checked, None).subject == "parcels: 1 new alert (load Bcc: everybody@example.com psi 0.50 > 0.25)"
    assert not [line for line in text_of(checked) if line.startswith("Bcc")]


def test_the_page_is_named_and_sent_along(tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<p>ü</p>", encoding="utf-8")
    sent = message(by_hand(EXAMPLE.monitor(), drifting(0.5)), page)
    assert f"Report: {page}" in sent.text.splitlines()
    assert (sent.page, sent.data["page"]) == ("<p>ü</p>", str(page))


def test_real_news_is_sent_once(parcels):
    parcels.learn([1.0, 2.0, 3.0, 4.0] * 25)
    parcels.score(0, [31.0, 32.0] * 50)
    with webhook() as server:
        channels = Channels(webhook=server.url)
        checks = [check(parcels.store, parcels.monitor(), as_of=parcels.week(1)) for _ in range(2)]
        said = [tell(parcels.store, channels, one, None) for one in checks]
    assert said == [["The webhook at 127.0.0.1 was told."], []]
    [(_, _, body)] = server.requests
    assert json.loads(body)["subject"].startswith("parcels: 1 new alert (load psi ")


# ---- the command


@pytest.fixture
def typed(monkeypatch, tmp_path):
    def run(**environment):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return CliRunner().invoke(
            main, ["aircraft", "--workspace", str(tmp_path / "workspace"), "--as-of", "2014-01-01"]
        )

    return run


def test_a_check_writes_its_page_and_says_where_and_sends_nothing_when_nothing_is_new(typed, tmp_path):
    with webhook() as server:
        result = typed(PIPELINE_ALERT_WEBHOOK=server.url)
    assert result.exit_code == 0, result.output
    page = tmp_path / "workspace" / "reports" / "monitoring" / "dev.flights.aircraft" / "2014-01-01.html"
    assert f"Report: {page}" in result.output.splitlines()
    assert "There is no table aircraft yet" in page.read_text()
    assert server.requests == []


def test_the_next_check_sends_what_could_not_be_delivered(typed, tmp_path):
    store = open_store(workspace=tmp_path / "workspace")
    with webhook((503, {}), (503, {}), (503, {})) as server:
        undelivered = Message(subject="2 new alerts", text="weather", data={"as_of": "2013-12-31"})
        send(store, Channels(webhook=server.url), undelivered)
        result = typed(PIPELINE_ALERT_WEBHOOK=server.url)
    assert "Kept from before, '2 new alerts': The webhook at 127.0.0.1 was told." in result.output.splitlines()
    assert json.loads(server.requests[-1][2])["subject"] == "2 new alerts"


def test_channels_that_are_set_wrongly_are_refused_before_anything_is_measured(typed, tmp_path):
    result = typed(PIPELINE_SMTP_HOST="mail.example.com")
    assert result.exit_code == 1
    assert "No mail can be sent" in result.output
    assert not (tmp_path / "workspace").exists()


def test_a_page_that_cannot_be_written_does_not_fail_the_check(typed, tmp_path):
    (tmp_path / "workspace" / "reports").mkdir(parents=True)
    (tmp_path / "workspace" / "reports" / "monitoring").write_text("a file where a folder should be")
    result = typed()
    assert result.exit_code == 0, result.output
    assert "The report was not written: " in result.output
