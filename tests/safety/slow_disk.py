"""A disk that takes its time to rename, for Spark: what happens between its look and its commit can then be met.

To commit in a folder, Spark looks whether the commit's file is there, and then renames over it. On a quick disk the two are
microseconds apart. Here the second waits; nothing else of what Spark and Delta do is changed.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from pyspark.sql import SparkSession

LOOKED = ".looked"
"""How the name of a file ends that lies beside the log's as long as the second waits."""
_NAME = "SlowToRename"
_PAUSE = "slow.to.rename.milliseconds"
_IMPLEMENTATION = "fs.AbstractFileSystem.file.impl"
_JAVA = f"""
import java.io.File;
import java.io.IOException;
import java.net.URI;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.*;

public class {_NAME} extends DelegateToFileSystem {{
    public {_NAME}(URI uri, Configuration conf) throws Exception {{
        super(uri, new Slow(), conf, "file", false);
    }}

    public int getUriDefaultPort() {{ return -1; }}

    public static class Slow extends RawLocalFileSystem {{
        public boolean rename(Path source, Path destination) throws IOException {{
            if (destination.getName().endsWith(".json")) {{
                File looked = new File(pathToFile(destination).getPath() + "{LOOKED}");
                looked.createNewFile();
                try {{
                    Thread.sleep(getConf().getInt("{_PAUSE}", 0));
                }} catch (InterruptedException e) {{
                    throw new IOException(e);
                }} finally {{
                    looked.delete();
                }}
            }}
            return super.rename(source, destination);
        }}
    }}
}}
"""


@contextmanager
def slow_to_rename(spark: SparkSession, *, milliseconds: int) -> Iterator[None]:
    """Let so much time pass between look and rename, for each commit of Spark's; with 0, nothing is changed."""
    if not milliseconds:
        yield
        return
    java = spark._jvm
    conf = spark.sparkContext._jsc.hadoopConfiguration()  # type: ignore[union-attr]
    compiler = java.org.codehaus.janino.SimpleCompiler()  # type: ignore[union-attr]
    before, loader_before = conf.get(_IMPLEMENTATION), conf.getClassLoader()
    compiler.setParentClassLoader(loader_before)
    compiler.cook(_JAVA)
    conf.setClassLoader(compiler.getClassLoader())
    conf.set(_IMPLEMENTATION, _NAME)
    conf.setInt(_PAUSE, milliseconds)
    try:
        yield
    finally:
        conf.set(_IMPLEMENTATION, before)
        conf.unset(_PAUSE)
        conf.setClassLoader(loader_before)
