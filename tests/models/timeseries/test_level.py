"""Levels that leave their baseline, and the moves of a machine from one state to another."""

import numpy as np
import pytest

from models.timeseries.level import LevelSettings
from models.timeseries.moves import MoveSettings
from models.timeseries.signals import Floats, Signals

NAMES = ("flow", "temperature")


def pump(rows: int, seed: int = 0) -> Floats:
    """A flow that stays, and a temperature that wanders all by itself."""
    noise = np.random.default_rng(seed)
    return np.stack([30 + 0.3 * noise.normal(size=rows), 70 + np.cumsum(0.05 * noise.normal(size=rows))], axis=1)


def alarms(values: Floats) -> Floats:
    return LevelSettings().fit(Signals.of(NAMES, values[:600])).scorer().score(Signals.of(NAMES, values)).score >= 1


def test_a_creeping_signal_is_usual_and_a_step_of_a_steady_one_is_not() -> None:
    values = pump(2000)
    assert not alarms(values)[:1400].any()
    values[1400:1700, 0] -= 1.0
    on = np.flatnonzero(alarms(values))
    assert 1400 < on[0] < 1416 and 1700 <= on[-1] < 1716 and len(on) > 280


def test_the_baseline_stands_still_while_a_signal_is_out_so_that_a_long_fault_stays_one() -> None:
    values = pump(6000)
    values[1000:5000, 0] += 2.0
    assert alarms(values)[1030:5000].all() and not alarms(values)[5030:].any()


def test_a_signal_is_back_when_it_is_nearer_than_a_share_of_the_farthest() -> None:
    values = pump(2000)
    values[1000:1200, 0] += 8.0
    values[1200:, 0] += 1.5
    on = alarms(values)
    assert on[1020:1200].all()
    assert not on[1204:1215].all()


def test_parts_name_the_signal_and_the_score_is_the_largest() -> None:
    values = pump(1200)
    values[1000:, 1] += 40.0
    scores = LevelSettings().fit(Signals.of(NAMES, values[:600])).scorer().score(Signals.of(NAMES, values))
    assert (scores.parts[1010:].argmax(axis=1) == 1).all()
    np.testing.assert_array_equal(scores.score, scores.parts.max(axis=1))


def test_a_rounded_signal_that_hardly_moved_is_not_out_at_a_digit() -> None:
    values = pump(2000)
    values[:, 0] = np.round(values[:, 0])
    values[1000:1010, 0] += 1.0
    assert not alarms(values)[:1000].any() and alarms(values).mean() < 0.02


def test_a_move_is_marked_where_it_begins_and_where_it_is_over() -> None:
    values = pump(2000)[:, :1]
    values[1000:1100] += np.linspace(0.0, 6.0, 100)[:, None]
    values[1100:] += 6.0
    model = MoveSettings().fit(Signals.of(NAMES[:1], values[:600]))
    marks = np.flatnonzero(model.scorer().score(Signals.of(NAMES[:1], values)).score >= 1)
    assert len(marks) == 2
    assert 1000 < marks[0] < 1040 and 1100 < marks[1] < 1130


def test_moves_and_rests_take_their_rows() -> None:
    values = pump(3000)
    values[1000:, 0] += 3.0 * (np.arange(2000) // 10 % 2)
    model = MoveSettings(rest_rows=50).fit(Signals.of(NAMES, values[:600]))
    marks = np.flatnonzero(model.scorer().score(Signals.of(NAMES, values)).score >= 1)
    assert len(marks) > 2 and np.diff(marks).min() >= 50


@pytest.mark.parametrize("name", ["window_rows", "reaches_rows", "memory_rows", "far", "back", "still", "still_rows", "rest_rows"])
def test_settings_out_of_range_are_refused_by_name(name: str) -> None:
    wrong = {name: (0,) if name == "reaches_rows" else 0}
    with pytest.raises(ValueError, match=name):
        (LevelSettings if name in LevelSettings.__slots__ else MoveSettings)(**wrong)
