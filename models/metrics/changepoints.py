"""What detected change points are worth, by the rule that the Skoltech benchmark (SKAB) took over from NAB and changed.

A true change point opens a window to its right; where windows overlap, the later one begins when the earlier ends. The first detection in a window
earns from 1 at its beginning to what a false one costs at its end, along a hyperbolic tangent; further ones in it cost nothing, one outside every
window is false, and a window without any is missed. NAB itself, with its logistic curve and windows around anomalies, is reckoned otherwise.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from models.timeseries.signals import Floats

CURVE_POINTS = 1000
"""The upstream evaluation reads the curve off a table of this length."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What a false detection and a missed change point cost, where a detection at once earns 1; both are negative."""

    false: float
    missed: float


STANDARD = Profile(-0.11, -1.0)
LOW_FALSE = Profile(-0.22, -1.0)
LOW_MISSED = Profile(-0.11, -2.0)


def nab_score(judged: Iterable[tuple[Floats, Floats]], profile: Profile = STANDARD, window_s: float = 60.0) -> float:
    """Over all recordings, each the seconds of its change points and of its detections; NaN where there is no change point.

    0 is no detection at all, 100 each at once and none false.

    >>> round(nab_score([(np.array([100.0, 500.0]), np.array([100.0, 560.0, 900.0]))]), 2)
    69.5
    """
    earned, windows = 0.0, 0
    for changes_s, detections_s in judged:
        earned += _earned(changes_s, detections_s, profile, window_s)
        windows += len(changes_s)
    null = windows * profile.missed
    return 100 * (earned - null) / (windows - null) if windows else math.nan


def _earned(changes_s: Floats, detections_s: Floats, profile: Profile, window_s: float) -> float:
    earned, counted, end_s = 0.0, np.zeros(len(detections_s), dtype=bool), -math.inf
    for change_s in changes_s:
        begin_s, end_s = max(change_s, end_s), max(change_s + window_s, end_s)
        within = (detections_s >= begin_s) & (detections_s <= end_s)
        counted |= within
        earned += _worth(float(detections_s[within][0]), begin_s, end_s, profile) if within.any() else profile.missed
    return earned + profile.false * int((~counted).sum())


def _worth(detected_s: float, begin_s: float, end_s: float, profile: Profile) -> float:
    share = (detected_s - begin_s) / (end_s - begin_s) if end_s > begin_s else 1.0
    place = min(int(share * CURVE_POINTS), CURVE_POINTS - 1)
    fallen = math.tanh(math.pi * (place / (CURVE_POINTS - 1) - 0.5)) / math.tanh(math.pi / 2)
    return (1 + profile.false) / 2 - (1 - profile.false) / 2 * fallen
