"""A data frame that a join reads more than once."""

from pyspark import StorageLevel
from pyspark.sql import DataFrame

from feature_store.tables import workers


def computed_once(frame: DataFrame) -> DataFrame:
    """``frame``, computed once, since it might give other rows if it were computed twice, and held on the workers' disks.

    Spark could not compute it again: so two workers hold each part, where there are two, and one of them may be lost.
    """
    level = StorageLevel.DISK_ONLY if workers.are_here(frame.sparkSession) else StorageLevel.DISK_ONLY_2
    return frame.localCheckpoint(eager=False, storageLevel=level)
