"""How long parts live, from maintenance history: of parts that failed, and of parts that run or were taken out whole and would have lived longer.

Kaplan and Meier's curve assumes no form; Weibull's law has two numbers, goes beyond the ages that were seen, and says what is left at an age. What
condition monitoring adds is in `models/timeseries/scored_life.py` and `models/timeseries/remaining_life.py`. Sources: Kaplan and Meier,
Nonparametric Estimation from Incomplete Observations, 1958; Meeker and Escobar, Statistical Methods for Reliability Data, 1998, chapters 3 and 8.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from statistics import NormalDist
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models.timeseries.signals import Floats, Numbers

SHAPES = (0.05, 100.0)
"""Weibull shapes that are looked among: from far more early failures than any part has, to lives that hardly differ."""
LOG_MAX = 300.0
"""No cumulative hazard is above exp(300): all parts failed long before. Below exp(-300) it is 0."""
SECONDS_IN_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Service:
    """A part's time in a machine, in UTC; `ended` None: it runs. `failed`: it was taken out because it failed, not whole and for another reason."""

    began: datetime
    ended: datetime | None
    failed: bool

    def __post_init__(self) -> None:
        if self.began.tzinfo is None or (self.ended is not None and self.ended.tzinfo is None):
            raise ValueError(f"service from {self.began} to {self.ended} has a time without a zone; give UTC")
        if self.ended is None and self.failed:
            raise ValueError(f"the part in service since {self.began} runs and has failed; give the time it was taken out")


@dataclass(frozen=True, slots=True)
class Lives:
    """`ages_h`, above 0: the age of each part when it failed, or when it was last known whole, where `failed` says which. Raises ValueError."""

    ages_h: Floats
    failed: NDArray[np.bool_]

    def __post_init__(self) -> None:
        if self.ages_h.shape != self.failed.shape or self.ages_h.ndim != 1:
            raise ValueError(f"{self.ages_h.shape} ages and {self.failed.shape} marks of failure do not fit each other; give one each for every part")
        if not (np.isfinite(self.ages_h).all() and (self.ages_h > 0).all()):
            raise ValueError(f"ages must be above 0 h and known, the lowest is {self.ages_h.min()}; leave parts out that never ran")

    @classmethod
    def of(cls, history: Iterable[Service], now: datetime) -> Self:
        """Ages of a history, as they are known at `now`. Parts that came later are left out, and what ended later still runs."""
        known = [(part, min(part.ended or now, now)) for part in history if part.began < now]
        ages = [(end - part.began).total_seconds() / SECONDS_IN_HOUR for part, end in known]
        return cls(np.array(ages), np.array([part.failed and part.ended is not None and part.ended <= now for part, _ in known], dtype=np.bool_))


@dataclass(frozen=True, slots=True)
class KaplanMeier:
    """Share of parts that live longer than each of `ages_h`, the ages of failures; between two of them it stays."""

    ages_h: Floats
    at_risk: Numbers
    failures: Numbers
    share: Floats

    @classmethod
    def fit(cls, lives: Lives) -> Self:
        """`share = product over ages so far of (1 - failures / at risk)`. A part last seen whole at an age of failure was at risk there.

        >>> KaplanMeier.fit(Lives(np.array([2.0, 3.0, 3.0, 5.0]), np.array([True, True, False, True]))).share
        array([0.75, 0.5 , 0.  ])
        """
        ages, failures = np.unique(lives.ages_h[lives.failed], return_counts=True)
        at_risk = len(lives.ages_h) - np.searchsorted(np.sort(lives.ages_h), ages, side="left")
        return cls(ages, at_risk.astype(np.int64), failures.astype(np.int64), np.cumprod(1 - failures / at_risk, dtype=np.float64))

    def survival(self, age_h: float) -> float:
        """Share of parts that live longer than `age_h`."""
        before = int(np.searchsorted(self.ages_h, age_h, side="right"))
        return float(self.share[before - 1]) if before else 1.0

    def interval(self, age_h: float, level: float = 0.95) -> tuple[float, float]:
        """Where the true share is with the chance `level`: Greenwood's variance on the scale of `ln(-ln share)`, which keeps it between 0 and 1."""
        before = int(np.searchsorted(self.ages_h, age_h, side="right"))
        share = self.survival(age_h)
        if not 0 < share < 1:
            return (0.0, 1.0) if share == 0 else (share, share)
        risk, failed = self.at_risk[:before], self.failures[:before]
        error = math.sqrt(float(np.sum(failed / (risk * (risk - failed))))) / abs(math.log(share))
        wide = math.exp(NormalDist().inv_cdf((1 + level) / 2) * error)
        return share**wide, share ** (1 / wide)

    @property
    def median_h(self) -> float:
        """The first age that half of the parts or fewer outlive; infinite where more of them were never seen to fail."""
        # Products of exact shares miss a half by a rounding: 9 / 10 of 5 / 9 is 0.5000000000000001.
        reached = np.flatnonzero(self.share <= 0.5 + 1e-12)
        return float(self.ages_h[reached[0]]) if len(reached) else math.inf


@dataclass(frozen=True, slots=True)
class Remaining:
    """Hours left: half of parts of that age have `median_h` or more; a part is between `low_h` and `high_h` with the level asked for."""

    median_h: float
    low_h: float
    high_h: float


@dataclass(frozen=True, slots=True)
class Weibull:
    """`survival = exp(-(age / scale_h) ^ shape)`; `shape` below 1: failures of youth, 1: of chance, above 1: of wear. Both are above 0."""

    shape: float
    scale_h: float

    @classmethod
    def fit(cls, lives: Lives) -> Self:
        """The likeliest law. Raises ValueError where fewer than two ages of failure differ: one age alone fits any steepness.

        The shape is the root of `sum(t^k ln t) / sum(t^k) - 1 / k - mean over failures of ln t`, which rises with k; `scale^k = sum(t^k) / failures`.
        """
        from scipy.optimize import brentq

        logs = np.log(lives.ages_h)
        failed = logs[lives.failed]
        if len(np.unique(failed)) < 2:
            raise ValueError(f"{len(failed)} failures at {len(np.unique(failed))} ages say nothing of a spread; give failures at two ages or more")
        top = float(logs.max())

        def slope(shape: float) -> float:
            weights = np.exp(shape * (logs - top))
            return float(np.sum(weights * logs) / np.sum(weights) - 1 / shape - failed.mean())

        low, high = SHAPES
        shape = float(brentq(slope, low, high, xtol=1e-12)) if slope(low) < 0 < slope(high) else low if slope(low) >= 0 else high
        return cls(shape, math.exp(top) * float(np.sum(np.exp(shape * (logs - top))) / len(failed)) ** (1 / shape))

    def survival(self, age_h: float) -> float:
        """Share of parts that live longer than `age_h`."""
        return math.exp(-self._used(age_h))

    def risk(self, age_h: float, ahead_h: float) -> float:
        """Chance that a part which is whole at `age_h` fails in the next `ahead_h`.

        >>> round(Weibull(shape=2.0, scale_h=1000.0).risk(age_h=500.0, ahead_h=100.0), 4)
        0.1042
        """
        if ahead_h < 0:
            raise ValueError(f"the time ahead must be 0 h or more, got {ahead_h}")
        used = self._used(age_h)
        # Written as a share of what is used, so that of two large numbers nothing is lost.
        return -math.expm1(-used * math.expm1(self.shape * math.log1p(ahead_h / age_h)) if used else -self._used(ahead_h))

    def remaining(self, age_h: float, level: float = 0.8) -> Remaining:
        """What is left to a part that is whole at `age_h`; the law is taken for true, so that with few failures the interval is too narrow."""
        if not 0 < level < 1:
            raise ValueError(f"a level must be above 0 and below 1, got {level}")
        return Remaining(*(self._outlived_h(age_h, share) for share in (0.5, (1 + level) / 2, (1 - level) / 2)))

    def _outlived_h(self, age_h: float, share: float) -> float:
        """Hours that `share` of the parts of that age will outlive."""
        used = self._used(age_h)
        new_h = self.scale_h * float((-math.log(share)) ** (1 / self.shape))
        return age_h * math.expm1(math.log1p(-math.log(share) / used) / self.shape) if used else new_h

    def _used(self, age_h: float) -> float:
        """Cumulative hazard. Raises ValueError for an age below 0."""
        if age_h < 0:
            raise ValueError(f"an age must be 0 h or more, got {age_h}")
        hazard_log = self.shape * math.log(age_h / self.scale_h) if age_h else -math.inf
        return math.exp(min(hazard_log, LOG_MAX)) if hazard_log > -LOG_MAX else 0.0
