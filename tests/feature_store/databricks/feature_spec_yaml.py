"""The ``feature_spec.yaml`` that Databricks' servers write for a training set, as far as its form is documented."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import yaml

Entry = dict[str, Any]


def feature_spec_yaml(
    given: Mapping[str, Any], columns: Callable[[str], Sequence[str]], table_id: Callable[[str], str]
) -> str:
    """The text for a ``generate-yaml`` request: sources, then lookups, then functions; ``columns`` lists a table's features.

    An excluded column stays, marked, if a lookup or a function needs it.
    """
    lookups = [one["feature_lookup"] for one in given["features"] if "feature_lookup" in one]
    functions = [one["feature_function"] for one in given["features"] if "feature_function" in one]
    entries = [entry for lookup in lookups for entry in _looked_up(lookup, columns)]
    entries += [_computed(function) for function in functions]
    needed = [key for lookup in lookups for key in lookup["lookup_keys"]]
    needed += [one["bound_feature_name"] for function in functions for one in function.get("input_bindings", [])]
    moments = [key for lookup in lookups for key in lookup.get("timestamp_lookup_keys", [])]
    outputs = [name for name, _ in entries]
    # Without a data frame, its columns are those that are needed and not made.
    assumed = dict.fromkeys(name for name in [*needed, *moments] if name not in outputs)
    entries = [(name, {"source": "training_data"}) for name in given.get("input_columns") or assumed] + entries
    excluded = set(given.get("exclude_columns", []))
    kept = [(name, entry) for name, entry in entries if name not in excluded or name in needed]
    for position, (name, entry) in enumerate(kept):
        entry["topological_ordering"] = position
        if name in excluded:
            entry["include"] = False
    tables = sorted({entry["table_name"] for _, entry in kept if "table_name" in entry})
    udfs = sorted({entry["udf_name"] for _, entry in kept if "udf_name" in entry})
    windows = {one["table_name"]: one.get("lookback_window_seconds") for one in lookups}
    document = {
        "input_columns": [{name: entry} for name, entry in kept],
        "input_tables": [{name: _table(table_id(name), windows[name])} for name in tables],
        "input_functions": [{name: {}} for name in udfs],
        "workspace_id": 1,
        "serialization_version": 11,
    }
    return yaml.safe_dump(document, sort_keys=False)


def _table(table_id: str, window: float | None) -> Entry:
    return {"table_id": table_id} | ({"lookback_window": float(window)} if window is not None else {})


def _looked_up(lookup: Mapping[str, Any], columns: Callable[[str], Sequence[str]]) -> list[tuple[str, Entry]]:
    renamed = {one["feature_name"]: one["output_name"] for one in lookup.get("rename_outputs", [])}
    defaults = {one["feature_name"]: one["default_value"] for one in lookup.get("default_values", [])}
    entries = []
    for feature in lookup.get("feature_names") or columns(lookup["table_name"]):
        name = renamed.get(feature, feature)
        entry: Entry = {
            "source": "feature_store",
            "table_name": lookup["table_name"],
            "feature_name": feature,
            "lookup_key": lookup["lookup_keys"],
        }
        if lookup.get("timestamp_lookup_keys"):
            entry["timestamp_lookup_key"] = lookup["timestamp_lookup_keys"]
        if defaults.get(name):
            entry["default_value"] = defaults[name]
        entries.append((name, entry))
    return entries


def _computed(function: Mapping[str, Any]) -> tuple[str, Entry]:
    bindings = {one["parameter_name"]: one["bound_feature_name"] for one in function.get("input_bindings", [])}
    name = function.get("output_name") or function["udf_name"]
    return name, {"source": "on_demand_feature", "udf_name": function["udf_name"], "input_bindings": bindings}
