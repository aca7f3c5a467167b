"""Which rows and signals may be learnt from: signals that are there often enough, rows outside known stops, true alerts and days a person names.

A row that is left out stays where it is with a negative regime, as one in which the machine did not run; how long it ran is still known of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from models.timeseries.signals import Signals

OFTEN, MOSTLY = 0.99, 0.9
"""Shares of running rows with a value from which on a signal is graded high and medium."""


class Grade(StrEnum):
    """How much of a signal there is. A model does not learn from a low one: each row without a value goes unjudged."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class Graded:
    """A signal, the share of running rows that have a value of it, and its grade."""

    name: str
    share: float
    grade: Grade


@dataclass(frozen=True, slots=True)
class Stretch:
    """From `from_s` to before `to_s`, in the seconds of the rows, nothing is learnt, because of `why`."""

    from_s: float
    to_s: float
    why: str


def graded(signals: Signals) -> tuple[Graded, ...]:
    """Each signal's grade, by the rows with a regime; low where there is no such row.

    >>> values = np.array([[1.0, np.nan]] * 5 + [[1.0, 2.0]] * 45)
    >>> [(one.name, one.grade.value) for one in graded(Signals.of(("there", "patchy"), values))]
    [('there', 'high'), ('patchy', 'medium')]
    """
    ran = signals.regimes >= 0
    shares = np.isfinite(signals.values[ran]).mean(axis=0) if ran.any() else np.zeros(len(signals.names))
    return tuple(Graded(name, share, _grade(share)) for name, share in zip(signals.names, shares.tolist(), strict=True))


def of_signals(signals: Signals, names: Sequence[str]) -> Signals:
    """The same rows with the signals `names` alone, in their order."""
    places = [signals.names.index(name) for name in names]
    return Signals(tuple(names), np.ascontiguousarray(signals.values[:, places]), signals.seconds, signals.regimes, signals.ran)


def without(signals: Signals, stretches: Sequence[Stretch], row_s: float = 60.0) -> tuple[Signals, dict[str, int]]:
    """`signals` without the running rows that touch one of `stretches`, and how many each `why` took; a row lasts `row_s`.

    >>> rows = Signals.of(("a",), np.zeros((5, 1)), step_s=60.0)
    >>> left, taken = without(rows, [Stretch(90.0, 120.0, "stop"), Stretch(100.0, 200.0, "day")])
    >>> left.regimes.tolist(), taken
    ([0, -1, -1, -1, 0], {'stop': 1, 'day': 2})
    """
    regimes, taken = signals.regimes.copy(), dict[str, int]()
    for one in stretches:
        first = int(np.searchsorted(signals.seconds, one.from_s - row_s, side="right"))
        last = int(np.searchsorted(signals.seconds, one.to_s, side="left"))
        gone = int(np.count_nonzero(regimes[first:last] >= 0))
        if gone:
            taken[one.why] = taken.get(one.why, 0) + gone
            regimes[first:last] = np.minimum(regimes[first:last], -1)
    return replace(signals, regimes=regimes), taken


def _grade(share: float) -> Grade:
    return Grade.HIGH if share >= OFTEN else Grade.MEDIUM if share >= MOSTLY else Grade.LOW
