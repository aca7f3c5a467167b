"""Running means that come out the same whatever the blocks: over the last rows, and exponentially weighted.

Also the centre and the spread of signals that few strange rows among the usual ones do not move.
"""

import numpy as np

from models.timeseries.signals import Floats

GAUSS = 1.4826
"""Standard deviations in a median absolute deviation of normal values."""
COARSE = 0.1
"""A signal that mostly repeats one value has no median deviation to speak of; below this share of its standard deviation that is taken."""


def means(values: Floats, window_rows: int) -> Floats:
    """Means of each `window_rows` rows on end, signals x rows; `window_rows` is a power of two, and as many rows less one come out fewer.

    Sums are doubled, so that each mean is the same sum in the same order wherever its rows lie.

    >>> means(np.array([[1.0, 3.0, 5.0, 7.0, 9.0]]), 4)
    array([[4., 6.]])
    """
    total, rows = values, 1
    while rows < window_rows:
        total = total[:, rows:] + total[:, :-rows]
        rows *= 2
    return total / window_rows


def ewma(values: Floats, before: Floats, weight: float) -> Floats:
    """Exponentially weighted means of signals x rows, `m += weight (value - m)` from `before`, one a signal.

    >>> ewma(np.array([[1.0, 1.0, 1.0]]), np.array([0.0]), 0.5)
    array([[0.5  , 0.75 , 0.875]])
    """
    from scipy.signal import lfilter

    filtered, _ = lfilter([weight], [1.0, weight - 1.0], values, axis=1, zi=(1.0 - weight) * before[:, None])
    return np.asarray(filtered)


def center_and_spread(values: Floats) -> tuple[Floats, Floats]:
    """Median and robust standard deviation of each signal, from signals x rows; 1 in the signal's own unit where it never moved.

    >>> center_and_spread(np.array([[1.0, 2.0, 3.0, 4.0, 900.0], [5.0, 5.0, 5.0, 5.0, 5.0]]))[0]
    array([3., 5.])
    """
    center = np.median(values, axis=1)
    robust = GAUSS * np.median(np.abs(values - center[:, None]), axis=1)
    plain = values.std(axis=1)
    spread = np.where(robust > COARSE * plain, robust, plain)
    return center, np.where(spread > 0, spread, 1.0)
