"""A signal outside the band that its time of day, or week, and its own slow level leave it: a forecast one row ahead that never ends.

`value = profile(time) + level + rest`. The profile is the median of each bin of the period, the level an exponentially weighted mean of what the
profile leaves, which a rest counts in only as far as usual rests go, so that a long anomaly is its own excuse slowly. Half the band is the conformal
quantile of rests on rows held out of the profile. There is a profile for each regime; for hours or days ahead see `models.timeseries.forecast`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from models.timeseries import conformal, plain
from models.timeseries.rows import RegimeScorer, columns, enough
from models.timeseries.seasons import DAY_S
from models.timeseries.signals import Floats, Numbers, Scores, Signals
from models.timeseries.windows import center_and_spread

FITTED_SHARE = 2 / 3
"""Of a regime's rows, how many the profile is made of; the others hold the band."""


@dataclass(frozen=True, slots=True)
class SeasonalBandSettings:
    """How the band is made. Raises ValueError.

    `period_s`: of the season, 1 to 1e8; a regime known for less than two of them has no season. `bins`: of a profile, 1 to 10000. `memory_rows`: of
    the level, 2 to 1e6. `most`: usual deviations that a rest counts for in the level at most, 0.1 to 100. `false_alarms`: share of usual rows outside
    the band, 0.001 to 0.4.
    """

    period_s: float = DAY_S
    bins: int = 24
    memory_rows: float = 100.0
    most: float = 2.0
    false_alarms: float = 0.01

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("period_s", self.period_s, 1, 1e8),
            ("bins", self.bins, 1, 10_000),
            ("memory_rows", self.memory_rows, 2, 1e6),
            ("most", self.most, 0.1, 100),
            ("false_alarms", self.false_alarms, 0.001, 0.4),
        ):
            if not low <= value <= high:
                raise ValueError(f"{name} is {value}; give {low} to {high}")

    def fit(self, signals: Signals) -> "SeasonalBand":
        """Bands of the regimes that have rows enough. Raises ValueError where none has."""
        names = tuple(sorted(signals.names))
        fewest = int(np.ceil(conformal.fewest(self.false_alarms) / (1 - FITTED_SHARE))) + 3
        weight = 1 - float(np.exp(-1 / self.memory_rows))
        whole = np.isfinite(signals.values).all(axis=1)
        bands = {}
        for regime, values in enough(signals, names, fewest).items():
            bands[regime] = self._band(values, signals.seconds[whole & (signals.regimes == regime)], weight)
        return SeasonalBand(names, self.period_s, weight, bands)

    def _band(self, values: Floats, seconds: Floats, weight: float) -> "Band":
        first = round(len(seconds) * FITTED_SHARE)
        bins = self.bins if seconds[first - 1] - seconds[0] >= 2 * self.period_s else 1
        places = _bins(seconds, self.period_s, bins)
        profile = _profile(values[:, :first], places[:first], bins)
        rests = values - profile[:, places]
        clip = self.most * center_and_spread(rests[:, :first])[1]
        band = Band(profile, clip, np.ones(len(values)))
        away = _Follower(band, weight).follow(rests)[1].T[first:]
        half = np.array([conformal.limit(one, self.false_alarms) for one in away.T])
        half = np.where(half > 0, half, 1.0)
        highest = conformal.limit((away / half).max(axis=1), self.false_alarms)
        return replace(band, half=half * (highest or 1.0))


@dataclass(frozen=True, slots=True)
class Band:
    """Of one regime: `profile`, signals x bins; `clip`, what a rest moves the level for at most; `half`, half the band; in units of the tags."""

    profile: Floats
    clip: Floats
    half: Floats


@dataclass(frozen=True, slots=True)
class SeasonalBand:
    """Bands by regime. The score is how far a row is from what is foretold, 0 there and 1 at the edge of the band, higher is stranger; `parts` is
    this of each signal, and the score the largest.

    >>> hours = np.arange(24 * 28.0)
    >>> values = 50 + 10 * np.sin(hours * np.pi / 12) + np.random.default_rng(0).normal(size=len(hours))
    >>> model = SeasonalBandSettings().fit(Signals.of(("energy",), values[: 24 * 21, None], step_s=3600.0))
    >>> values[24 * 25 + 6] -= 8.0
    >>> scores = model.scorer().score(Signals.of(("energy",), values[:, None], step_s=3600.0))
    >>> [round(float(score), 1) for score in scores.score[[24 * 25 + 5, 24 * 25 + 6, 24 * 25 + 7]]]
    [0.1, 1.9, 0.1]
    """

    names: tuple[str, ...]
    period_s: float
    weight: float
    regimes: Mapping[int, Band]

    def scorer(self) -> "SeasonalBandScorer":
        """A new beginning, at the level of the fit."""
        return SeasonalBandScorer(self)

    def to_json(self) -> dict[str, object]:
        """All there is of it, in plain JSON."""
        return plain.written(self)

    @classmethod
    def from_json(cls, data: dict[str, object]) -> Self:
        """The model that `to_json` wrote. Raises ValueError where `data` is not one."""
        return plain.read("model of seasonal bands", cls, data)


class SeasonalBandScorer:
    """Takes each row's profile off it, and hands what is left to the follower of its regime."""

    def __init__(self, model: SeasonalBand) -> None:
        self._model = model
        self._rows = RegimeScorer(model.names, {regime: _Follower(band, model.weight) for regime, band in model.regimes.items()})

    def score(self, signals: Signals) -> Scores:
        """Scores of the rows that follow those given before. Raises ValueError where a signal of the model is missing."""
        order = columns(signals.names, self._model.names)
        rests = signals.values.copy()
        for regime, band in self._model.regimes.items():
            rows = np.flatnonzero(signals.regimes == regime)
            places = _bins(signals.seconds[rows], self._model.period_s, band.profile.shape[1])
            rests[rows[:, None], order] -= band.profile[:, places].T
        return self._rows.score(replace(signals, values=rests))


class _Follower:
    """The level of each signal: it stays where it was while the regime is another."""

    def __init__(self, band: Band, weight: float) -> None:
        self._band, self._weight = band, weight
        self._level = np.zeros(len(band.half))

    def again(self) -> None:
        pass

    def follow(self, values: Floats) -> tuple[Floats, Floats]:
        parts = np.empty(values.shape)
        level, clip = self._level, self._band.clip
        for row in range(values.shape[1]):
            rest = values[:, row] - level
            parts[:, row] = np.abs(rest)
            level = level + self._weight * np.minimum(np.maximum(rest, -clip), clip)
        self._level = level
        parts /= self._band.half[:, None]
        return parts.max(axis=0), parts


def _bins(seconds: Floats, period_s: float, bins: int) -> Numbers:
    # In this order whole hours stay whole: a share of the day times 24 puts five o'clock at 4.999 every few days.
    return np.minimum(np.mod(seconds, period_s) * bins / period_s, bins - 1).astype(np.int64)


def _profile(values: Floats, places: Numbers, bins: int) -> Floats:
    """Signals x bins: medians, and between them a line where a bin has no rows."""
    known = np.unique(places)
    medians = np.stack([np.median(values[:, places == place], axis=1) for place in known], axis=1)
    return np.stack([np.interp(np.arange(bins), known, one, period=bins) for one in medians])
