"""A fingerprint is the same for equal frames, and another one for any two that differ."""

import pytest
from pyspark.sql import SparkSession

from feature_store.lineage.fingerprint import fingerprint, fingerprint_of_rows


def of(spark: SparkSession, *queries: str) -> list[str]:
    frames = [spark.sql(query) for query in queries]
    found = [fingerprint(frame) for frame in frames]
    assert [fingerprint_of_rows(frame.toArrow(), spark) for frame in frames] == found
    return found


@pytest.mark.parametrize(
    ("one", "same"),
    [
        pytest.param("VALUES (1, 'a'), (2, 'b')", "VALUES (2, 'b'), (1, 'a')", id="the order of the rows"),
        pytest.param("SELECT 0.0D AS x", "SELECT -0.0D AS x", id="the sign of zero"),
        pytest.param("SELECT array(0.0D) AS x", "SELECT array(-0.0D) AS x", id="the sign of zero in a list"),
        pytest.param("SELECT double('NaN') AS x", "SELECT sqrt(-1D) AS x", id="how NaN came about"),
        pytest.param("SELECT map('a', 1, 'b', 2) AS x", "SELECT map('b', 2, 'a', 1) AS x", id="the order of a map"),
        pytest.param(
            "SELECT TIMESTAMP'2024-01-01 00:00:00+00:00' AS x",
            "SELECT TIMESTAMP'2024-01-01 05:30:00+05:30' AS x",
            id="the zone in which an instant is written",
        ),
    ],
)
def test_what_makes_no_difference(spark: SparkSession, one: str, same: str) -> None:
    first, second = of(spark, one, same)

    assert first == second


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("VALUES (1), (1), (2)", "VALUES (1), (2), (2)", id="which row is doubled"),
        pytest.param("VALUES (1), (2), (2)", "VALUES (1)", id="a pair of rows, which cancels itself out"),
        pytest.param("SELECT int(null) AS x", "SELECT 0 AS x", id="null and zero"),
        pytest.param("SELECT double(null) AS x", "SELECT double('NaN') AS x", id="null and NaN"),
        pytest.param("SELECT string(null) AS x", "SELECT '' AS x", id="null and the empty text"),
        pytest.param(
            "SELECT 1 AS x, int(null) AS y", "SELECT int(null) AS x, 1 AS y", id="in which column null stands"
        ),
        pytest.param("SELECT 'ab' AS x, '' AS y", "SELECT 'a' AS x, 'b' AS y", id="where one text ends"),
        pytest.param("SELECT 1 AS x", "SELECT 1 AS y", id="the column's name"),
        pytest.param("SELECT 1 AS x", "SELECT 1L AS x", id="the column's type"),
        pytest.param("SELECT 1 AS x, 2 AS y", "SELECT 2 AS y, 1 AS x", id="the columns' order"),
        pytest.param(
            "SELECT TIMESTAMP'2024-01-01 00:00:00.000001' AS x",
            "SELECT TIMESTAMP'2024-01-01 00:00:00.000002' AS x",
            id="a microsecond",
        ),
        pytest.param(
            "SELECT struct(1 AS a, int(null) AS b) AS x",
            "SELECT struct(int(null) AS a, 1 AS b) AS x",
            id="null in a struct",
        ),
        pytest.param(
            "SELECT IF(true, null, struct(int(null) AS a)) AS x",
            "SELECT IF(false, null, struct(int(null) AS a)) AS x",
            id="no struct and a struct of nulls",
        ),
        pytest.param("SELECT array(null, 1) AS x", "SELECT array(1, null) AS x", id="null in a list"),
        pytest.param("SELECT array(1) AS x", "SELECT array(1, null) AS x", id="null at the end of a list"),
        pytest.param("SELECT CAST(array() AS array<int>) AS x", "SELECT CAST(null AS array<int>) AS x", id="no list"),
        pytest.param(
            "SELECT array(array(1), array(2)) AS x", "SELECT array(array(1, 2), array()) AS x", id="where a list ends"
        ),
        pytest.param("SELECT map('a', 1) AS x", "SELECT map('b', 1) AS x", id="a map's key"),
        pytest.param("SELECT map('a', 1) AS x", "SELECT map('a', 2) AS x", id="a map's value"),
        pytest.param(
            "SELECT map('a', int(null)) AS x", "SELECT CAST(map() AS map<string, int>) AS x", id="a null in a map"
        ),
        pytest.param(
            "SELECT map('a', map('b', array(1))) AS x", "SELECT map('a', map('b', array(2))) AS x", id="deep in a map"
        ),
    ],
)
def test_what_makes_a_difference(spark: SparkSession, one: str, other: str) -> None:
    first, second = of(spark, one, other)

    assert first != second


def test_a_fingerprint_begins_with_the_number_of_rows_and_is_nought_without_any(spark: SparkSession) -> None:
    three, none = of(spark, "SELECT 1 AS `odd ``name` FROM range(3)", "SELECT 1 AS x WHERE false")

    assert three.startswith("3:")
    assert none == "0:0:0"


EVERY_TYPE_HASHED_HERE = """
    SELECT id % 2 = 0 AS flag, cast(id % 100 AS tinyint) AS tiny, cast(-id AS smallint) AS small, cast(-id AS int) AS whole,
      id * 3037000499 AS long, cast(id / -7 AS float) AS single, cast(id / 3 AS double) AS number,
      cast(id - 5 AS decimal(10, 2)) AS price, cast(-id AS decimal(18, 0)) AS digits,
      date_add(DATE'1969-12-01', cast(id AS int)) AS day, timestamp_micros(id * 1234567 - 9999999) AS instant,
      cast('2020-01-01' AS timestamp_ntz) AS clock, repeat(chr(cast(65 + id % 60 AS int)), cast(id % 90 AS int)) AS text,
      cast(repeat('xyü', cast(id % 40 AS int)) AS binary) AS bytes, if(id % 3 = 0, null, id) AS some, double(null) AS none
    FROM range(-3, 200)
"""
"""Texts and bytes of all lengths around the 8 and 32 bytes that XXH64 takes at once; signs, fractions and nulls."""


def test_rows_in_this_process_have_the_fingerprint_that_spark_gives_them(spark: SparkSession) -> None:
    frame = spark.sql(EVERY_TYPE_HASHED_HERE).repartition(3)
    rows = frame.toArrow()

    assert fingerprint_of_rows(rows, spark) == fingerprint(frame)
    assert fingerprint_of_rows(rows.slice(7, 50), spark) == fingerprint(
        spark.createDataFrame(rows.slice(7, 50), frame.schema)
    )


def test_a_fingerprint_does_not_change_from_one_release_to_the_next(spark: SparkSession) -> None:
    (found,) = of(spark, "VALUES (1, 'a', TIMESTAMP'2024-01-01 00:00:00+00:00'), (2, null, null)")

    assert found == "2:-10025516998213653307:8258955299722202309"
