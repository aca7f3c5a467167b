"""How alarms of a record stand to a fault that begins at a known row: how many rows are in alarm, and when the first alarm comes."""

import math

import numpy as np
from numpy.typing import NDArray


def rate(alarms: NDArray[np.bool_], first: int, last: int) -> float:
    """Share of the rows `first` to before `last` that are in alarm; NaN where there are none. 0 is none of them, 1 all.

    >>> rate(np.array([False, True, True, False]), 1, 4)
    0.6666666666666666
    """
    rows = alarms[first:last]
    return float(rows.mean()) if len(rows) else math.nan


def delay_rows(alarms: NDArray[np.bool_], onset: int) -> float:
    """Rows from `onset` to the first alarm that begins then or later: 0 is at once. An alarm that was there already counts for nothing; NaN: none.

    >>> delay_rows(np.array([False, True, True, False, True]), 2)
    2.0
    """
    begins = alarms & ~np.concatenate(([False], alarms[:-1]))
    later = np.flatnonzero(begins[onset:])
    return float(later[0]) if len(later) else math.nan
