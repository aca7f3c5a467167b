"""How far the way a signal went just now is from the nearest way it went before: a nearest neighbour among means that follow each other.

Trajectories are not normalised, so that the same shape at another height is another one. The z-normalised distance of raw windows is in
`models/timeseries/discords.py`.
"""

import numpy as np

from models.timeseries.signals import Floats


def trailing_means(values: Floats, span: int) -> Floats:
    """Mean of each value and the `span` - 1 before it; shorter by `span` - 1. Added one by one, so that a block's length changes no bit.

    >>> trailing_means(np.array([1.0, 2.0, 6.0, 4.0]), 2)
    array([1.5, 4. , 5. ])
    """
    rows = len(values) - span + 1
    total = values[:rows].copy()
    for ahead in range(1, span):
        total += values[ahead : ahead + rows]
    return total / span


class Trajectories:
    """Trajectories of `points` means of `span` rows each, end to end; one in `stride` rows of the last `memory` is remembered.

    `reach` rows make a trajectory. A trajectory is compared with those alone that share no row with the chunk it is asked for, nor with itself.

    >>> ways = Trajectories(span=1, points=2, stride=1, memory=100)
    >>> ways.remember(np.array([0.0, 1.0, 0.0, 1.0, 0.0, 1.0]))
    >>> ways.distances(np.array([0.0, 1.0, 1.0]))
    array([0.        , 0.70710678])
    """

    def __init__(self, span: int, points: int, stride: int, memory: int) -> None:
        self._span, self._points, self._stride = span, points, stride
        self.reach = span * points
        self._kept = np.empty((points, 0))
        self._capacity = memory // stride
        self._recent = self.reach // stride
        self._library = np.empty((points, 0))

    def _embedded(self, values: Floats) -> Floats:
        means = trailing_means(values, self._span)
        rows = len(values) - self.reach + 1
        return np.stack([means[point * self._span : point * self._span + rows] for point in range(self._points)])

    def remember(self, values: Floats) -> None:
        """Take in a chunk, given with the `reach` - 1 rows before it."""
        kept = np.concatenate([self._kept, self._embedded(values)[:, :: self._stride]], axis=1)
        self._kept = kept[:, -(self._capacity + self._recent) :]
        self._library = np.ascontiguousarray(self._kept[:, : max(0, self._kept.shape[1] - self._recent)])

    def distances(self, values: Floats) -> Floats:
        """Root mean square distance to the nearest of old, for all rows but the first `reach` - 1. NaN while nothing is remembered."""
        ways = self._embedded(values)
        if not self._library.shape[1]:
            return np.full(ways.shape[1], np.nan)
        squares = np.zeros((ways.shape[1], self._library.shape[1]))
        apart = np.empty_like(squares)
        for way, old in zip(ways, self._library, strict=True):
            np.subtract(way[:, None], old[None, :], out=apart)
            squares += np.square(apart, out=apart)
        nearest: Floats = np.sqrt(squares.min(axis=1) / self._points)
        return nearest
