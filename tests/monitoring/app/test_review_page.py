"""The review page as people use it, in a real browser; the server and the tables are real, too."""

import re

from playwright.sync_api import expect

from tests.monitoring.app.conftest import FOLLOWING, HOSTILE, IDS, Reviewer, happened


def test_alerts_are_found_opened_read_acknowledged_and_resolved(reviewer, review):
    ann = reviewer().open()
    expect(ann.page.get_by_role("heading", level=1)).to_have_text("Drift alerts")
    ann.sees("3 features of depot_load")

    ann.page.get_by_label("Column or measure").fill("predic")
    ann.page.get_by_label("Column or measure").press("Enter")
    ann.sees("1 of 18 alerts")
    ann.page.get_by_role("button", name="prediction: PSI").click()
    expect(ann.page.get_by_role("heading", level=1)).to_have_text("prediction: PSI")
    assert f"alert={IDS['prediction']}" in ann.page.url
    for text in [
        "3.6 × the limit",
        "26 Feb 2024",
        "Upstream: depot_load version 3",
        "models@example.com",
        "12 windows, 4 beyond",
    ]:
        ann.sees(text)
    for heading in [
        "PSI over time",
        "Distribution",
        "Model quality",
        "Scores",
        "Affected models and owners",
        "History",
    ]:
        expect(ann.page.get_by_role("heading", name=heading, exact=True)).to_be_visible()
    ann.sees("Window (26 Feb 2024 to 4 Mar 2024): 280 rows")
    expect(ann.page.locator("canvas, svg.marks").nth(3)).to_be_attached()

    ann.act("Acknowledge", "I look into it", name="ann")
    ann.sees("Acknowledged by ann.")
    ann.act("Resolve", "a new depot", name="ann")
    ann.sees("Resolved by ann.")
    assert happened(review, "prediction") == [
        ("acknowledged", "ann", "I look into it"),
        ("resolved", "ann", "a new depot"),
    ]

    ann.open(f"?alert={IDS['prediction']}")
    ann.sees("resolved by ann, assigned to nobody")
    expect(ann.page.get_by_role("radio")).to_have_count(1)


def test_a_resolution_needs_a_reason_and_a_wish_without_one_records_nothing(reviewer, review):
    ann = reviewer().alert("handed_over")
    ann.act("Resolve", name="ann")
    ann.sees("Nothing was recorded: say in the comment why. What was found and done?")
    assert happened(review, "handed_over") == []
    ann.act("Assign", "yours", name="ann", **{"Assign to": "bob@example.com"})
    ann.sees("Assigned to bob@example.com by ann.")
    ann.act("Snooze", "known", name="ann")
    ann.sees(re.compile("Snoozed until .* by ann"))
    assert [kind for kind, *_ in happened(review, "handed_over")] == ["assigned", "snoozed"]
    ann.open("?snoozed=true").sees("1 of 18 alerts")
    ann.sees("handed_over: PSI")


def test_a_group_is_one_line_and_acknowledged_at_once(reviewer, review):
    ann = reviewer().open()
    ann.page.get_by_role("button", name="3 features of depot_load").click()
    expect(ann.page.get_by_role("heading", level=1)).to_have_text("3 features of depot_load")
    ann.act("Acknowledge", "a holiday", name="ann")
    ann.sees("Acknowledged by ann (3 alerts).")
    for name in ("load", "stops", "weight"):
        assert happened(review, name) == [("acknowledged", "ann", "a holiday")]


def test_what_may_follow_from_an_alert_stands_beneath_it_and_is_resolved_with_it_if_so_wished(reviewer, review):
    ann = reviewer().open()
    queue = ann.page.locator(".st-key-queue").get_by_role("button")
    names = [
        "flights: unknown origins",
        *(f"{name}: PSI" for name in FOLLOWING[:3]),
        "and 4 more that may follow from it",
    ]
    for position, name in enumerate(names):
        expect(queue.nth(position)).to_have_text(name)
    expect(ann.page.locator(".st-key-queue").get_by_text("└", exact=True)).to_have_count(4)
    ann.sees(re.compile("7 alerts may follow from it"))
    queue.nth(1).click()
    expect(ann.page.get_by_role("heading", level=1)).to_have_text("from_key_1: PSI")
    expect(ann.page.get_by_role("checkbox")).to_have_count(0)
    ann.page.get_by_role("button", name=f"schedule unknown_origins ({IDS['key']})").click()
    expect(ann.page.get_by_role("heading", level=1)).to_have_text("flights: unknown origins")
    ann.page.get_by_text("7 alerts may follow from it", exact=True).click()
    expect(ann.page.get_by_role("button", name=re.compile("from_key_.: PSI"))).to_have_count(7)

    ann.act("Acknowledge", "I look into it", name="ann")
    ann.sees("Acknowledged by ann.")
    assert happened(review, "from_key_1") == []
    ann.fill("Resolve", "lower case", name="ann")
    ann.page.get_by_text("The same for 7 alerts that may follow from it").click()
    ann.send("Resolve")
    ann.sees("Resolved by ann (8 alerts).")
    named = f"lower case (may follow from schedule unknown_origins ({IDS['key']}))"
    for name in FOLLOWING:
        assert happened(review, name) == [("resolved", "ann", named)]


def test_of_two_reviewers_the_second_is_told_who_was_first_and_loses_nothing(reviewer, review):
    ann, bob = reviewer().alert("for_two"), reviewer().alert("for_two")
    ann.act("Acknowledge", "mine", name="ann")
    ann.sees("Acknowledged by ann.")
    bob.act("Acknowledge", "no, mine", name="bob")
    bob.sees(f"Alert {IDS['for_two']} cannot be acknowledged: it is acknowledged by ann already.")
    expect(bob.comment).to_have_value("no, mine")

    bob.fill("Resolve", "a sensor was stuck", name="bob")
    ann.act("Assign", "please", name="ann", **{"Assign to": "eve@example.com"})
    ann.sees("Assigned to eve@example.com by ann.")
    bob.send("Resolve")
    bob.sees(re.compile("ann was first: alert .* was assigned to eve@example.com while you read it: 'please'"))
    assert [kind for kind, *_ in happened(review, "for_two")] == ["acknowledged", "assigned"]
    expect(bob.comment).to_have_value("a sensor was stuck")
    bob.send("Resolve")
    bob.sees("Resolved by bob.")
    assert happened(review, "for_two")[-1] == ("resolved", "bob", "a sensor was stuck")
    ann.page.get_by_role("radio", name="Snooze").check(force=True)
    ann.sees("Somebody else was here")
    ann.sees(re.compile("bob was first: alert .* was resolved while you read it: 'a sensor was stuck'"))


def test_training_is_started_once_seen_running_and_its_outcome_is_told(reviewer, review, go):
    ann, bob = reviewer().alert("trained"), reviewer().alert("trained")
    ann.act("Start retraining", "for good", name="ann")
    ann.sees("A new model was asked for by ann; training has begun.")
    ann.sees(re.compile("Training is running, for 0 min"))
    bob.act("Start retraining", "me too", name="bob")
    bob.sees(re.compile("The model of monitor flight_delay is being trained already: ann asked for it at"))
    assert happened(review, "trained") == [("retraining_started", "ann", "for good")]

    go.touch()
    ann.sees("Training has ended: version 2 became champion.")
    bob.open(f"?alert={IDS['trained']}").sees("Training has ended: version 2 became champion.")
    assert [kind for kind, *_ in happened(review, "trained")] == ["retraining_started", "retraining_finished"]


def test_all_can_be_done_by_keyboard_alone(reviewer, review):
    ann = reviewer().open()
    keyboard = ann.page.keyboard

    def tab_to(role: str, name: str) -> None:
        for _ in range(60):
            keyboard.press("Tab")
            wanted = ann.page.get_by_role(role, name=name).first
            if wanted.count() and wanted.evaluate("element => element === document.activeElement"):
                return
        raise AssertionError(f"Tab does not lead to the {role} {name!r}")

    tab_to("button", "by_keyboard: PSI")
    keyboard.press("Enter")
    expect(ann.page.get_by_role("heading", level=1)).to_have_text("by_keyboard: PSI")
    ann.settled()
    tab_to("radio", "Acknowledge")
    tab_to("textbox", "What do you think of it?")
    keyboard.type("seen")
    tab_to("button", "Acknowledge")
    keyboard.press("Enter")
    ann.sees(re.compile("Acknowledged by"))
    assert [(kind, comment) for kind, _, comment in happened(review, "by_keyboard")] == [("acknowledged", "seen")]


def test_a_narrow_screen_shows_all_without_scrolling_sideways(reviewer):
    ann = reviewer(width=500).open()
    for query in ("", f"?alert={IDS['load']}"):
        ann.open(query)
        widths = ann.page.evaluate(
            "[document.documentElement.scrollWidth, document.querySelector('[data-testid=stMain]').scrollWidth]"
        )
        assert max(widths) <= 500
    expect(ann.page.get_by_test_id("stForm").get_by_role("button", name="Assign")).to_be_visible()


def test_what_others_wrote_is_shown_as_it_stands_and_never_runs(reviewer, review):
    ann = reviewer().alert("commented")
    said = []
    ann.page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
    text = '<img src=x onerror=alert(1)> [here](http://evil.example) **bold** <a href="javascript:alert(2)">x</a> http://evil.example'
    ann.act("Assign", text, name="<b>ann</b>", **{"Assign to": "<img src=x onerror=alert(3)>"})
    ann.sees("Recorded")
    ann.open(f"?alert={IDS['commented']}").sees(text)
    ann.act("Resolve", text, name="[ann](http://evil.example)")
    ann.sees("Recorded")
    for query in (
        f"?alert={IDS['commented']}",
        "?state=All",
        f"?alert={IDS['sliced']}",
        "?alert=<img src=x onerror=alert(4)>",
    ):
        ann.open(query)
        assert (
            ann.page.locator("img[src=x], a[href*=evil], a[href^=javascript], main b, strong:text-is('bold')").count()
            == 0
        )
    ann.alert("sliced")
    shown = ann.page.get_by_role("heading", level=1).inner_text().replace("\u2060", "")
    assert shown == f"sliced: PSI where origin = {HOSTILE}"
    assert said == []


def test_every_control_has_a_name_and_each_page_one_main_heading(reviewer):
    ann = reviewer()
    for query in ("", f"?alert={IDS['load']}"):
        ann.open(query)
        expect(ann.page.get_by_role("heading", level=1)).to_have_count(1)
        nameless = ann.page.evaluate(
            """() => [...document.querySelectorAll('[data-testid=stMain] input, [data-testid=stMain] textarea')]
                .filter(one => !one.labels?.length && !one.getAttribute('aria-label') && one.type !== 'hidden')
                .map(one => one.outerHTML)"""
        )
        assert nameless == []


def test_no_page_asks_another_host(reviewer):
    ann, asked = reviewer(), []
    ann.page.on("request", lambda request: asked.append(request.url))
    for query in ("", f"?alert={IDS['prediction']}"):
        ann.open(query)
    expect(ann.page.locator("svg.marks").nth(3)).to_be_attached()
    assert {url for url in asked if not url.startswith((ann.address, "data:"))} == set()


def test_a_chart_tells_the_window_that_is_pointed_at_in_utc_wherever_its_reader_is(browser, address):
    context = browser.new_context(timezone_id="America/New_York", viewport={"width": 1280, "height": 1800})
    ann = Reviewer(context.new_page(), address).alert("prediction")
    expect(ann.page.locator("svg.marks").nth(3)).to_be_attached()  # the page moves no more under the pointer
    over_time = ann.page.get_by_test_id("stVegaLiteChart").first
    over_time.locator(".mark-symbol path").first.hover(force=True)
    expect(ann.page.locator("#vg-tooltip-element")).to_contain_text("1 Jan 2024 to 8 Jan 2024")
    context.close()


def test_an_unknown_alert_is_one_sentence(reviewer):
    reviewer().open("?alert=zzzz").sees("There is no alert 'zzzz'.")
