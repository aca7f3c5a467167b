"""Input that no longer looks like the training is named, signal by signal; what cannot be compared says why."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from learnt_machine import MACHINE, MODEL, MONDAY, TRAINED, LearntMachine

from models.timeseries.input_drift import drifted
from models.timeseries.signals import Signals
from pipelines.signals.pinned import place_of
from pipelines.signals.span import Days

THURSDAY = MONDAY + timedelta(days=3)


@pytest.fixture
def machine(tmp_path: Path) -> LearntMachine:
    made = LearntMachine(tmp_path)
    made.trained_days()
    return made


def test_a_signal_that_has_shifted_leads_and_the_run_keeps_the_indices(machine: LearntMachine) -> None:
    machine.champion()
    machine.show(THURSDAY, off=4.0)
    (found,) = machine.drifting().look([MACHINE], Days(THURSDAY, THURSDAY))
    assert found.has_shifted
    assert (found.signals[0].signal, found.signals[0].verdict, found.signals[0].rows) == ("vibration", "shifted", 712)
    experiment, run = machine.runs.kept[-1]
    assert (experiment, run.params["model_version"]) == ("signals-drift", 1)
    assert run.metrics["vibration"] == found.signals[0].index


def test_the_days_of_the_training_have_not_drifted_from_themselves(machine: LearntMachine) -> None:
    machine.champion()
    (found,) = machine.drifting().look([MACHINE], TRAINED)
    assert {one.verdict for one in found.signals} == {"steady"}
    assert max(one.index for one in found.signals) == 0.0


def test_without_champion_rows_or_copy_it_says_why(machine: LearntMachine) -> None:
    (none,) = machine.drifting().look([MACHINE], TRAINED)
    assert "no champion" in none.why_not
    trained = machine.champion()
    (empty,) = machine.drifting().look([MACHINE], Days(THURSDAY, THURSDAY))
    assert "200 whole minutes" in empty.why_not
    place_of(machine.root / "mlflow", MODEL, trained.sha256).write_bytes(b"no Parquet")
    (torn,) = machine.drifting().look([MACHINE], TRAINED)
    assert "cannot be read" in torn.why_not


def test_another_mix_of_products_is_no_drift_of_a_signal() -> None:
    draw = np.random.default_rng(0)

    def rows(of_each: tuple[int, int]) -> Signals:
        regimes = np.repeat(np.array([0, 1], dtype=np.int64), of_each)
        values = draw.normal(size=(len(regimes), 1)) + 10.0 * regimes[:, None]
        return Signals(("a",), values, np.arange(float(len(regimes))), regimes)

    (mixed,) = drifted(rows((3000, 1000)), rows((1000, 3000)))
    assert mixed.index < 0.05
