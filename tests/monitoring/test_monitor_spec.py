"""What a declaration must and must not say, at import."""

from dataclasses import replace
from datetime import timedelta

import pytest

from feature_store import Misuse, WrongKind
from monitoring.flights.flight_delay import MONITOR
from monitoring.limits import MeanShift, NullRate, Patience, Psi, Severity
from monitoring.spec import Retraining, is_pattern
from monitoring.table_limits import Quality
from monitoring.windows.metrics import TABLE, WindowMetrics


def test_a_limit_on_a_column_is_one_or_several(example):
    monitor = example.monitor({"load": Psi(0.1), "prediction": [Psi(0.1), MeanShift(1.0)]})
    assert [str(limit) for limit in monitor.limits_of("load")] == ["psi at most 0.1"]
    assert [str(limit) for limit in monitor.limits_of("prediction")] == [
        "psi at most 0.1",
        "scaled_mean_shift at most 1",
    ]


def test_quality_belongs_to_the_table_and_nothing_else_does(example):
    with pytest.raises(Misuse, match=r"roc_auc at least 0.6 cannot be a limit on 'load'"):
        example.monitor({"load": Quality("roc_auc", at_least=0.6)})
    with pytest.raises(Misuse, match=r"psi at most 0.1 cannot be a limit on ':table'"):
        example.monitor({":table": Psi(0.1)})


def test_two_limits_for_one_measure_are_refused(example):
    with pytest.raises(Misuse, match="two limits for the same measure of 'load'"):
        example.monitor({"load": [Psi(0.1), Psi(0.2)]})


def test_a_limit_that_is_a_number_is_refused_with_the_remedy(example):
    with pytest.raises(WrongKind, match=r"the limit on 'load' is a float. Write for example Psi\(0.1\)"):
        example.monitor({"load": 0.1})


def test_a_monitor_without_limits_is_refused(example):
    with pytest.raises(Misuse, match="has no limits"):
        replace(example.monitor(), limits={})


def test_a_monitor_needs_an_owner_and_a_description(example):
    with pytest.raises(Misuse, match="lacks a description, an owner"):
        replace(example.monitor(), description=" ", owner="")


@pytest.mark.parametrize("window", [timedelta(0), timedelta(days=-1), timedelta(seconds=90)])
def test_a_window_is_whole_minutes(example, window):
    with pytest.raises(Misuse, match="whole number of minutes"):
        replace(example.monitor(), window=window)


def test_scores_and_labels_need_common_keys(example):
    scoring = example.monitor().scoring
    entities = replace(scoring.entities, columns=[*scoring.entities.columns, "parcel"])
    scoring = replace(scoring, entities=entities, primary_keys=["parcel"])
    with pytest.raises(Misuse, match="joined on 'parcel'"):
        replace(example.monitor(), scoring=scoring)


@pytest.mark.parametrize(("violations", "windows"), [(0, 1), (3, 2)])
def test_patience_is_possible(violations, windows):
    with pytest.raises(Misuse, match="at least one violation"):
        Patience(violations=violations, windows=windows)


@pytest.mark.parametrize("wrong", ["0.1", float("nan"), float("inf"), True, -0.1])
def test_a_limit_is_a_number_that_can_be_reached(wrong):
    with pytest.raises(Misuse, match="the limit"):
        Psi(wrong)


def test_a_severity_is_one_of_two():
    with pytest.raises(WrongKind, match=r"Severity.WARNING or Severity.CRITICAL, not 'critical'"):
        Psi(0.1, severity="critical")
    assert Severity.CRITICAL == "critical"


def test_a_measure_of_quality_is_suggested():
    with pytest.raises(Misuse, match="Did you mean roc_auc"):
        Quality("roc_aux", at_least=0.6)
    with pytest.raises(Misuse, match="either at_least or at_most"):
        Quality("roc_auc")
    with pytest.raises(Misuse, match="minimum_labels"):
        Quality("roc_auc", at_least=0.6, minimum_labels=0)


def test_retraining_waits_for_some_time():
    with pytest.raises(Misuse, match="cannot be negative"):
        Retraining(at_most_every=timedelta(days=-1))


def test_a_mean_may_move_either_way_and_other_limits_are_upper_ones():
    assert MeanShift(1.0).violated(-1.5)
    assert not MeanShift(1.0).violated(-1.0)
    assert NullRate(0.2).violated(0.21)
    assert not NullRate(0.2).violated(0.2)


def test_quality_may_be_bounded_from_either_side():
    assert Quality("roc_auc", at_least=0.7).violated(0.69)
    assert not Quality("roc_auc", at_least=0.7).violated(0.7)
    assert Quality("log_loss", at_most=0.5).violated(0.51)


def test_quality_is_not_judged_on_few_labels():
    limit = Quality("roc_auc", at_least=0.7, minimum_labels=100)
    assert limit.value(WindowMetrics(rows=1000, labelled=99, quality={"roc_auc": 0.5})) is None
    assert limit.value(WindowMetrics(rows=1000, labelled=100, quality={"roc_auc": 0.5})) == 0.5


def test_the_flights_monitor_has_limits_on_columns_that_are_scored():
    training = MONITOR.scoring.training
    scored = {TABLE, "prediction", *training.entity_columns}
    for lookup in training.lookups:
        names = lookup.feature_names or (list(lookup.table.features) if lookup.table else [])
        scored |= {lookup.output_name(name) for name in names}
    assert {name for name in MONITOR.limits if not is_pattern(name)} <= scored
