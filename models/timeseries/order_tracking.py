"""Order tracking: samples by the angle of the shaft instead of time, so that lines stay sharp while the speed changes.

The angle comes from pulses of a tachometer or from recorded speeds; samples are read at even angles by cubic splines (computed order tracking, Fyfe
and Munck, Mechanical Systems and Signal Processing 11, 1997).
"""

import numpy as np

from factolake.domain.vibration import SECONDS_PER_MINUTE
from models.timeseries.signals import Floats


def turns_by_pulses(seconds: Floats, pulse_seconds: Floats, pulses_per_turn: int = 1) -> Floats:
    """Turns of the shaft since the first pulse at each of `seconds`, NaN before the first and after the last pulse. Raises ValueError.

    Between pulses the angle is a cubic spline through them: the speed is smooth.
    """
    from scipy.interpolate import CubicSpline

    if pulses_per_turn < 1 or len(pulse_seconds) < 4 or not (np.diff(pulse_seconds) > 0).all():
        raise ValueError(f"{len(pulse_seconds)} pulses, {pulses_per_turn} a turn, tell no angle; give 4 or more pulses in order of time")
    spline = CubicSpline(pulse_seconds, np.arange(len(pulse_seconds)) / pulses_per_turn)
    return np.asarray(spline(seconds, extrapolate=False), dtype=np.float64)


def turns_by_speed(seconds: Floats, rpm: Floats) -> Floats:
    """Turns of the shaft since the first of `seconds`, from the speed at each (trapezoids).

    >>> turns_by_speed(np.array([0.0, 1.0, 2.0]), np.array([60.0, 60.0, 120.0])).tolist()
    [0.0, 1.0, 2.5]
    """
    steps = np.diff(seconds) * (rpm[1:] + rpm[:-1]) / 2 / SECONDS_PER_MINUTE
    return np.concatenate([[0.0], np.cumsum(steps)])


def by_angle(samples: Floats, turns: Floats, samples_per_turn: int) -> Floats:
    """Samples at even angles, `samples_per_turn` in each turn, from the first known angle on; their rate is now per turn: pass it as `rate_hz`.

    `turns`: the angle at each sample, rising where it is known; rows of NaN at its ends are left out. Give more samples per turn than twice the
    highest order that the samples hold, or it folds back. Raises ValueError.
    """
    from scipy.interpolate import CubicSpline

    known = np.isfinite(turns)
    if samples_per_turn < 2 or known.sum() < 4 or not (np.diff(turns[known]) > 0).all():
        raise ValueError(f"{int(known.sum())} angles known, {samples_per_turn} samples a turn; give 4 or more that rise, and 2 or more samples")
    first, last = float(turns[known][0]), float(turns[known][-1])
    angles = first + np.arange(int((last - first) * samples_per_turn) + 1) / samples_per_turn
    return np.asarray(CubicSpline(turns[known], samples[..., known], axis=-1)(angles), dtype=np.float64)
