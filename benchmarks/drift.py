"""Time the drift of a million rows against a million, 30 numeric and 10 categorical columns, beside Evidently and Polars.

    python benchmarks/drift.py compare --data DIR [--evidently PYTHON] [--rows 1000000] [--repetitions 5]
    python benchmarks/drift.py scale [--repetitions 3]

PYTHON is the interpreter of a virtual environment that has Evidently. In ``compare`` these take turns, each with its data in memory:

- ``Evidently``: the preset DataDriftPreset with its own choice of tests, in a process of its own;
- ``Polars, hist`` and ``Polars, comparisons``: the population stability index alone, over known deciles of the baseline; the
  window's rows are counted by the expression made for it, or by nine comparisons for each column;
- ``ours, both sides``: all statistics and profiles, with the baseline's sketches;
- ``ours, a window``: the same against sketches that were stored, as the monitor does; also in one thread;
- ``SciPy, exact``: two statistics of the numeric columns. Ours must be within their error bounds of it: else the script exits with 1.
"""

import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

import click
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.stats import ks_2samp, wasserstein_distance

from monitoring.drift import statistics
from monitoring.drift.baseline import Baseline, Part, in_chunks
from monitoring.drift.columns import NumericColumn, Row, columns_of
from monitoring.drift.sketch import NumericSketch, Sketch

COLUMNS = 40
BASELINE, WINDOW = 7, 8
OF_EVIDENTLY = {"ours, both sides": 0.05, "ours, a window": 0.015}
OF_POLARS = {"ours, a window": 2.5}
EVIDENTLY = """
import json, sys, time
import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.presets import DataDriftPreset
frames = [pd.read_parquet(file) for file in sys.argv[1:]]
numeric = list(frames[0].select_dtypes("number"))
definition = DataDefinition(numerical_columns=numeric, categorical_columns=[n for n in frames[0] if n not in numeric])
baseline, window = (Dataset.from_pandas(frame, data_definition=definition) for frame in frames)
began = time.monotonic()
metrics = Report([DataDriftPreset()]).run(window, baseline).dict()["metrics"]
print(json.dumps([time.monotonic() - began, metrics[0]["value"]["count"]]))
"""
Counted = Callable[[str, Sequence[float]], pl.Expr]


# ---- data


def make(seed: int, rows: int, names: Sequence[str]) -> pa.Table:
    """The columns with these names, of the baseline's or the window's seed; every 16th or so drifts in the window."""
    return pa.table({name: _column(seed, rows, int(name.removeprefix("column_"))) for name in names})


def names_of(columns: int) -> list[str]:
    """The names of so many columns; every fourth is categorical."""
    return [f"column_{number:03}" for number in range(columns)]


def _column(seed: int, rows: int, number: int) -> pa.Array:
    random = np.random.default_rng([seed, number])
    missing = random.random(rows) < 0.03 if number % 5 == 0 else None
    drifts = seed == WINDOW and number % 16 in (0, 7)
    if number % 4 == 3:
        levels = (4, 12, 40, 200)[number // 4 % 4]
        weights = 1 / np.arange(1, levels + 1)
        weights[0] *= 2 if drifts else 1
        words = pa.array([f"category {level}" for level in range(levels)])
        chosen = random.choice(levels, rows, p=weights / weights.sum())
        return words.take(pa.array(chosen, mask=missing))
    kinds: list[Callable[[], Any]] = [
        lambda: random.normal(50, 10, rows),
        lambda: random.lognormal(3, 1, rows),
        lambda: random.exponential(20, rows),
        lambda: random.poisson(4, rows).astype(np.float64),
        lambda: np.where(random.random(rows) < 0.7, 0.0, random.exponential(100, rows)),
        lambda: random.gamma(2, 10, rows).round(2),
    ]
    return pa.array(kinds[number % 6]() * (1.2 if drifts else 1.0), mask=missing)


# ---- ours


def sketched(table: pa.Table) -> dict[str, Sketch]:
    """The baseline's sketches."""
    return {name: column.sketch for name, column in columns_of(table, table.column_names).items()}


def against(sketches: Mapping[str, Sketch], table: pa.Table, threads: int | None = None) -> dict[str, Row | None]:
    """The window's profile and drift, as the monitor measures them, with as many columns at a time."""
    found: dict[str, Row | None] = {}
    for chunk in in_chunks(table.column_names, table.num_rows):
        for name, column in columns_of(table, chunk, threads=threads).items():
            column.profile()
            found[name] = column.drift(sketches[name])
    return found


# ---- Polars


def by_hist(name: str, cuts: Sequence[float]) -> pl.Expr:
    """The counts between the cut points."""
    edges = [-np.inf, *cuts, np.inf]
    return pl.col(name).hist(bins=edges, include_category=False, include_breakpoint=False).implode()


def by_comparisons(name: str, cuts: Sequence[float]) -> pl.Expr:
    """The same from how many are at or below each."""
    up_to = [pl.lit(0), *((pl.col(name) <= cut).sum() for cut in cuts), pl.col(name).count()]
    return pl.concat_list(up_to).list.diff(null_behavior="drop")


def counted(frame: pl.DataFrame, cuts: Mapping[str, Sequence[float]], how: Counted) -> dict[str, dict[Any, int]]:
    """How many rows each column has by bin or category, nulls among them."""
    numeric = [how(name, points).alias(name) for name, points in cuts.items()]
    others = [name for name in frame.columns if name not in cuts]
    row = frame.select(*numeric, *(pl.col(name).value_counts().implode() for name in others)).row(0, named=True)
    missing = frame.null_count().row(0, named=True)
    found = {name: {**dict(enumerate(row[name])), None: missing[name]} for name in cuts}
    return found | {name: {entry[name]: entry["count"] for entry in row[name]} for name in others}


def indices(baseline: Mapping[str, dict[Any, int]], window: Mapping[str, dict[Any, int]]) -> dict[str, float | None]:
    """The population stability index of each column."""
    found = {}
    for name, before in baseline.items():
        keys = before | window[name]
        sides = (np.array([side.get(key, 0) for key in keys]) for side in (before, window[name]))
        found[name] = statistics.psi(*sides)
    return found


# ---- SciPy and Evidently


def exactly(baseline: pa.Table, window: pa.Table, names: Sequence[str]) -> dict[str, tuple[float, float]]:
    """The exact Kolmogorov-Smirnov statistic and Wasserstein distance of each numeric column."""
    found = {}
    for name in names:
        before, now = (side[name].drop_null().to_numpy() for side in (baseline, window))
        found[name] = float(ks_2samp(before, now, method="asymp").statistic), wasserstein_distance(before, now)
    return found


def evidently(python: Path, files: Sequence[Path]) -> tuple[float, int]:
    """The seconds that Evidently takes when all is read, and how many columns drifted by its default tests."""
    ran = subprocess.run([python, "-W", "ignore", "-c", EVIDENTLY, *files], check=True, stdout=subprocess.PIPE)
    seconds, drifted = json.loads(ran.stdout.splitlines()[-1])
    return float(seconds), int(drifted)


def within_bounds(sketches: Mapping[str, Sketch], window: pa.Table, exact: Mapping[str, tuple[float, float]]) -> bool:
    """Print the sketch's largest error in both statistics, distances in standard deviations; whether all are in bounds."""
    errors: dict[str, list[tuple[float, float, str]]] = {"Kolmogorov-Smirnov": [], "Wasserstein": []}
    for name, column in columns_of(window, list(exact)).items():
        sketch = sketches[name]
        assert isinstance(column, NumericColumn)
        assert isinstance(sketch, NumericSketch)
        before, now = sketch.histogram, column.numbers.over(sketch.histogram.grid)
        ks, area, spread = statistics.ks(before, now), statistics.wasserstein(before, now), sketch.stddev
        assert ks
        assert area is not None
        assert spread
        bounds = statistics.ks_error_bound(before, now), statistics.wasserstein_error_bound(before, now) / spread
        errors["Kolmogorov-Smirnov"].append((exact[name][0] - ks.statistic, bounds[0], name))
        errors["Wasserstein"].append(((exact[name][1] - area) / spread, bounds[1], name))
    print("\n| statistic | largest error | its bound | largest share of a bound | held |\n|---|--:|--:|--:|---|")
    held = {}
    for statistic, found in errors.items():
        held[statistic] = all(-1e-9 <= error <= bound + 1e-9 for error, bound, _ in found)
        error, bound, _ = max(found)
        share = max(error / bound for error, bound, _ in found if bound > 1e-9)
        print(f"| {statistic} | {error:.1e} | {bound:.1e} | {share:.2f} | {'yes' if held[statistic] else 'NO'} |")
    return all(held.values())


# ---- commands


@click.group()
def main() -> None:
    """Print Markdown tables of seconds and ratios."""


@main.command()
@click.option("--data", type=click.Path(path_type=Path), required=True, help="A folder for the two Parquet files.")
@click.option("--evidently", "python", type=click.Path(path_type=Path), help="The interpreter that has Evidently.")
@click.option("--rows", default=1_000_000, show_default=True)
@click.option("--repetitions", default=5, show_default=True)
@click.option("--evidently-repetitions", type=click.IntRange(1), default=1, show_default=True)
def compare(data: Path, python: Path | None, rows: int, repetitions: int, evidently_repetitions: int) -> None:
    """Two sides of so many rows, all competitors."""
    data.mkdir(parents=True, exist_ok=True)
    files = [data / f"{side}-{rows}.parquet" for side in ("baseline", "window")]
    for seed, file in zip((BASELINE, WINDOW), files, strict=True):
        pq.write_table(make(seed, rows, names_of(COLUMNS)), file)
    baseline, window = (pq.read_table(file) for file in files)
    frames = [pl.from_arrow(side) for side in (baseline, window)]
    assert all(isinstance(frame, pl.DataFrame) for frame in frames)
    kept = Baseline.from_json(Baseline("1", Part(rows, sketched(baseline))).to_json())
    assert kept is not None
    sketches = kept.whole.columns
    cuts = {name: _deciles(sketch) for name, sketch in sketches.items() if isinstance(sketch, NumericSketch)}
    before = counted(frames[0], cuts, by_hist)
    exact: dict[str, tuple[float, float]] = {}
    ways: dict[str, Callable[[], Any]] = {
        "SciPy, exact": lambda: exact.update(exactly(baseline, window, list(cuts))),
        "Polars, hist": lambda: indices(before, counted(frames[1], cuts, by_hist)),
        "Polars, comparisons": lambda: indices(before, counted(frames[1], cuts, by_comparisons)),
        "ours, both sides": lambda: against(sketched(baseline), window),
        "ours, a window": lambda: against(sketches, window),
        "ours, a window, one thread": lambda: against(sketches, window, threads=1),
    }
    _agree(ways, [name for name, points in cuts.items() if len(points) == 9])
    seconds: dict[str, list[float]] = {"Evidently": []} | {way: [] for way in ways}
    for turn in range(max(repetitions, evidently_repetitions if python else 0)):
        if python and turn < evidently_repetitions:
            taken, drifted = evidently(python, files)
            seconds["Evidently"].append(taken)
        for way, measure in ways.items():
            if turn < (repetitions if way != "SciPy, exact" else 1):
                gc.collect()
                began = time.monotonic()
                found = measure()
                seconds[way].append(time.monotonic() - began)
                del found
    print(f"{rows:,} rows a side, {COLUMNS} columns, {os.cpu_count()} cores, median of {repetitions}")
    if python:
        print(f"Evidently ran {evidently_repetitions} time(s) and found drift in {drifted} columns")
    _print_table({way: median(taken) for way, taken in seconds.items() if taken})
    if not within_bounds(sketches, window, exact):
        sys.exit(1)


@main.command()
@click.option("--repetitions", default=3, show_default=True)
def scale(repetitions: int) -> None:
    """A window against a stored baseline by rows and by columns: the time of a million values must not grow."""
    print("| rows | columns | s | s for a million values |\n|--:|--:|--:|--:|")
    sizes = [(100_000, 40), (1_000_000, 40), (5_000_000, 40), (500_000, 10), (500_000, 40), (500_000, 160)]
    for rows, columns in sizes:
        sketches = sketched(make(BASELINE, 100_000, names_of(columns)))
        seconds = [0.0] * repetitions
        for chunk in in_chunks(names_of(columns), rows):  # as many columns as are held in memory at once
            window = make(WINDOW, rows, chunk)
            for turn in range(repetitions):
                began = time.monotonic()
                against(sketches, window)
                seconds[turn] += time.monotonic() - began
        taken = median(seconds)
        print(f"| {rows:,} | {columns} | {taken:.2f} | {taken / (rows * columns) * 1e6:.4f} |", flush=True)


def _deciles(sketch: NumericSketch) -> list[float]:
    return np.unique(sketch.histogram.grid[sketch.deciles]).tolist()


def _agree(ways: Mapping[str, Callable[[], Any]], names: Sequence[str]) -> None:
    """A first round, which warms up: all find the same index where the baseline has nine different deciles."""
    ours = ways["ours, a window"]()
    others = [{name: row["population_stability_index"] for name, row in ways["ours, both sides"]().items()}]
    others += [ways[way]() for way in ("Polars, hist", "Polars, comparisons")]
    for name in names:
        expected = ours[name]["population_stability_index"]
        assert all(np.isclose(found[name], expected, rtol=1e-9) for found in others), f"{name}: another index"


def _print_table(middle: Mapping[str, float]) -> None:
    bases = ["Evidently", "Polars, hist", "Polars, comparisons"]
    print(f"\n| way | s | of {' | of '.join(bases)} | aim |\n|---|--:|--:|--:|--:|---|")
    for way, taken in middle.items():
        ratios = {base: taken / middle[base] for base in bases if base in middle}
        aims = [(OF_EVIDENTLY.get(way), "Evidently"), (OF_POLARS.get(way), "Polars, hist")]
        said = [f"{aim}{': missed' if ratios[base] > aim else ''}" for aim, base in aims if aim and base in ratios]
        shown = " | ".join(f"{ratios[base]:.4f}" if base in ratios else "" for base in bases)
        print(f"| {way} | {taken:.2f} | {shown} | {', '.join(said)} |")


if __name__ == "__main__":
    main()
