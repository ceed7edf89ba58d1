"""What ``--with`` and ``--without`` name: a lookup that a spec does not have, and columns that it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from feature_store import FeatureLookup, FeatureStore, Misuse
from feature_store.errors import listed, suggestion
from training.spec import TrainingSpec


def lookup_asked(store: FeatureStore, spec: TrainingSpec, text: str) -> FeatureLookup:
    """The lookup that ``TABLE``, ``TABLE.FEATURE`` or ``TABLE.FEATURE@COLUMN,COLUMN`` means.

    The columns are those of the labels' source to look up by, in the order of the table's keys; without them, they are called as
    the keys. A table with time is looked up as of the spec's moment of decision. A feature whose name the spec uses already is
    called ``TABLE_FEATURE``.

    Raises
    ------
    Misuse, NotFound
        If there is no such table or feature, or no such column to look it up by.
    """
    place, _, columns = text.partition("@")
    name, _, feature = place.partition(".")
    stored = store.get_table(name=name)
    features = [feature] if feature else stored.feature_columns
    if feature and feature not in stored.feature_columns:
        raise Misuse(f"--with {text}: {name} has no feature {feature!r}. {suggestion(feature, stored.feature_columns)}")
    keys = columns.split(",") if columns else stored.entity_keys
    missing = [key for key in keys if key not in spec.labels.columns]
    if missing or len(keys) != len(stored.entity_keys):
        raise Misuse(
            f"--with {text}: {name} is looked up by {listed(stored.entity_keys)}. Name a column of source "
            f"{spec.labels.name!r} for each: {place}@{','.join('COLUMN' for _ in stored.entity_keys)}. "
            f"It has {listed(list(spec.labels.columns))}."
        )
    taken = {*outputs(store, spec), *spec.labels.columns}
    return FeatureLookup(
        name,
        keys,
        feature_names=features,
        rename_outputs={one: f"{name}_{one}" for one in features if one in taken},
        timestamp_lookup_key=spec.decided_at if stored.timestamp_keys else None,
    )


def columns_asked(store: FeatureStore, spec: TrainingSpec, text: str) -> list[str]:
    """The columns that ``TABLE`` or ``TABLE.FEATURE`` means, as the spec's training frame calls them.

    Raises
    ------
    Misuse
        If nothing is looked up there, or the estimator is not given it.
    """
    name, _, feature = text.partition(".")
    found = outputs(store, spec)
    tables = sorted({table for table, _ in found.values()})
    if name not in tables:
        raise Misuse(f"--without {text}: {spec.name!r} looks nothing up in {name!r}. {suggestion(name, tables)}")
    of_table = {output: one for output, (table, one) in found.items() if table == name}
    chosen = [output for output, one in of_table.items() if not feature or feature in (output, one)]
    if not chosen:
        raise Misuse(
            f"--without {text}: {spec.name!r} looks no {feature!r} up in {name}. {suggestion(feature, [*of_table])}"
        )
    given = [output for output in chosen if output not in spec.exclude_columns]
    if not given:
        raise Misuse(f"--without {text}: the estimator is not given {listed(chosen)}, which {spec.name!r} excludes.")
    return given


def outputs(store: FeatureStore, spec: TrainingSpec) -> Mapping[str, tuple[str, str]]:
    """The table, by its short name, and the feature of each column that the spec looks up."""
    found: dict[str, tuple[str, str]] = {}
    for lookup in spec.lookups:
        features: Sequence[str] = lookup.feature_names or store.get_table(name=lookup.table_name).feature_columns
        short = lookup.table_name.rpartition(".")[2]
        found |= {lookup.output_name(feature): (short, feature) for feature in features}
    return found
