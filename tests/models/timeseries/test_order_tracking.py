"""Order tracking: samples by the angle of the shaft have one line where the speed changes."""

import numpy as np
import pytest

from factolake.features.vibration import envelope
from models.timeseries import order_tracking


def _run_up() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Four seconds in which the shaft goes from 10 to 30 turns a second, and a tone of the order 5.25."""
    seconds = np.arange(40_000) / 10_000
    turns = 10 * seconds + 2.5 * seconds**2
    return seconds, turns, np.sin(2 * np.pi * 5.25 * turns)


def test_samples_by_angle_have_one_line_where_the_speed_rises() -> None:
    seconds, turns, samples = _run_up()
    pulse_s = np.interp(np.arange(80), turns, seconds)
    even = order_tracking.by_angle(samples, order_tracking.turns_by_pulses(seconds, pulse_s), 64)
    order, amplitude = envelope.swing_spectrum(even, 64.0)
    assert order[amplitude.argmax()] == pytest.approx(5.25, abs=0.01)
    assert amplitude.max() == pytest.approx(1, abs=0.01)
    _, by_time = envelope.swing_spectrum(samples, 10_000.0)
    assert by_time.max() < 0.3


def test_turns_by_pulses_and_by_speed_agree_with_the_true_angle() -> None:
    seconds, turns, _ = _run_up()
    pulse_s = np.interp(np.arange(240) / 3, turns, seconds)
    by_pulses = order_tracking.turns_by_pulses(seconds, pulse_s, 3)
    known = np.isfinite(by_pulses)
    assert 0.98 < known.mean() < 1
    assert by_pulses[known] == pytest.approx(turns[known], abs=1e-3)
    assert order_tracking.turns_by_speed(seconds, 60 * (10 + 5 * seconds)) == pytest.approx(turns, abs=1e-6)


def test_angles_that_do_not_rise_are_refused() -> None:
    seconds, turns, samples = _run_up()
    with pytest.raises(ValueError, match="give 4 or more pulses"):
        order_tracking.turns_by_pulses(seconds, np.array([1.0, 2.0, 2.0, 3.0]))
    with pytest.raises(ValueError, match="4 or more that rise"):
        order_tracking.by_angle(samples, -turns, 64)
    with pytest.raises(ValueError, match="1 samples a turn"):
        order_tracking.by_angle(samples, turns, 1)
