"""The card of a run: one file that says what was learned from what, how good it is, and why it was refused."""

import re
from dataclasses import replace
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from mlflow import MlflowClient

from feature_store import open_store
from tests.couriers import HOUR, TRAINING, at, land, publish_features
from training.profile import Settings
from training.spec import AtLeast
from training.steps.pipeline import Trained, train

MODEL = "test.couriers.late_order"


class Read(HTMLParser):
    """The texts of a page by heading, and every table's rows; fails if a tag is closed that is not open."""

    void = frozenset({"meta", "wbr", "link", "br", "img", "input", "hr"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.section = ""
        self.rows: dict[str, list[list[str]]] = {}
        self.addresses: list[str] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "action")]
        if tag not in self.void:
            self.open.append(tag)
        if tag == "h2":
            self.section = dict(attrs)["id"] or ""
        if tag == "tr":
            self.rows.setdefault(self.section, []).append([])
        if tag in ("td", "th"):
            self.rows[self.section][-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attrs if name == "xlink:href"]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and {"td", "th"} & {*self.open[-3:]}:
            self.rows[self.section][-1][-1] += data.strip()


@pytest.fixture(scope="module")
def trained(spark, tmp_path_factory: pytest.TempPathFactory) -> list[Trained]:
    """Nearly three weeks of orders, late with six or more open orders but for courier 4; the second model wants too much."""
    store = open_store(catalog="test", schema="couriers", workspace=tmp_path_factory.mktemp("cards"))
    hours = [(n, at("1") + n * HOUR, n * 3 % 10) for n in range(20 * 24)]
    land(
        store,
        orders=[
            (f"{n}", f"courier {n % 5}", "old town", hour, hour + HOUR, load >= 6 if n % 5 < 4 else n % 2 == 0)
            for n, hour, load in hours
        ],
        counts=[(f"courier {n % 5}", hour - HOUR / 2, load) for n, hour, load in hours if n % 5 < 4],
    )
    publish_features(store, as_of=at("20"))
    asking = replace(TRAINING, description="Late & <very> late?", gates={"roc_auc": AtLeast(0.99)})
    return [
        train(store, TRAINING, as_of=at("15"), settings=Settings(profile="test")),
        train(store, asking, as_of=at("20")),
        train(store, replace(asking, holdout=timedelta(days=4)), as_of=at("20"), until="validate"),
    ]


def read(trained: Trained) -> tuple[str, Read]:
    assert trained.card is not None
    page = trained.card.read_text(encoding="utf-8")
    return page, Read(page)


def test_a_card_is_one_file_without_a_script_and_without_an_address_outside_of_it(trained: list[Trained]) -> None:
    for one in trained:
        page, found = read(one)
        assert "<script" not in page
        assert found.addresses
        assert all(address.startswith("#") for address in found.addresses)
        assert re.findall(r"https?://(?!www\.w3\.org/)", page) == []
        assert (
            re.findall(r"(?:fill|stroke|color): *#\w+", page.split("</style>", 1)[1]) == []
        )  # the style decides, light or dark
        assert len(page) < 1_000_000


def test_the_card_is_the_run_s_own_artifact_and_lies_in_the_reports(trained: list[Trained]) -> None:
    for one in trained[:2]:
        assert one.card is not None
        assert (one.card.name, one.card.parent.name) == (f"card-{one.version}.html", MODEL)
        run = MlflowClient().get_model_version(MODEL, one.version).run_id
        logged = MlflowClient().download_artifacts(run, "card.html")
        assert Path(logged).read_bytes() == one.card.read_bytes()


def test_it_says_which_rows_which_tables_at_which_versions_and_how_old_their_rows_were(trained: list[Trained]) -> None:
    _, found = read(trained[0])

    assert found.rows["data"][:3] == [
        ["part", "rows", "decided from", "to"],
        ["fitted on", "215", "2024-01-01", "2024-01-09 22:00"],
        ["held out", "120", "2024-01-10", "2024-01-14 23:00"],
    ]
    tables = [row[0] for row in found.rows["data"][4:]]
    assert tables == ["courier_load", "district_distance"]
    ages = {row[0]: row[1:] for row in found.rows["leakage"]}
    assert ages["table"] == ["found", "youngest", "25 %", "median", "75 %", "90 %", "oldest"]
    assert ages["courier_load"] == ["80.0 %", *["30 min"] * 6]  # courier 4 has none
    assert ages["district_distance"] == ["100.0 %", "a table without time"]


def test_it_says_what_each_feature_tells_alone_and_what_is_lost_without_each_table(trained: list[Trained]) -> None:
    _, found = read(trained[0])

    alone = {row[0]: float(row[1]) for row in found.rows["leakage"] if row[0] in ("open_orders", "kilometres", "zone")}
    assert list(alone) == ["open_orders", "kilometres", "zone"]
    assert alone["open_orders"] > 0.8
    assert alone["kilometres"] == 0.5  # there is one district
    losses = {
        row[0]: float(row[1]) for row in found.rows["importance"] if row[0] in ("courier_load", "district_distance")
    }
    assert losses["courier_load"] > 0.2
    assert losses["district_distance"] == 0


def test_a_refused_challenger_is_shown_beside_the_champion_with_the_gate_that_failed(trained: list[Trained]) -> None:
    page, found = read(trained[1])

    assert "refused" in page
    assert "passes all gates" not in page
    gates = {row[0]: row[1:] for row in found.rows["gates"][1:]}
    value = trained[1].metrics["tree"]["roc_auc"]
    assert gates["roc_auc"] == ["at least 0.99", f"{value:.4f}", "failed"]
    models = {row[0]: row[1:] for row in found.rows["models"]}
    champion = trained[1].metrics["champion"]["roc_auc"]
    assert models["metric"] == ["tree", "champion", "coin", "difference"]
    assert models["roc_auc"][:3] == [f"{value:.4f}", f"{champion:.4f}", "0.5000"]
    couriers = [row[:4] for row in found.rows["slices"] if row[0].startswith("courier ")]
    assert couriers == [[f"courier {n}", "24", "–", "–"] for n in range(5)]  # too few rows of each to tell


def test_what_users_write_is_escaped(trained: list[Trained]) -> None:
    page, _ = read(trained[1])
    assert "Late &amp; &lt;very&gt; late?" in page


def test_it_names_the_command_that_makes_the_same_model_again(trained: list[Trained]) -> None:
    page, _ = read(trained[0])
    place = "late_order --catalog test --schema couriers"
    assert f"train-model {place} --as-of 2024-01-15T00:00:00.000000+00:00 --profile test --rerun" in page
    assert f"train-model {place} --reproduce 1" in page


def test_a_card_that_is_looked_at_before_the_model_is_registered_says_so(trained: list[Trained]) -> None:
    page, _ = read(trained[2])
    assert trained[2].card == trained[2].steps[-1].folder / "card.html"
    assert "late_order, not registered" in page
    assert "--reproduce" not in page
