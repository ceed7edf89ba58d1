"""Aggregated features as JSON data, as they travel with a model: everything that computing them needs.

A derived source is named by its function's place (``package.module:function``), which must be importable where the
features are computed, just as the functions of a feature table are.
"""

import dataclasses
import importlib
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

from feature_store.declare import operators, windows
from feature_store.declare.feature import AggregationFunction, DerivedSource, Feature, sources_of
from feature_store.declare.source import Source
from feature_store.declare.windows import MICROSECOND, micros
from feature_store.errors import Misuse
from feature_store.names import full_name

FILE_NAME = "features.json"


def save(features: Sequence[Feature], folder: Path, *, place: str) -> None:
    """Write ``features.json`` into ``folder``; tables get their full names, those without of ``catalog.schema``.

    Raises
    ------
    Misuse
        If a derived source's function cannot be found again by its name.
    """
    sources = list(dict.fromkeys(feature.source for feature in features))
    document = {
        "sources": [_source_document(source, place) for source in sources],
        "features": [_feature_document(one) | {"source": sources.index(one.source)} for one in features],
    }
    (folder / FILE_NAME).write_text(json.dumps(document, indent=2), encoding="utf-8")


def load(folder: Path) -> list[Feature]:
    """What :func:`save` wrote; features of one source share it again.

    Raises
    ------
    Misuse
        If there is no such file, it is of another form, or a function cannot be imported.
    """
    try:
        document = json.loads((folder / FILE_NAME).read_text(encoding="utf-8"))
        sources = [_source(one) for one in document["sources"]]
        return [_feature(one, sources) for one in document["features"]]
    except Misuse:
        raise
    except FileNotFoundError:
        raise Misuse(
            f"The model's features are declared in Databricks' catalog: it has no {FILE_NAME}. Score it there."
        ) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise Misuse(f"The model's {FILE_NAME} cannot be read: {error!r} is missing or of another form.") from error


def check_findable(features: Sequence[Feature]) -> None:
    """Refuse features of a derived source whose function cannot be found again by its name.

    Raises
    ------
    Misuse
        If there is one.
    """
    for feature in features:
        if isinstance(feature.source, DerivedSource):
            _importable(feature.source)


def _source_document(source: Source | DerivedSource, place: str) -> dict[str, Any]:
    common: dict[str, Any] = {"name": source.name, "description": source.description, "columns": list(source.columns)}
    if isinstance(source, DerivedSource):
        own = [_source_document(one, place) for one in sources_of(source)]
        return common | {"derive": _importable(source), "sources": own}
    table = table_name(source, place)
    return common | {"table": table, "known_at": source.known_at, "lateness": micros(source.lateness)}


def table_name(source: Source, place: str) -> str:
    """The full name of the table that ``source`` reads, in ``place`` (``catalog.schema``) if it names none."""
    catalog, _, schema = place.partition(".")
    return full_name(source.table, catalog=catalog, schema=schema)


def _source(document: Mapping[str, Any]) -> Source | DerivedSource:
    common = {name: document[name] for name in ("name", "description", "columns")}
    if "derive" not in document:
        lateness = document["lateness"] * MICROSECOND
        return Source(**common, table=document["table"], known_at=document["known_at"], lateness=lateness)
    module, _, function = document["derive"].partition(":")
    try:
        derive = getattr(importlib.import_module(module), function)
    except (ImportError, AttributeError) as error:
        raise Misuse(
            f"The model's source {document['name']!r} is derived by {document['derive']}, which cannot be imported: "
            f"{error}. Install the project that the model was trained with."
        ) from error
    own = [source for source in map(_source, document["sources"]) if isinstance(source, Source)]
    return DerivedSource(**common, sources=own, derive=derive)


def _importable(source: DerivedSource) -> str:
    module, name = source.derive.__module__, source.derive.__qualname__
    if getattr(importlib.import_module(module), name, None) is not source.derive:
        raise Misuse(
            f"Source {source.name!r} is derived by {name!r} of {module}, which no other process could find. Make it a "
            "function of a module."
        )
    return f"{module}:{name}"


def _feature_document(feature: Feature) -> dict[str, Any]:
    return {
        "name": feature.name,
        "description": feature.description,
        "entity": list(feature.entity),
        "timeseries_column": feature.timeseries_column,
        "filter_condition": feature.filter_condition,
        "operator": _plain(feature.function.operator),
        "time_window": _plain(feature.function.time_window),
    }


def _feature(document: Mapping[str, Any], sources: Sequence[Source | DerivedSource]) -> Feature:
    own = {name: document[name] for name in ("name", "description", "entity", "timeseries_column", "filter_condition")}
    window = {
        field: value if field == "kind" or value is None else value * MICROSECOND
        for field, value in document["time_window"].items()
    }
    function = AggregationFunction(_made(operators, document["operator"]), _made(windows, window))
    return Feature(**own, source=sources[document["source"]], function=function)


def _plain(value: Any) -> dict[str, Any]:
    fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    plain = {name: micros(one) if isinstance(one, timedelta) else one for name, one in fields.items()}
    return {"kind": type(value).__name__} | plain


def _made(module: Any, document: Mapping[str, Any]) -> Any:
    made = getattr(module, document["kind"])
    return made(**{name: value for name, value in document.items() if name != "kind"})
