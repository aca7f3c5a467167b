"""A machine's model: what running explains is usual, what it does not is strange and named, and an alert can say all there is to say."""

from dataclasses import replace

import numpy as np
import pytest

from factolake.domain.alert import ModelStamp
from models.timeseries.alert_events import Raised
from models.timeseries.alerting import Alerting, Channel
from models.timeseries.machine.fit import MachineSettings
from models.timeseries.machine.model import MachineModel
from models.timeseries.signals import CannotLearn, Floats, Signals, Unscored
from models.timeseries.windows import ewma

NAMES = ("cabinet", "current", "motor", "setpoint")
HISTORY_ROWS, WEEK_ROWS = 10 * 1440, 4 * 1440
CURRENT, MOTOR, SETPOINT = (NAMES.index(name) for name in ("current", "motor", "setpoint"))


def minutes(rows: int, seed: int) -> Signals:
    """Two products by turns, pauses of half an hour after six hours and waiting in every minute: a motor that warms up by its load, a current that
    follows it, a cabinet that follows the hall, and a setpoint that nobody touches.
    """
    noise = np.random.default_rng(seed)
    at = np.arange(rows)
    product = at // 500 % 2
    ran = np.where(at % 360 >= 330, 0.0, noise.uniform(0.6, 1.0, rows))
    load = ran * np.where(product == 1, 1.2, 1.0)
    warm = ewma(load[None], np.zeros(1), 1 - np.exp(-1 / 20))[0]
    hall = 5 * np.sin(at * 2 * np.pi / 1440 + 1) + ewma(noise.normal(size=(1, rows)), np.zeros(1), 0.01)[0]
    values = np.stack([25 + 0.8 * hall, 1 + 10 * load, 30 + 40 * warm + 0.7 * hall, np.full(rows, 100.0)], axis=1)
    values[:, :3] += noise.normal(size=(rows, 3)) * (0.1, 0.3, 0.2)
    return Signals(NAMES, values, at * 60.0, np.where(ran >= 0.5, product, -1), ran)


def moved(signals: Signals, place: int, by: Floats | float) -> Signals:
    """With one signal moved in the second half."""
    values = signals.values.copy()
    values[len(values) // 2 :, place] += by
    return replace(signals, values=values)


@pytest.fixture(scope="module")
def model() -> MachineModel:
    return MachineSettings().fit(minutes(HISTORY_ROWS, 0), ("x", "y"))


@pytest.fixture(scope="module")
def week() -> Signals:
    return minutes(WEEK_ROWS, 1)


def test_pauses_waiting_products_and_the_hall_are_usual(model: MachineModel, week: Signals) -> None:
    scores = model.scorer().score(week)
    assert np.nanmax(scores.score) < 1
    assert (scores.why[:120] != Unscored.SCORED).all() and np.isfinite(scores.score[120:][week.regimes[120:] >= 0]).all()


@pytest.mark.parametrize(("place", "by"), [(MOTOR, 4.0), (MOTOR, -4.0), (CURRENT, 1.0), (SETPOINT, -15.0)])
def test_a_signal_that_running_does_not_explain_is_strange_and_has_the_largest_part(
    model: MachineModel, week: Signals, place: int, by: float
) -> None:
    later = WEEK_ROWS // 2 + 60
    scores = model.scorer().score(moved(week, place, by))
    scored = np.flatnonzero(scores.why == Unscored.SCORED)
    after = scored[scored >= later]
    assert (scores.score[after] > 1).mean() > 0.95 and np.nanmax(scores.score[: WEEK_ROWS // 2]) < 1
    assert (scores.parts[after].argmax(axis=1) == place).mean() > 0.95
    np.testing.assert_allclose(scores.parts[after].sum(axis=1), scores.score[after])


def test_without_the_share_of_running_a_row_counts_as_run_throughout(model: MachineModel, week: Signals) -> None:
    whole = replace(week, ran=(week.regimes >= 0).astype(np.float64))
    np.testing.assert_array_equal(model.scorer().score(replace(week, ran=None)).score, model.scorer().score(whole).score)


def test_after_a_long_gap_nothing_is_scored_until_enough_is_known(model: MachineModel, week: Signals) -> None:
    later = np.where(np.arange(WEEK_ROWS) >= 5000, 86_400.0, 0.0)
    scores = model.scorer().score(replace(week, seconds=week.seconds + later))
    assert (scores.why[4900:5000] == np.where(week.regimes[4900:5000] >= 0, Unscored.SCORED, Unscored.NOT_RUNNING)).all()
    assert (scores.why[5000:5120] == np.where(week.regimes[5000:5120] >= 0, Unscored.TOO_FEW_ROWS, Unscored.NOT_RUNNING)).all()
    assert np.nanmax(scores.score) < 1


def test_an_alert_knows_product_band_and_how_rare_it_is(model: MachineModel, week: Signals) -> None:
    channels = {name: Channel(name, "AMP" if name == "current" else None) for name in NAMES}
    subject = model.subject("line/press", channels, ModelStamp("signals.press", "3"))
    signals = moved(week, CURRENT, 6.0)
    events = Alerting(model.alerting, subject).feed(signals, model.scorer().score(signals), np.zeros(WEEK_ROWS, dtype=np.bool_))
    (alert,) = [event.alert for event in events if isinstance(event, Raised)]
    first = alert.contributions[0]
    assert (first.signal, first.unit, alert.regime.product) == ("current", "AMP", {0: "x", 1: "y"}[alert.regime.number])
    assert first.usual is not None and first.side == 1
    assert alert.sureness is not None and alert.sureness.as_strong == 0 and alert.sureness.blocks > 60


def test_a_signal_without_a_channel_is_named(model: MachineModel) -> None:
    with pytest.raises(ValueError, match=r"press: signals \['motor'\] of the model have no channel"):
        model.subject("press", {name: Channel(name) for name in NAMES if name != "motor"}, ModelStamp("m", "1"))


def test_too_short_a_history_is_refused_in_words() -> None:
    with pytest.raises(CannotLearn, match="no regime has 90 whole rows in the first two thirds of 60"):
        MachineSettings().fit(minutes(60, 0))


@pytest.mark.parametrize("wrong", [{"memory_rows": 0.5}, {"variance": 1.0}, {"alarms_a_week": 0.0}, {"margin": 0.9}])
def test_settings_say_their_range(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} is .*; give"):
        MachineSettings(**wrong)
