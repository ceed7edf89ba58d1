"""The settings that the pipeline relies on, and the words when Java is missing or too old."""

import os
import shlex
from concurrent.futures import ThreadPoolExecutor

import pytest

from feature_store import StorageError
from feature_store.local import session
from feature_store.local.session import settings, spark_session


def test_a_session_that_exists_is_taken_as_it_is(spark):
    assert spark_session(app_name="another") is spark


def test_moments_are_utc_and_ansi_mode_is_on(spark):
    assert spark.conf.get("spark.sql.session.timeZone") == "UTC"
    assert spark.conf.get("spark.sql.ansi.enabled") == "true"
    assert spark.sql("SELECT TIMESTAMP'2013-07-01 00:00:00' = TIMESTAMP'2013-07-01T00:00:00Z'").first()[0]


def test_the_settings_are_those_of_a_small_machine():
    chosen = settings()
    assert chosen["spark.databricks.delta.snapshotPartitions"] == "2"
    assert chosen["spark.ui.enabled"] == "false"
    assert chosen["spark.driver.bindAddress"] == "127.0.0.1"


def test_a_session_is_found_from_any_thread(spark):
    with ThreadPoolExecutor(1) as pool:
        found = pool.submit(session.running_session).result()
        assert found.sparkContext is spark.sparkContext
        assert pool.submit(spark_session).result() is found


def test_code_is_generated_for_queries_from_the_first_table_of_many_rows_on(spark, monkeypatch):
    generated = [{key: spark.conf.get(key) for key in session._WITHOUT_CODE}]

    session.expect(spark, rows=session.MANY_ROWS - 1)
    generated.append({key: spark.conf.get(key) for key in session._WITHOUT_CODE})
    try:
        session.expect(spark, rows=session.MANY_ROWS)
        generated.append({key: spark.conf.get(key) for key in session._WITHOUT_CODE})
    finally:
        session.start_without_code(spark)

    without = {"spark.sql.codegen.wholeStage": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}
    assert generated == [
        without,
        without,
        {"spark.sql.codegen.wholeStage": "true", "spark.sql.codegen.factoryMode": "FALLBACK"},
    ]


def test_on_a_cluster_code_is_always_generated_and_java_compiles_as_it_does(monkeypatch):
    monkeypatch.setenv("SPARK_MASTER", "spark://head:7077")
    assert "Tier4" not in settings()["spark.driver.extraJavaOptions"]


def test_on_a_cluster_the_driver_can_be_reached_and_the_workers_fetch_deltas_jars(monkeypatch):
    monkeypatch.setenv("SPARK_MASTER", "spark://head:7077")
    chosen = settings()
    assert "spark.driver.host" not in chosen
    assert "delta" in chosen["spark.jars"]


def test_what_a_cluster_s_workers_fetch_does_not_take_the_place_of_the_packages_that_ivy_finds(spark, monkeypatch):
    arguments = spark._jvm.org.apache.spark.deploy.SparkSubmitArguments
    java = spark._jvm.scala.jdk.javaapi.CollectionConverters
    monkeypatch.setenv("PYSPARK_SUBMIT_ARGS", "--packages org.example:connector:1.0 pyspark-shell")

    with session._handing_out("/jars/delta core.jar,/jars/storage.jar"):
        typed = shlex.split(os.environ["PYSPARK_SUBMIT_ARGS"])
    understood = arguments(java.asScala(typed).toSeq(), spark._jvm.scala.collection.immutable.HashMap())

    assert (understood.jars(), understood.packages()) == (
        "file:/jars/delta%20core.jar,file:/jars/storage.jar",
        "org.example:connector:1.0",
    )
    assert os.environ["PYSPARK_SUBMIT_ARGS"] == "--packages org.example:connector:1.0 pyspark-shell"


@pytest.fixture
def java(monkeypatch, tmp_path):
    """Put a ``java`` that says ``text`` where the session looks for it; None for no Java at all."""

    def make(text):
        monkeypatch.setenv("JAVA_HOME", str(tmp_path))
        if text is not None:
            (tmp_path / "bin").mkdir()
            (tmp_path / "bin" / "java").write_text(f"#!/bin/sh\necho '{text}' >&2\n")
            (tmp_path / "bin" / "java").chmod(0o755)

    return make


@pytest.mark.parametrize(
    ("said", "text"),
    [
        (None, "Spark needs Java, and there is none. Install Java 17 or newer"),
        ('openjdk version "11.0.22" 2024-01-16', "Spark needs Java 17 or newer; .*java is version 11.0.22. Install"),
        ('java version "1.8.0_392"', "is version 1.8.0_392"),
    ],
)
def test_a_missing_or_old_java_is_said_with_the_remedy(java, said, text):
    java(said)
    with pytest.raises(StorageError, match=text):
        session._check_java()


@pytest.mark.parametrize(
    "said", ['openjdk version "17.0.10" 2024-01-16', 'openjdk version "21" 2023-09-19', "something unheard of"]
)
def test_a_java_that_is_new_enough_or_unknown_is_let_through(java, said):
    java(said)
    session._check_java()
