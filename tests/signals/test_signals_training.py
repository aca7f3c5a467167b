"""Challengers from the lake: what is left out, what is refused, and that the same rows give the same bytes."""

from __future__ import annotations

import hashlib
import re
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from learnt_machine import MACHINE, MODEL, MONDAY, NOW, SIGNALS, TRAINED, LearntMachine, at
from shelves import approval, bundle

from factolake.contracts import silver
from factolake.contracts.formats.arrow import arrow_schema
from factolake.contracts.silver_features import FEATURES_WINDOW, WINDOW_REGIMES
from factolake.contracts.silver_mes import MACHINE_ALERTS
from factolake.contracts.table import Table, Type
from factolake.domain.calendar import PlannedStop
from factolake.errors import ModelRefused
from models.timeseries.machine.fit import MachineSettings
from pipelines.signals.learning import Lessons
from pipelines.signals.leaving_out import NAMED_DAY, PLANNED_STOP, STOP, TRUE_ALERT
from pipelines.signals.pinned import Fitted, kept, place_of
from pipelines.signals.reading import Reader
from pipelines.signals.span import Days

_BLANK = {Type.STRING: "x", Type.INT32: 1, Type.INT64: 1, Type.FLOAT64: 1.0, Type.BOOL: False, Type.TIMESTAMP: NOW, Type.DATE: NOW.date()}


@pytest.fixture
def machine(tmp_path: Path) -> LearntMachine:
    made = LearntMachine(tmp_path)
    made.trained_days()
    return made


def put(learnt: LearntMachine, table: Table, **given: object) -> None:
    row = {c.name: None if c.nullable else (c.values[0] if c.values else _BLANK[c.type]) for c in table.columns} | given
    learnt.lake.ensure(table)
    learnt.lake.open(table).append(pa.Table.from_pylist([row], arrow_schema(table)), {})


def test_a_challenger_says_what_it_was_fitted_on_and_nothing_is_champion(machine: LearntMachine) -> None:
    trained = machine.train()
    found = machine.models.challenger(MODEL)
    assert (found.version, found.sha256, found.bundle.created_by) == (trained.version, trained.sha256, "eva")
    assert [(one.name, one.unit) for one in found.bundle.signals] == list(zip(SIGNALS, ("CEL", "AMP", "CEL", "C16"), strict=True))
    assert found.bundle.trained_on == {table.name: machine.lake.open(table).version for table in (FEATURES_WINDOW, WINDOW_REGIMES)}
    assert found.bundle.metrics["rows"] == 3 * (720 - 8)
    assert found.bundle.metrics["alerts_a_week"] >= 0
    with pytest.raises(ModelRefused, match="has no champion"):
        machine.models.champion(MODEL)


def test_the_run_has_the_versions_and_the_hash_of_the_copy_of_the_rows(machine: LearntMachine) -> None:
    trained = machine.train()
    ((experiment, run),) = machine.runs.kept
    assert (experiment, trained.run) == ("signals", "run-1")
    assert run.params["version_of_silver.features_window"] == machine.lake.open(FEATURES_WINDOW).version
    copy = place_of(machine.root / "mlflow", MODEL, trained.sha256).read_bytes()
    assert run.tags["rows_sha256"] == hashlib.sha256(copy).hexdigest()
    assert (run.tags["model_version"], run.tags["model_sha256"]) == ("1", trained.sha256)


def test_the_same_rows_give_the_same_bundle_and_so_does_their_copy(machine: LearntMachine) -> None:
    first = machine.train()
    copy = kept(machine.root / "mlflow", MODEL, first.sha256)
    assert Fitted.of(copy.content()).content() == copy.content()
    again = MachineSettings().fit(copy.signals, copy.products)
    assert again.to_json() == machine.models.version(MODEL, first.version).bundle.model.to_json()
    second = machine.train()
    assert (second.sha256, second.version) == (first.sha256, 2)


def test_stops_true_alerts_and_named_days_are_left_out(machine: LearntMachine) -> None:
    put(machine, silver.DOWNTIME, machine=MACHINE, from_ts=at(MONDAY, 2), to_ts=at(MONDAY, 3), from_day=MONDAY)
    put(machine, silver.DOWNTIME, machine=MACHINE, from_ts=at(MONDAY, 9), to_ts=at(MONDAY, 10), from_day=MONDAY, state="starved")
    put(machine, silver.DOWNTIME, machine="L1-M1", from_ts=at(MONDAY, 4), to_ts=at(MONDAY, 5), from_day=MONDAY)
    alert = {"equipment": MACHINE, "onset_ts": at(MONDAY, 22), "ended_ts": at(MONDAY, 23)}
    put(machine, MACHINE_ALERTS.table, **alert, verdict="true")
    put(machine, MACHINE_ALERTS.table, **alert | {"onset_ts": at(MONDAY, 20)}, verdict="false")
    put(machine, MACHINE_ALERTS.table, **alert | {"onset_ts": at(MONDAY, 20)}, verdict="true", removed_ts=NOW)
    planned = PlannedStop("L1", at(MONDAY, 6), at(MONDAY, 7), "cleaning", at(MONDAY, 0), "eva")
    elsewhere = replace(planned, scope="L1-M1", from_ts=at(MONDAY, 7), to_ts=at(MONDAY, 8))
    plant = replace(machine.plant, calendar=replace(machine.plant.calendar, planned_stops=(planned, elsewhere)))
    lessons = Lessons.now(machine.lake, plant)
    lesson = lessons.of(MACHINE, TRAINED, [MONDAY + timedelta(days=1)])
    assert lesson.left_out == {STOP: 30, PLANNED_STOP: 30, TRUE_ALERT: 30, NAMED_DAY: 712}
    assert lesson.rows == 3 * 712 - 3 * 30 - 712
    hour = (lesson.fitted.signals.seconds >= at(MONDAY, 2).timestamp()) & (lesson.fitted.signals.seconds < at(MONDAY, 3).timestamp())
    assert set(lesson.fitted.signals.regimes[hour].tolist()) == {-1}
    assert set(lessons.versions) == {"silver.features_window", "silver.window_regimes", "silver.downtime", "silver.machine_alerts"}


def test_a_signal_that_is_mostly_missing_is_left_out_and_named(machine: LearntMachine) -> None:
    machine.show(MONDAY, signals=SIGNALS[:3])
    trained = machine.train()
    assert [one.name for one in machine.models.challenger(MODEL).bundle.signals] == list(SIGNALS[:3])
    assert trained.left_out.startswith("signals left out")
    assert "vibration 66.7%" in trained.left_out


@pytest.mark.parametrize(
    ("days", "named", "said"),
    [
        (Days(date(2026, 2, 1), date(2026, 2, 2)), [], "L1-M2 has no minute in 2026-02-01 to 2026-02-02 to learn from: 0 minutes have windows"),
        (Days(MONDAY, MONDAY), [MONDAY], "720 minutes have windows, in 712 of them it ran .*, 712 of those are left out: day left out by name"),
    ],
)
def test_too_little_is_refused_in_a_sentence(machine: LearntMachine, days: Days, named: list[date], said: str) -> None:
    trained, refused = machine.trainer().train_all([MACHINE], days, "eva", named)
    assert trained == []
    assert re.search(said, refused[MACHINE])
    assert machine.models.names() == []


def test_few_minutes_are_refused_with_how_many_it_takes(machine: LearntMachine) -> None:
    machine.show(MONDAY, hours=2)
    _, refused = machine.trainer().train_all([MACHINE], Days(MONDAY, MONDAY), "eva")
    assert "90 whole rows" in refused[MACHINE]


def test_before_there_are_windows_training_says_so(tmp_path: Path) -> None:
    with pytest.raises(ModelRefused, match=r"silver\.features_window and silver\.window_regimes not there yet"):
        LearntMachine(tmp_path).train()


def test_a_challenger_is_compared_with_the_champion_on_the_same_days(machine: LearntMachine) -> None:
    machine.champion()
    metrics = machine.train().metrics
    assert (metrics["champion_version"], metrics["agreement"]) == (1.0, 1.0)
    assert metrics["champion_alerts_a_week"] == metrics["challenger_alerts_a_week"]


def test_an_older_version_of_the_tables_is_still_there_to_learn_from(machine: LearntMachine) -> None:
    first = machine.train()
    machine.show(MONDAY, off=5.0)
    trained_on = machine.models.version(MODEL, first.version).bundle.trained_on
    lessons = Lessons.now(machine.lake, machine.plant)
    assert lessons.versions != trained_on
    then = Lessons(machine.plant, Reader.now(machine.lake, trained_on), lessons.known).of(MACHINE, TRAINED)
    assert then.fitted.content() == kept(machine.root / "mlflow", MODEL, first.sha256).content()
    assert not np.array_equal(lessons.of(MACHINE, TRAINED).fitted.signals.values, then.fitted.signals.values)


def test_a_promoted_model_of_another_kind_is_no_champion_to_compare_with(machine: LearntMachine) -> None:
    version = machine.models.log_model(bundle(name=MODEL))
    machine.models.promote(MODEL, version, approval(machine.models, version, MODEL), NOW)
    assert "agreement" not in machine.train().metrics
