"""How worn an asset is, from 0 as new to 1 worn, by how far its features rose above its own beginning.

Levels differ from one bearing and mounting to the next, so that a rise tells more than a level does.
Nothing here knows when an asset fails; `models/timeseries/scored_life.py` and `models/timeseries/survival.py` ask that.
"""

import math
from dataclasses import dataclass

import numpy as np

from models.timeseries.signals import Floats


@dataclass(frozen=True, slots=True)
class HealthSettings:
    """`first_rows`, 1 or more: rows that say how the asset was when new; until they are there it is new. `span_rows`, 1 or more: rows of which the
    median counts, so that a peak of less than half of them is no wear. `worn_times`, above 1: an asset is worn when a feature is so many times as
    large as in the beginning; 4 is 12 dB.
    """

    first_rows: int = 30
    span_rows: int = 15
    worn_times: float = 4.0

    def __post_init__(self) -> None:
        if self.first_rows < 1 or self.span_rows < 1 or not self.worn_times > 1:
            raise ValueError(f"first_rows and span_rows must be 1 or more and worn_times above 1, got {self}")

    def index(self, features: Floats) -> Floats:
        """Health index of each row of `features`, rows x features, all positive (amplitudes, energies); NaN where one is not known.

        `max over features and rows so far of ln(median of last rows / median of first rows) / ln(worn_times)`, between 0 and 1: it never falls, and
        no row depends on a later one. Raises ValueError for a value that is not positive.

        >>> level = np.array([[2.0], [2.0], [2.0], [4.0], [3.0], [9.0]])
        >>> HealthSettings(first_rows=2, span_rows=1, worn_times=4.0).index(level)
        array([0. , 0. , 0. , 0.5, 0.5, 1. ])
        """
        if not len(features):
            return np.empty(0)
        if (features <= 0).any():
            row, column = np.argwhere(features <= 0)[0]
            raise ValueError(f"feature {column} is {features[row, column]} in row {row}; give amplitudes or energies, which are above 0")
        logs = np.log(features)
        risen = trailing_medians(logs, self.span_rows) - _medians(logs[: self.first_rows])
        risen[: self.first_rows] = 0.0
        highest = np.max(np.nan_to_num(risen, nan=0.0), axis=1, initial=0.0)
        return np.asarray(np.minimum(np.maximum.accumulate(highest) / math.log(self.worn_times), 1.0))


def trailing_medians(values: Floats, span: int) -> Floats:
    """Median of each row and the `span` - 1 before it, or as many as there are, rows x features; NaN is left out, and comes out where all are NaN.

    >>> trailing_medians(np.array([[1.0], [5.0], [2.0], [3.0]]), 3).ravel()
    array([1., 3., 2., 3.])
    """
    before = np.full((span - 1, values.shape[1]), np.nan)
    return _medians(np.moveaxis(np.lib.stride_tricks.sliding_window_view(np.vstack([before, values]), span, axis=0), -1, 0))


def _medians(values: Floats) -> Floats:
    """Median over the first axis of what is not NaN. numpy's own warns where there is nothing, which is no surprise here."""
    ordered = np.sort(values, axis=0)
    count = np.maximum(np.isfinite(ordered).sum(axis=0), 1)
    middle = [np.take_along_axis(ordered, place[None], axis=0)[0] for place in ((count - 1) // 2, count // 2)]
    return np.asarray((middle[0] + middle[1]) / 2)
