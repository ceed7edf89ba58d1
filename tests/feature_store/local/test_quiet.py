"""What a started process writes to standard error, its greeting aside."""

import subprocess
import sys

PROGRAM = """
import subprocess
from feature_store.local.quiet import without_greeting
with without_greeting():
    started = subprocess.Popen(["sh", "-c", "echo 'WARNING: Using incubator modules: jdk.incubator.vector' >&2; "
                                "echo 'WARNING: another' >&2; read line; echo later >&2"], stdin=subprocess.PIPE)
started.communicate(b"go")
import sys, threading
[thread.join(10) for thread in threading.enumerate() if thread.name == "java-stderr"]
print("from Python", file=sys.stderr)
"""


def test_all_that_java_writes_is_shown_but_the_greeting_also_what_it_writes_later() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines() == ["WARNING: another", "later", "from Python"]
