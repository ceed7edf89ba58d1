"""Kill -9 in the middle of publishing, training and scoring; a rerun then leaves what an undisturbed run leaves.

A run is killed, with its Java, once it has written a certain share of the files that the undisturbed run wrote, so that
it is killed at the same of its steps however fast the machine is.
"""

import os
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from mlflow import MlflowClient
from polars.testing import assert_frame_equal

from feature_store import FeatureStore, open_store
from inference.score import score
from inference.scoring.runs import RUNS_TABLE, SCORED
from tests.couriers import HOUR, SCORING, TRAINING, at, land, publish_features
from tests.safety.conftest import Other
from training.steps.champion import FINGERPRINT, PROMOTED_AS_OF
from training.steps.pipeline import train

MODEL = "test.couriers.late_order"
FEATURES = ("courier_load", "district_distance")
TRAINED_AS_OF, SCORED_AS_OF = at("15"), at("18")


def opened(workspace: Path) -> FeatureStore:
    return open_store(catalog="test", schema="couriers", workspace=workspace)


def copied(workspace: Path, name: str) -> Path:
    return Path(shutil.copytree(workspace, workspace.with_name(name)))


def files(workspace: Path) -> int:
    """How many files the run has written so far."""
    return sum(len(names) for _, _, names in os.walk(workspace))


@dataclass(frozen=True)
class Undisturbed:
    """The workspace before each of the three jobs, and after the last."""

    landed: Path
    published: Path
    trained: Path
    scored: Path

    @classmethod
    def run(cls, folder: Path) -> "Undisturbed":
        """Eighteen days of orders, one every three hours; a courier with six or more open orders is late."""
        landed = folder / "landed"
        hours = [(n, at("1") + n * 3 * HOUR, n * 3 % 10) for n in range(136)]
        orders = [
            (f"order {n}", f"courier {n % 5}", "old town", hour, hour + HOUR, load >= 6) for n, hour, load in hours
        ]
        land(opened(landed), orders=orders, counts=[(f"courier {n % 5}", hour, load) for n, hour, load in hours])
        published = copied(landed, "published")
        publish_features(opened(published), as_of=SCORED_AS_OF)
        trained = copied(published, "trained")
        train(opened(trained), TRAINING, as_of=TRAINED_AS_OF)
        scored = copied(trained, "scored")
        score(opened(scored), SCORING, as_of=SCORED_AS_OF)
        return cls(landed, published, trained, scored)


def rows(workspace: Path, name: str) -> pl.DataFrame:
    """All rows of the table, in order, without what differs from run to run."""
    found = pl.read_delta(str(workspace / "warehouse" / "test" / "couriers" / name))
    return found.select(pl.exclude("run_id", "model_version")).sort(pl.all())


def killed(other: Other, workspace: Path, verb: str, *, day: str, after: int) -> None:
    """Begin ``verb`` in the other process, and kill it once ``after`` files more are there."""
    assert other.answer() == {"result": "ready"}
    before = files(workspace)
    other.begin(verb, opened(workspace), day=day)
    while files(workspace) < before + after and other.process.poll() is None:
        time.sleep(0.001)
    other.kill()


def publishing(undisturbed: Undisturbed, other: Other, share: float) -> None:
    """Publishing that was killed is completed by a rerun."""
    after = _after(undisturbed.landed, undisturbed.published, share)
    workspace = copied(undisturbed.landed, f"publishing-{other.process.pid}")
    killed(other, workspace, "publish", day="18", after=after)

    publish_features(opened(workspace), as_of=SCORED_AS_OF)

    for name in FEATURES:
        assert_frame_equal(rows(workspace, name), rows(undisturbed.published, name))


def training(undisturbed: Undisturbed, other: Other, share: float) -> None:
    """Training that was killed is completed by a rerun, and no version that is half done takes office."""
    after = _after(undisturbed.published, undisturbed.trained, share)
    opened(undisturbed.trained)
    fingerprint = MlflowClient().get_model_version_by_alias(MODEL, "champion").tags[FINGERPRINT]
    workspace = copied(undisturbed.published, f"training-{other.process.pid}")
    killed(other, workspace, "train", day="15", after=after)

    trained = train(opened(workspace), TRAINING, as_of=TRAINED_AS_OF)

    champion = MlflowClient().get_model_version_by_alias(MODEL, "champion")
    assert str(champion.version) == trained.version
    assert champion.tags[FINGERPRINT] == fingerprint
    in_office = [one for one in MlflowClient().search_model_versions(f"name = '{MODEL}'") if PROMOTED_AS_OF in one.tags]
    assert [str(one.version) for one in in_office] == [trained.version]
    kept = pl.read_delta(str(workspace / "warehouse" / "test" / "couriers" / "late_order_training_set"))
    learned = kept.filter(model_version=trained.version).select(pl.exclude("model_version")).sort(pl.all())
    assert_frame_equal(learned, rows(undisturbed.trained, "late_order_training_set"))
    assert set(kept["model_version"].value_counts()["count"]) == {len(learned)}


def scoring(undisturbed: Undisturbed, other: Other, share: float) -> None:
    """Scoring that was killed is completed by a rerun, and each commit of scores has its row of the log."""
    after = _after(undisturbed.trained, undisturbed.scored, share)
    workspace = copied(undisturbed.trained, f"scoring-{other.process.pid}")
    killed(other, workspace, "score", day="18", after=after)

    store = opened(workspace)
    score(store, SCORING, as_of=SCORED_AS_OF)

    assert_frame_equal(rows(workspace, "late_order_scores"), rows(undisturbed.scored, "late_order_scores"))
    log = store.tables.collect(RUNS_TABLE, ["score_table_version"], only={"outcome": SCORED})
    written = [one.version for one in store.tables.history("late_order_scores") if one.commit]
    assert sorted(log["score_table_version"].to_pylist()) == sorted(written)


def _after(before: Path, after: Path, share: float) -> int:
    """So many files are written when ``share`` of the job is done."""
    return max(1, round(share * (files(after) - files(before))))


KILLS: dict[str, Callable[[Undisturbed, Other, float], None]] = {
    kill.__name__: kill for kill in (publishing, training, scoring)
}
