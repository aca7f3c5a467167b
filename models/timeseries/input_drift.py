"""Whether what a model is shown still looks like what it was fitted on: the population stability index of each signal.

Rows of the training are cut at their deciles; the index sums `(now - then) * ln(now / then)` over the shares of rows in each of the ten bins, that is
the Kullback-Leibler divergence both ways (Jeffreys 1946; as an index of scorecards Siddiqi, Credit Risk Scorecards, 2006, with the limits 0.1 and
0.25 by custom). Half a row is added to each bin, so that an empty one stays finite. Of two samples of independent rows that are alike it is about
9 / rows of the smaller (Yurdakul 2018); rows of a machine follow each other, so a week of them wanders more than that, and the limits are for people
to look, not for a machine to act. Rows are compared within their regime, since another mix of products is no drift of a signal.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from models.timeseries.rows import usual
from models.timeseries.signals import Floats, Signals

BINS = 10
FEWEST_ROWS = 200
"""Of a regime, then and now, to compare shares of a tenth by."""
MOVED, SHIFTED = 0.1, 0.25


@dataclass(frozen=True, slots=True)
class Drifted:
    """How far a signal's values have gone from those of the training: `index`, and the `rows` of now that were compared."""

    signal: str
    index: float
    rows: int

    @property
    def verdict(self) -> str:
        """Steady below 0.1, moved from there, shifted from 0.25 on."""
        return "shifted" if self.index >= SHIFTED else "moved" if self.index >= MOVED else "steady"


def stability_index(then: Floats, now: Floats) -> float:
    """The index of one signal's values; neither is empty, all are finite.

    >>> then = np.arange(1000.0)
    >>> round(stability_index(then, then), 3), round(stability_index(then, then + 100), 2)
    (0.0, 0.6)
    """
    edges = np.unique(np.quantile(then, np.linspace(0, 1, BINS + 1)[1:-1]))
    shares = []
    for values in (then, now):
        counts = np.bincount(np.searchsorted(edges, values, side="right"), minlength=len(edges) + 1) + 0.5
        shares.append(counts / counts.sum())
    return float(np.sum((shares[1] - shares[0]) * np.log(shares[1] / shares[0])))


def drifted(then: Signals, now: Signals) -> tuple[Drifted, ...]:
    """Each signal of `then` by its index, the farthest first: the mean over regimes by their rows now. Whole running rows count.

    Empty where no regime has 200 rows then and now. Raises ValueError where `now` lacks a signal.
    """
    before, after = usual(then, then.names), usual(now, then.names)
    both = {
        regime: len(after[regime][0]) for regime in before if regime in after and min(len(before[regime][0]), len(after[regime][0])) >= FEWEST_ROWS
    }
    rows = sum(both.values())
    if not rows:
        return ()
    found = [Drifted(name, _mean_index(before, after, both, row), rows) for row, name in enumerate(then.names)]
    return tuple(sorted(found, key=lambda one: (-one.index, one.signal)))


def _mean_index(before: Mapping[int, Floats], after: Mapping[int, Floats], rows: Mapping[int, int], row: int) -> float:
    return sum(stability_index(before[regime][row], after[regime][row]) * count for regime, count in rows.items()) / sum(rows.values())
