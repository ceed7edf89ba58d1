"""What an alert may follow from and what may follow from it, as links from page to page."""

from collections.abc import Sequence

import streamlit as st

from monitoring.alerts.reviewing import following
from monitoring.alerts.state import Alert
from monitoring.app.reading import Review
from monitoring.app.wording import COLOURS, headline, how_badly, literal
from monitoring.telling.listing import MOST_FOLLOWING, counted

MOST_LINES = 50


def go(wanted: str) -> None:
    """Show the alert or group with this id."""
    st.query_params["alert"] = wanted
    st.rerun()


def show_cause(review: Review, alerts: Sequence[Alert]) -> None:
    """The alerts that these may follow from, each to be opened."""
    causes = {alert.follows for alert in alerts}
    for cause in review.alerts:
        if cause.alert_id in causes:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                st.text("May follow from")
                if st.button(literal(cause.named), key=f"cause-{cause.alert_id}", type="tertiary"):
                    go(cause.alert_id)


def show_following(review: Review, alerts: Sequence[Alert]) -> None:
    """What may follow from these alerts, each to be opened; folded in where there is much of it."""
    found = following(review.alerts, alerts)
    if not found:
        return
    with st.expander(f"{counted(found)} may follow from it", expanded=len(found) <= MOST_FOLLOWING):
        for alert in found[:MOST_LINES]:
            line(alert)
        if len(found) > MOST_LINES:
            st.text(f"and {len(found) - MOST_LINES} more; review-alerts list --follows tells all.")


def line(alert: Alert) -> None:
    """An alert in a line, to be opened."""
    with st.container(horizontal=True, vertical_alignment="center", key=f"member-{alert.alert_id}"):
        st.badge(alert.severity, color=COLOURS[alert.severity])
        if st.button(literal(headline(alert)), key=f"open-{alert.alert_id}", type="tertiary"):
            go(alert.alert_id)
        st.text(how_badly(alert))
        st.badge(alert.status, color=COLOURS[alert.status])
