"""``review-alerts serve``: start the page in this process' place, or say in one sentence why not."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from feature_store.errors import Misuse
from monitoring.app.settings import TOKEN_VARIABLE, Settings, check_exposure, is_own

MAIN = Path(__file__).with_name("main.py")


def command(*, address: str, port: int) -> list[str]:
    """What runs the page, argument by argument."""
    program = [
        sys.executable,
        "-m",
        "streamlit",
        "run",
        str(MAIN),
        "--server.address",
        address,
        "--server.port",
        str(port),
    ]
    # A page of another site cannot make the browser take this server for its own.
    known = ["localhost", "127.0.0.1", "[::1]", "::1"] if is_own(address) else []
    return program + [part for host in known for part in ("--server.allowedHosts", host)]


def serve(settings: Settings, *, address: str, port: int) -> NoReturn:
    """Serve the page on ``address`` until interrupted; this process becomes the server.

    Raises
    ------
    Misuse
        If Streamlit is not there, or :func:`~monitoring.app.settings.check_exposure` refuses.
    """
    if find_spec("streamlit") is None:
        raise Misuse(
            "The page needs Streamlit, which is not installed. Install it: pip install 'feature-pipelines[review]'."
        )
    check_exposure(settings.identity, address=address, token=os.environ.get(TOKEN_VARIABLE, ""))
    program = command(address=address, port=port)
    os.execve(program[0], program, os.environ | settings.environment())
