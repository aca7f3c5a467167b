"""What a stream of numbers was like in the rows before: count, mean, spread, least and greatest of a sliding history.

The history is kept as chunks of rows that are added whole and forgotten whole. Nothing is ever subtracted, so that one value a million times as
big as the others leaves no rounding error behind when it goes. Who cuts rows into chunks is `models/timeseries/watch.py`.
"""

import math
from collections import deque

import numpy as np

from models.timeseries.signals import Floats

Chunk = tuple[int, float, float, float, float]
"""Rows, mean, sum of squares about the mean, least, greatest."""


class Reference:
    """The last `chunks` chunks of a stream, as five numbers each.

    >>> reference = Reference(chunks=2)
    >>> for rows in ([9.0, 9.0], [1.0, 3.0], [5.0, 7.0]):
    ...     reference.add(np.array(rows))
    >>> reference.rows, reference.mean, round(reference.spread, 3), reference.low, reference.high
    (4, 4.0, 2.236, 1.0, 7.0)
    """

    def __init__(self, chunks: int) -> None:
        self._chunks: deque[Chunk] = deque(maxlen=chunks)
        self.rows = 0
        self.mean = 0.0
        self.spread = 0.0
        self.low = math.inf
        self.high = -math.inf

    @property
    def size(self) -> float:
        """Root of the mean square: how far from 0 the stream was."""
        return math.hypot(self.mean, self.spread)

    def add(self, values: Floats) -> None:
        """Take in a chunk, and forget the oldest where there are more than `chunks`. An empty one changes nothing."""
        if not len(values):
            return
        mean = float(values.mean())
        self._chunks.append((len(values), mean, float(np.square(values - mean).sum()), float(values.min()), float(values.max())))
        rows, means, squares, lows, highs = (np.array(column, dtype=np.float64) for column in zip(*self._chunks, strict=True))
        self.rows = int(rows.sum())
        self.mean = float((rows * means).sum() / self.rows)
        self.spread = math.sqrt(float((squares + rows * np.square(means - self.mean)).sum()) / self.rows)
        self.low, self.high = float(lows.min()), float(highs.max())
