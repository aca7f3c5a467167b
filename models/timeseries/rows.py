"""Which rows of a block can be judged, by regime, and the scorer of every detector that has a model for each regime.

A detector here says only how one regime's rows follow each other (`Follower`); names, missing values, stops and unknown regimes are seen to by
`RegimeScorer`. Rows lie across (signals x rows), and sums run in the order of the signals' names, so that no block size changes a bit.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from models.timeseries.signals import CannotLearn, Floats, Numbers, Scores, Signals, Unscored

CUT_ROWS = 4096
"""Rows that are turned to lie across at once, so that they stay in the cache."""


class Follower(Protocol):
    """What one regime's model remembers while rows come."""

    def again(self) -> None:
        """The asset ran otherwise in between: rows from before are no neighbours of those that come."""
        ...

    def follow(self, values: Floats) -> tuple[Floats, Floats]:
        """Of the next rows, signals x rows: the score of each, NaN where too few came before, and signals x rows of what each adds."""
        ...


class RegimeScorer:
    """A scorer that hands each stretch of rows to the follower of its regime."""

    def __init__(self, names: tuple[str, ...], followers: Mapping[int, Follower]) -> None:
        self._names = names
        self._followers = followers
        self._last: int | None = None

    def score(self, signals: Signals) -> Scores:
        """Scores of the rows that follow those given before. Raises ValueError where a signal of the model is missing."""
        order = columns(signals.names, self._names)
        cuts = [signals.rows(first, first + CUT_ROWS) for first in range(0, max(len(signals.seconds), 1), CUT_ROWS)]
        found = [self._scored(cut, order) for cut in cuts]
        if len(found) == 1:
            return found[0]
        return Scores(*(np.concatenate([getattr(one, name) for one in found]) for name in ("score", "why", "parts")))

    def _scored(self, signals: Signals, order: NDArray[np.intp]) -> Scores:
        values = np.take(signals.values.T, order, axis=0)
        why = self._why(values, signals.regimes)
        score = np.full(len(why), np.nan)
        parts = np.full(values.shape, np.nan)
        for regime, first, last in stretches(signals.regimes):
            follower = self._follower(regime)
            whole = why[first:last] == Unscored.SCORED
            if follower and whole.all():
                score[first:last], parts[:, first:last] = follower.follow(values[:, first:last])
            elif follower and whole.any():
                rows = first + np.flatnonzero(whole)
                score[rows], parts[:, rows] = follower.follow(values[:, rows])
        why[(why == Unscored.SCORED) & np.isnan(score)] = Unscored.TOO_FEW_ROWS
        return Scores(score, why, np.take(parts, np.argsort(order), axis=0).T)

    def _why(self, values: Floats, regimes: Numbers) -> Numbers:
        why = np.where(np.isfinite(values).all(axis=0), int(Unscored.SCORED), int(Unscored.VALUE_MISSING))
        why[~np.isin(regimes, list(self._followers))] = Unscored.REGIME_UNKNOWN
        why[regimes < 0] = Unscored.NOT_RUNNING
        return why

    def _follower(self, regime: int) -> Follower | None:
        follower = self._followers.get(regime)
        if follower and self._last not in (None, regime):
            follower.again()
        self._last = regime
        return follower


def columns(given: Sequence[str], wanted: Sequence[str]) -> NDArray[np.intp]:
    """Where the `wanted` signals are among the `given` ones. Raises ValueError where one is missing."""
    places = {name: place for place, name in enumerate(given)}
    missing = [name for name in wanted if name not in places]
    if missing:
        raise ValueError(f"signals {missing} of the model are not among {list(given)}; give all that it was fitted with")
    return np.array([places[name] for name in wanted], dtype=np.intp)


def stretches(regimes: Numbers) -> Iterator[tuple[int, int, int]]:
    """Regime, first row and the row after the last, of each run of equal regimes.

    >>> list(stretches(np.array([4, 4, 7, 4])))
    [(4, 0, 2), (7, 2, 3), (4, 3, 4)]
    """
    ends = np.flatnonzero(np.diff(regimes)) + 1
    firsts = [0, *ends.tolist()] if len(regimes) else []
    for first, last in zip(firsts, [*firsts[1:], len(regimes)], strict=True):
        yield int(regimes[first]), first, last


def usual(signals: Signals, names: Sequence[str]) -> dict[int, Floats]:
    """By regime, the whole rows that a fit may learn from, signals x rows in the order of `names`."""
    values = np.ascontiguousarray(signals.values.T[columns(signals.names, names)])
    whole = np.isfinite(values).all(axis=0)
    found = np.unique(signals.regimes[whole & (signals.regimes >= 0)])
    return {int(regime): values[:, whole & (signals.regimes == regime)] for regime in found}


def enough(signals: Signals, names: Sequence[str], rows: int) -> dict[int, Floats]:
    """`usual`, but for regimes of fewer than `rows`. Raises ValueError where none is left."""
    found = usual(signals, names)
    kept = {regime: values for regime, values in found.items() if values.shape[1] >= rows}
    if not kept:
        most = max((values.shape[1] for values in found.values()), default=0)
        raise CannotLearn(f"no regime has {rows} whole rows to learn from, the longest has {most} of the {len(signals.seconds)} given; give more")
    return kept


def in_order(arrays: Floats) -> Floats:
    """The sum over the first axis, one after the other: numpy's own sum goes by the shape, and a row alone would differ from a row in a block."""
    total = np.array(arrays[0])
    for array in arrays[1:]:
        total += array
    return total
