"""The part of Go's templates that this project's own are written in, so that the same files serve `databricks bundle init`.

``{{.name}}`` is what was answered, and ``{{"{{"}}`` are two braces. Anything else between two braces is refused.
"""

import re
from collections.abc import Mapping

from feature_store.errors import NotFound, suggestion

ACTION = re.compile(r"\{\{(.*?)\}\}")
_FIELD = re.compile(r"\.([a-z_]+)")
_BRACES = '"{{"'


def render(text: str, values: Mapping[str, str]) -> str:
    """``text`` with its actions replaced.

    Raises
    ------
    NotFound
        If it names what was not asked, or has an action of another kind.
    """

    def replaced(action: re.Match[str]) -> str:
        if action[1] == _BRACES:
            return "{{"
        field = _FIELD.fullmatch(action[1])
        if field is None or field[1] not in values:
            raise NotFound(f"{action[0]} in a template is nothing known. {suggestion(action[1].strip('.'), values)}")
        return values[field[1]]

    return ACTION.sub(replaced, text)


def escaped(text: str) -> str:
    """``text`` so that it is rendered as it is."""
    return text.replace("{{", f"{{{{{_BRACES}}}}}")
