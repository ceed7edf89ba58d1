"""What Spark needs for a warehouse on S3, or on a server that speaks its language: Hadoop's S3A, and where and how.

The jars are half a gigabyte, so they are fetched for whoever has such a warehouse, not by everybody's set-up. Keys are not among
the settings: Spark takes ``AWS_ACCESS_KEY_ID``, ``AWS_SECRET_ACCESS_KEY`` and ``AWS_SESSION_TOKEN`` from the driver's environment
by itself and hands them to the workers; without them S3A asks the machine's role.
"""

import os
from pathlib import Path

_CONNECTOR = "org.apache.hadoop.fs.s3a.S3AFileSystem"


def is_on_s3(warehouse: str | None) -> bool:
    """Whether the address is one of S3's."""
    return (warehouse or "").split("://")[0] in ("s3", "s3a")


def package() -> str:
    """The connector of the same version as the Hadoop that Spark brings.

    Raises
    ------
    FileNotFoundError
        If this Spark brings none.
    """
    import pyspark

    jars = Path(pyspark.__file__).parent / "jars"
    found = [jar.stem.removeprefix("hadoop-client-api-") for jar in jars.glob("hadoop-client-api-*.jar")]
    if not found:
        raise FileNotFoundError(f"There is no hadoop-client-api-*.jar in {jars}.")
    return f"org.apache.hadoop:hadoop-aws:{found[0]}"


def settings() -> dict[str, str]:
    """Spark's settings."""
    # One address for all: delta-rs and Polars say s3.
    chosen = {"spark.hadoop.fs.s3.impl": _CONNECTOR}
    endpoint, region = os.environ.get("AWS_ENDPOINT_URL"), os.environ.get("AWS_REGION")
    if endpoint:
        chosen["spark.hadoop.fs.s3a.endpoint"] = endpoint
        chosen["spark.hadoop.fs.s3a.path.style.access"] = "true"
        chosen["spark.hadoop.fs.s3a.connection.ssl.enabled"] = str(endpoint.startswith("https:")).lower()
    if region:
        chosen["spark.hadoop.fs.s3a.endpoint.region"] = region
    return chosen
