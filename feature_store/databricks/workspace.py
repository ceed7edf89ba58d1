"""Whether there is a workspace at all: asked once, before Spark is started and the vendor's client tries for five minutes."""

import logging
import os

from feature_store.errors import Misuse, StorageError

PATIENCE = 10
"""Seconds that a workspace has to answer."""
_ELSEWHERE = "Or work without one: PIPELINE_BACKEND=local."


def check_workspace() -> None:
    """Refuse to begin without a workspace that answers; on a Databricks runtime there is one.

    Raises
    ------
    Misuse
        If no workspace is named, or nothing to log in with.
    StorageError
        If it does not answer.
    """
    if "DATABRICKS_RUNTIME_VERSION" in os.environ:
        return
    import requests
    from databricks.sdk.config import Config

    log = logging.getLogger("databricks.sdk")
    level = log.level
    log.setLevel(logging.ERROR)  # it would warn of what is said here
    try:
        config = Config(retry_timeout_seconds=PATIENCE, http_timeout_seconds=PATIENCE)
        requests.get(f"{config.host}/.well-known/databricks-config", timeout=PATIENCE)
    except ValueError as error:
        raise Misuse(
            f"There is no Databricks workspace to work with: {str(error).split(', please check')[0]}. Log in "
            f"(databricks auth login --host https://YOUR-WORKSPACE), or set DATABRICKS_HOST and its credentials. {_ELSEWHERE}"
        ) from error
    except requests.RequestException as error:
        raise StorageError(
            f"The Databricks workspace {config.host} does not answer ({type(error).__name__}). Check DATABRICKS_HOST, or the "
            f"profile in ~/.databrickscfg, and the network. {_ELSEWHERE}"
        ) from error
    finally:
        log.setLevel(level)
