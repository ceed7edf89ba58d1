"""The code that looks chosen features up."""

import json
from collections.abc import Collection, Mapping

from feature_store.catalog.model import Table


def lookup_code(chosen: Mapping[str, Collection[str]], tables: Mapping[str, Table]) -> str:
    """Python for the names of features by the full names of their tables, as the page of the catalog has it."""
    lines = []
    for name, features in chosen.items():
        table = tables[name]
        ordered = [column.name for column in table.features if column.name in features]
        keys = [key for key in table.keys if key != table.time]
        lines += [
            "    FeatureLookup(",
            f"        table_name={_quoted(name)},",
            f"        feature_names={_quoted(ordered)},",
            f"        lookup_key={_quoted(keys)},",
            *([f"        timestamp_lookup_key={_quoted(table.time)},"] if table.time else []),
            "    ),",
        ]
    return "\n".join(["from feature_store import FeatureLookup", "", "lookups = [", *lines, "]", ""])


def _quoted(what: object) -> str:
    """JSON's texts and lists of texts are Python's, too."""
    return json.dumps(what, ensure_ascii=False)
