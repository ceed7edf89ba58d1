"""The steps of a training run: how far it goes, what is not done again, and what each leaves."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from mlflow import MlflowClient
from pyspark.sql import SparkSession

from feature_store import FeatureStore, Misuse, NotFound, open_store
from feature_store.tables.commit import Commit
from tests.couriers import COURIER_LOAD, TRAINING, at, coin, land_two_weeks, publish_features, tree
from training.profile import SearchBudget, Settings
from training.spec import AtLeast, Between, NotWorse, Search
from training.steps.pipeline import STEPS, Trained, train
from training.train import main

MODEL, AS_OF = "test.couriers.late_order", at("15")
SEARCHED = Search(make=tree, space={"decisiontreeclassifier__max_depth": Between(low=1, high=3)}, trials=2, folds=2)


@pytest.fixture(scope="module")
def landed(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with two weeks of orders, one an hour; a courier with six or more open orders is late, but for every seventh order."""
    workspace = tmp_path_factory.mktemp("landed")
    store = open_store(catalog="test", schema="couriers", workspace=workspace)
    land_two_weeks(store)
    publish_features(store, as_of=AS_OF)
    return workspace


@pytest.fixture
def orders(landed: Path, tmp_path: Path) -> FeatureStore:
    """A copy of that workspace: each test trains in its own."""
    return open_store(catalog="test", schema="couriers", workspace=shutil.copytree(landed, tmp_path / "workspace"))


def made(trained: Trained) -> dict[str, bool]:
    """The steps that were gone through, and whether each was done."""
    return {output.step: output.is_new for output in trained.steps}


def test_a_run_goes_as_far_as_it_is_told_and_the_next_one_does_only_what_is_left(orders: FeatureStore) -> None:
    told: list[str] = []
    first = train(orders, TRAINING, as_of=AS_OF, until="fit", begin=told.append)
    assert made(first) == {"assemble": True, "fit": True}
    assert (first.version, first.rows, first.metrics, first.verdicts) == ("", 335, {}, [])
    assert told == ["looking features up", "fitting tree", "fitting coin"]

    second = train(orders, TRAINING, as_of=AS_OF, until="evaluate")
    assert made(second) == {"assemble": False, "fit": False, "evaluate": True}
    assert list(second.metrics) == ["tree", "coin"]
    assert second.metrics["coin"]["roc_auc"] == 0.5

    third = train(orders, TRAINING, as_of=AS_OF, until="register")
    assert made(third) == {"assemble": False, "fit": False, "evaluate": False, "validate": True}
    assert (third.version, third.promoted, third.metrics) == ("1", False, second.metrics)
    assert MlflowClient().get_registered_model(MODEL).aliases == {}

    whole = train(orders, TRAINING, as_of=AS_OF)
    assert made(whole) == {"assemble": False, "fit": False, "evaluate": False, "validate": False}
    assert (whole.version, whole.promoted) == ("2", True)
    assert train(orders, TRAINING, as_of=AS_OF).repeated


def test_each_step_leaves_what_it_made_where_people_find_it(orders: FeatureStore) -> None:
    trained = train(orders, TRAINING, as_of=AS_OF, until="validate")

    folder = orders.reports / "training" / MODEL
    assert [output.folder.parent for output in trained.steps] == [folder / step for step in STEPS[:4]]
    frame = pq.read_table(trained.steps[0].folder / "frame.parquet")
    assert frame.num_rows == trained.steps[0].told["rows"] == 335
    assert trained.steps[0].told["parts"] == {"train": 215, "holdout": 120}
    assert trained.steps[3].told["verdicts"] == [
        {"gate": "roc_auc", "wanted": "at least 0.6", "value": trained.metrics["tree"]["roc_auc"], "passed": True}
    ]


def test_what_a_step_is_made_of_decides_from_where_a_run_starts_over(orders: FeatureStore) -> None:
    def steps(spec: Any = TRAINING, **settings: Any) -> list[str]:
        trained = train(orders, spec, as_of=AS_OF, until="validate", settings=Settings(**settings))
        return [step for step, is_new in made(trained).items() if is_new]

    everything = ["assemble", "fit", "evaluate", "validate"]
    assert steps() == everything
    assert steps() == []
    assert steps(replace(TRAINING, gates={"roc_auc": AtLeast(0.61)})) == ["validate"]
    assert steps(gates={"roc_auc": 0.62}) == ["validate"]
    assert steps(run_mode="dry_run") == ["validate"]
    # Nothing is added, and yet the table is another version: only the rows tell that they are the same.
    empty = orders.tables.read(COURIER_LOAD.name).limit(0)
    orders.tables.append(COURIER_LOAD.name, empty, commit=Commit(verb="by hand", as_of=AS_OF))
    assert steps() == ["assemble"]
    assert steps(replace(TRAINING, estimators={"tree": tree})) == ["fit", "evaluate", "validate"]
    assert steps(sample_fraction=0.9) == everything
    assert steps(replace(TRAINING, exclude_columns=["courier", "zone"])) == everything


def test_with_rerun_everything_is_done_again(orders: FeatureStore) -> None:
    first = train(orders, TRAINING, as_of=AS_OF)
    again = train(orders, TRAINING, as_of=AS_OF, rerun=True)

    assert (first.version, again.version, again.repeated) == ("1", "2", False)
    assert all(made(again).values())
    assert again.metrics["tree"]["roc_auc"] == first.metrics["tree"]["roc_auc"]


@pytest.mark.parametrize(
    ("run_mode", "promoted", "reason"),
    [
        ("enabled", False, None),
        ("dry_run", True, "dry run, in spite of: roc_auc is 0.5000, not at least 0.6"),
        ("disabled", True, "not judged: the profile's run_mode is disabled"),
    ],
)
def test_a_model_that_fails_its_gates_is_promoted_only_where_the_profile_says_so(
    orders: FeatureStore, run_mode: str, promoted: bool, reason: str | None
) -> None:
    spec = replace(TRAINING, estimators={"coin": coin})
    trained = train(orders, spec, as_of=AS_OF, settings=Settings(run_mode=run_mode))  # type: ignore[arg-type]

    tags = MlflowClient().get_model_version(MODEL, "1").tags
    assert (trained.promoted, tags.get("promotion_reason")) == (promoted, reason)
    assert tags.get("refused_because") == (None if promoted else "roc_auc is 0.5000, not at least 0.6")
    assert [verdict.passed for verdict in trained.verdicts] == ([] if run_mode == "disabled" else [False])


def test_a_search_is_in_the_run_with_a_nested_run_for_each_trial_and_its_best_is_what_is_fitted(
    orders: FeatureStore,
) -> None:
    spec = replace(TRAINING, estimators={"tree": SEARCHED, "coin": coin})
    trained = train(orders, spec, as_of=AS_OF)

    client = MlflowClient()
    run = client.get_run(client.get_model_version(MODEL, trained.version).run_id)
    nested = client.search_runs(
        [run.info.experiment_id], f"tags.`mlflow.parentRunId` = '{run.info.run_id}'", order_by=["attributes.run_name"]
    )
    assert [one.info.run_name for one in nested] == ["tree, trial 0", "tree, trial 1"]
    best = max(nested, key=lambda one: one.data.metrics["value"])
    name = "decisiontreeclassifier__max_depth"
    assert run.data.params["tree.max_depth"] == best.data.params[name]
    profile = Path(client.download_artifacts(run.info.run_id, "profile.json"))
    assert json.loads(profile.read_text())["run_mode"] == "enabled"

    searched = trained.steps[1].folder
    assert not searched.with_name(f"{searched.name}.unfinished").exists()
    without = train(orders, spec, as_of=AS_OF, until="fit", settings=Settings(search=SearchBudget(trials=0)))
    assert without.steps[1].told["searched"] == {}


def test_a_gate_on_what_there_is_not_is_refused_before_anything_is_fitted(orders: FeatureStore) -> None:
    begun: list[str] = []
    with pytest.raises(NotFound, match=r"no metric 'roc_aux' for its gate\. Did you mean roc_auc"):
        train(orders, replace(TRAINING, gates={"roc_aux": AtLeast(0.6)}), as_of=AS_OF, begin=begun.append)
    assert begun == []

    per = replace(TRAINING, gates={"roc_auc": NotWorse(per=["distrikt"])})
    with pytest.raises(NotFound, match=r"no column 'distrikt' to compare per\. Did you mean district"):
        train(orders, per, as_of=AS_OF, begin=begun.append)
    assert not any(step.startswith("fitting") for step in begun)


def test_a_step_that_there_is_not_is_refused_with_the_closest_names(orders: FeatureStore) -> None:
    with pytest.raises(Misuse, match=r"no step 'evalute'\. Did you mean evaluate or validate\?"):
        train(orders, TRAINING, as_of=AS_OF, until="evalute")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["--promote", "1", "--rollback", "2"],
            "--promote and --rollback are different things to do. Give one of them.",
        ),
        (["--promote", "1"], "Say with --reason why: whoever looks at the model's history will want to know."),
        (["--promote", "1", "--reason", "x"], "There is no model test.couriers.late_order."),
        (["--profile", "prd"], "There is no model 'late_order'."),
    ],
)
def test_a_mistake_on_the_command_line_is_one_sentence(orders: FeatureStore, arguments: list[str], told: str) -> None:
    place = ["--workspace", str(orders.workspace), "--catalog", "test", "--schema", "couriers"]  # type: ignore[attr-defined]
    done = CliRunner().invoke(main, ["late_order", *arguments, *place])

    assert done.exit_code == 1
    assert told in " ".join(done.output.split())
    assert "Traceback" not in done.output


def test_a_version_is_promoted_and_rolled_back_from_the_command_line(orders: FeatureStore) -> None:
    for spec in (TRAINING, replace(TRAINING, estimators={"coin": coin})):
        train(orders, spec, as_of=AS_OF)
    place = ["--workspace", str(orders.workspace), "--catalog", "test", "--schema", "couriers"]  # type: ignore[attr-defined]

    def run(*arguments: str) -> str:
        done = CliRunner().invoke(main, ["late_order", *arguments, "--user", "eve", *place])
        assert done.exit_code == 0, done.output
        return " ".join(done.output.split())

    said = run("--promote", "challenger", "--reason", "looked at it", "--as-of", "2024-01-16")
    assert said == f"{MODEL}: version challenger is champion as of 2024-01-16 00:00; before: 1"
    assert run("--rollback", "1", "--reason", "it tosses coins", "--as-of", "2024-01-17").endswith("before: 2")
    aliases = MlflowClient().get_registered_model(MODEL).aliases
    assert {alias: str(version) for alias, version in aliases.items()} == {"champion": "1", "challenger": "2"}
