"""Tables and models of a small delivery service, made in a moment and without Spark, for the tests of the catalog."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql.types import StructType

from feature_store import FeatureStore
from feature_store.join.columns import FeatureColumn
from feature_store.package.feature_spec import FeatureSpec
from feature_store.package.registry import make_ready
from feature_store.tables.commit import Commit

OWNER = "couriers@example.com"


def at(day: int, hour: int = 0) -> datetime:
    """A moment of January 2024, UTC."""
    return datetime(2024, 1, day, hour, tzinfo=UTC)


def publishing(as_of: datetime, **details: Any) -> Commit:
    """The commit of a publishing run."""
    return Commit(verb="publish-features", as_of=as_of, sources={"test.couriers.orders": 1}, details=details, run="r1")


def shelve(
    store: FeatureStore,
    name: str,
    columns: Mapping[str, Any],
    rows: Sequence[tuple[Any, ...]] = (),
    *,
    keys: Sequence[str] = (),
    time: str = "",
    commit: Commit | None = None,
    **about: str,
) -> None:
    """A table with these columns (``type``, or ``type: what it is``) and rows; ``about``: description, owner, tags."""
    fields = []
    for column, told in columns.items():
        kind, _, text = told.partition(": ") if isinstance(told, str) else (told, "", "")
        metadata = {"comment": text} if text else {}
        fields.append({"name": column, "type": kind, "nullable": column not in keys, "metadata": metadata})
    schema = StructType.fromJson({"type": "struct", "fields": fields})
    properties = {"pipeline.owner": about.pop("owner", OWNER)}
    if keys:
        properties |= {"pipeline.primary_keys": json.dumps(list(keys)), "pipeline.timeseries_column": time}
    description = about.pop("description", "")
    properties |= {f"pipeline.tag.{key}": value for key, value in about.items()}
    if not store.tables.exists(name):
        store.tables.create(name, schema, description=description, properties=properties)
    store.tables.append(name, arrow(schema, rows), commit=commit or publishing(at(5)))


def shelve_wide(store: FeatureStore, name: str, features: int) -> None:
    """A table of so many features, without a row: its log alone, as writing it through Arrow would take seconds."""
    columns = [("id", "string"), *((f"feature_{number}", "double") for number in range(features))]
    fields = [{"name": column, "type": kind, "nullable": column != "id", "metadata": {}} for column, kind in columns]
    about = {
        "id": name, "format": {"provider": "parquet", "options": {}}, "partitionColumns": [], "createdTime": 0,
        "schemaString": json.dumps({"type": "struct", "fields": fields}),
        "configuration": {"pipeline.primary_keys": '["id"]', "pipeline.timeseries_column": "", "pipeline.owner": OWNER},
    }  # fmt: skip
    written = {"timestamp": 0, "operation": "WRITE", "userMetadata": publishing(at(5)).to_json()}
    protocol = {"minReaderVersion": 1, "minWriterVersion": 2}
    log = store.workspace / "warehouse" / store.catalog / store.schema / name / "_delta_log"
    log.mkdir(parents=True)
    actions = [{"commitInfo": written}, {"protocol": protocol}, {"metaData": about}]
    (log / f"{0:020}.json").write_text("\n".join(map(json.dumps, actions)))


def arrow(schema: StructType, rows: Sequence[tuple[Any, ...]]) -> pa.Table:
    """Rows as Arrow."""
    from pyspark.sql.pandas.types import to_arrow_schema

    kinds = to_arrow_schema(schema, timezone="UTC")
    return pa.table([pa.array([row[n] for row in rows], kind.type) for n, kind in enumerate(kinds)], schema=kinds)


def register(
    store: FeatureStore, folder: Path, name: str, reads: Mapping[str, Sequence[str]], *, alias: str = ""
) -> None:
    """A version of a model that looks up these features by table, as far as the catalog can see."""
    import mlflow

    features = [
        FeatureColumn(
            name=feature, data_type="double", table=f"{store.catalog}.{store.schema}.{table}", feature=feature,
            lookup_key=["courier"],
        )
        for table, found in reads.items()
        for feature in found
    ]  # fmt: skip
    make_ready()
    client, full = mlflow.MlflowClient(), f"{store.catalog}.{store.schema}.{name}"
    if not [one for one in client.search_registered_models() if one.name == full]:
        client.create_registered_model(full)
    packaged = folder / "data" / "feature_store"
    packaged.mkdir(parents=True)
    FeatureSpec(sources=[], features=features, table_ids={one.table: "1" for one in features}).save(packaged)
    (packaged / "lineage.json").write_text(json.dumps({"owner": "models@example.com"}))
    version = client.create_model_version(full, source=str(folder))
    if alias:
        client.set_registered_model_alias(full, alias, version.version)
