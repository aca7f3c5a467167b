"""Slow changes that no single row shows: control charts over each signal, or over the score of another detector given as the one signal.

`x` is a signal less its usual median, in robust standard deviations. EWMA: the exponentially weighted mean of `x` in units of its own standard
deviation, `√(w/(2-w))` (Roberts 1959). CUSUM: the sum of `x - slack` since it was last below nothing, and the same of `-x` (Page 1954). Page-Hinkley:
the sum of `x - mean - slack`, above the least it ever was, and the same of `-x`, where the mean is of all rows so far (Hinkley 1971). The first two
know the usual level from the fit; the last takes it from the rows, so a level that was already other than usual is no drift to it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from models.timeseries import plain
from models.timeseries.rows import RegimeScorer, enough
from models.timeseries.signals import Floats, Signals
from models.timeseries.windows import center_and_spread, ewma

FEWEST_ROWS = 30
"""Of a regime, to know a median and a spread by."""


@dataclass(frozen=True, slots=True)
class EwmaSettings:
    """`memory_rows`: over how many rows the mean forgets, 2 to 1e6. `far`: the threshold, in standard deviations of the mean, 0.1 to 1e6. Raises
    ValueError.
    """

    memory_rows: float = 50.0
    far: float = 4.5

    def __post_init__(self) -> None:
        _checked(("memory_rows", self.memory_rows, 2, 1e6), ("far", self.far, 0.1, 1e6))

    def fit(self, signals: Signals) -> "Drift":
        """A chart of each regime with 30 rows or more. Raises ValueError where none has."""
        return _fitted(signals, "ewma", 1 - float(np.exp(-1 / self.memory_rows)), self.far)


@dataclass(frozen=True, slots=True)
class CusumSettings:
    """`slack`: half the shift that is looked for, in standard deviations, 0 to 10. `far`: the threshold, of the same unit, 0.1 to 1e6. Raises
    ValueError.
    """

    slack: float = 0.5
    far: float = 8.0

    def __post_init__(self) -> None:
        _checked(("slack", self.slack, 0, 10), ("far", self.far, 0.1, 1e6))

    def fit(self, signals: Signals) -> "Drift":
        """A chart of each regime with 30 rows or more. Raises ValueError where none has."""
        return _fitted(signals, "cusum", self.slack, self.far)


@dataclass(frozen=True, slots=True)
class PageHinkleySettings:
    """`slack`: shift that is borne, in standard deviations, 0 to 10. `far`: the threshold, of the same unit, 0.1 to 1e6. Raises ValueError."""

    slack: float = 0.1
    far: float = 25.0

    def __post_init__(self) -> None:
        _checked(("slack", self.slack, 0, 10), ("far", self.far, 0.1, 1e6))

    def fit(self, signals: Signals) -> "Drift":
        """A chart of each regime with 30 rows or more. Raises ValueError where none has."""
        return _fitted(signals, "page-hinkley", self.slack, self.far)


@dataclass(frozen=True, slots=True)
class Usual:
    """Of one regime: median and robust standard deviation of each signal."""

    center: Floats
    spread: Floats


@dataclass(frozen=True, slots=True)
class Drift:
    """Charts by regime: `chart` is one of `CHARTS`, `tuning` its weight or slack. The score is the largest of the signals' statistics over the
    threshold: 0 as usual, 1 at the threshold; `parts` is that of each signal.

    >>> noise = np.random.default_rng(0).normal(size=(300, 1))
    >>> noise[250:] += 1.0
    >>> rows = Signals.of(("a",), noise)
    >>> [round(float(score), 1) for score in CusumSettings().fit(rows.rows(0, 200)).scorer().score(rows).score[[0, 240, 260, 290]]]
    [0.0, 0.6, 0.9, 1.4]
    """

    names: tuple[str, ...]
    chart: str
    tuning: float
    threshold: float
    regimes: Mapping[int, Usual]

    def __post_init__(self) -> None:
        if self.chart not in CHARTS:
            raise ValueError(f"chart is {self.chart}; give one of {list(CHARTS)}")

    def scorer(self) -> RegimeScorer:
        """A new beginning; what a regime's chart has summed up lasts while the asset runs in another."""
        return RegimeScorer(self.names, {regime: _Follower(self, usual) for regime, usual in self.regimes.items()})

    def with_threshold(self, threshold: float) -> Self:
        """The same charts with another threshold, above 0."""
        return replace(self, threshold=threshold)

    def to_json(self) -> dict[str, object]:
        """All there is of it, in plain JSON."""
        return plain.written(self)

    @classmethod
    def from_json(cls, data: dict[str, object]) -> Self:
        """The model that `to_json` wrote. Raises ValueError where `data` is not one."""
        return plain.read("control chart", cls, data)


class _Ewma:
    def __init__(self, signals: int, weight: float) -> None:
        self._mean, self._weight = np.zeros(signals), weight

    def __call__(self, values: Floats) -> Floats:
        means = ewma(values, self._mean, self._weight)
        self._mean = means[:, -1].copy()
        return np.abs(means) / float(np.sqrt(self._weight / (2 - self._weight)))


class _Sums:
    """Running sums above the least they ever were; numpy accumulates one after the other, so blocks do not matter."""

    def __init__(self, signals: int) -> None:
        self._sum, self._least = np.zeros(signals), np.zeros(signals)

    def __call__(self, steps: Floats) -> Floats:
        sums = np.add.accumulate(np.concatenate([self._sum[:, None], steps], axis=1), axis=1)
        least = np.minimum.accumulate(np.concatenate([self._least[:, None], sums[:, 1:]], axis=1), axis=1)
        self._sum, self._least = sums[:, -1].copy(), least[:, -1].copy()
        return (sums - least)[:, 1:]


class _Cusum:
    def __init__(self, signals: int, slack: float) -> None:
        self._up, self._down, self._slack = _Sums(signals), _Sums(signals), slack

    def __call__(self, values: Floats) -> Floats:
        return np.maximum(self._up(values - self._slack), self._down(-values - self._slack))


class _PageHinkley:
    def __init__(self, signals: int, slack: float) -> None:
        self._cusum, self._sum, self._rows = _Cusum(signals, slack), np.zeros(signals), 0

    def __call__(self, values: Floats) -> Floats:
        sums = np.add.accumulate(np.concatenate([self._sum[:, None], values], axis=1), axis=1)[:, 1:]
        rows = self._rows + np.arange(1, values.shape[1] + 1)
        self._sum, self._rows = sums[:, -1].copy(), int(rows[-1])
        return self._cusum(values - sums / rows)


CHARTS: Mapping[str, Callable[[int, float], Callable[[Floats], Floats]]] = {"ewma": _Ewma, "cusum": _Cusum, "page-hinkley": _PageHinkley}


class _Follower:
    def __init__(self, model: Drift, usual: Usual) -> None:
        self._usual, self._threshold = usual, model.threshold
        self._chart = CHARTS[model.chart](len(usual.center), model.tuning)

    def again(self) -> None:
        """Charts need no neighbours."""

    def follow(self, values: Floats) -> tuple[Floats, Floats]:
        parts = self._chart((values - self._usual.center[:, None]) / self._usual.spread[:, None]) / self._threshold
        return parts.max(axis=0), parts


def _fitted(signals: Signals, chart: str, tuning: float, far: float) -> Drift:
    names = tuple(sorted(signals.names))
    found = enough(signals, names, FEWEST_ROWS)
    return Drift(names, chart, tuning, far, {regime: Usual(*center_and_spread(values)) for regime, values in found.items()})


def _checked(*numbers: tuple[str, float, float, float]) -> None:
    for name, value, low, high in numbers:
        if not low <= value <= high:
            raise ValueError(f"{name} is {value}; give {low} to {high}")
