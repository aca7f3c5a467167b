"""The simulated plant as a benchmark: machine-weeks are asked for without their truth, and alerts are judged by when they came and what they name."""

import dataclasses
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from factolake.plant.truth import Degraded
from models.evaluation import plant_weeks
from models.evaluation.plant import Found, SimulatedPlant, Truth, Warned, machine_model, right_signals
from models.evaluation.plant_weeks import HARMLESS_KINDS, Watched
from models.evaluation.suite import OWN, Fold

ONSET = datetime(2026, 3, 17, 6, 0, tzinfo=UTC)
FAILURE = ONSET + timedelta(hours=40)
LEAK = Degraded("L1-M3", "leak", ONSET, FAILURE, FAILURE + timedelta(hours=1), ("air_pressure", "air_flow", "power"))


def warned(hours: float, signal: str = "air_flow", *, told: bool = True) -> Warned:
    return Warned((ONSET + timedelta(hours=hours)).timestamp(), signal, told)


def test_the_first_alert_that_people_are_told_of_after_the_onset_counts() -> None:
    found = Found.of(LEAK, (warned(-3.0), warned(2.0, told=False), warned(10.0), warned(12.0, "air_pressure"), warned(41.0)))
    assert (found.left_s, found.after_s, found.beside) == (30 * 3600.0, 10 * 3600.0, 2)
    assert (found.is_right, found.is_telling) == (True, False)
    assert not Found.of(LEAK, (warned(-1.0), warned(40.5))).was_found


@pytest.mark.parametrize(
    ("kind", "signals", "right"),
    [
        ("bearing_wear", ("vibration", "bearing_temp", "motor_current"), {"vibration", "bearing_temp"}),
        ("clogging", ("oil_flow", "oil_pressure", "power"), {"oil_flow", "oil_pressure"}),
        ("leak", ("air_pressure", "air_flow", "power"), {"air_pressure", "air_flow"}),
        ("tool_wear", ("torque", "motor_current", "spindle_load"), {"torque", "motor_current", "spindle_load"}),
        ("sensor_drift", ("coolant_temp",), {"coolant_temp"}),
        ("setpoint_error", ("oil_temp",), {"oil_temp"}),
        ("setpoint_error", ("motor_speed", "power", "air_flow"), {"motor_speed", "speed_setpoint"}),
    ],
)
def test_right_is_what_a_degradation_moves_far(kind: str, signals: tuple[str, ...], right: set[str]) -> None:
    assert set(right_signals(Degraded("L1-M1", kind, ONSET, None, None, signals))) == right


def test_breakdowns_warned_of_are_counted_with_the_signal_and_the_lead() -> None:
    drift = Degraded("L1-M1", "sensor_drift", ONSET, None, FAILURE, ("coolant_temp",))
    judged = [
        (Truth(LEAK), (warned(10.0),)),
        (Truth(LEAK), (warned(39.6),)),
        (Truth(LEAK), (warned(20.0, "voltage"),)),
        (Truth(drift), (warned(5.0, "coolant_temp"),)),
        (Truth(None), ()),
        (Truth(None), (warned(1.0), warned(2.0), warned(3.0, told=False))),
    ]
    benchmark = SimulatedPlant()
    figures = benchmark.figures(judged)
    assert (figures["breakdowns"], figures["warned"], figures["warned_right_signal_first"]) == (3, 2, 1)
    assert (figures["sensor_drifts"], figures["sensor_drifts_found"], figures["delay_h sensor_drift"]) == (1, 1, 5.0)
    assert (figures["alerts_a_healthy_week"], figures["alerts_a_healthy_week_worst"]) == (1.5, 3.0)
    assert [bar.is_reached for bar in benchmark.bars({OWN: figures})] == [False, False]


@pytest.fixture(scope="module")
def folds(tmp_path_factory: pytest.TempPathFactory) -> list[Fold[Watched, Truth]]:
    """A small plant of the same make, weeks of 16 hours: its machine begins to wear in the last, or is set wrong; and the healthy one beside it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plant_weeks, "WEEK", timedelta(hours=16))
        return list(SimulatedPlant((1001,), ()).folds(tmp_path_factory.mktemp("none")))


@pytest.fixture
def short(folds: list[Fold[Watched, Truth]]) -> Watched:
    """The machine that begins to wear."""
    return folds[0].seen


def test_a_seed_asks_for_a_worn_machine_the_one_beside_it_and_one_set_wrong(folds: list[Fold[Watched, Truth]]) -> None:
    found = [(fold.seen.machine, fold.truth.degraded.kind if fold.truth and fold.truth.degraded else None) for fold in folds]
    assert found == [("L1-M3", "leak"), ("L1-M4", None), ("L1-M3", "setpoint_error")]
    np.testing.assert_array_equal(folds[0].seen.history.values, folds[2].seen.history.values)


def test_every_contender_answers_and_ours_finds_the_wrong_speed(folds: list[Fold[Watched, Truth]]) -> None:
    benchmark, fold = SimulatedPlant(), folds[2]
    answers = {name: answer(fold.seen) for name, answer in benchmark.contenders().items()}
    assert fold.truth is not None and fold.truth.degraded is not None
    assert fold.truth.degraded.signals[0] == "motor_speed"
    found = Found.of(fold.truth.degraded, answers[OWN])
    assert found.was_found and found.is_right and found.after_s < 3600
    assert answers["plant-file-limits"] == ()


def test_what_is_asked_holds_minutes_and_no_truth(short: Watched) -> None:
    assert {field.name for field in dataclasses.fields(Watched)} == {"machine", "history", "week", "products", "limits"}
    assert short.products == ("GBX-200", "GBX-300")
    assert set(np.unique(short.history.regimes)) == {-1, 0, 1}
    assert (np.diff(short.history.seconds) == 60).all() and short.week.seconds[0] == short.history.seconds[-1] + 60
    assert short.limits["voltage"] == (0.0, 1000.0)
    assert HARMLESS_KINDS == ("sensor_drift", "setpoint_error")


def test_a_shift_in_a_signal_of_a_short_plant_is_warned_of_by_its_name(short: Watched) -> None:
    half = len(short.week.seconds) // 4
    values = short.week.values.copy()
    place = short.week.names.index("oil_pressure")
    values[half:, place] += 20.0
    alerts = machine_model(dataclasses.replace(short, week=dataclasses.replace(short.week, values=values)))
    assert [one.signal for one in alerts if one.at_s > short.week.seconds[half]][:1] == ["oil_pressure"]
