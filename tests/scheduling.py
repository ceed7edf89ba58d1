"""Which process runs which file, and in what order: two processes have a Spark from the beginning, a third starts without one.

With the two alone a core was idle for a quarter of the time, while a test waited for a browser, a lock or a process of its own.
The third runs what needs no Spark in this process, in half of another's memory. When nothing of that is left, it helps the others.
"""

from xdist.scheduler import LoadFileScheduling
from xdist.workermanage import WorkerController

SLOW_FILES = (
    "safety/test_two_writers.py", "test_demo.py", "safety/test_killed.py", "safety/test_disk.py", "test_readme.py",
    "inference/test_own_process.py", "training/test_steps.py", "conformance/test_point_in_time.py",
    "conformance/test_store_contract.py", "features/test_publish.py", "conformance/test_model_portability.py",
    "feature_store/porting/test_ported_notebooks.py", "training/test_worth.py", "feature_store/databricks/test_databricks_store.py",
    "feature_store/join/test_in_files.py", "monitoring/test_check.py", "feature_store/package/test_packaging.py",
    "resources/test_template.py", "monitoring/app/test_review_page.py", "resources/test_new_project.py",
)  # fmt: skip
"""The files that take longest, the longest first: the processes end at about the same time if these begin early.

Before them those that start a Java of their own: later, the processes of the tests themselves have grown.
"""

WITHOUT_SPARK = (
    "resources/", "monitoring/app/", "feature_store/catalog/", "test_left_over.py", "test_docs.py",
    "feature_store/package/test_new_registry.py", "feature_store/tables/test_on_an_object_store.py",
    "monitoring/telling/test_notify.py", "training/steps/test_champion.py",
)  # fmt: skip
"""Files, and folders of files, in which no test asks for the fixture ``spark``; the slow ones of them."""


def needs_no_spark(file: str) -> bool:
    """Whether a file, by its path from here, is one of :data:`WITHOUT_SPARK`."""
    return file.startswith(WITHOUT_SPARK)


class OneWithoutSparkFirst(LoadFileScheduling):
    """File by file, as they are ordered; the last of three processes begins with those without Spark, the others with the rest."""

    def _assign_work_unit(self, node: WorkerController) -> None:
        own = self.numnodes > 2 and node.gateway.id == f"gw{self.numnodes - 1}"
        fitting = (file for file in self.workqueue if needs_no_spark(file.removeprefix("tests/")) == own)
        file = next(fitting, None)
        if file is not None:
            self.workqueue.move_to_end(file, last=False)
        super()._assign_work_unit(node)
