"""Which process runs which file, and in what order: two begin with Spark, a third with what needs none.

With the two alone a core was idle for a quarter of the time, while a test waited for a browser, a lock or a process of its own.
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


OF_THE_CATALOG = ("conformance/", "feature_store/databricks/", "feature_store/porting/test_ported_notebooks.py")
"""Files, and folders of files, in which tests ask for the fixture ``unity``: its schemas are all of Java's, so that one process has them."""


def needs_no_spark(file: str) -> bool:
    """Whether a file, by its path from here, is one of :data:`WITHOUT_SPARK`."""
    return file.startswith(WITHOUT_SPARK)


def of_the_catalog(file: str) -> bool:
    """Whether a file, by its path from here, is one of :data:`OF_THE_CATALOG`."""
    return file.startswith(OF_THE_CATALOG)


class Dealt(LoadFileScheduling):
    """File by file, as they are ordered: the first process begins with those of the catalog, which no other gets, and the last of
    three with those without Spark; the others leave these to it as long as there is something else.
    """

    def _assign_work_unit(self, node: WorkerController) -> None:
        place = int(node.gateway.id.removeprefix("gw"))
        last = self.numnodes > 2 and place == self.numnodes - 1

        def later(file: str) -> bool:
            return not of_the_catalog(file) if place == 0 else needs_no_spark(file) != last

        names = {file: file.removeprefix("tests/") for file in self.workqueue}
        possible = [file for file, name in names.items() if place == 0 or not of_the_catalog(name)]
        if not possible:
            node.shutdown()
            return
        self.workqueue.move_to_end(min(possible, key=lambda file: later(names[file])), last=False)
        super()._assign_work_unit(node)
