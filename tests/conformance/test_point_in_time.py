"""The point-in-time join, held to its contract in every way that it is done."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feature_store import FeatureLookup
from tests.frames import assert_df_equality

MICROSECOND = timedelta(microseconds=1)
WEATHER = "origin string, known_at timestamp, wind double, gust double"
FLIGHTS = "flight string, origin string, decided_at timestamp"


def at(text: str, day: int = 1) -> datetime:
    return datetime.fromisoformat(f"2013-06-{day:02}T{text}").replace(tzinfo=UTC)


def weather(**options: object) -> FeatureLookup:
    return FeatureLookup("airport_weather", "origin", timestamp_lookup_key="decided_at", **options)  # type: ignore[arg-type]


def assert_same_rows(actual, expected):
    assert_df_equality(actual, expected, ignore_row_order=True, ignore_nullable=True)


def test_the_newest_row_known_by_then_is_found_and_one_known_at_that_very_moment_counts(
    frame, feature_table, looked_up
):
    feature_table(
        "airport_weather",
        WEATHER,
        [("JFK", at("08:00"), 5.0, 6.0), ("JFK", at("10:00"), 9.0, 19.0), ("LGA", at("10:00"), 7.0, 8.0)],
        keys=["origin", "known_at"],
    )
    flights = frame(
        [
            ("before all", "JFK", at("07:59")),
            ("between", "JFK", at("09:00")),
            ("tie", "JFK", at("10:00")),
            ("after", "JFK", at("23:00")),
        ],
        FLIGHTS,
    )

    assert_same_rows(
        looked_up(flights, [weather()]),
        frame(
            [
                ("before all", "JFK", at("07:59"), None, None),
                ("between", "JFK", at("09:00"), 5.0, 6.0),
                ("tie", "JFK", at("10:00"), 9.0, 19.0),
                ("after", "JFK", at("23:00"), 9.0, 19.0),
            ],
            FLIGHTS + ", wind double, gust double",
        ),
    )


def test_a_value_known_one_microsecond_after_the_decision_is_never_joined(frame, feature_table, looked_up):
    feature_table(
        "airport_weather",
        WEATHER,
        [
            ("JFK", at("10:00:00.000001"), 9.0, 9.0),
            ("LGA", at("09:00"), 1.0, 1.0),
            ("LGA", at("10:00:00.000001"), 9.0, 9.0),
        ],
        keys=["origin", "known_at"],
    )
    flights = frame([("leak", "JFK", at("10:00")), ("leak", "LGA", at("10:00"))], FLIGHTS)

    assert_same_rows(
        looked_up(flights, [weather(feature_names="wind")]),
        frame([("leak", "JFK", at("10:00"), None), ("leak", "LGA", at("10:00"), 1.0)], FLIGHTS + ", wind double"),
    )


def test_the_whole_newest_row_is_taken_and_its_nulls_stay_null(frame, feature_table, looked_up):
    feature_table(
        "airport_weather",
        WEATHER,
        [
            ("JFK", at("08:00"), 5.0, 6.0),
            ("JFK", at("09:00"), 7.0, None),
            ("LGA", at("08:00"), 1.0, 1.0),
            ("LGA", at("09:00"), None, None),
        ],
        keys=["origin", "known_at"],
    )
    flights = frame([("f", "JFK", at("10:00")), ("f", "LGA", at("10:00"))], FLIGHTS)

    assert_same_rows(
        looked_up(flights, [weather()]),
        frame(
            [("f", "JFK", at("10:00"), 7.0, None), ("f", "LGA", at("10:00"), None, None)],
            FLIGHTS + ", wind double, gust double",
        ),
    )


def test_a_value_as_old_as_the_lookback_window_counts_and_one_microsecond_older_does_not(
    frame, feature_table, looked_up
):
    feature_table(
        "airport_weather",
        WEATHER,
        [("JFK", at("08:00"), 5.0, 5.0), ("LGA", at("08:00") - MICROSECOND, 7.0, 7.0), ("EWR", at("01:00"), 1.0, 1.0)],
        keys=["origin", "known_at"],
    )
    flights = frame(
        [("edge", "JFK", at("10:00")), ("too old", "LGA", at("10:00")), ("far too old", "EWR", at("10:00"))], FLIGHTS
    )

    assert_same_rows(
        looked_up(flights, [weather(feature_names=["wind"], lookback_window=timedelta(hours=2))]),
        frame(
            [
                ("edge", "JFK", at("10:00"), 5.0),
                ("too old", "LGA", at("10:00"), None),
                ("far too old", "EWR", at("10:00"), None),
            ],
            FLIGHTS + ", wind double",
        ),
    )


def test_a_lookback_of_nothing_finds_only_the_same_moment(frame, feature_table, looked_up):
    feature_table("airport_weather", WEATHER, [("JFK", at("10:00"), 5.0, 5.0)], keys=["origin", "known_at"])
    flights = frame([("same", "JFK", at("10:00")), ("later", "JFK", at("10:00:00.000001"))], FLIGHTS)

    assert_same_rows(
        looked_up(flights, [weather(feature_names=["wind"], lookback_window=timedelta(0))]),
        frame(
            [("same", "JFK", at("10:00"), 5.0), ("later", "JFK", at("10:00:00.000001"), None)],
            FLIGHTS + ", wind double",
        ),
    )


def test_rows_with_a_null_key_or_a_null_moment_are_kept_and_find_nothing_and_doubled_rows_stay_doubled(
    frame, feature_table, looked_up
):
    feature_table("airport_weather", WEATHER, [("JFK", at("08:00"), 5.0, 6.0)], keys=["origin", "known_at"])
    feature_table("airport", "faa string, runways int", [("JFK", 4)], keys=["faa"])
    rows = [
        ("twice", "JFK", at("10:00")),
        ("twice", "JFK", at("10:00")),
        ("no key", None, at("10:00")),
        ("no key", None, at("10:00")),
        ("no moment", "JFK", None),
        ("nothing", None, None),
        ("unknown", "XYZ", at("10:00")),
    ]

    assert_same_rows(
        looked_up(frame(rows, FLIGHTS), [weather(feature_names="wind"), FeatureLookup("airport", "origin")]),
        frame(
            [
                ("twice", "JFK", at("10:00"), 5.0, 4),
                ("twice", "JFK", at("10:00"), 5.0, 4),
                ("no key", None, at("10:00"), None, None),
                ("no key", None, at("10:00"), None, None),
                ("no moment", "JFK", None, None, 4),
                ("nothing", None, None, None, None),
                ("unknown", "XYZ", at("10:00"), None, None),
            ],
            FLIGHTS + ", wind double, runways int",
        ),
    )


def test_null_never_equals_null_in_one_key_of_two(frame, feature_table, looked_up):
    feature_table(
        "route",
        "origin string, dest string, known_at timestamp, late double",
        [("JFK", "LAX", at("08:00"), 0.1), ("JFK", "", at("08:00"), 0.2)],
        keys=["origin", "dest", "known_at"],
    )
    feature_table("distance", "origin string, dest string, miles int", [("JFK", "LAX", 2475)], keys=["origin", "dest"])
    flights = frame(
        [
            ("JFK", "LAX", at("09:00")),
            ("JFK", None, at("09:00")),
            (None, "LAX", at("09:00")),
            ("LAX", "JFK", at("09:00")),
        ],
        "from string, to string, decided_at timestamp",
    )

    assert_same_rows(
        looked_up(
            flights,
            [
                FeatureLookup("route", ["from", "to"], timestamp_lookup_key="decided_at"),
                FeatureLookup("distance", ["from", "to"]),
            ],
        ),
        frame(
            [
                ("JFK", "LAX", at("09:00"), 0.1, 2475),
                ("JFK", None, at("09:00"), None, None),
                (None, "LAX", at("09:00"), None, None),
                ("LAX", "JFK", at("09:00"), None, None),
            ],
            "from string, to string, decided_at timestamp, late double, miles int",
        ),
    )


def test_tables_that_share_a_key_are_each_looked_up_by_their_own_newest_row_and_window(frame, feature_table, looked_up):
    feature_table(
        "airport_weather",
        WEATHER,
        [("JFK", at("08:00"), 5.0, 6.0), ("JFK", at("09:30"), None, 7.0)],
        keys=["origin", "known_at"],
    )
    feature_table(
        "congestion",
        "origin string, known_at timestamp, departures int",
        [("JFK", at("09:00"), 30), ("JFK", at("10:30"), 40)],
        keys=["origin", "known_at"],
    )
    feature_table(
        "closures",
        "origin string, known_at timestamp, closed boolean",
        [("JFK", at("01:00"), True)],
        keys=["origin", "known_at"],
    )
    flights = frame([("f", "JFK", at("10:00"))], FLIGHTS)
    hour = timedelta(hours=1)

    assert_same_rows(
        looked_up(
            flights,
            [
                weather(),
                FeatureLookup("congestion", "origin", timestamp_lookup_key="decided_at", lookback_window=hour),
                FeatureLookup("closures", "origin", timestamp_lookup_key="decided_at", lookback_window=hour),
            ],
        ),
        frame(
            [("f", "JFK", at("10:00"), None, 7.0, 30, None)],
            FLIGHTS + ", wind double, gust double, departures int, closed boolean",
        ),
    )


def test_one_table_can_be_looked_up_as_of_two_moments_and_by_two_keys(frame, feature_table, looked_up):
    feature_table(
        "airport_weather",
        WEATHER,
        [("JFK", at("08:00"), 5.0, 0.0), ("JFK", at("12:00"), 9.0, 0.0), ("LAX", at("08:00"), 1.0, 0.0)],
        keys=["origin", "known_at"],
    )
    flights = frame(
        [("JFK", "LAX", at("10:00"), at("12:00"))],
        "origin string, dest string, decided_at timestamp, departs_at timestamp",
    )

    assert_same_rows(
        looked_up(
            flights,
            [
                weather(feature_names="wind"),
                FeatureLookup(
                    "airport_weather",
                    "origin",
                    feature_names="wind",
                    timestamp_lookup_key="departs_at",
                    rename_outputs={"wind": "wind_later"},
                ),
                FeatureLookup(
                    "airport_weather",
                    "dest",
                    feature_names="wind",
                    timestamp_lookup_key="decided_at",
                    rename_outputs={"wind": "wind_there"},
                ),
            ],
        ),
        frame(
            [("JFK", "LAX", at("10:00"), at("12:00"), 5.0, 9.0, 1.0)],
            "origin string, dest string, decided_at timestamp, departs_at timestamp, wind double, wind_later double, wind_there double",
        ),
    )


def test_a_table_by_the_day_is_looked_up_by_the_day_and_stays_one(frame, feature_table, looked_up):
    feature_table(
        "daily",
        "origin string, known_at date, flights int",
        [("JFK", date(2013, 6, 1), 10), ("JFK", date(2013, 6, 3), 30), ("LGA", date(2013, 6, 1), 5)],
        keys=["origin", "known_at"],
    )
    days = [
        ("JFK", date(2013, 6, 1)),
        ("JFK", date(2013, 6, 2)),
        ("JFK", date(2013, 6, 3)),
        ("LGA", date(2013, 6, 3)),
        ("LGA", None),
    ]
    lookup = FeatureLookup("daily", "origin", timestamp_lookup_key="day", lookback_window=timedelta(days=1, hours=12))

    assert_same_rows(
        looked_up(frame(days, "origin string, day date"), [lookup]),
        frame(
            [
                ("JFK", date(2013, 6, 1), 10),
                ("JFK", date(2013, 6, 2), 10),
                ("JFK", date(2013, 6, 3), 30),
                ("LGA", date(2013, 6, 3), None),
                ("LGA", None, None),
            ],
            "origin string, day date, flights int",
        ),
    )


def test_columns_come_as_frame_then_lookups_in_order_then_labels_and_the_excluded_are_left_out(
    frame, feature_table, looked_up
):
    feature_table("airport_weather", WEATHER, [("JFK", at("08:00"), 5.0, 6.0)], keys=["origin", "known_at"])
    feature_table("airport", "faa string, runways int, altitude int", [("JFK", 4, 13)], keys=["faa"])
    flights = frame(
        [(True, "f", "JFK", 2.5, at("10:00"))],
        "is_late boolean, flight string, origin string, delay double, decided_at timestamp",
    )

    joined = looked_up(
        flights,
        [
            FeatureLookup("airport", "origin", feature_names=["altitude", "runways"]),
            weather(rename_outputs={"wind": "wind_mph"}),
        ],
        label=["delay", "is_late"],
        exclude_columns=["decided_at", "runways"],
    )

    assert_df_equality(
        joined,
        frame(
            [("f", "JFK", 13, 5.0, 6.0, 2.5, True)],
            "flight string, origin string, altitude int, wind_mph double, gust double, delay double, is_late boolean",
        ),
        ignore_nullable=True,
    )


def test_defaults_fill_missing_rows_and_null_values_under_the_output_name(frame, feature_table, looked_up):
    feature_table(
        "airport",
        "faa string, runways int, name string, hub boolean, altitude double",
        [("JFK", 4, "Kennedy", True, 13.0), ("LGA", None, None, None, None)],
        keys=["faa"],
    )
    flights = frame([("JFK",), ("LGA",), ("XYZ",)], "origin string")
    lookup = FeatureLookup(
        "airport",
        "origin",
        rename_outputs={"name": "airport_name"},
        default_values={"runways": 0, "airport_name": "unknown", "hub": False, "altitude": ""},
    )

    assert_same_rows(
        looked_up(flights, [lookup]),
        frame(
            [("JFK", 4, "Kennedy", True, 13.0), ("LGA", 0, "unknown", False, None), ("XYZ", 0, "unknown", False, None)],
            "origin string, runways int, airport_name string, hub boolean, altitude double",
        ),
    )


def test_a_default_also_fills_a_value_older_than_the_lookback_window(frame, feature_table, looked_up):
    feature_table("airport_weather", WEATHER, [("JFK", at("08:00"), 5.0, 6.0)], keys=["origin", "known_at"])
    flights = frame([("f", "JFK", at("10:00")), ("f", "JFK", None)], FLIGHTS)

    assert_same_rows(
        looked_up(
            flights, [weather(feature_names="wind", lookback_window=timedelta(hours=1), default_values={"wind": -1})]
        ),
        frame([("f", "JFK", at("10:00"), -1.0), ("f", "JFK", None, -1.0)], FLIGHTS + ", wind double"),
    )


def test_an_empty_frame_and_an_empty_feature_table_are_no_special_case(frame, feature_table, looked_up):
    feature_table("airport_weather", WEATHER, [], keys=["origin", "known_at"])
    feature_table("airport", "faa string, runways int", [], keys=["faa"])
    lookups = [weather(), FeatureLookup("airport", "origin")]
    columns = FLIGHTS + ", wind double, gust double, runways int"

    assert_same_rows(looked_up(frame([], FLIGHTS), lookups), frame([], columns))
    assert_same_rows(
        looked_up(frame([("f", "JFK", at("10:00"))], FLIGHTS), lookups),
        frame([("f", "JFK", at("10:00"), None, None, None)], columns),
    )


def test_features_of_every_type_come_through_unchanged(frame, feature_table, looked_up):
    from decimal import Decimal

    schema = (
        "whole long, small smallint, share float, name string, flag boolean, raw binary, price decimal(10,2), "
        "day date, moment timestamp, list array<int>, pair struct<a: int, b: string>, lookup map<string,int>"
    )
    values = (
        2**60, 7, 0.5, "ü", False, b"\x00\xff", Decimal("12.34"), date(1969, 12, 31), at("08:00:00.123456"), [1, None],
        (1, None), [("x", 1)],
    )  # fmt: skip
    feature_table(
        "everything", f"key int, known_at timestamp, {schema}", [(1, at("08:00"), *values)], keys=["key", "known_at"]
    )
    asked = frame([(1, at("10:00")), (2, at("10:00"))], "key int, decided_at timestamp")

    joined = looked_up(asked, [FeatureLookup("everything", "key", timestamp_lookup_key="decided_at")])

    expected = frame(
        [(1, at("10:00"), *values), (2, at("10:00"), *[None] * 12)], f"key int, decided_at timestamp, {schema}"
    )
    assert joined.schema.simpleString() == expected.schema.simpleString()
    assert sorted(joined.collect(), key=str) == sorted(expected.collect(), key=str)


def test_columns_may_have_the_names_that_a_join_would_use_itself(frame, feature_table, looked_up):
    feature_table(
        "odd",
        "key string, known_at timestamp, row int, at int, `values` int, `dotted.name` int",
        [("a", at("08:00"), 1, 2, 3, 4)],
        keys=["key", "known_at"],
    )
    asked = frame([("a", at("10:00"), 5)], "key string, order timestamp, `spine.x` int")

    joined = looked_up(asked, [FeatureLookup("odd", "key", timestamp_lookup_key="order")])

    assert joined.columns == ["key", "order", "spine.x", "row", "at", "values", "dotted.name"]
    assert [tuple(row)[2:] for row in joined.collect()] == [(5, 1, 2, 3, 4)]


def test_a_training_set_reads_the_table_versions_it_was_created_on(frame, store, feature_table, looked_up):
    feature_table("reviewed", "faa string, runways int", [("JFK", 4)], keys=["faa"])
    training_set = store.create_training_set(
        df=frame([("JFK",)], "origin string"), feature_lookups=[FeatureLookup("reviewed", "origin")], label=None
    )
    store.write_table(name="reviewed", df=frame([("JFK", 5)], "faa string, runways int"))

    assert training_set.table_versions == {"test.flights.reviewed": 1}
    assert [row.runways for row in training_set.load_df().collect()] == [4]


# ---- against a plain reference

HOUR = timedelta(hours=1)
NEW_YORK, LONDON, LORD_HOWE = map(ZoneInfo, ("America/New_York", "Europe/London", "Australia/Lord_Howe"))
SWITCHES = [
    datetime(2013, 3, 10, 1, 59, 59, 999999, tzinfo=NEW_YORK),  # the next microsecond is three o'clock
    datetime(2013, 3, 10, 3, tzinfo=NEW_YORK),
    datetime(2013, 3, 9, 3, tzinfo=NEW_YORK),  # a day before by the clock, an hour less in truth
    datetime(2013, 11, 3, 1, 30, tzinfo=NEW_YORK),
    datetime(2013, 11, 3, 1, 30, fold=1, tzinfo=NEW_YORK),  # an hour later, the clock shows the same
    datetime(2013, 10, 27, 1, 30, fold=1, tzinfo=LONDON),
    datetime(2013, 10, 27, 1, 30, tzinfo=LONDON),
    datetime(2013, 10, 6, 2, 30, tzinfo=LORD_HOWE),  # clocks go by half an hour
]
MOMENTS = sorted(
    {switch.astimezone(UTC) + apart for switch in SWITCHES for apart in (timedelta(0), MICROSECOND)}
    | {datetime(1969, 12, 31, 23, 59, 59, 999999, UTC), datetime(1970, 1, 1, tzinfo=UTC)}
)
ORIGINS = ["JFK", "LGA", "jfk"]
LOOKBACKS = {
    "ever": None,
    "now": timedelta(0),
    "instant": MICROSECOND,
    "hour": HOUR,
    "day": timedelta(days=1),
}

# Of one case: places of feature rows, and of the rows asked, where one past the end is null.
feature_places = st.sets(st.integers(0, len(ORIGINS) * len(MOMENTS) - 1), max_size=8)
asked_places = st.lists(st.integers(0, (len(ORIGINS) + 1) * (len(MOMENTS) + 1) - 1), max_size=6)
cases = st.lists(st.tuples(feature_places, asked_places), min_size=40, max_size=60)


def feature_rows(case, places):
    """``(case, origin, moment, number, text)``: every number tells its row; some are null."""
    for place in sorted(places):
        origin, moment = ORIGINS[place % len(ORIGINS)], MOMENTS[place // len(ORIGINS)]
        yield case, origin, moment, None if place % 5 == 0 else place, None if place % 7 == 0 else f"row {place}"


def asked_rows(case, places):
    """``(case, origin, destination, moment, day)``, nulls among them."""
    origins, moments = [*ORIGINS, None], [*MOMENTS, None]
    for place in places:
        moment = moments[place // len(origins)]
        day = moment and moment.date()
        yield case, origins[place % len(origins)], origins[(place * 7 + 1) % len(origins)], moment, day


def newest(features, case, origin, moment, lookback):
    """The values of the newest of ``features`` at or before ``moment``, if it is not older than ``lookback``."""
    best, values = None, (None, None)
    for owner, place, known_at, *row in features:
        if (owner, place) != (case, origin) or moment is None or known_at > moment:
            continue
        if lookback is not None and moment - known_at > lookback:
            continue
        if best is None or known_at > best:
            best, values = known_at, tuple(row)
    return values


def by_day(features):
    """One feature row for each case, origin and day."""
    return list({(*row[:2], row[2].date()): (*row[:2], row[2].date(), *row[3:]) for row in features}.values())


@settings(
    max_examples=2,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(cases=cases)
def test_the_join_gives_what_a_search_through_all_rows_gives(frame, feature_table, looked_up, cases):
    """Each example is some fifty independent cases in one join: the case's number is one more key."""
    features = [row for case, (places, _) in enumerate(cases) for row in feature_rows(case, places)]
    asked = [row for case, (_, places) in enumerate(cases) for row in asked_rows(case, places)]
    key, kinds = (
        ["case", "origin", "known_at"],
        "case int, origin string, known_at {1}, number_{0} int, text_{0} string",
    )
    lookups = []
    for name, lookback in LOOKBACKS.items():
        feature_table(f"{name}_of_case", kinds.format(name, "timestamp"), features, keys=key)
        lookups.append(
            FeatureLookup(
                f"{name}_of_case", ["case", "origin"], timestamp_lookup_key="decided_at", lookback_window=lookback
            )
        )
    feature_table("there_of_case", kinds.format("there", "timestamp"), features, keys=key)
    lookups.append(FeatureLookup("there_of_case", ["case", "dest"], timestamp_lookup_key="decided_at"))
    feature_table("daily_of_case", kinds.format("daily", "date"), by_day(features), keys=key)
    lookups.append(
        FeatureLookup(
            "daily_of_case",
            ["case", "origin"],
            timestamp_lookup_key="day",
            lookback_window=timedelta(days=1, hours=12),
        )
    )
    columns = "case int, origin string, dest string, decided_at timestamp, day date"

    joined = looked_up(frame(asked, columns), lookups)

    expected = [
        (
            *row,
            *(value for lookback in LOOKBACKS.values() for value in newest(features, *row[:2], row[3], lookback)),
            *newest(features, row[0], row[2], row[3], None),
            *newest(by_day(features), *row[:2], row[4], timedelta(days=1, hours=12)),
        )
        for row in asked
    ]
    outputs = "".join(f", number_{name} int, text_{name} string" for name in [*LOOKBACKS, "there", "daily"])
    assert_same_rows(joined, frame(expected, columns + outputs))


@pytest.mark.parametrize("cached", [False, True])
def test_a_cached_data_frame_stays_cached_and_another_is_not_kept(frame, store, feature_table, cached):
    feature_table("airport", "faa string, runways int", [("JFK", 4)], keys=["faa"])
    df = frame([("JFK", cached)], "origin string, mark boolean")
    if cached:
        df = df.persist()

    store.create_training_set(df=df, feature_lookups=[FeatureLookup("airport", "origin")], label=None).load_df()

    assert df.storageLevel.useMemory is cached
    df.unpersist()
