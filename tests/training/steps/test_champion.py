"""Who is champion, who was, and who has to be beaten: against a real registry."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta

import pytest
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from feature_store.errors import Misuse, NotFound
from tests.registries import new_registry
from training.steps.champion import (
    CHALLENGER,
    CHAMPION,
    Champion,
    champion_at,
    champion_before,
    promote,
    promote_by_hand,
    promotions,
    roll_back,
    settle,
)

JULY, AUGUST, SEPTEMBER, OCTOBER = (datetime(2013, month, 1, tzinfo=UTC) for month in (7, 8, 9, 10))
MICROSECOND = timedelta(microseconds=1)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowClient]:
    """One SQLite registry for the module."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("MLFLOW_TRACKING_URI", new_registry(tmp_path_factory.mktemp("registry")))
        environment.delenv("PIPELINE_SET_MLFLOW_TRACKING_URI", raising=False)
        yield MlflowClient()


@pytest.fixture
def model(registry: MlflowClient, request: pytest.FixtureRequest) -> str:
    """A model of the test's own, with versions 1, 2 and 3."""
    name = f"test.flights.{request.function.__name__}"
    registry.create_registered_model(name)
    for _ in range(3):
        registry.create_model_version(name, source="/a/model/without/files")
    return name


def in_office(registry: MlflowClient, model: str) -> str:
    return str(registry.get_model_version_by_alias(model, CHAMPION).version)


def test_a_promotion_moves_the_alias_and_leaves_its_moment_and_reason_on_the_version(
    registry: MlflowClient, model: str
) -> None:
    promote(model, "2", as_of=JULY, reason="passed roc_auc")

    assert in_office(registry, model) == "2"
    assert registry.get_model_version(model, "2").tags == {
        "promoted_as_of": "2013-07-01T00:00:00+00:00",
        "promotion_reason": "passed roc_auc",
        "promoted_by": "train-model",
    }


def test_each_moment_has_the_champion_that_was_in_office_then(model: str) -> None:
    promote(model, "1", as_of=JULY, reason="first")
    promote(model, "3", as_of=SEPTEMBER, reason="better")

    assert champion_at(model, JULY) == Champion(model, "1", JULY)
    assert champion_at(model, SEPTEMBER - MICROSECOND) == Champion(model, "1", JULY)
    assert champion_at(model, SEPTEMBER) == Champion(model, "3", SEPTEMBER)
    assert champion_at(model, OCTOBER).uri == f"models:/{model}/3"


def test_before_the_first_champion_the_first_one_that_came_is_meant(model: str) -> None:
    promote(model, "2", as_of=AUGUST, reason="first")

    assert champion_at(model, JULY) == Champion(model, "2", AUGUST)


def test_a_moment_without_an_offset_is_utc(model: str) -> None:
    promote(model, "1", as_of=datetime(2013, 7, 1), reason="first")

    assert champion_at(model, datetime(2013, 7, 1)) == Champion(model, "1", JULY)


def test_a_challenger_has_to_beat_who_was_promoted_before_it_and_not_at_its_own_moment(model: str) -> None:
    promote(model, "1", as_of=JULY, reason="first")
    promote(model, "2", as_of=SEPTEMBER, reason="better")

    assert champion_before(model, JULY) is None
    assert champion_before(model, SEPTEMBER) == Champion(model, "1", JULY)
    assert champion_before(model, OCTOBER) == Champion(model, "2", SEPTEMBER)


def test_replaying_an_old_moment_does_not_depose_a_champion_promoted_later(registry: MlflowClient, model: str) -> None:
    promote(model, "1", as_of=JULY, reason="first")
    promote(model, "2", as_of=SEPTEMBER, reason="better")

    promote(model, "3", as_of=AUGUST, reason="a replay")

    assert in_office(registry, model) == "2"
    assert [champion.version for champion in promotions(model)] == ["1", "3", "2"]
    assert champion_at(model, SEPTEMBER - MICROSECOND).version == "3"
    assert champion_at(model, OCTOBER).version == "2"


def test_of_two_versions_promoted_as_of_the_same_moment_the_newer_one_is_champion(
    registry: MlflowClient, model: str
) -> None:
    promote(model, "1", as_of=JULY, reason="first")
    promote(model, "2", as_of=JULY, reason="after the definition was changed")

    assert champion_at(model, JULY).version == "2"
    assert in_office(registry, model) == "2"


def test_another_alias_has_no_history_and_its_version_of_today_is_meant(registry: MlflowClient, model: str) -> None:
    promote(model, "1", as_of=JULY, reason="first")
    registry.set_registered_model_alias(model, CHALLENGER, "3")

    assert champion_at(model, JULY, alias=CHALLENGER).version == "3"
    with pytest.raises(NotFound, match="has no alias 'chalenger'"):
        champion_at(model, JULY, alias="chalenger")


def test_a_model_that_was_never_promoted_says_so_and_what_to_run(model: str) -> None:
    with pytest.raises(NotFound) as refused:
        champion_at(model, JULY)

    assert str(refused.value) == (
        f"Model {model} has no champion: its versions 1, 2, 3 were never promoted. "
        f"Run train-model {model.removeprefix('test.flights.')}."
    )


@pytest.mark.usefixtures("registry")
def test_a_model_that_was_never_trained_says_so_and_what_to_run() -> None:
    with pytest.raises(NotFound) as refused:
        champion_at("test.flights.flight_delay", JULY)

    assert str(refused.value) == (
        "Model test.flights.flight_delay has no champion: it was never trained. Run train-model flight_delay."
    )
    assert champion_before("test.flights.flight_delay", JULY) is None


def test_a_champion_that_comes_back_was_in_office_twice_and_each_time_has_its_own_reason(
    registry: MlflowClient, model: str
) -> None:
    promote(model, "1", as_of=JULY, reason="passed roc_auc")
    promote(model, "2", as_of=AUGUST, reason="passed roc_auc")

    assert roll_back(model, "1", as_of=SEPTEMBER, reason="2 is late at night", by="eve") == "2"

    assert in_office(registry, model) == "1"
    assert registry.get_model_version(model, "1").tags == {
        "promoted_as_of": "2013-07-01T00:00:00+00:00",
        "promotion_reason": "passed roc_auc",
        "promoted_by": "train-model",
        "promoted_as_of.2": "2013-09-01T00:00:00+00:00",
        "promotion_reason.2": "2 is late at night",
        "promoted_by.2": "eve",
    }
    moments = [JULY, AUGUST, SEPTEMBER - MICROSECOND, SEPTEMBER, OCTOBER]
    assert [champion_at(model, moment).version for moment in moments] == ["1", "2", "2", "1", "1"]


def test_a_version_is_promoted_by_hand_by_its_number_or_by_an_alias(registry: MlflowClient, model: str) -> None:
    registry.set_registered_model_alias(model, CHALLENGER, "3")

    assert promote_by_hand(model, "2", as_of=JULY, reason="looked at", by="eve") == ""
    assert promote_by_hand(model, CHALLENGER, as_of=AUGUST, reason="looked at", by="eve") == "2"
    assert in_office(registry, model) == "3"


def test_what_cannot_be_promoted_or_gone_back_to_is_refused_and_nothing_moves(
    registry: MlflowClient, model: str
) -> None:
    promote(model, "1", as_of=JULY, reason="first")
    promote(model, "2", as_of=SEPTEMBER, reason="better")
    short = model.removeprefix("test.flights.")

    for change, version, as_of, error, told in [
        (promote_by_hand, "2", OCTOBER, Misuse, f"Version 2 of {model} is champion already, since 2013-09-01 00:00."),
        (
            promote_by_hand, "3", AUGUST, Misuse,
            f"Version 2 of {model} was promoted as of 2013-09-01 00:00, which is after 2013-08-01 00:00: nobody takes office before it.",
        ),
        (
            promote_by_hand, "7", OCTOBER, NotFound,
            f"Model {model} has no version '7'. Its versions: 1, 2, 3; its aliases: champion.",
        ),
        (
            roll_back, "3", OCTOBER, Misuse,
            f"Version 3 of {model} never was champion, so there is nothing to go back to; those that were: 1, 2. To make it "
            f"champion: train-model {short} --promote 3.",
        ),
        (roll_back, "2", OCTOBER, Misuse, f"Version 2 of {model} is champion already, since 2013-09-01 00:00."),
    ]:  # fmt: skip
        with pytest.raises(error) as refused:
            change(model, version, as_of=as_of, reason="why not", by="eve")
        assert str(refused.value) == told
    assert in_office(registry, model) == "2"
    assert [champion.version for champion in promotions(model)] == ["1", "2"]


def test_a_registry_that_fails_half_way_leaves_the_alias_where_it_was(registry: MlflowClient, model: str) -> None:
    """The tags come first: an alias without them would be a champion that no replay finds."""
    promote(model, "1", as_of=JULY, reason="first")
    with refusing(registry, "model_version_tags"), pytest.raises(MlflowException):
        promote(model, "2", as_of=AUGUST, reason="better")
    assert in_office(registry, model) == "1"

    with refusing(registry, "registered_model_aliases"), pytest.raises(MlflowException):
        promote(model, "2", as_of=AUGUST, reason="better")
    assert in_office(registry, model) == "1"
    settle(model)
    assert in_office(registry, model) == "2"


@contextmanager
def refusing(registry: MlflowClient, table: str) -> Iterator[None]:
    """The registry's own database refuses to write this table."""
    with closing(sqlite3.connect(registry.tracking_uri.removeprefix("sqlite:///"))) as database:
        for verb in ("INSERT", "UPDATE"):
            database.execute(
                f"CREATE TRIGGER refuse_{verb} BEFORE {verb} ON {table} BEGIN SELECT RAISE(ABORT, 'disk full'); END"
            )
        database.commit()
        try:
            yield
        finally:
            for verb in ("INSERT", "UPDATE"):
                database.execute(f"DROP TRIGGER refuse_{verb}")
            database.commit()
