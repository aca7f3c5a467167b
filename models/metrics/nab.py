"""The score of the Numenta Anomaly Benchmark: early alarms in a labelled window earn most, alarms outside cost, windows without alarm cost more.

A record's rows from `probation_rows` on are judged. 100 is every window found in its first row and no other alarm, 0 is no alarm at all; it may be
below 0. Every row in alarm outside a window costs, so that it is wise to keep quiet after an alarm.
Source: Lavin and Ahmad, Evaluating Real-Time Anomaly Detection Algorithms, 2015, and version 1.1 of the benchmark with its weights.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.timeseries.signals import Floats, Numbers

PROBATION_SHARE = 0.15
PROBATION_ROWS_MAX = 0.15 * 5000
FAR_BEHIND = 3.0
"""Widths behind a window from which on an alarm costs in full."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What is earned by a window found at once, and what a false alarm and a missed window cost; none below 0."""

    found: float
    false_alarm: float
    missed: float


PROFILES = {
    "standard": Profile(1.0, 0.11, 1.0),
    "reward_low_FP_rate": Profile(1.0, 0.22, 1.0),
    "reward_low_FN_rate": Profile(1.0, 0.11, 2.0),
}


def probation_rows(rows: int) -> int:
    """Rows at the beginning of a record which nobody judges: 15 % of it, 750 at most.

    >>> probation_rows(4032), probation_rows(22695)
    (604, 750)
    """
    return math.ceil(min(math.floor(PROBATION_SHARE * rows), PROBATION_ROWS_MAX))


def scaled_sigmoid(position: Floats) -> Floats:
    """What an alarm is worth by its place in widths of the window: -1 at its beginning, 0 at its end, more behind it. From 1 down to -1.

    >>> scaled_sigmoid(np.array([-1.0, -0.5, 0.0, 1.0, 3.0])).round(5)
    array([ 0.98661,  0.84828,  0.     , -0.98661, -1.     ])
    """
    worth: Floats = np.where(position >= FAR_BEHIND, -1.0, 2.0 / (1.0 + np.exp(5.0 * np.minimum(position, FAR_BEHIND))) - 1.0)
    return worth


@dataclass(frozen=True, slots=True)
class Windows:
    """A record of `rows` rows and its labelled windows, first and last row of each, in order. Raises ValueError where they are not, or overlap."""

    rows: int
    windows: tuple[tuple[int, int], ...]

    def __post_init__(self) -> None:
        edges = [-1, *(edge for window in self.windows for edge in window), self.rows]
        if any(first >= last for first, last in zip(edges[::2], edges[1::2], strict=True)) or any(first > last for first, last in self.windows):
            raise ValueError(f"windows must follow each other within {self.rows} rows, got {self.windows}")


@dataclass(frozen=True, slots=True)
class Judged:
    """What the alarms of a record came to, before weights: worth of each window found, windows missed and in all, false alarms and their worth."""

    found: tuple[float, ...]
    missed: int
    windows: int
    false_alarms: int
    false_worth: float
    rows: int

    def raw(self, profile: Profile) -> float:
        """The score before it is put between no alarm and perfect ones."""
        return profile.found * math.fsum(self.found) - profile.missed * self.missed + profile.false_alarm * self.false_worth


@dataclass(frozen=True, slots=True)
class Marks:
    """For each row of a record what an alarm there is worth and its window, -1 for none; windows in all, and those beyond the probation."""

    worth: Floats
    window: Numbers
    probation: int
    windows: int
    to_find: int

    @classmethod
    def of(cls, truth: Windows) -> "Marks":
        """A row in a window by its distance to the end of it, a row outside by its distance from the window before."""
        worth, window = np.full(truth.rows, -1.0), np.full(truth.rows, -1, dtype=np.int64)
        ends = [*(first for first, _ in truth.windows[1:]), truth.rows]
        for number, ((first, last), end) in enumerate(zip(truth.windows, ends, strict=False)):
            width = last - first + 1
            inside, behind = np.arange(first, last + 1), np.arange(last + 1, end)
            worth[inside] = scaled_sigmoid(-(last - inside + 1) / width) / scaled_sigmoid(np.array(-1.0))
            window[inside] = number
            if width > 1:
                worth[behind] = scaled_sigmoid((behind - last) / (width - 1))
        probation = probation_rows(truth.rows)
        return cls(worth, window, probation, len(truth.windows), sum(last >= probation for _, last in truth.windows))

    def judged(self, alarms: Numbers) -> Judged:
        """What alarms in these rows come to; those of the probation count for nothing, nor do windows which end in it, but for being there."""
        alarms = alarms[alarms >= self.probation]
        windows, worth = self.window[alarms], self.worth[alarms]
        found = tuple(float(worth[windows == number].max()) for number in np.unique(windows[windows >= 0]))
        outside = worth[windows < 0]
        return Judged(found, self.to_find - len(found), self.windows, len(outside), math.fsum(outside), len(self.worth) - self.probation)


def score(records: Sequence[Judged], profile: Profile) -> float:
    """All records together: 0 as with no alarm at all, 100 as with perfect alarms; NaN where there is no window.

    >>> record = Marks.of(Windows(100, ((50, 59),)))
    >>> [round(score([record.judged(np.array(alarms, dtype=np.int64))], PROFILES["standard"]), 3) for alarms in ([], [50], [59, 95], [5])]
    [0.0, 100.0, 56.912, 0.0]
    """
    perfect = profile.found * sum(record.windows for record in records)
    nothing = -profile.missed * sum(len(record.found) + record.missed for record in records)
    return 100.0 * (math.fsum(record.raw(profile) for record in records) - nothing) / (perfect - nothing) if perfect else math.nan


def quiet_alarms(is_strange: NDArray[np.bool_], quiet_rows: int) -> Numbers:
    """Rows in which an alarm begins, where each alarm is followed by no other for `quiet_rows` rows; looks at no later row.

    >>> quiet_alarms(np.array([False, True, True, False, True, True]), 3)
    array([1, 4])
    """
    strange = np.flatnonzero(is_strange)
    alarms, place = [], 0
    while place < len(strange):
        alarms.append(strange[place])
        place = int(np.searchsorted(strange, strange[place] + quiet_rows))
    return np.array(alarms, dtype=np.int64)


def false_alarms_per_1000_rows(records: Iterable[Judged]) -> Floats:
    """Of each record."""
    return np.array([1000.0 * record.false_alarms / record.rows for record in records])
