"""Metrics that the platform has measured itself, read in place of measuring them here, by monitors that say so.

Databricks' data profiling writes tables of the same names and columns as this project does. The bundle's quality monitor puts
them into a schema of their own, ``<schema>_quality``, and only there are they looked for. They lack histograms, the newest row, and
the number of labels: all rows count as labelled where there is quality; that rows stay away is not noticed, which a check says.
"""

from collections.abc import Collection, Mapping, Sequence

from feature_store.tables.protocol import Tables

SCHEMA_SUFFIX = "_quality"
Row = Mapping[str, object]
_LOG_TYPE, _INPUT = "log_type", "INPUT"


def platforms(tables: Tables, name: str) -> str:
    """What the platform calls a metric table that is called ``name`` here: a full name."""
    catalog, schema, table = tables.full_name(name).split(".")
    return f"{catalog}.{schema}{SCHEMA_SUFFIX}.{table}"


def whose(tables: Tables, name: str) -> str:
    """The metric table that there is: this project's, or else the platform's; this project's name if there is neither."""
    found = platforms(tables, name)
    return found if not tables.exists(name) and tables.exists(found) else name


def read_with(columns: Sequence[str], there: Collection[str]) -> list[str]:
    """Those of ``columns`` that a metric table has, and what :func:`of_windows` needs besides."""
    return [column for column in [*columns, _LOG_TYPE] if column in there]


def of_windows(rows: Sequence[Row]) -> list[Row]:
    """The rows of windows, without those of the baseline table; where several model versions scored, those of most rows.

    A row counts the model's version that most of the window's rows are of, as this project's own tables do.
    """
    most: dict[tuple[object, ...], Row] = {}
    for row in rows:
        window = row.get("window")
        if not isinstance(window, Mapping) or row.get(_LOG_TYPE) not in (None, _INPUT):
            continue
        place = ("granularity", "slice_key", "slice_value", "column_name", "drift_type", "window_cmp")
        key = (window["start"], window["end"], *(str(row.get(name)) for name in place))
        if key not in most or _rows(row) > _rows(most[key]):
            most[key] = row
    return list(most.values())


def _rows(row: Row) -> int:
    found = row.get("count")
    return found if isinstance(found, int) else 0
