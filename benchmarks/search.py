"""Time a search of hyper-parameters with one process and with two, in turn: the same trials, the same budget.

    python benchmarks/search.py [--rows 100000] [--trials 8] [--repetitions 2]

A random forest fits in one thread, boosted trees in as many as there are cores: where one process has both cores already, two
gain less.
"""

import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

import click
import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier

from training.profile import SearchBudget
from training.spec import Between, Search
from training.steps.kinds import BINARY
from training.steps.search import search

AIM = 0.6


def forest() -> Any:
    """One thread."""
    return RandomForestClassifier(n_estimators=20, random_state=7)


def boosted() -> Any:
    """A thread for each core."""
    return HistGradientBoostingClassifier(max_iter=60, random_state=7)


SEARCHES = {
    "a random forest, one thread": Search(make=forest, space={"max_depth": Between(low=4, high=12)}),
    "boosted trees, a thread for each core": Search(make=boosted, space={"max_depth": Between(low=2, high=6)}),
}


@click.command()
@click.option("--rows", default=100_000, show_default=True)
@click.option("--trials", default=8, show_default=True)
@click.option("--repetitions", default=2, show_default=True)
def main(rows: int, trials: int, repetitions: int) -> None:
    """Print a Markdown table of seconds and ratios."""
    random = np.random.default_rng(7)
    inputs = pd.DataFrame({f"feature_{number:02}": random.normal(size=rows) for number in range(20)})
    labels = inputs["feature_00"] * inputs["feature_01"] + random.normal(size=rows) > 0.5
    print("| search | 1 process, s | 2 processes, s | ratio | aim |\n|---|--:|--:|--:|---|")
    for name, what in SEARCHES.items():
        seconds: dict[int, list[float]] = {1: [], 2: []}
        found = []
        for _ in range(repetitions):
            for workers, taken in seconds.items():
                budget = SearchBudget(trials=trials, workers=workers)
                with tempfile.TemporaryDirectory() as folder:
                    began = time.monotonic()
                    done = search(
                        what, BINARY, inputs, labels, budget=budget, folder=Path(folder), step=lambda said: None
                    )
                    taken.append(time.monotonic() - began)
                found.append([(trial["parameters"], trial["value"]) for trial in done.trials])
        assert all(one == found[0] for one in found), "the trials differ"
        one, two = (median(taken) for taken in seconds.values())
        missed = ": missed" if two / one > AIM else ""
        print(f"| {name} | {one:.1f} | {two:.1f} | {two / one:.2f} | {AIM}{missed} |", flush=True)


if __name__ == "__main__":
    main()
