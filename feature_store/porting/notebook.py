"""What a notebook of Databricks takes for granted: ``spark`` is given, and what is not ours to imitate is named, once.

Databricks puts ``spark``, ``dbutils`` and ``display`` among a notebook's own names. Here they are put among Python's built-in
names, when ``FeatureEngineeringClient`` is first imported: a name of the notebook's own goes before them.
"""

import builtins
import re
import warnings
from functools import cache
from pathlib import Path
from typing import Any

from feature_store.errors import Misuse
from feature_store.porting.session import NotebookSession

_WIDGETS = (
    "write feature_store.notebooks.parameters(name=default): widgets there, NOTEBOOK_NAME in the environment here"
)
_DBUTILS = f"For widgets {_WIDGETS}. For files use Python's pathlib, for secrets the environment."
_DISPLAY = "nothing is shown. Write feature_store.notebooks.show(df), which shows a table there and here"
_PLACES = "no such place is mounted here: give the path of a copy of these files"
ONLY_THERE = (
    (r"^# MAGIC %(?:sql)\b", "%sql", 'this cell is not run. Write spark.sql("""...""")'),
    (r"^# MAGIC %(?:pip|conda)\b|^%pip\b", "%pip", "nothing is installed. Install packages before the notebook begins"),
    (r"^# MAGIC %(?:fs|sh)\b", "%fs, %sh", "this cell is not run. Write Python: pathlib, shutil, subprocess"),
    (r"^# MAGIC %(?:run)\b", "%run", "this cell is not run. Import what it defines"),
    (r"^# MAGIC %(?:scala|r)\b", "%scala, %r", "this cell is not run. Write Python"),
    (r"\bdbutils\.widgets\b", "dbutils.widgets", _WIDGETS),
    (r"\bdbutils\.library\b", "dbutils.library", "leave it out: nothing was installed meanwhile"),
    (r"\bdbutils\.(?!widgets|library)", "dbutils", "for files use Python's pathlib, for secrets the environment"),
    (r"\bdisplay(?:HTML)?\(", "display", _DISPLAY),
    (
        r"\.saveAsTable\(",
        "saveAsTable",
        "write create_table(name=..., primary_keys=..., df=...), or df.write.save(path)",
    ),
    (r"/databricks-datasets|\bdbfs:/|[\"']/dbfs/|[\"']/Volumes/", "/databricks-datasets, /dbfs, /Volumes", _PLACES),
)
"""What is looked for in a line, what it is called, and what happens here and what to write instead."""


class OnlyThere(Misuse, NameError):
    """A name that only Databricks gives; also a NameError, by which notebooks find out where they are."""


class _DbUtils:
    def __getattr__(self, name: str) -> Any:
        raise OnlyThere(f"dbutils is Databricks' own, and dbutils.{name} is not here. {_DBUTILS}")


@cache
def _tell_of_display() -> None:
    warnings.warn(f"display is Databricks' own: {_DISPLAY}.", UserWarning, stacklevel=3)


def _display(*_: Any, **__: Any) -> None:
    """Show nothing, and say so once."""
    _tell_of_display()


def prepare(file: str) -> None:
    """Give what a notebook takes for granted, and tell of what ``file`` has that only Databricks gives.

    Nothing is started: ``spark`` does so when it is first used. Names that there are already stay.
    """
    names = {"spark": NotebookSession(), "dbutils": _DbUtils(), "display": _display, "displayHTML": _display}
    for name, value in names.items():
        if not hasattr(builtins, name):
            setattr(builtins, name, value)
    _tell_of(file)


@cache
def _tell_of(file: str) -> None:
    path = Path(file)
    if path.suffix == ".py" and path.is_file() and (found := only_there(path.read_text(encoding="utf-8"))):
        lines = "\n".join(f"  {one}" for one in found)
        text = f"{path.name} has what only Databricks gives:\n{lines}"
        warnings.warn_explicit(text, UserWarning, file, 1)


def only_there(source: str) -> list[str]:
    """For each thing in a notebook that only Databricks gives, once: its lines, its name, and what to write instead."""
    told = []
    lines = [(number, line) for number, line in enumerate(source.splitlines(), start=1) if not _is_comment(line)]
    for pattern, name, instead in ONLY_THERE:
        at = [str(number) for number, line in lines if re.search(pattern, line)]
        if at:
            told.append(f"line{'s' if len(at) > 1 else ''} {', '.join(at)}: {name}: {instead}.")
    return told


def _is_comment(line: str) -> bool:
    """Whether the line does nothing there either; a cell of text is a comment too."""
    return line.lstrip().startswith("#") and not re.match("# MAGIC %(?!md)", line)
