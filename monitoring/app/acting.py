"""The form by which people act on an alert or a group: what makes sense now, who says it, and what came of it."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

import streamlit as st

from feature_store.errors import Misuse, PipelineError
from monitoring.alerts import actions
from monitoring.alerts.events import CHECK, Event
from monitoring.alerts.reviewing import act, following
from monitoring.alerts.state import Alert
from monitoring.app.identity import Person
from monitoring.app.reading import Review
from monitoring.app.settings import Settings
from monitoring.app.training_jobs import jobs
from monitoring.app.wording import day, minute, shortened
from monitoring.telling.listing import counted

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
_WITH_FOLLOWING = (ACKNOWLEDGE, ASSIGN, SNOOZE, RESOLVE)
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


@dataclass(frozen=True)
class Form:
    """A form as it was shown: what is sent by it is held against what its reader could know.

    ``seen`` has, by alert, the ids of what people had done to it.
    """

    review: Review
    settings: Settings
    person: Person
    alerts: Sequence[Alert]
    wanted: str
    what: str
    key: str
    seen: Mapping[str, Collection[str]]

    @property
    def with_following(self) -> bool:
        """Whether it is done to what may follow, too; as it was shown."""
        return self.what in _WITH_FOLLOWING and bool(st.session_state.get(f"following-{self.key}"))

    def wish(self) -> Wish:
        """What was filled in."""
        given = st.session_state
        until = given.get(f"until-{self.key}")
        return Wish(
            what=self.what,
            actor=self.person.name if self.person.is_fixed else given.get(f"name-{self.key}") or "",
            comment=given.get(f"comment-{self.key}") or "",
            assignee=given.get(f"assignee-{self.key}") or "",
            until=datetime.combine(until, time(), UTC) if until else None,
        )


def panel(review: Review, settings: Settings, person: Person, alerts: Sequence[Alert], wanted: str) -> None:
    """The form for an alert, or for all members of a group, and what came of the last time it was sent."""
    st.subheader("Decide", anchor=False)
    seen_key = f"seen-{wanted}"
    after = following(review.alerts, alerts)
    seen = {alert.alert_id: [event.event_id for event in _of_people(review, alert)] for alert in [*alerts, *after]}
    if not _tell_what_came_of_it():
        _tell_news(review, alerts, st.session_state.get(seen_key, seen))
    st.session_state[seen_key] = seen
    possible = list(dict.fromkeys(what for one in alerts for what in _OPEN[one.status]))
    key = f"{wanted}-{st.session_state.get(_turn(wanted), 0)}"
    what = st.radio("Action", possible, horizontal=True, key=f"action-{key}")
    with st.form(f"decide-{wanted}"):
        _fields(review, person, what, key)
        if after and what in _WITH_FOLLOWING:
            st.checkbox(f"The same for {counted(after)} that may follow from it", key=f"following-{key}")
        form = Form(review, settings, person, alerts, wanted, what, key, seen)
        st.form_submit_button(what, type="primary", key=f"send-{wanted}", width="stretch", on_click=_sent, args=(form,))


def _turn(wanted: str) -> str:
    """Counts what was recorded by the form: each time its fields are new, and empty."""
    return f"turn-{wanted}"


def _fields(review: Review, person: Person, what: str, key: str) -> None:
    """What the action needs to be told."""
    if what == ASSIGN:
        st.text_input("Assign to", max_chars=200, placeholder="ann@example.com", key=f"assignee-{key}")
    if what == SNOOZE:
        first = (review.as_of + timedelta(days=1)).date()
        st.date_input(
            "Until (00:00 UTC)",
            value=(review.as_of + _WEEK).date(),
            min_value=first,
            max_value=first + timedelta(days=364),
            format="YYYY-MM-DD",
            key=f"until-{key}",
        )
    st.text_area(_ASKED[what], max_chars=actions.MOST_COMMENT, height=96, key=f"comment-{key}")
    if person.is_fixed:
        st.text(f"As {person.name}")
    else:
        name = st.session_state.get(_NAME, person.name)
        st.text_input("Your name", value=name, max_chars=200, key=f"name-{key}")


def _sent(form: Form) -> None:
    """Do what was asked for; what came of it is told when the page is shown again, which is next."""
    wish = form.wish()
    st.session_state[_NAME] = wish.actor
    try:
        number = _done(form, wish)
    except PipelineError as refused:
        st.session_state[_SAID] = (False, "Not recorded", shortened(str(refused), _MOST_TOLD))
        return
    st.session_state[_SAID] = (True, "Recorded", _in_words(wish, number))
    turn = _turn(form.wanted)
    st.session_state[turn] = st.session_state.get(turn, 0) + 1


def _done(form: Form, wish: Wish) -> int:
    """Record the wish; to how many alerts."""
    as_of = form.settings.as_of or datetime.now(UTC)
    with_following = form.with_following

    def action(alert: Alert) -> Event:
        if alert.alert_id not in form.seen:
            raise Misuse(f"Alert {alert.alert_id} was opened while you read the page, which shows it now.")
        event = wish.event(alert, as_of)
        _check_seen(Review.read(form.settings), alert, form.seen.get(alert.alert_id))
        if wish.what == RETRAIN and alert.retraining_as_of and not alert.retraining:
            raise Misuse(
                f"A new model was asked for as of {minute(alert.retraining_as_of)}, because of this alert; what came of it "
                "is not known yet."
            )
        return event

    def record() -> Sequence[Event]:
        return act(form.review.place.store, form.wanted, action, as_of=as_of, with_following=with_following)

    if wish.what != RETRAIN:
        return len(record())
    from monitoring.alerts.retraining import monitor_of  # loads MLflow, which takes seconds

    job = jobs().start(form.review.place, form.settings, monitor_of(form.alerts[0]).name, record)
    return len(job.alerts)


def _check_seen(newest: Review, alert: Alert, seen: Collection[str] | None) -> None:
    """Refuse to act on what the person has not seen: somebody else was first."""
    news = _news(newest, alert, seen)
    if news:
        raise Misuse(
            f"{_was_first(news[-1])} The page shows it now; what you wrote is kept below, send it again if it still holds."
        )


def _tell_news(review: Review, alerts: Sequence[Alert], seen: Mapping[str, Collection[str]]) -> None:
    """What others did since the page was last shown, before the person has sent anything."""
    for alert in alerts:
        for event in _news(review, alert, seen.get(alert.alert_id))[-1:]:
            st.warning("Somebody else was here")
            st.text(_was_first(event))


def _news(review: Review, alert: Alert, seen: Collection[str] | None) -> list[Event]:
    """What people did that the page has not shown yet; nothing of a page that is shown for the first time."""
    return [] if seen is None else [event for event in _of_people(review, alert) if event.event_id not in seen]


def _was_first(event: Event) -> str:
    said = f": {event.comment!r}" if event.comment else ""
    return f"{event.actor} was first: alert {event.alert_id} was {done(event)} while you read it{said}."


def done(event: Event) -> str:
    """What a person's event did, as a participle."""
    if event.kind == "assigned":
        return f"assigned to {event.assignee}"
    if event.kind == "snoozed" and event.until:
        return f"snoozed until {day(event.until)}"
    return {"retraining_started": "made the reason for a new model"}.get(event.kind, event.kind)


def _of_people(review: Review, alert: Alert) -> list[Event]:
    return [event for event in review.history(alert) if event.actor != CHECK]


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


def _tell_what_came_of_it() -> bool:
    """Tell what came of what was sent; whether something was."""
    said = st.session_state.pop(_SAID, None)
    if said:
        is_good, heading, text = said
        tell(heading, text, is_good=is_good)
    return said is not None


def tell(heading: str, text: str, *, is_good: bool) -> None:
    """A heading of our own, and text that others may have written, which is shown as it stands."""
    box: Callable[..., object] = st.success if is_good else st.error
    box(heading)
    st.text(text)
