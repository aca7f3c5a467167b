"""Principal components of the last rows: strange is what lies far out within them (T²), or off them (Q).

Rows are scaled robustly and laid beside the rows before them, so that how signals follow each other is seen too (Ku, Storer and Georgakis,
Chemometrics and Intelligent Laboratory Systems 30, 1995). `T² = Σ t²/λ` over the components `t` that are kept, `Q = |z - W t|²` of what they leave.
The statistic is `T²/a + Q/b` (Yue and Qin, Industrial and Engineering Chemistry Research 40, 2001), with `a`, `b` and the threshold from rows held
out of the fit (`conformal`). A signal adds `z (W t/(λ a) + (z - W t)/b)` to it, which is less than nothing where the signal is nearer to the usual
than the others would have it. There is one model for each regime.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from models.timeseries import plain
from models.timeseries.conformal import fewest, limit
from models.timeseries.rows import RegimeScorer, enough, in_order
from models.timeseries.signals import Floats, Signals
from models.timeseries.windows import center_and_spread

FITTED_SHARE = 2 / 3
"""Of a regime's rows, how many the components are of; the others hold the limits."""
CUT_ROWS = 1024
"""Rows that are reckoned at once: 20 columns of them stay in the cache."""


@dataclass(frozen=True, slots=True)
class PcaSettings:
    """What is looked at and how many false alarms there may be. Raises ValueError.

    `lags_rows`: how many rows are judged together, 1 to 50. `variance`: share of the variance that the components kept hold, 0.1 to 0.999.
    `false_share`: of usual rows, how many are above the threshold, 1e-5 to 0.5.
    """

    lags_rows: int = 2
    variance: float = 0.9
    false_share: float = 0.01

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("lags_rows", self.lags_rows, 1, 50),
            ("variance", self.variance, 0.1, 0.999),
            ("false_share", self.false_share, 1e-5, 0.5),
        ):
            if not low <= value <= high:
                raise ValueError(f"{name} is {value}; give {low} to {high}")

    def fit(self, signals: Signals) -> "Pca":
        """A model of the regimes that have rows enough. Raises ValueError where none has."""
        names = tuple(sorted(signals.names))
        columns = len(names) * self.lags_rows
        fewest_rows = max(3 * (fewest(self.false_share) + self.lags_rows), 3 * columns)
        regimes = {regime: self._components(values) for regime, values in enough(signals, names, fewest_rows).items()}
        return Pca(names, self.lags_rows, 1.0, regimes)

    def _components(self, values: Floats) -> "Components":
        first = round(values.shape[1] * FITTED_SHARE)
        center, spread = center_and_spread(values[:, :first])
        laid = _laid((values[:, :first] - center[:, None]) / spread[:, None], self.lags_rows)
        middle = laid.mean(axis=1)
        _, deviations, directions = np.linalg.svd((laid - middle[:, None]).T, full_matrices=False)
        variances = deviations**2 / (laid.shape[1] - 1)
        kept = 1 + int(np.searchsorted(np.cumsum(variances) / max(variances.sum(), 1e-300), self.variance))
        kept = min(kept, int((variances > 1e-12 * variances[0]).sum()) or 1)
        found = Components(center, spread, middle, directions[:kept], np.maximum(variances[:kept], 1e-300), 1.0, 1.0, 1.0)
        t2, q = found.statistics(values[:, first:], self.lags_rows)
        found = replace(found, t2_limit=_positive(limit(t2, self.false_share)), q_limit=_positive(limit(q, self.false_share)))
        both = in_order(found.judged(values[:, first:], self.lags_rows))
        return replace(found, both_limit=_positive(limit(both, self.false_share)))


@dataclass(frozen=True, slots=True)
class Components:
    """Of one regime: `center` and `spread` of each signal, `middle` of each column laid out, components x columns, their variances, the limits."""

    center: Floats
    spread: Floats
    middle: Floats
    directions: Floats
    variances: Floats
    t2_limit: float
    q_limit: float
    both_limit: float

    def statistics(self, values: Floats, lags_rows: int) -> tuple[Floats, Floats]:
        """T² and Q of all but the first `lags_rows - 1` of the rows, signals x rows."""
        laid = self._columns(values, lags_rows)
        placed = self._placed(laid)
        return in_order(placed**2 / self.variances[:, None]), in_order(self._rest(laid, placed) ** 2)

    def judged(self, values: Floats, lags_rows: int) -> Floats:
        """Signals x rows of what each signal adds to `T²/a + Q/b`, of all but the first `lags_rows - 1` rows."""
        laid = self._columns(values, lags_rows)
        placed = self._placed(laid)
        shares = 1 / (self.variances * self.t2_limit) - 1 / self.q_limit
        pull = _woven(self.directions, placed * shares[:, None])
        pull += laid / self.q_limit
        return in_order((laid * pull).reshape(lags_rows, len(values), -1))

    def _columns(self, values: Floats, lags_rows: int) -> Floats:
        return _laid((values - self.center[:, None]) / self.spread[:, None], lags_rows) - self.middle[:, None]

    def _placed(self, laid: Floats) -> Floats:
        return _woven(self.directions.T, laid)

    def _rest(self, laid: Floats, placed: Floats) -> Floats:
        return laid - _woven(self.directions, placed)


@dataclass(frozen=True, slots=True)
class Pca:
    """Components by regime. The score is 1 where the statistic is at the limit times `threshold`; higher is stranger. `parts` adds up to the score.

    Here `b` follows `a`, but no longer in the last row:

    >>> noise = np.random.default_rng(0).normal(size=(400, 2))
    >>> values = noise[:, :1] * (1.0, 2.0) + 0.1 * noise
    >>> model = PcaSettings(lags_rows=1, variance=0.8).fit(Signals.of(("a", "b"), values))
    >>> values[-1] = (1.0, -2.0)
    >>> scores = model.scorer().score(Signals.of(("a", "b"), values[-2:]))
    >>> [round(float(score), 1) for score in scores.score]
    [0.1, 153.9]
    """

    names: tuple[str, ...]
    lags_rows: int
    threshold: float
    regimes: Mapping[int, Components]

    def scorer(self) -> RegimeScorer:
        """A new beginning: the first `lags_rows - 1` rows of a stretch have no score."""
        return RegimeScorer(self.names, {regime: _Follower(found, self.lags_rows, self.threshold) for regime, found in self.regimes.items()})

    def with_threshold(self, threshold: float) -> Self:
        """The same model with another threshold, above 0."""
        return replace(self, threshold=threshold)

    def to_json(self) -> dict[str, object]:
        """All there is of it, in plain JSON."""
        return plain.written(self)

    @classmethod
    def from_json(cls, data: dict[str, object]) -> Self:
        """The model that `to_json` wrote. Raises ValueError where `data` is not one."""
        return plain.read("model of principal components", cls, data)


class _Follower:
    def __init__(self, found: Components, lags_rows: int, threshold: float) -> None:
        self._found, self._lags_rows = found, lags_rows
        self._limit = found.both_limit * threshold
        self._before = np.zeros((len(found.center), 0))

    def again(self) -> None:
        self._before = self._before[:, :0]

    def follow(self, values: Floats) -> tuple[Floats, Floats]:
        parts = np.full(values.shape, np.nan)
        for first in range(0, values.shape[1], CUT_ROWS):
            rows = np.concatenate([self._before, values[:, first : first + CUT_ROWS]], axis=1)
            judged = self._found.judged(rows, self._lags_rows) / self._limit if rows.shape[1] >= self._lags_rows else rows[:, :0]
            last = first + rows.shape[1] - self._before.shape[1]
            parts[:, last - judged.shape[1] : last] = judged
            self._before = rows[:, max(0, rows.shape[1] - self._lags_rows + 1) :]
        return in_order(parts), parts


def _laid(scaled: Floats, lags_rows: int) -> Floats:
    many = scaled.shape[1] - lags_rows + 1
    return np.concatenate([scaled[:, lags_rows - 1 - lag : lags_rows - 1 - lag + many] for lag in range(lags_rows)])


def _woven(weights: Floats, rows: Floats) -> Floats:
    """The sum over `rows` of each by its weights: a product of matrices in one fixed order, which a library's own is not."""
    total = np.zeros((weights.shape[1], rows.shape[1]))
    step = np.empty_like(total)
    for weight, row in zip(weights, rows, strict=True):
        np.multiply(weight[:, None], row, out=step)
        total += step
    return total


def _positive(value: float) -> float:
    return max(value, 1e-12)
