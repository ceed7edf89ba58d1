"""A search of hyper-parameters on rows in the order of time."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from feature_store import Misuse
from training.profile import SearchBudget
from training.spec import Between, Choice, Search
from training.steps.kinds import BINARY
from training.steps.search import search
from training.steps.trials import Found, folds, tried
from training.steps.workers import cluster_of

ROOT = Path(__file__).parents[3]
ROWS = pd.DataFrame({"open_orders": np.arange(240) * 7 % 10.0, "kilometres": np.arange(240) * 3 % 5.0})
LATE = pd.Series((ROWS["open_orders"] >= 6) & (ROWS["kilometres"] >= 2))


def tree() -> Pipeline:
    return make_pipeline(StandardScaler(), DecisionTreeClassifier(random_state=7))


DEPTH = "decisiontreeclassifier__max_depth"
WHAT = Search(make=tree, space={DEPTH: Between(low=1, high=3)}, trials=6, folds=2)


@pytest.fixture
def told() -> list[str]:
    return []


def run(
    what: Search, folder: Path, told: list[str] | None = None, cluster: Any = None, workers: int = 1, **budget: float
) -> Found:
    step, limits = (told if told is not None else []).append, SearchBudget(workers=workers, **budget)  # type: ignore[arg-type]
    return search(what, BINARY, ROWS, LATE, budget=limits, folder=folder, step=step, cluster=cluster)


def parameters(found: Found) -> list[object]:
    return [trial["parameters"] for trial in found.trials]


def test_the_best_trial_is_found_by_the_mean_over_folds_that_are_later_than_what_was_fitted(tmp_path: Path) -> None:
    found = run(WHAT, tmp_path)

    assert found.parameters[DEPTH] >= 2  # one column alone cannot tell
    assert len(found.trials) == 6
    best = max(trial["value"] for trial in found.trials)
    rows = pd.read_parquet(tmp_path / "rows.parquet")

    def mean(parameters: Any) -> float:
        values = [tried(WHAT, "binary", rows, (parameters, fold)) for fold in range(2)]
        assert [error for _, _, error in values] == ["", ""]
        return sum(value for value, _, _ in values if value is not None) / 2

    assert mean(found.parameters) == best > mean({DEPTH: 1})


def test_folds_are_stretches_in_order_each_judged_by_what_came_before() -> None:
    assert folds(10, 2) == [(slice(0, 3), slice(3, 6)), (slice(0, 6), slice(6, 10))]
    assert folds(3, 1) == [(slice(0, 1), slice(1, 3))]


def test_the_same_seed_and_budget_give_the_same_trials_whatever_the_number_of_processes(tmp_path: Path) -> None:
    wide = replace(
        WHAT,
        space={
            DEPTH: Between(low=1, high=30),
            "decisiontreeclassifier__min_samples_leaf": Between(low=1, high=99, log=True),
        },
    )
    one, two = run(wide, tmp_path / "one", workers=1), run(wide, tmp_path / "two", workers=2)

    assert parameters(one) == parameters(two)
    assert [trial["value"] for trial in one.trials] == [trial["value"] for trial in two.trials]
    assert parameters(run(replace(wide, seed=8), tmp_path / "other")) != parameters(one)


def test_a_process_that_tries_loads_neither_what_logs_nor_what_suggests() -> None:
    program = "import sys, training.steps.trials; print(*{name.split('.')[0] for name in sys.modules})"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)

    assert {*loaded.stdout.split()} & {"sklearn", "mlflow", "optuna", "pyspark"} == {"sklearn"}


def test_a_search_that_was_interrupted_goes_on_as_if_it_had_not_been(tmp_path: Path, told: list[str]) -> None:
    whole = run(WHAT, tmp_path / "whole")

    class Killed(BaseException):
        pass

    def step(said: str) -> None:
        told.append(said)
        if said.startswith("4 of"):
            raise Killed

    with pytest.raises(Killed):
        search(WHAT, BINARY, ROWS, LATE, budget=SearchBudget(workers=1), folder=tmp_path / "part", step=step)
    resumed = run(WHAT, tmp_path / "part", told)

    assert [said.split(",")[0] for said in told] == ["0 of 6 trials", "4 of 6 trials", "4 of 6 trials"]
    assert parameters(resumed) == parameters(whole)
    assert resumed.parameters == whole.parameters


def test_spark_s_workers_try_the_same_and_find_the_same(spark, tmp_path: Path) -> None:
    """Of a cluster or, as here, of one machine: ``make soak`` does the same on a cluster."""
    here, there = run(WHAT, tmp_path / "here"), run(WHAT, tmp_path / "there", cluster=spark.sparkContext)

    assert parameters(here) == parameters(there)
    assert [trial["value"] for trial in here.trials] == [trial["value"] for trial in there.trials]


def test_spark_in_this_process_is_no_cluster(spark) -> None:
    assert cluster_of(spark) is None


def test_more_are_asked_for_at_once_where_the_spec_says_so(tmp_path: Path, told: list[str]) -> None:
    run(replace(WHAT, trials=9, at_once=6), tmp_path, told)
    assert [said.split(",")[0] for said in told] == ["0 of 9 trials", "6 of 9 trials"]


def test_trials_that_were_begun_when_the_run_was_killed_are_tried_again(tmp_path: Path) -> None:
    import optuna
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    whole = run(WHAT, tmp_path / "whole")
    (tmp_path / "part").mkdir()
    storage = JournalStorage(JournalFileBackend(str(tmp_path / "part" / "trials.log")))
    optuna.create_study(storage=storage, study_name="search", direction="maximize").ask()

    assert parameters(run(WHAT, tmp_path / "part")) == parameters(whole)


def test_the_budget_of_a_profile_wins_and_time_that_is_up_ends_the_search_after_what_has_begun(tmp_path: Path) -> None:
    assert len(run(WHAT, tmp_path / "two", trials=2).trials) == 2
    assert len(run(replace(WHAT, trials=100), tmp_path / "time", minutes=1e-9).trials) == 4


def test_parameters_that_an_estimator_cannot_be_fitted_with_are_told_and_lose(tmp_path: Path) -> None:
    what = replace(WHAT, space={DEPTH: Choice([2, "deep"])}, trials=8)
    found = run(what, tmp_path)

    assert found.parameters == {DEPTH: 2}
    errors = {trial["error"][:21] for trial in found.trials if trial["parameters"][DEPTH] == "deep"}
    assert errors == {"InvalidParameterError"}


def test_a_search_without_one_trial_that_succeeded_is_refused_with_the_reason(tmp_path: Path) -> None:
    what = replace(WHAT, space={DEPTH: Choice(["deep", "deeper"])}, trials=2)
    with pytest.raises(
        Misuse, match="None of 2 trials could be fitted. The last one said: InvalidParameterError: The 'max_depth'"
    ):
        run(what, tmp_path)


def test_a_parameter_that_the_estimator_does_not_have_is_refused_with_the_closest_names(tmp_path: Path) -> None:
    what = replace(WHAT, space={"decisiontreeclassifier__max_dept": Between(low=1, high=3)})
    with pytest.raises(
        Misuse,
        match=r"no parameter 'decisiontreeclassifier__max_dept' to search\. Did you mean decisiontreeclassifier__max_depth",
    ):
        run(what, tmp_path)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Search(make=DummyClassifier, space={}), "there is nothing to search"),
        (lambda: Search(make=DummyClassifier, space={"a": Choice([1, 2])}, trials=0), "all are at least 1"),
        (lambda: Between(low=2, high=1), "low is below high"),
        (lambda: Between(low=0, high=1, log=True), "above 0 with log=True"),
        (lambda: Choice([1]), "a list of two values or more"),
        (lambda: Choice("ab"), "a list of two values or more"),
    ],
)
def test_a_search_that_cannot_be_right_is_refused_at_import(make, told: str) -> None:
    with pytest.raises(Misuse, match=told):
        make()
