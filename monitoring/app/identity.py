"""Who reviews: the login on one's own machine, the user that a platform forwards, or whoever knows the token."""

import getpass
import hmac
import os
import time
from dataclasses import dataclass

import streamlit as st

from feature_store.errors import Misuse
from monitoring.app.settings import HEADER, LOGIN, TOKEN_VARIABLE, Settings, check_exposure

_FORWARDED = ("X-Forwarded-Email", "X-Forwarded-Preferred-Username", "X-Forwarded-User")
"""What Databricks Apps says of who is there, the best first."""
_WRONG_SECONDS = 1.0
_ADMITTED = "admitted"


@dataclass(frozen=True)
class Person:
    """The reviewer's name; one that was forwarded is not theirs to change."""

    name: str
    is_fixed: bool = False


def reviewer(settings: Settings) -> Person | None:
    """Who is there; None while the token is still asked for, which this shows.

    Raises
    ------
    Misuse
        If the page can be reached by others and must not be, or the platform names nobody.
    """
    check_exposure(
        settings.identity,
        address=str(st.get_option("server.address") or ""),
        token=os.environ.get(TOKEN_VARIABLE, ""),
    )
    if settings.identity == LOGIN:
        return Person(getpass.getuser())
    if settings.identity == HEADER:
        names = (st.context.headers.get(name, "").strip() for name in _FORWARDED)
        name = next((name for name in names if name), "")
        if not name:
            raise Misuse("The platform has not said who you are: this page is to be opened through it, not directly.")
        return Person(name, is_fixed=True)
    return Person("") if st.session_state.get(_ADMITTED) or _asked_for_token() else None


def _asked_for_token() -> bool:
    """Ask for the token; whether it was right."""
    st.title("Drift alerts", anchor=False)
    with st.form("token", width=420):
        given = st.text_input("Token", type="password", autocomplete="current-password")
        if st.form_submit_button("Enter", type="primary"):
            expected = os.environ[TOKEN_VARIABLE]
            if hmac.compare_digest((given or "").encode(), expected.encode()):
                st.session_state[_ADMITTED] = True
                st.rerun()
            time.sleep(_WRONG_SECONDS)  # guessing takes its time
            st.error("That is not the token.")
    return False
