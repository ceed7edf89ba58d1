"""The page's entry, for ``streamlit run monitoring/app/main.py``; ``review-alerts serve`` runs the same.

Settings come by environment variables (:mod:`monitoring.app.settings`), how it is served from ``.streamlit/config.toml``.
"""

import os
import sys
from importlib.util import find_spec
from pathlib import Path

import streamlit as st

if find_spec("monitoring") is None:  # a platform that has the folder, and has not installed it
    sys.path.insert(0, str(Path(__file__).parents[2]))

from feature_store.errors import PipelineError
from monitoring.app import detail, feature_pages, overview
from monitoring.app.elements import PAGE
from monitoring.app.garbage import KEPT
from monitoring.app.identity import reviewer
from monitoring.app.reading import Review
from monitoring.app.settings import Settings
from monitoring.app.shelf import Shelf
from monitoring.app.wording import minute

# Streamlit's own icons for the browser's tab are fetched from another host.
_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24" fill="none" stroke="#3f7fd0" stroke-width="2.5" '
    'stroke-linejoin="round"><path d="M2 13h5l3-8 4 14 3-6h5"/></svg>'
)


def main() -> None:
    """Show the queue, or the alert or feature that the address names; what is wrong with the settings is one sentence."""
    KEPT.with_new_modules()
    st.set_page_config("Drift alerts", _ICON, layout="wide")
    try:
        settings = Settings.of(os.environ)
        person = reviewer(settings)
        if person is None:
            return
        if st.query_params.get("page") == PAGE:
            feature_pages.show(Shelf.of(settings))
            return
        review = Review.read(settings)
    except PipelineError as error:
        st.title("Drift alerts", anchor=False)
        st.error("The page cannot be shown.")
        st.text(str(error))
        return
    if not review.is_now:
        st.info(
            f"As of {minute(review.as_of)} UTC: later events are not shown, and what you do is recorded as of then."
        )
    wanted = st.query_params.get("alert", "")
    if wanted:
        detail.show(review, settings, person, wanted)
    else:
        overview.show(review)


if __name__ == "__main__":
    main()
