"""The report of a check: one file that says what needs a person, how badly, since when and why, and how the rest stands."""

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from feature_store import open_store
from feature_store.tables.commit import Commit
from monitoring.alerts.actions import acknowledged
from monitoring.alerts.checking import Check, check
from monitoring.alerts.events import append_events
from monitoring.drift.metrics import ByColumn
from monitoring.limits import AUTOMATIC, NullRate, Psi, Severity
from monitoring.spec import TableMonitor
from monitoring.table_limits import Freshness, Quality, SchemaChange, Volume
from monitoring.telling.page.page import report, write
from monitoring.telling.page.rows import ratios
from monitoring.windows.metrics import TABLE, WindowMetrics
from tests.monitoring.conftest import WEEK, Parcels
from tests.monitoring.telling.checks import EXAMPLE, by_hand, drifting, with_one_cause

CALM = [1.0, 2.0, 3.0, 4.0] * 25
HEAVY = [31.0, 32.0, 33.0, None] * 25
EVIL = "<script>alert('$1_2^3')</script>"


class Read(HTMLParser):
    """The texts and the tables' rows of a page by heading, and what an alert's part has; fails if tags do not match."""

    void = frozenset({"meta", "wbr", "link", "br", "img", "input", "hr"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.section = ""
        self.texts: dict[str, str] = {}
        self.rows: dict[str, list[list[str]]] = {}
        self.pictures: dict[str, list[str]] = {}
        self.addresses: list[str] = []
        self.names: list[str] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        self._seen(tag, said)
        if tag not in self.void:
            self.open.append(tag)
        if tag == "h2" or (tag == "section" and "id" in said):
            self.section = said["id"] or ""
        if tag == "tr":
            self.rows.setdefault(self.section, []).append([])
        if tag in ("td", "th"):
            self.rows[self.section][-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._seen(tag, dict(attrs))

    def _seen(self, tag: str, said: dict[str, str | None]) -> None:
        self.tags.add(tag)
        assert not [name for name in said if name.startswith("on")]
        self.addresses += [said[name] or "" for name in ("src", "href", "xlink:href", "action") if name in said]
        self.names += [said["id"] or ""] if "id" in said else []
        if tag == "svg":
            self.pictures.setdefault(self.section, []).append(said["aria-label"] or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self.open:
            return
        self.texts[self.section] = self.texts.get(self.section, "") + data
        if self.open and {"td", "th"} & {*self.open[-3:]}:
            self.rows[self.section][-1][-1] += data.strip()

    def said(self, section: str) -> str:
        """The text of a section, on one line."""
        return " ".join(self.texts.get(section, "").split())


def read(checked: Check) -> Read:
    return Read(report(checked))


@pytest.fixture(scope="module")
def checked(
    spark, tmp_path_factory: pytest.TempPathFactory, mlflow_database: str
) -> Iterator[tuple[Parcels, list[Check]]]:
    """Two calm weeks, a heavy one at a depot with an evil name, and another; a person has acknowledged one alert."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("MLFLOW_TRACKING_URI", mlflow_database)
        parcels = Parcels(open_store(catalog="test", schema="parcels", workspace=tmp_path_factory.mktemp("pages")))
        limits = {"load": [Psi(0.25, severity=Severity.CRITICAL), NullRate(AUTOMATIC)], "depot": Psi(0.1)}
        monitor = replace(parcels.monitor(limits), slices=["depot"], description="Late & <very> late?")
        parcels.learn(CALM)
        parcels.score(0, CALM, CALM)
        parcels.score(2, HEAVY, HEAVY, depot=EVIL)
        parcels.arrive(1, [True, False] * 40, arrived_at=parcels.week(2))
        first = check(parcels.store, monitor, as_of=parcels.week(3))
        [alert] = [one for one in first.verdict.alerts if one.column_name == "depot"]
        done = acknowledged(alert, actor="ann <b>", comment="so & <i>so</i>", as_of=parcels.week(3))
        append_events(parcels.store, [done], Commit(verb="review-alerts", as_of=parcels.week(3)))
        yield parcels, [first, check(parcels.store, monitor, as_of=parcels.week(4))]


@pytest.fixture(scope="module")
def page(checked: tuple[Parcels, list[Check]]) -> str:
    parcels, checks = checked
    return write(parcels.store, checks[1]).read_text(encoding="utf-8")


def test_a_page_is_one_file_without_a_script_and_without_an_address_outside_of_it(page: str) -> None:
    found = Read(page)
    assert "script" not in found.tags
    assert found.addresses
    assert all(address.startswith("#") for address in found.addresses)
    assert re.findall(r"https?://(?!www\.w3\.org/)", page) == []
    assert re.findall(r"(?:fill|stroke|color): *#\w+", page.split("</style>", 1)[1]) == []  # the style decides
    assert len(found.names) == len(set(found.names))
    assert {address[1:] for address in found.addresses} <= set(found.names)


def test_it_begins_with_what_needs_a_person(page: str) -> None:
    said = Read(page).said("")
    assert "2 alerts are open, 1 critical." in said
    assert "Nothing is new as of this check." in said
    assert "Late & <very> late?" in said


def test_each_open_alert_has_value_limit_windows_reasons_and_two_pictures(page: str, checked) -> None:
    found, alerts = Read(page), {alert.column_name: alert for alert in checked[1][1].verdict.alerts}
    overview = {row[0]: row[1:] for row in found.rows["alerts"][1:]}
    assert list(overview) == ["load psi", "depot psi"]  # the critical one first
    assert overview["load psi"][1:] == ["critical", "2024-01-15", "2", "open", ""]
    part = f"a{alerts['load'].alert_id}"
    assert "beyond the limit in 2 windows from 2024-01-15 to 2024-01-29. State: open." in found.said(part)
    assert "The column comes from depot_load." in found.said(part)
    assert found.pictures[part] == ["load psi over the windows", "Distribution of load for load psi"]
    assert [row[0] for row in found.rows[part][1:]] == ["2024-01-22"]


def test_whatever_people_and_tables_say_is_shown_as_it_is_written(page: str, checked) -> None:
    found, alerts = Read(page), {alert.column_name: alert for alert in checked[1][1].verdict.alerts}
    assert "acknowledged by ann <b>. “so & <i>so</i>”" in found.said(f"a{alerts['depot'].alert_id}")
    assert [row[:2] for row in found.rows["slices"][1:]] == [[EVIL, "100"], ["north", "0"]]
    assert {"b", "i"} & found.tags == {"b"}  # the page's own


def test_the_model_is_shown_by_window_with_quality_predictions_and_drift(page: str) -> None:
    rows = Read(page).rows["standing"]
    assert rows[0] == [
        "from", "rows", "model", "labels", "roc_auc", "actual", "predicted", "largest drift (PSI)", "limits beyond",
    ]  # fmt: skip
    by_start = {row[0]: row[1:] for row in rows[1:]}
    assert by_start["2024-01-08"][:6] == ["100", "1", "80.0 %", "1.0000", "50.0 %", "0.5500"]
    assert by_start["2024-01-08"][-1] == "0"
    assert by_start["2024-01-22"][1:5] == ["1", "0.0 %", "–", "–"]
    assert by_start["2024-01-22"][-1] == "2"
    assert Read(page).pictures["standing"] == ["roc_auc over the windows", "Mean prediction and actual rate"]


def test_the_drift_of_all_columns_is_drawn_and_listed_those_with_limits_first(page: str) -> None:
    found = Read(page)
    assert found.pictures["columns"] == ["Drift of the columns by window"]
    assert [row[0] for row in found.rows["columns"]] == ["column", "depot (limit)", "load (limit)", "prediction"]


def test_limits_have_their_bounds_and_what_cannot_be_judged_is_told(page: str) -> None:
    found = Read(page)
    rows = {row[0]: row[1:] for row in found.rows["limits"][1:]}
    assert rows["load psi"][:2] == ["critical", "at most 0.25"]
    assert rows["load psi"][3:5] == ["2 of 4", "–"]
    assert rows["load null_rate"][1] == "nothing to learn from(learned)"
    assert "cannot be told: the baseline has too few windows" in found.said("limits")


def test_a_page_of_an_earlier_moment_does_not_become_the_latest_one(checked, page: str) -> None:
    parcels, (first, second) = checked
    file = write(parcels.store, first)
    assert file == parcels.store.reports / "monitoring" / "test.parcels.parcels" / "2024-01-22.html"
    assert sorted(other.name for other in file.parent.iterdir()) == [
        "2024-01-22.html",
        "2024-01-29.html",
        "latest.html",
    ]
    assert (file.parent / "latest.html").read_text() == page
    assert "New as of this check: load psi, depot psi." in Read(file.read_text()).said("")
    assert write(parcels.store, second).read_text() == page


# ---- pages of checks made by hand


def odd(**values: object) -> ByColumn:
    return {"load": WindowMetrics(100, "1", **values)}  # type: ignore[arg-type]


ODD = {
    "without a baseline": [odd()] * 3,
    "with one window": drifting(0.5),
    "with a constant column": [odd(psi=0.0, histogram=(("2", 100, 100),))] * 3,
    "with a column of nulls": [odd(psi=8.0, null_rate=1.0, histogram=(("missing", 50, 100),))] * 3,
    "with nothing in the baseline": [odd(psi=0.5, histogram=(("up to 1", 0, 100), ("missing", 0, 0)))] * 3,
    "with infinities": [odd(psi=math.inf, avg=math.inf), odd(psi=math.nan), odd(psi=math.inf, avg=-math.inf)],
    "with windows without rows": [{TABLE: WindowMetrics(0)}, *drifting(0.5), {TABLE: WindowMetrics(0)}],
    "with a bound far away": drifting(0.001, 0.002),
    "with many categories": [odd(psi=1.0, histogram=tuple((f"${n}_", n, 50 - n) for n in range(50)))],
}


@pytest.mark.parametrize("weeks", ODD.values(), ids=ODD)
def test_a_page_is_made_of_any_windows(weeks: list[ByColumn]) -> None:
    found = read(by_hand(EXAMPLE.monitor(), weeks))
    assert len(found.rows["standing"]) == 1 + len(weeks)
    cells = " ".join(cell for row in found.rows["standing"] for cell in row)
    assert not {"nan", "inf", "None"} & set(cells.split())


def test_an_infinite_index_is_beyond_twice_what_it_may_be() -> None:
    checked = by_hand(EXAMPLE.monitor(), ODD["with infinities"])
    assert ratios(checked, {"load": [math.inf, 0.25, None]}) == {"load": [math.inf, 1.0, None]}


def test_without_a_baseline_no_drift_is_drawn_and_that_is_said() -> None:
    found = read(by_hand(EXAMPLE.monitor(), [odd()] * 3, notes=["Model version 1 has no baseline."]))
    assert found.said("columns").endswith("There is no baseline to compare with: no drift is known.")
    assert "columns" not in found.pictures
    assert found.said("notes").startswith("Notes Model version 1 has no baseline.")
    assert "1 remark on what could not be judged" in found.said("")
    assert found.said("alerts").endswith("no limit is passed, as far as they can be judged.")


def test_a_check_of_nothing_says_why() -> None:
    found = read(Check(EXAMPLE.monitor(), EXAMPLE.week(1), notes=["There is no score table parcel_scores yet."]))
    assert "nothing to check" in found.said("")
    assert "There is no score table parcel_scores yet." in found.said("notes")
    assert found.rows == {}


def test_a_table_has_volume_age_nulls_and_changes_of_columns_in_place_of_quality() -> None:
    monitor = TableMonitor(
        name="arrivals", description="Do parcels arrive?", owner="a@example.com", table="arrivals", time_column="at",
        window=WEEK, limits={TABLE: [Volume(at_least=0.5), Freshness(WEEK / 7), SchemaChange()]}, minimum_rows=1,
    )  # fmt: skip
    tables = [(100, 1.0, 2.0, {}), (40, 0.4, 30.0, {"weight": "is gone"})]
    weeks = [
        {
            TABLE: WindowMetrics(rows, volume=volume, staleness=age, changed=said),
            "load": WindowMetrics(rows, null_rate=volume / 10),
        }
        for rows, volume, age, said in tables
    ]
    found = read(by_hand(monitor, weeks))
    assert found.rows["standing"][:3] == [
        ["from", "rows", "of usual", "newest row", "nulls", "most nulls", "largest drift (PSI)", "limits beyond"],
        ["2024-01-08", "40", "40.0 %", "1 d 6 h", "4.0 %", "load 4.0 %", "–", "3"],
        ["2024-01-01", "100", "100.0 %", "2 h", "10.0 %", "load 10.0 %", "–", "0"],
    ]
    assert ["weight is gone", "1", "2024-01-08 to 2024-01-15"] in found.rows["standing"]
    assert found.pictures["standing"] == ["Rows by window", "Age of the newest row", "Nulls over the windows"]
    assert [row[0] for row in found.rows["alerts"][1:]] == [
        ":table schema_changes",
        ":table staleness",
        ":table volume",
    ]


def test_of_many_alerts_all_are_listed_and_the_first_are_drawn() -> None:
    columns = [f"load_{number:02}" for number in range(15)]
    monitor = EXAMPLE.monitor({column: Psi(0.25) for column in columns})
    found = read(by_hand(monitor, [{column: drifting(0.5)[0]["load"] for column in columns}]))
    assert [row[0] for row in found.rows["alerts"][1:]] == [f"{column} psi" for column in columns]
    drawn = [section for section in found.pictures if section.startswith("a")]
    assert len(drawn) == 12


def test_what_may_follow_from_an_alert_of_another_monitor_is_folded_beneath_it_and_all_there() -> None:
    page = report(with_one_cause(21))
    found = Read(page)
    rows = found.rows["alerts"]
    assert rows[1][:3] == ["schedule unknown_origins (0aec70a8)", "0.9 > 0", "warning"]
    assert rows[2] == ["21 alerts (1 critical) may follow from it"]
    assert [row[0] for row in rows[4:]] == ["load psi", *(f"column_{n:02} psi" for n in range(1, 21)), "column_00 psi"]
    assert "<details><summary>21 alerts (1 critical) may follow from it" in page
    assert "22 alerts are open, 1 critical: 21 may follow from schedule unknown_origins (0aec70a8)." in found.said("")
    new = "New as of this check: column_00 psi, 21 that may follow from schedule unknown_origins (0aec70a8)."
    assert new in found.said("")
    assert {address[1:] for address in found.addresses} <= set(found.names)
    told = {name: text for name, text in found.texts.items() if name.startswith("a") and name != "alerts"}
    assert len(told) == 23
    assert sum("May follow from schedule unknown_origins (0aec70a8)." in text for text in told.values()) == 21
    assert "It is an alert of another monitor" in told["a0aec70a8"]
    drawn = [name for name in found.pictures if name in told]
    assert len(drawn) == 12
    assert any(
        "column_00" in picture for name in drawn for picture in found.pictures[name]
    )  # it is drawn before those beneath


def test_few_that_may_follow_are_unfolded_and_a_cause_of_the_same_monitor_is_told_once() -> None:
    checked = with_one_cause(3)
    own = next(one for one in checked.verdict.alerts if not one.follows)
    alerts = [
        replace(one, follows=own.alert_id) if one.follows else replace(one, followed_by=3)
        for one in checked.verdict.alerts
    ]
    page = report(replace(checked, verdict=replace(checked.verdict, alerts=alerts), causes={own.alert_id: own}))
    found = Read(page)
    assert [row[0] for row in found.rows["alerts"][1:]] == [
        "column_00 psi", "3 alerts (1 critical) may follow from it", "what", "load psi", "column_01 psi", "column_02 psi",
    ]  # fmt: skip
    assert "<details open><summary>3 alerts (1 critical) may follow from it" in page
    assert f"3 open alerts may follow from it: review-alerts list --follows {own.alert_id}" in found.said(
        f"a{own.alert_id}"
    )
    assert len(found.names) == len(set(found.names))


def test_of_very_many_windows_the_last_ones_are_drawn() -> None:
    page = report(by_hand(EXAMPLE.monitor(), drifting(*[0.1] * 1_500, 0.5)))
    assert "400 windows. Dashed: the limit of 0.25." in Read(page).said(
        next(name for name in Read(page).pictures if name.startswith("a"))
    )
    assert len(page) < 300_000


def test_slices_with_names_that_mean_something_to_a_plotter_are_drawn_as_they_are_called() -> None:
    quality = {"roc_auc": 0.7, "label_rate": 0.2}
    table = WindowMetrics(100, "1", quality=quality, labelled=100)
    slices = {("depot", name): {TABLE: table} for name in ("_hidden", "$x_1$", EVIL)}
    monitor = replace(EXAMPLE.monitor({TABLE: Quality("roc_auc", at_least=0.6)}), slices=["depot"])
    found = read(by_hand(monitor, [{TABLE: table}] * 2, slices=slices))
    for name in ("_hidden", "$x_1$", EVIL):
        assert name in found.said("standing")
    assert "script" not in found.tags
