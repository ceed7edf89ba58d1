"""The pictures of docs/monitoring.md, from a workspace whose untouched year was checked by `faults.py year`.

python benchmarks/pictures.py --workspace DIR/year --out docs/monitoring
"""

from datetime import UTC, datetime
from pathlib import Path

import click
import matplotlib as mpl
import polars as pl

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

WAREHOUSE = "warehouse/dev/flights"
LIMIT = {"color": "firebrick", "linestyle": "--", "linewidth": 1}


@click.command()
@click.option("--workspace", type=click.Path(path_type=Path, exists=True), required=True)
@click.option("--out", type=click.Path(path_type=Path), required=True)
def main(workspace: Path, out: Path) -> None:
    """Draw them."""
    out.mkdir(parents=True, exist_ok=True)
    tables = workspace / WAREHOUSE
    profile = pl.read_delta(str(tables / "flight_delay_scores_profile_metrics")).filter(pl.col("slice_key").is_null())
    drift = pl.read_delta(str(tables / "flight_delay_scores_drift_metrics")).filter(
        pl.col("slice_key").is_null(), pl.col("drift_type") == "BASELINE"
    )
    flights = pl.read_delta(str(tables / "flights"))
    weather = pl.read_delta(str(tables / "airport_weather_profile_metrics"))
    delays_and_predictions(flights, profile, out / "delays.png")
    drift_by_week(drift, out / "drift.png")
    quality_by_week(profile, out / "quality.png")
    sensors_by_day(weather, out / "sensors.png")


def delays_and_predictions(flights: pl.DataFrame, profile: pl.DataFrame, file: Path) -> None:
    """What happened, and what was predicted of it."""
    weekly = flights.group_by(pl.col("decided_at").dt.truncate("1w")).agg(pl.col("is_late").mean()).sort("decided_at")
    predicted = profile.filter(pl.col("column_name") == "prediction").sort("window_start")
    figure, axes = plt.subplots(figsize=(9, 3))
    axes.plot(weekly["decided_at"][1:-1], weekly["is_late"][1:-1], label="share of flights that arrived late")
    axes.plot(predicted["window_start"], predicted["avg"], label="mean prediction")
    for month in (7, 10, 12):
        axes.axvline(datetime(2013, month, 1, tzinfo=UTC), color="grey", linewidth=0.8)
    finished(figure, axes, "Late flights by week of 2013; grey: a new champion", file)


def drift_by_week(drift: pl.DataFrame, file: Path) -> None:
    """The population stability index of predictions and of a feature."""
    figure, axes = plt.subplots(figsize=(9, 3))
    for column in ("prediction", "mean_departure_delay_minutes_3h", "share_departed_late_3h", "carrier"):
        one = drift.filter(pl.col("column_name") == column).sort("window_start")
        axes.plot(one["window_start"], one["population_stability_index"], marker=".", label=column)
    axes.axhline(0.25, **LIMIT)
    finished(figure, axes, "Population stability index by week, against what the champion learned from", file)


def quality_by_week(profile: pl.DataFrame, file: Path) -> None:
    """ROC AUC and calibration."""
    table = profile.filter(pl.col("column_name") == ":table").sort("window_start")
    figure, axes = plt.subplots(figsize=(9, 3))
    for name, limit in (("roc_auc_score", 0.65), ("calibration_error", 0.10)):
        values = [_positive(value) for value in table[name].to_list()]
        (line,) = axes.plot(table["window_start"], values, marker=".", label=name)
        axes.axhline(limit, color=line.get_color(), linestyle="--", linewidth=1)
    finished(figure, axes, "Quality by week, with its limits", file)


def sensors_by_day(weather: pl.DataFrame, file: Path) -> None:
    """What is held against the three airports' instruments."""
    table = weather.filter((pl.col("column_name") == ":table") & pl.col("slice_key").is_not_null())
    figure, places = plt.subplots(2, 1, figsize=(9, 4.5), sharex=True)
    limits = {"temperature_range_f": 1.0, "humidity_gap_percent": 3.0}
    for axes, (name, limit) in zip(places, limits.items(), strict=True):
        for (origin,), rows in table.sort("window_start").group_by("slice_value", maintain_order=True):
            values = [dict(pairs or {}).get(name) for pairs in rows["custom_metrics"].to_list()]
            axes.plot(rows["window_start"], values, linewidth=0.8, label=str(origin))
        axes.axhline(limit, **LIMIT)
        axes.set_title(f"{name} by day and airport, with its limit", fontsize=10)
    finished(figure, places[0], "temperature_range_f by day and airport, with its limit", file)


def _positive(value: object) -> object:
    """A measure, or that of the positive class."""
    return dict(value["one_vs_all"]).get("true") if isinstance(value, dict) else value


def finished(figure: plt.Figure, axes: Axes, title: str, file: Path) -> None:
    """Write it."""
    axes.set_title(title, fontsize=10)
    axes.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(file, dpi=90)
    plt.close(figure)


if __name__ == "__main__":
    main()
