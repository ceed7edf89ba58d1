"""An alert's page: what, since when, how badly, why it may be, whom it concerns, what happened, and what to do."""

import json
from collections.abc import Mapping, Sequence

import streamlit as st

from feature_store.errors import NotFound
from monitoring.alerts.events import CHECK, Event
from monitoring.alerts.state import Alert, pick_all
from monitoring.app import evidence, related
from monitoring.app.acting import done, panel, tell
from monitoring.app.identity import Person
from monitoring.app.reading import Review
from monitoring.app.series import EVENT_WORDS, told
from monitoring.app.settings import Settings
from monitoring.app.training_jobs import Job, jobs
from monitoring.app.wording import (
    COLOURS,
    Colour,
    badness,
    count,
    day,
    headline,
    is_below,
    literal,
    minute,
    span,
    unit,
)
from monitoring.telling.printing import diagnosis

_ONCE = ("upstream", "stale", "concerned", "owner")
_MOST_TIMES = 100
_COLOURS: Mapping[str, Colour] = {
    "opened": "red", "reopened": "red", "still_violating": "red", "subsided": "orange", "recovered": "green",
    "resolved": "green", "acknowledged": "blue", "assigned": "blue", "snoozed": "gray", "retraining_started": "violet",
    "retraining_finished": "violet",
}  # fmt: skip


def show(review: Review, settings: Settings, person: Person, wanted: str) -> None:
    """The page of the alert or group with this id (or with an id that begins so)."""
    if st.button("All alerts", icon=":material/arrow_back:", type="tertiary", key="back"):
        del st.query_params["alert"]
        st.rerun()
    try:
        alerts = pick_all(review.alerts, wanted)
    except NotFound as error:
        st.title("No such alert", anchor=False)
        st.text(str(error))
        return
    if len(alerts) > 1:
        _group(review, settings, person, alerts, wanted)
    else:
        _alert(review, settings, person, alerts[0])


def _alert(review: Review, settings: Settings, person: Person, alert: Alert) -> None:
    history = review.history(alert)
    st.title(literal(headline(alert)), anchor=False)
    _badges(alert, review)
    related.show_cause(review, [alert])
    _numbers(alert, review)
    left, right = st.columns([5, 3], gap="large")
    with left:
        st.subheader("First diagnosis", anchor=False)
        with st.container(gap="xsmall"):
            for line in _diagnosis(alert, history):
                st.text(line)
        related.show_following(review, [alert])
    with right:
        panel(review, settings, person, [alert], alert.alert_id)
        _new_model(alert)
    evidence.show(review, alert, history)
    st.subheader("History", anchor=False)
    for event, times in told(history):
        _event(event, times)


def _group(review: Review, settings: Settings, person: Person, alerts: Sequence[Alert], wanted: str) -> None:
    """The members of a group, each to be opened, and actions on all of them."""
    st.title(literal(f"{len(alerts)} features of {alerts[0].source}"), anchor=False)
    st.text(
        f"They left their limits in the same window, from {day(alerts[0].since)} on. An action here is on all of them."
    )
    related.show_cause(review, alerts)
    left, right = st.columns([5, 3], gap="large")
    with left:
        for alert in alerts:
            related.line(alert)
        related.show_following(review, alerts)
    with right:
        panel(review, settings, person, alerts, wanted)
        _new_model(alerts[0])


def _badges(alert: Alert, review: Review) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.badge(alert.severity, color=COLOURS[alert.severity])
        st.badge(alert.status, color=COLOURS[alert.status])
        if alert.is_snoozed(review.as_of) and alert.snoozed_until:
            st.badge(f"snoozed until {day(alert.snoozed_until)}", color="gray")
        by = f"{alert.status} by {alert.handled_by}, " if alert.handled_by else ""
        whose = f"assigned to {alert.assignee}" if alert.assignee else "assigned to nobody"
        st.text(f"{by}{whose}; alert {alert.alert_id} of monitor {alert.monitor} on {alert.table_name}")


def _numbers(alert: Alert, review: Review) -> None:
    """The headline: how badly, since when, how long."""
    write, times = unit(alert.metric), badness(alert)
    days = (min(review.as_of, alert.until) - alert.since).days
    side = "below" if is_below(alert) else "the limit"
    factor = f"{times:.1f} × {side}" if 1 < times < _MOST_TIMES else None
    with st.container(horizontal=True, key="headline"):
        st.metric("Last window beyond", write(alert.value), factor, delta_color="off", delta_arrow="off", width=190)
        st.metric("Limit", write(alert.limit), width=150)
        st.metric("Since", day(alert.since), width=170)
        st.metric("Last seen", day(alert.until), width=170)
        st.metric(
            "Windows beyond", f"{alert.windows:,}", count(days, "day"), delta_color="off", delta_arrow="off", width=150
        )
    rule = json.loads(alert.evidence)
    if rule.get("rule"):
        st.text(f"Rule: {rule.get('limit')}; alert after {rule['rule']}.")


def _diagnosis(alert: Alert, history: Sequence[Event]) -> list[str]:
    """The sentences that ``review-alerts show`` prints; what was found at the opening is still said."""
    opening = [json.loads(event.evidence) for event in history if event.kind in ("opened", "reopened")]
    first = opening[-1] if opening else {}
    found = json.loads(alert.evidence) | {key: first[key] for key in _ONCE if key in first}
    said = diagnosis(alert, found)
    owner = f"The monitor's owner is {found['owner']}." if found.get("owner") else ""
    return list(dict.fromkeys([*said, *([owner] if owner else [])])) or ["Nothing is known."]


def _event(event: Event, times: int) -> None:
    """One line of the history, and the comment as it was written."""
    words = {**EVENT_WORDS, "still_violating": "beyond the limit"}[event.kind]
    words = done(event) if event.kind in ("assigned", "snoozed") else words
    window = f"window {span(event.window_start, event.window_end)}" if event.window_start and event.window_end else ""
    if times > 1 and event.window_end:
        window = f"{times} windows, the last until {day(event.window_end)}"
    value = f", {unit(event.metric)(event.value)}" if event.value is not None else ""
    who = "" if event.actor == CHECK else f"by {event.actor}"
    with st.container(key=f"event-{event.event_id}", gap=None):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.text(minute(event.as_of), width=130)
            st.badge(literal(words), color=_COLOURS[event.kind])
            st.text(" ".join(part for part in (who, window + value) if part))
        if event.comment:
            st.text(event.comment)


def _new_model(alert: Alert) -> None:
    """The training that the alert asked for: that it runs, or what came of it."""
    job = jobs().of(alert.alert_id)
    if job and job.is_running:
        st.subheader("New model", anchor=False)
        _running(job)
    elif alert.retraining_as_of:
        st.subheader("New model", anchor=False)
        asked = f"Asked for as of {minute(alert.retraining_as_of)} UTC."
        if alert.retraining:
            st.text(f"{asked} Training has ended: {alert.retraining}.")
        elif job:
            _ended_without_word(job, asked)
        else:
            st.text(f"{asked} No outcome is recorded yet.")


@st.fragment(run_every=2)
def _running(job: Job) -> None:
    """That training runs, looked at again every two seconds; when it has ended, the whole page is."""
    if not job.is_running:
        st.rerun()
    seconds = int(job.seconds)
    with st.status(f"Training is running, for {seconds // 60} min {seconds % 60} s", state="running"):
        st.code(job.said or "It has not said anything yet.", language=None, wrap_lines=True)


def _ended_without_word(job: Job, asked: str) -> None:
    code = job.process.returncode
    tell("Training has ended without an outcome", f"{asked} It ended with exit code {code}.", is_good=False)
    st.code(job.said or "It said nothing.", language=None, wrap_lines=True)
