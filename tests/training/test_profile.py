"""What a profile sets, and what is said of one that cannot be right."""

from dataclasses import replace
from pathlib import Path

import pytest

from feature_store import Misuse, NotFound
from feature_store.yaml_files import InvalidFile
from tests.couriers import TRAINING
from training.profile import FOLDER, SearchBudget, Settings, load_profile, with_limits
from training.spec import AtLeast, AtMost, NotWorse


@pytest.fixture
def profile(tmp_path: Path):
    """The settings of the model ``late_order`` in a profile with this text."""

    def load(text: str) -> Settings:
        (tmp_path / "night.yml").write_text(text)
        return load_profile("night", TRAINING, models=["late_order", "early_order"], folder=tmp_path)

    return load


def test_an_empty_profile_leaves_everything_as_the_spec_has_it(profile) -> None:
    assert profile("") == Settings(
        sample_fraction=1.0, search=SearchBudget(), run_mode="enabled", gates={}, profile="night"
    )


def test_what_is_set_for_a_model_wins_over_what_is_set_for_all_key_by_key(profile) -> None:
    text = """
        sample_fraction: 0.5
        search: {trials: 10, workers: 2}
        run_mode: dry_run
        models:
          late_order: {sample_fraction: 1, search: {trials: 3}, gates: {roc_auc: 0.7}}
          early_order: {run_mode: disabled}
    """
    assert profile(text) == Settings(
        sample_fraction=1.0,
        search=SearchBudget(trials=3, workers=2),
        run_mode="dry_run",
        gates={"roc_auc": 0.7},
        profile="night",
    )


def test_all_that_is_wrong_is_told_at_once_with_file_line_and_the_closest_names(profile) -> None:
    text = "sample_fractoin: 0.5\nsearch:\n  trials: many\n  minutes: -1\nrun_mode: enable\nmodels:\n  late_order:\n    gate: {}\n"
    with pytest.raises(InvalidFile) as refused:
        profile(text)
    assert str(refused.value).splitlines() == [
        "5 problems in profile night:",
        "  training/profiles/night.yml, line 1: unknown key 'sample_fractoin' in profile night; did you mean sample_fraction?",
        "  training/profiles/night.yml, line 3: trials in search must be a whole number, not 'many'",
        "  training/profiles/night.yml, line 4: minutes in search: input should be greater than 0",
        "  training/profiles/night.yml, line 5: run_mode is 'enable' in profile night; did you mean enabled?",
        "  training/profiles/night.yml, line 8: unknown key 'gate' in models.late_order; did you mean gates?",
    ]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "models: {late_odrer: {}}",
            "training/profiles/night.yml, line 1: there is no model 'late_odrer'; did you mean late_order?",
        ),
        (
            "models:\n  late_order:\n    gates:\n      roc_acu: 0.5",
            "training/profiles/night.yml, line 4: model late_order declares no gate on 'roc_acu'; did you mean roc_auc?",
        ),
        ("sample_fraction: 0", "training/profiles/night.yml, line 1: sample_fraction in profile night: input should be greater than 0"),
        ("- 1", "training/profiles/night.yml, line 1: a mapping (`key: value` lines) is expected at the top"),
        ("a: b: c", "training/profiles/night.yml, line 1: not valid YAML: mapping values are not allowed here"),
    ],
)  # fmt: skip
def test_a_profile_that_cannot_be_right_is_refused(profile, text: str, told: str) -> None:
    with pytest.raises(InvalidFile) as refused:
        profile(text)
    assert str(refused.value) == told


def test_a_profile_that_is_not_there_is_refused_with_the_closest_names() -> None:
    with pytest.raises(
        NotFound,
        match=r"no profile 'prd' in training/profiles\. Did you mean prod\? There are: dev, local, prod, staging, test\.",
    ):
        load_profile("prd", TRAINING)


@pytest.mark.parametrize("name", sorted(file.stem for file in FOLDER.glob("*.yml")))
def test_the_profiles_of_this_project_can_be_read(name: str) -> None:
    assert load_profile(name, TRAINING).sample_fraction > 0


def test_a_profile_gives_gates_other_limits_and_leaves_comparisons_alone() -> None:
    spec = replace(TRAINING, gates={"roc_auc": [AtLeast(0.6), NotWorse(by=0.1)], "brier_score": AtMost(0.2)})

    assert with_limits(spec, {"roc_auc": 0.7}).gates == {
        "roc_auc": [AtLeast(0.7), NotWorse(by=0.1)],
        "brier_score": AtMost(0.2),
    }
    with pytest.raises(Misuse, match="'late_order' has no gate on 'accuracy'"):
        with_limits(spec, {"accuracy": 0.7})
