"""Thresholds that a clean recording vouches for: a share of false alarms, or a number of alarms in a week of a machine.

`limit` is the conformal quantile: where rows come in any order as likely, a new one is above it with at most the given chance, whatever they are
distributed as (Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005). Rows of a machine do not come in any order, but hours of it
nearly do, so `budgeted` takes the largest statistic of each block of time for one observation: of the blocks of a new week no more than the budget
are expected to be above it.
"""

import math
from typing import Protocol, Self, TypeVar

import numpy as np

from models.timeseries.signals import Floats, Scores, Signals

WEEK_S = 7 * 86_400.0


def limit(statistic: Floats, false_share: float) -> float:
    """The value that a new one is above with a chance of at most `false_share`, 0 to 1; NaN among the `statistic` are left out. Raises ValueError.

    >>> limit(np.arange(1.0, 100.0), 0.05)
    95.0
    """
    known = np.sort(statistic[~np.isnan(statistic)])
    rank = math.ceil((len(known) + 1) * (1 - false_share))
    if rank > len(known):
        raise ValueError(f"{len(known)} rows vouch for no threshold with {false_share} false alarms; give {fewest(false_share)} rows or more")
    return float(known[rank - 1])


def fewest(false_share: float) -> int:
    """How many values `limit` needs.

    >>> fewest(0.01)
    99
    """
    return math.ceil(round(1 / false_share, 9)) - 1


def budgeted(statistic: Floats, seconds: Floats, alarms_a_week: float, block_s: float = 3600.0) -> float:
    """The threshold above which at most `alarms_a_week` blocks of `block_s` are expected in a machine's week. Raises ValueError.

    `statistic` is of a clean recording, NaN where there is none; blocks without any count for nothing.

    >>> hours = np.arange(1000.0)
    >>> budgeted(hours, hours * 3600, alarms_a_week=1.0)
    995.0
    """
    known = ~np.isnan(statistic)
    if not known.any():
        raise ValueError("no row has a statistic, so there is nothing to set a threshold by; give a recording that the model can score")
    blocks = np.floor((seconds[known] - seconds[known][0]) / block_s)
    begins = np.flatnonzero(np.diff(blocks, prepend=-1.0))
    return limit(np.maximum.reduceat(statistic[known], begins), alarms_a_week * block_s / WEEK_S)


class _Scorer(Protocol):
    def score(self, signals: Signals) -> Scores: ...


class Adjustable(Protocol):
    """A fitted model whose scores are its statistic divided by its `threshold`."""

    @property
    def threshold(self) -> float:
        """What the statistic is divided by."""
        ...

    def scorer(self) -> _Scorer:
        """A new beginning."""
        ...

    def to_json(self) -> dict[str, object]:
        """All there is of it."""
        ...

    def with_threshold(self, threshold: float) -> Self:
        """The same model with another threshold."""
        ...


Model = TypeVar("Model", bound=Adjustable)


def within_budget(model: Model, clean: Signals, alarms_a_week: float, block_s: float = 3600.0) -> Model:
    """`model` with the threshold that `clean`, which it was not fitted on, vouches for. Raises ValueError where `clean` is too short."""
    statistic = model.scorer().score(clean).score * model.threshold
    return model.with_threshold(budgeted(statistic, clean.seconds, alarms_a_week, block_s))
