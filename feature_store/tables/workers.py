"""Where Spark's workers are: in this process' Java, or elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def are_here(spark: SparkSession) -> bool:
    """Whether Spark's work is done by threads of its one Java; a session that does not say (Spark Connect) has workers elsewhere."""
    return (spark.conf.get("spark.master", "") or "").split("[")[0] == "local"
