"""How wide an interval around a predicted life has to be, by conformal prediction over units.

Misses of units that the prediction had not seen are normalised by the spread that is usual for such a prediction, and the interval is as many spreads
as keep the level: a new unit, looked at in one of these rows of its life at random, is inside with at least that chance (Vovk, Gammerman and Shafer,
Algorithmic Learning in a Random World, 2005; normalised as in Lei and others, Distribution-Free Predictive Inference for Regression, 2018). It is
exact for models that never saw the unit; of their mean, which answers, it is on the wide side.
"""

import math
from dataclasses import dataclass

import numpy as np

from models.timeseries.signals import Floats

BINS = 10
LEAST_SHARE = 0.01
"""Of the largest spread: no spread is smaller, so that a range of predictions which never missed divides by no zero."""


@dataclass(frozen=True, slots=True)
class Spread:
    """Half widths of intervals: `half` of predictions `at`, on straight lines between."""

    at: Floats
    half: Floats

    @classmethod
    def fit(cls, predicted: Floats, missed: Floats, weights: Floats, units: int, level: float) -> "Spread":
        """From rows of `units` which were predicted unseen, each unit's `weights` adding up to 1; `missed`: predicted less true."""
        size = np.abs(missed)
        edges = np.unique([quantile(predicted, weights, share) for share in np.linspace(0, 1, BINS + 1)])
        bins = np.searchsorted(edges[1:-1], predicted, side="left")
        found = [bins == one for one in np.unique(bins)]
        at = np.array([np.average(predicted[some], weights=weights[some]) for some in found])
        usual = np.array([quantile(size[some], weights[some], level) for some in found])
        usual = np.maximum(usual, max(LEAST_SHARE * float(usual.max()), 1e-9))
        times = quantile(size / np.interp(predicted, at, usual), weights, min(1.0, math.ceil((units + 1) * level) / units))
        return cls(at, usual * times)

    def of(self, predicted: Floats) -> Floats:
        """Half the width around each prediction."""
        return np.interp(predicted, self.at, self.half)


def quantile(values: Floats, weights: Floats, share: float) -> float:
    """The smallest of `values` that has at least `share` of all weight at or below it.

    >>> quantile(np.array([3.0, 1.0, 2.0]), np.array([1.0, 1.0, 2.0]), 0.75)
    2.0
    """
    order = np.argsort(values, kind="stable")
    added = np.cumsum(weights[order])
    return float(values[order][min(len(values) - 1, int(np.searchsorted(added, share * added[-1] * (1 - 1e-12))))])
