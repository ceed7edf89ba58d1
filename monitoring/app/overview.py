"""The queue: which alerts there are, filtered and counted.

Features of one table that moved at once are one line; what may follow from an alert stands beneath it.
"""

from collections.abc import Sequence

import streamlit as st

from monitoring.alerts.reviewing import Filter
from monitoring.alerts.state import Alert
from monitoring.app import elements
from monitoring.app.reading import Review
from monitoring.app.related import go
from monitoring.app.wording import COLOURS, badness, count, day, headline, how_badly, literal, shortened
from monitoring.telling.listing import Line, arranged
from monitoring.telling.printing import groups

PAGE = 25
"""Lines that are shown at once."""
_ANY = "Any"
_MOST_COLUMNS = 90
_REVIEW, _ALL = "Needs review", "All"
_STATES = (_REVIEW, "Open", "Acknowledged", "Subsided", "Recovered", "Resolved", _ALL)
_NOBODY = "Nobody"
_ORDERS = {
    "Most severe first": lambda alert: (
        not alert.is_open,
        alert.severity != "critical",
        -alert.windows,
        -badness(alert),
        alert.alert_id,
    ),
    "Newest first": lambda alert: (-alert.since.timestamp(), alert.severity != "critical", alert.alert_id),
    "Longest first": lambda alert: (-alert.windows, alert.alert_id),
}
_KEYS = ("monitor", "severity", "state", "table", "column", "assignee", "snoozed", "order")


def show(review: Review) -> None:
    """The queue's page."""
    for key in _KEYS:  # what was chosen is still chosen on coming back from an alert
        if key in st.session_state:
            st.session_state[key] = st.session_state[key]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.title("Drift alerts", anchor=False, width="stretch")
        st.button("Features", icon=":material/search:", type="tertiary", key="to-features", on_click=elements.go)
    if not review.alerts:
        st.info("There are no alerts. check-drift opens them.")
        return
    _counts(review)
    shown = _chosen(review)
    order = str(st.session_state.get("order") or next(iter(_ORDERS)))
    lines = arranged(_entries(sorted(shown, key=_ORDERS[order])))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        of = "" if len(shown) == len(review.alerts) else f" of {len(review.alerts):,}"
        st.text(f"{count(len(shown), 'alert') if not of else f'{len(shown):,}{of} alerts'}", width="stretch")
        st.selectbox("Order", list(_ORDERS), key="order", width=190)
    if not lines:
        st.info("No alert matches these filters.")
        return
    pages = -(-len(lines) // PAGE)
    number = min(int(st.session_state.get("page", 1)), pages)
    with st.container(key="queue", gap="xxsmall"):
        for line in lines[(number - 1) * PAGE : number * PAGE]:
            _beneath(line, review) if line.follows else _line(line, review)
    if pages > 1:
        st.number_input(f"Page (of {pages})", 1, pages, number, key="page", width=140)


def _counts(review: Review) -> None:
    """How many need somebody, in four numbers."""
    due = [alert for alert in review.alerts if alert.is_open and not alert.is_snoozed(review.as_of)]
    critical = sum(alert.severity == "critical" for alert in due)
    snoozed = sum(alert.is_open and alert.is_snoozed(review.as_of) for alert in review.alerts)
    numbers = {
        "Critical": critical,
        "Warning": len(due) - critical,
        "Without assignee": sum(not alert.assignee for alert in due),
        "Snoozed": snoozed,
        "Recovered or resolved": sum(not alert.is_open for alert in review.alerts),
    }
    with st.container(horizontal=True, key="counts"):
        for name, number in numbers.items():
            st.metric(name, f"{number:,}", width=150)


def _chosen(review: Review) -> list[Alert]:
    """The alerts that the filters in the side bar let through."""
    alerts = review.alerts
    with st.sidebar:
        st.header("Filters", anchor=False)
        text = st.text_input(
            "Column or measure", key="column", type="search", placeholder="part of its name", bind="query-params"
        )
        state = st.selectbox("State", _STATES, key="state", bind="query-params")
        severity = st.selectbox("Severity", (_ANY, "critical", "warning"), key="severity", bind="query-params")
        monitor = _one_of("Monitor", "monitor", (alert.monitor for alert in alerts))
        table = _one_of("Feature table", "table", (alert.source for alert in alerts))
        names = sorted({alert.assignee for alert in alerts} - {""})
        assignee = st.selectbox("Assignee", (_ANY, _NOBODY, *names), key="assignee")
        snoozed = st.checkbox("Snoozed only", key="snoozed", bind="query-params")
    wanted = Filter(
        monitor=None if monitor == _ANY else monitor,
        severity=None if severity == _ANY else severity,
        status=None if state in (_REVIEW, _ALL) else state.lower(),
        source=None,
        everything=state == _ALL and not snoozed,
        snoozed=snoozed,
    )
    whose = "" if assignee == _NOBODY else assignee
    return [
        alert
        for alert in alerts
        if wanted.wants(alert, review.as_of)
        and (table in (_ANY, alert.source))
        and (assignee == _ANY or alert.assignee == whose)
        and (text or "").strip().lower() in f"{alert.what} {headline(alert)}".lower()
    ]


def _one_of(label: str, key: str, values: object) -> str:
    there = sorted({str(value) for value in values} - {""})  # type: ignore[attr-defined]
    return str(st.selectbox(label, (_ANY, *there), key=key, bind="query-params"))


def _entries(alerts: Sequence[Alert]) -> list[list[Alert]]:
    """Alerts in their order; those of a group with the first of them."""
    together = groups(alerts)
    lines: dict[str, list[Alert]] = {}
    for alert in alerts:
        lines.setdefault(alert.group if alert.group in together else alert.alert_id, []).append(alert)
    return list(lines.values())


def _beneath(line: Line, review: Review) -> None:
    """A line that is marked and moved in, as it may follow from the one above; or how many more of them there are."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown("└", width=24, text_alignment="right")
        if not line.is_rest:
            _line(line, review)
        elif line.follows:
            cause = line.follows.alert_id
            if st.button(f"and {len(line.members)} more that may follow from it", key=f"rest-{cause}", type="tertiary"):
                go(cause)


def _line(line: Line, review: Review) -> None:
    """One entry of the queue: how severe, what, how badly, since when, whose it is, and whether others follow."""
    members = line.members
    worst = min(members, key=_ORDERS["Most severe first"])
    is_group = len(members) > 1
    wanted = worst.group if is_group else worst.alert_id
    columns = ", ".join(dict.fromkeys(alert.column_name for alert in members))
    what = f"{len(members)} features of {worst.source}" if is_group else headline(worst)
    windows = max(alert.windows for alert in members)
    facts = [shortened(columns, _MOST_COLUMNS) if is_group else how_badly(worst)]
    facts += [
        f"since {day(min(alert.since for alert in members))}, {count(windows, 'window')}",
        f"monitor {worst.monitor}",
    ]
    facts += [f"for {worst.assignee}"] if worst.assignee else []
    followed_by = sum(alert.followed_by for alert in members)
    facts += [f"{count(followed_by, 'alert')} may follow from it"] if followed_by else []
    elsewhere = "" if line.follows or is_group else worst.follows
    facts += [f"may follow from {named}" for named in (one.named for one in review.alerts if one.alert_id == elsewhere)]
    with st.container(horizontal=True, border=True, vertical_alignment="center", key=f"line-{wanted}", gap="small"):
        st.badge(worst.severity, color=COLOURS[worst.severity], width=76)
        with st.container(gap=None, width="stretch"):
            if st.button(f"**{literal(what)}**", key=f"open-{wanted}", type="tertiary"):
                go(wanted)
            st.caption(literal(" · ".join(facts)))
        with st.container(horizontal=True, width="content", gap="xsmall"):
            for state in sorted({alert.status for alert in members}):
                st.badge(state, color=COLOURS[state])
            if worst.is_snoozed(review.as_of) and worst.snoozed_until:
                st.badge(f"snoozed until {day(worst.snoozed_until)}", color="gray")
