"""How predicted remaining lives stand to true ones, and how intervals do: all in cycles, or whatever unit of life is given."""

import numpy as np

from models.timeseries.signals import Floats

EARLY_CYCLES = 13.0
LATE_CYCLES = 10.0


def rmse(predicted: Floats, true: Floats) -> float:
    """Root of the mean squared difference; 0 is perfect.

    >>> rmse(np.array([10.0, 24.0]), np.array([13.0, 20.0]))
    3.5355339059327378
    """
    return float(np.sqrt(np.mean((predicted - true) ** 2)))


def phm08(predicted: Floats, true: Floats) -> float:
    """Score of the PHM08 challenge, a sum over units, 0 is perfect: `exp(-d / 13) - 1` for d < 0, else `exp(d / 10) - 1`, d = predicted - true.

    To promise more life than there is costs more. Source: Saxena, Goebel, Simon and Eklund, Damage Propagation Modeling, PHM 2008.

    >>> round(phm08(np.array([87.0, 110.0]), np.array([100.0, 100.0])), 4)
    3.4366
    """
    missed = predicted - true
    return float(np.expm1(np.where(missed < 0, -missed / EARLY_CYCLES, missed / LATE_CYCLES)).sum())


def coverage(low: Floats, high: Floats, true: Floats) -> float:
    """Share of truths that are inside their interval, its ends included.

    >>> coverage(np.array([1.0, 5.0]), np.array([3.0, 9.0]), np.array([3.0, 4.0]))
    0.5
    """
    return float(np.mean((low <= true) & (true <= high)))


def width(low: Floats, high: Floats) -> float:
    """Mean width of intervals; narrow is good only as far as `coverage` is kept."""
    return float(np.mean(high - low))


def phm12(predicted: Floats, true: Floats) -> Floats:
    """Score of the PHM 2012 challenge for each prediction, 1 is perfect: halved by each 20 % too short and by each 5 % too long.

    With Er = 100 (true - predicted) / true, it is `exp(-ln 0.5 Er / 5)` for Er <= 0, else `exp(ln 0.5 Er / 20)`; the challenge takes the mean. `true`
    is above 0. Source: Nectoux and others, PRONOSTIA, IEEE PHM 2012.

    >>> phm12(np.array([100.0, 80.0, 105.0, 0.0]), np.array([100.0]))
    array([1.     , 0.5    , 0.5    , 0.03125])
    """
    short = 1 - predicted / true
    return np.asarray(np.exp2(np.where(short > 0, -5.0 * short, np.maximum(20.0 * short, -1000.0))))
