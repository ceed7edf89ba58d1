"""The form by which people act on an alert or a group: what makes sense now, who says it, and what came of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

import streamlit as st

from feature_store.errors import Misuse, PipelineError
from monitoring.alerts import actions
from monitoring.alerts.events import CHECK, Event
from monitoring.alerts.reviewing import act
from monitoring.alerts.state import Alert
from monitoring.app.identity import Person
from monitoring.app.reading import Review
from monitoring.app.settings import Settings
from monitoring.app.training_jobs import jobs
from monitoring.app.wording import day, minute, shortened

ACKNOWLEDGE, ASSIGN, SNOOZE, RESOLVE, REOPEN, RETRAIN = (
    "Acknowledge", "Assign", "Snooze", "Resolve", "Reopen", "Start retraining",
)  # fmt: skip
_OPEN = {
    "open": (ACKNOWLEDGE, ASSIGN, SNOOZE, RESOLVE, RETRAIN),
    "acknowledged": (ASSIGN, SNOOZE, RESOLVE, RETRAIN),
    "subsided": (ASSIGN, SNOOZE, RESOLVE, RETRAIN),
    "recovered": (RESOLVE, REOPEN),
    "resolved": (REOPEN,),
}
_ASKED = {
    ACKNOWLEDGE: "What do you think of it?",
    ASSIGN: "What should they know?",
    SNOOZE: "Why can it wait? (required)",
    RESOLVE: "What was found and done? (required)",
    REOPEN: "Why is it not over? (required)",
    RETRAIN: "Why is a new model needed?",
}
_NEEDS_COMMENT = (SNOOZE, RESOLVE, REOPEN)
_WEEK = timedelta(days=7)
_MOST_TOLD = 300
_NAME = "reviewer_name"
_SAID = "said"


@dataclass(frozen=True)
class Wish:
    """What somebody wants to do."""

    what: str
    actor: str
    comment: str
    assignee: str = ""
    until: datetime | None = None

    def event(self, alert: Alert, as_of: datetime) -> Event:
        """The event that it is; Misuse says why it makes no sense."""
        if self.what in _NEEDS_COMMENT and not self.comment.strip():
            raise Misuse(
                f"Nothing was recorded: say in the comment why. {_ASKED[self.what].removesuffix(' (required)')}"
            )
        said = {"actor": self.actor, "comment": self.comment}
        match self.what:
            case "Acknowledge":
                return actions.acknowledged(alert, as_of=as_of, **said)
            case "Assign":
                return actions.assigned(alert, assignee=self.assignee, as_of=as_of, **said)
            case "Snooze":
                return actions.snoozed(alert, until=self.until or as_of, as_of=as_of, **said)
            case "Resolve":
                return actions.resolved(alert, as_of=as_of, **said)
            case "Reopen":
                return actions.reopened(alert, as_of=as_of, **said)
            case _:
                return actions.retraining_asked(alert, as_of=as_of, **said)


def panel(review: Review, settings: Settings, person: Person, alerts: Sequence[Alert], wanted: str) -> None:
    """The form for an alert, or for all members of a group, and what came of the last time it was sent."""
    st.subheader("Decide", anchor=False)
    _tell_what_came_of_it()
    possible = list(dict.fromkeys(what for one in alerts for what in _OPEN[one.status]))
    seen_key, turn_key = f"seen-{wanted}", f"turn-{wanted}"
    turn = st.session_state.setdefault(turn_key, 0)
    what = st.radio("Action", possible, horizontal=True, key=f"action-{wanted}-{turn}")
    with st.form(f"decide-{wanted}"):
        wish = _asked(review, person, what, f"{wanted}-{turn}")
        sent = st.form_submit_button(what, type="primary", key=f"send-{wanted}", width="stretch")
    # What the person has seen is what the page showed before this click, not what is read now.
    seen = st.session_state.get(seen_key, {})
    st.session_state[seen_key] = {alert.alert_id: _of_people(review, alert) for alert in alerts}
    if sent:
        st.session_state[_NAME] = wish.actor
        if _done(review, settings, alerts, wanted, wish, seen):
            st.session_state[turn_key] = turn + 1  # the fields are empty again
        st.rerun()


def _asked(review: Review, person: Person, what: str, key: str) -> Wish:
    """The fields that the action needs."""
    assignee, until = "", None
    if what == ASSIGN:
        assignee = st.text_input("Assign to", max_chars=200, placeholder="ann@example.com", key=f"assignee-{key}") or ""
    if what == SNOOZE:
        first = (review.as_of + timedelta(days=1)).date()
        chosen = st.date_input(
            "Until (00:00 UTC)",
            value=(review.as_of + _WEEK).date(),
            min_value=first,
            max_value=first + timedelta(days=364),
            format="YYYY-MM-DD",
            key=f"until-{key}",
        )
        until = datetime.combine(chosen, time(), UTC)
    comment = st.text_area(_ASKED[what], max_chars=actions.MOST_COMMENT, height=96, key=f"comment-{what}-{key}") or ""
    if person.is_fixed:
        st.text(f"As {person.name}")
        return Wish(what, person.name, comment, assignee, until)
    name = st.text_input("Your name", value=st.session_state.get(_NAME, person.name), max_chars=200, key=f"name-{key}")
    return Wish(what, name or "", comment, assignee, until)


def _done(
    review: Review,
    settings: Settings,
    alerts: Sequence[Alert],
    wanted: str,
    wish: Wish,
    seen: Mapping[str, tuple[str, ...]],
) -> bool:
    """Do it; what came of it is told when the page is shown again."""
    as_of = settings.as_of or datetime.now(UTC)
    store = review.place.store

    def action(alert: Alert) -> Event:
        event = wish.event(alert, as_of)
        newest = Review.read(settings)
        _check_seen(newest, alert, seen.get(alert.alert_id))
        if wish.what == RETRAIN and alert.retraining_as_of and not alert.retraining:
            raise Misuse(
                f"A new model was asked for as of {minute(alert.retraining_as_of)}, because of this alert; what came of it "
                "is not known yet."
            )
        return event

    def record() -> Sequence[Event]:
        return act(store, wanted, action, as_of=as_of)

    try:
        if wish.what == RETRAIN:
            from monitoring.alerts.retraining import monitor_of  # loads MLflow, which takes seconds

            monitor = monitor_of(alerts[0]).name
            jobs().start(review.place, settings, monitor, record)
            events: Sequence[Event] = []
        else:
            events = record()
    except PipelineError as refused:
        st.session_state[_SAID] = (False, "Not recorded", shortened(str(refused), _MOST_TOLD))
        return False
    st.session_state[_SAID] = (True, "Recorded", _in_words(wish, len(events)))
    return True


def _check_seen(newest: Review, alert: Alert, seen: tuple[str, ...] | None) -> None:
    """Refuse to act on what the person has not seen: somebody else was first."""
    others = [event for event in newest.history(alert) if event.actor != CHECK]
    if seen is not None and tuple(event.event_id for event in others) != seen:
        news = [event for event in others if event.event_id not in seen]
        last = news[-1] if news else others[-1]
        said = f": {last.comment!r}" if last.comment else ""
        raise Misuse(
            f"{last.actor} was first: alert {alert.alert_id} was {done(last)} while you read it{said}. The page shows it now; "
            "what you wrote is kept below, send it again if it still holds."
        )


def done(event: Event) -> str:
    """What a person's event did, as a participle."""
    if event.kind == "assigned":
        return f"assigned to {event.assignee}"
    if event.kind == "snoozed" and event.until:
        return f"snoozed until {day(event.until)}"
    return {"retraining_started": "made the reason for a new model"}.get(event.kind, event.kind)


def _of_people(review: Review, alert: Alert) -> tuple[str, ...]:
    return tuple(event.event_id for event in review.history(alert) if event.actor != CHECK)


def _in_words(wish: Wish, number: int) -> str:
    of = f" ({number} alerts)" if number > 1 else ""
    match wish.what:
        case "Assign":
            return f"Assigned to {wish.assignee.strip()} by {wish.actor}{of}."
        case "Snooze":
            return f"Snoozed until {day(wish.until or datetime.now(UTC))} by {wish.actor}{of}."
        case "Start retraining":
            return f"A new model was asked for by {wish.actor}; training has begun."
        case _:
            return f"{wish.what.removesuffix('e')}ed by {wish.actor}{of}.".replace("Reopened", "Opened again")


def _tell_what_came_of_it() -> None:
    said = st.session_state.pop(_SAID, None)
    if said:
        is_good, heading, text = said
        tell(heading, text, is_good=is_good)


def tell(heading: str, text: str, *, is_good: bool) -> None:
    """A heading of our own, and text that others may have written, which is shown as it stands."""
    box: Callable[..., object] = st.success if is_good else st.error
    box(heading)
    st.text(text)
