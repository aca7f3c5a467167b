"""What each signal of a machine should be, given how it has been running: a straight line in the numbers of `running.py`, one for each regime.

What a signal is besides is its rest, in robust standard deviations of the rests in the fit. Least squares with a light ridge, so that numbers that
hardly moved in the fit (a machine that never stood) get no say.
"""

from dataclasses import dataclass

import numpy as np

from models.timeseries.machine.running import FEATURES
from models.timeseries.signals import Floats
from models.timeseries.windows import center_and_spread

RIDGE = 1e-4
"""Of each number's variance."""
FLOOR = 1e-3
"""Of a signal's mean size: the least spread a rest is measured by. A setpoint never moves by itself, and would else be strange at a digit."""


@dataclass(frozen=True, slots=True)
class Expected:
    """Of one regime: `base` and `spread` of each signal, and `weights`, features x signals."""

    base: Floats
    spread: Floats
    weights: Floats

    def rests(self, values: Floats, features: Floats) -> Floats:
        """How far off each value is, signals x rows, in spreads. Features are taken off one after the other, so that blocks do not matter."""
        rest = values - self.base[:, None]
        for weights, feature in zip(self.weights, features, strict=True):
            rest -= weights[:, None] * feature
        rest /= self.spread[:, None]
        return rest


def expected(values: Floats, features: Floats) -> Expected:
    """Fitted to signals x rows and features x rows."""
    middle, scale = features.mean(axis=1), features.std(axis=1)
    scale = np.where(scale > 1e-9, scale, 1.0)
    level = values.mean(axis=1)
    scaled = (features - middle[:, None]) / scale[:, None]
    squares = scaled @ scaled.T + RIDGE * values.shape[1] * np.eye(len(scaled))
    weights = np.linalg.solve(squares, scaled @ (values - level[:, None]).T) / scale[:, None]
    found = Expected(level - middle @ weights, np.ones(len(level)), weights)
    center, spread = center_and_spread(found.rests(values, features))
    least = FLOOR * np.abs(level)
    return Expected(found.base + center, np.where(spread > least, spread, np.where(least > 0, least, 1.0)), weights)


def unlearnt(signals: int) -> Expected:
    """Of a regime that nothing is known of yet."""
    return Expected(np.zeros(signals), np.ones(signals), np.zeros((FEATURES, signals)))
