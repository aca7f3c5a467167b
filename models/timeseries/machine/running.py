"""How a machine has been running, as numbers that tell what its signals should be: now, over the last minutes and hours, and at which time of day.

A motor that ran for ten minutes is colder than one that ran for two hours, and a hall is colder by night. Means over the time before are weighted
exponentially, by the clock and not by rows, so that a gap counts for what it is. What is made of the numbers is in `expected.py`.
"""

import math
from collections.abc import Iterator, Sequence

import numpy as np

from models.timeseries.rows import stretches
from models.timeseries.seasons import DAY_S
from models.timeseries.signals import Floats, Numbers, Signals
from models.timeseries.windows import ewma

MEMORIES_S = (900.0, 2400.0)
"""How far back is looked: motors, oil and cabinets follow their load in 15 to 40 minutes, and two memories make up any between."""
GAP_S = 3600.0
"""After a longer time without a row nobody knows how the machine ran."""
SETTLING_S = 7200.0
"""Three of the longest memories: so much of the past must be known."""
FEATURES = 3 + 3 * len(MEMORIES_S)
"""The share of the row, of each memory the mean share, that of the regime alone and the product with the row's own share, and the time of day."""


def shares(signals: Signals) -> Floats:
    """How much of each row the machine ran."""
    return (signals.regimes >= 0).astype(np.float64) if signals.ran is None else signals.ran


def on_end(seconds: Floats, before_s: float | None) -> Iterator[tuple[int, int, bool]]:
    """First row, the row after the last, and whether it begins anew, of each run of rows without a longer gap than `GAP_S`."""
    steps = np.diff(seconds, prepend=seconds[:1] if before_s is None else before_s)
    begins = np.flatnonzero(steps > GAP_S).tolist()
    firsts = begins if begins and begins[0] == 0 else [0, *begins]
    for first, last in zip(firsts, [*firsts[1:], len(seconds)], strict=True):
        yield first, last, (before_s is None and first == 0) or first in begins


class Running:
    """Follows one machine that may run in `regimes`; rows of any number may come at once."""

    def __init__(self, regimes: Sequence[int]) -> None:
        self._regimes = tuple(regimes)
        self._means = np.zeros((len(MEMORIES_S), 1 + len(self._regimes)))
        self._last_s = 0.0

    def begin(self, signals: Signals) -> None:
        """Anew: as the first row is, so it is taken to have been before."""
        self._means[:] = self._shares(signals.rows(0, 1))[:, 0]
        self._last_s = float(signals.seconds[0])

    def features(self, signals: Signals) -> dict[int, Floats]:
        """Of the rows that follow, by regime, `FEATURES` x rows."""
        shares = self._shares(signals)
        means = np.empty((len(MEMORIES_S), *shares.shape))
        steps_s = np.diff(signals.seconds, prepend=self._last_s)
        for first, last in _even(steps_s):
            for place, memory_s in enumerate(MEMORIES_S):
                weight = 1.0 - math.exp(-float(steps_s[first]) / memory_s)
                means[place, :, first:last] = ewma(shares[:, first:last], self._means[place], weight)
                self._means[place] = means[place, :, last - 1]
        self._last_s = float(signals.seconds[-1])
        day = time_of_day(signals.seconds)
        now, past = shares[0], means[:, 0]
        return {regime: np.concatenate([now[None], past, means[:, place], now * past, day]) for place, regime in enumerate(self._regimes, start=1)}

    def _shares(self, signals: Signals) -> Floats:
        """In any regime, and in each: channels x rows."""
        ran = shares(signals)
        return np.stack([ran, *(np.where(signals.regimes == regime, ran, 0.0) for regime in self._regimes)])


def time_of_day(seconds: Floats) -> Floats:
    """Where on the circle of the day: 2 x rows. One by one, because a library's sine may differ between a row alone and one in a block."""
    angles = (np.mod(seconds, DAY_S) * (2 * math.pi / DAY_S)).tolist()
    return np.array([[math.sin(one) for one in angles], [math.cos(one) for one in angles]]).reshape(2, -1)


def _even(steps_s: Floats) -> Iterator[tuple[int, int]]:
    """First row and the row after the last of each run of equal steps."""
    marks: Numbers = np.cumsum(np.diff(steps_s, prepend=steps_s[:1]) != 0)
    for _, first, last in stretches(marks):
        yield first, last
