"""A watch over single signals that needs no training: is the last hour or so usual, for this signal, for this time, and in the way it went?

Four views of one signal, each a distance in spreads of its own history: level (trailing mean against the history), season (trailing mean against
the profile of the day or week), and two shapes (way of the last rows against the nearest way before, slow and quick). The score is their root mean
square, or how far a single value lies beyond all values of the history if that is more. All is learnt as rows come: what stays becomes usual.
"""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from models.timeseries.references import Reference
from models.timeseries.seasons import DAY_S, WEEK_S, Season
from models.timeseries.signals import Floats, Scores, Signals, Unscored
from models.timeseries.trajectories import Trajectories, trailing_means

_LEAST_ROWS = 96
"""Rows of history before a view says anything: two chunks."""


@dataclass(frozen=True, slots=True)
class WatchSettings:
    """How a signal is watched; all lengths are in rows.

    `threshold`: spreads at which the score is 1; above 0. `memory`: length of the history; at least 4 chunks. `chunk`: how often the history is
    renewed; a multiple of `stride`. `span`: rows of the trailing mean, at least 1. `quick_span`: the same for the quick shape, at least 1. `points`:
    means that make a shape; at least 2. `stride`: one in so many shapes is remembered; at least 1. `beyond`: what a spread beyond the greatest or
    least value counts; at least 0. `kept`: rows that a fitted model carries with it; at least 0.
    Chosen on the folders artificialNoAnomaly, artificialWithAnomaly, realAWSCloudwatch and realTweets of the Numenta Anomaly Benchmark.
    """

    threshold: float = 3.7
    memory: int = 4000
    chunk: int = 48
    span: int = 12
    quick_span: int = 3
    points: int = 8
    stride: int = 3
    beyond: float = 2.0
    kept: int = 12_000

    def __post_init__(self) -> None:
        wrong = {
            "threshold must be above 0": self.threshold <= 0,
            "chunk must be a multiple of stride": self.stride < 1 or self.chunk < 1 or self.chunk % self.stride != 0,
            "memory must be at least 4 chunks": self.memory < 4 * self.chunk,
            "span and quick_span must be at least 1, points at least 2": min(self.span, self.quick_span) < 1 or self.points < 2,
            "beyond and kept must be at least 0": min(self.beyond, self.kept) < 0,
        }
        for rule, broken in wrong.items():
            if broken:
                raise ValueError(f"{rule}, got {self}")

    def fit(self, signals: Signals) -> "WatchModel":
        """A watch that goes on from `signals`. Raises ValueError where there are too few rows; `fresh` needs none."""
        if len(signals.seconds) < _LEAST_ROWS:
            raise ValueError(f"{len(signals.seconds)} rows are too few to tell what is usual; give {_LEAST_ROWS} or more, or begin a fresh watch")
        return WatchModel(self, signals.rows(max(0, len(signals.seconds) - self.kept), len(signals.seconds)))

    def fresh(self, names: tuple[str, ...]) -> "WatchModel":
        """A watch that has seen nothing: it takes any regime for usual, and begins to say something after two chunks."""
        return WatchModel(self, Signals.of(names, np.empty((0, len(names)))))


@dataclass(frozen=True, slots=True)
class WatchModel:
    """Settings, and the rows that were seen: a scorer begins by reading them once more."""

    settings: WatchSettings
    seen: Signals

    def scorer(self) -> "WatchScorer":
        """A watch that goes on after the rows seen; other regimes than those in them are unknown to it."""
        scorer = WatchScorer(self.settings, self.seen.names, frozenset(self.seen.regimes[self.seen.regimes >= 0].tolist()))
        scorer.score(self.seen)
        return scorer

    def to_json(self) -> dict[str, object]:
        """Settings and rows seen; a value that is not known is null."""
        settings = {name: getattr(self.settings, name) for name in WatchSettings.__dataclass_fields__}
        values = [[None if math.isnan(value) else value for value in row] for row in self.seen.values.tolist()]
        seen = {"names": list(self.seen.names), "values": values, "seconds": self.seen.seconds.tolist(), "regimes": self.seen.regimes.tolist()}
        return {"settings": settings, "seen": seen}

    @classmethod
    def from_json(cls, data: dict[str, object]) -> Self:
        """What `to_json` wrote. Raises ValueError where `data` is not that."""
        match data:
            case {
                "settings": dict(settings),
                "seen": {"names": list(names), "values": list(values), "seconds": list(times), "regimes": list(regimes)},
            }:
                table = np.array(values, dtype=np.float64).reshape(len(times), len(names))
                seen = Signals(tuple(names), table, np.array(times, dtype=np.float64), np.array(regimes, dtype=np.int64))
                try:
                    return cls(WatchSettings(**settings), seen)
                except TypeError as wrong:
                    raise ValueError(f"settings of a watch are {list(WatchSettings.__dataclass_fields__)}, got {list(settings)}") from wrong
            case _:
                raise ValueError(f"a watch is written as settings and seen, got {list(data)}; write it with to_json")


class WatchScorer:
    """One `SignalWatch` per signal, in all regimes alike; a row's score is that of its strangest signal."""

    def __init__(self, settings: WatchSettings, names: tuple[str, ...], regimes: frozenset[int]) -> None:
        self._settings, self._regimes = settings, regimes
        self._watches = {name: SignalWatch(settings) for name in names}

    def score(self, signals: Signals) -> Scores:
        """Scores of the rows that follow; `parts` are the scores of each signal, 0 where there is none. Raises ValueError on other names."""
        if set(signals.names) != set(self._watches):
            raise ValueError(f"the watch is over {tuple(self._watches)}, got {signals.names}; fit it with the signals it is to score")
        strange = np.full(signals.values.shape, np.nan)
        runs = signals.regimes >= 0
        usual = runs & (np.isin(signals.regimes, list(self._regimes)) if self._regimes else True)
        known = ~np.isnan(signals.values)
        for column, name in enumerate(signals.names):
            rows = known[:, column] & usual
            strange[rows, column] = self._watches[name].spreads(signals.seconds[rows], signals.values[rows, column]) / self._settings.threshold
        scored = ~np.isnan(strange).any(axis=1)
        reasons = ((~runs, Unscored.NOT_RUNNING), (~usual, Unscored.REGIME_UNKNOWN), (~known.all(axis=1), Unscored.VALUE_MISSING))
        why = np.select([rows for rows, _ in reasons], [reason for _, reason in reasons], np.where(scored, Unscored.SCORED, Unscored.TOO_FEW_ROWS))
        parts = np.nan_to_num(strange, nan=0.0)
        return Scores(np.where(scored, parts.max(axis=1, initial=0.0), np.nan), why.astype(np.int64), parts)


class SignalWatch:
    """The views of one signal.

    >>> watch = SignalWatch(WatchSettings())
    >>> quiet = np.sin(np.arange(400.0))
    >>> bool(np.nanmax(watch.spreads(300.0 * np.arange(400), quiet)) < 3.0)
    True
    >>> watch.spreads(300.0 * np.arange(400, 403), np.array([0.0, 50.0, 0.0])).round(1)
    array([  2. , 138.7,  96.2])
    """

    def __init__(self, settings: WatchSettings) -> None:
        self._settings = settings
        chunks = settings.memory // settings.chunk
        self._level, self._mean, self._daily, self._weekly, self._slow, self._quick = (Reference(chunks) for _ in range(6))
        self._seasons = Season(DAY_S, bins=96, share=0.25), Season(WEEK_S, bins=336, share=0.4)
        self._ways = tuple(Trajectories(span, settings.points, settings.stride, settings.memory) for span in (settings.span, settings.quick_span))
        self._before = max(way.reach for way in self._ways) - 1
        self._values = np.empty(0)
        self._chunk: list[tuple[Floats, ...]] = []
        self._rows = 0

    def spreads(self, seconds: Floats, values: Floats) -> Floats:
        """How strange each value is, in spreads of what was usual; NaN while there is too little history. No value may be NaN."""
        if len(values) and not len(self._values):
            self._values = np.full(self._before, values[0])
        found, first = [np.empty(0)], 0
        while first < len(values):
            last = min(len(values), first + self._settings.chunk - self._rows % self._settings.chunk)
            found.append(self._piece(seconds[first:last], values[first:last]))
            first = last
        return np.concatenate(found)

    def _piece(self, seconds: Floats, values: Floats) -> Floats:
        """Rows of one chunk, all judged by the history up to the chunk."""
        rows = len(values)
        self._values = np.concatenate([self._values, values])
        mean = trailing_means(self._values[-(rows + self._settings.span - 1) :], self._settings.span)
        daily, weekly = (mean - season.expected(seconds, self._believable(mean)) for season in self._seasons)
        slow, quick = (way.distances(self._values[-(rows + way.reach - 1) :]) / self._floored(self._level.spread) for way in self._ways)
        views = np.stack([self._level_view(mean), self._season_view(daily, weekly), _shape_view(slow, self._slow), _shape_view(quick, self._quick)])
        beyond = np.maximum(values - self._level.high, self._level.low - values) / self._floored(self._level.spread)
        together = np.maximum(_root_mean_square(views), self._settings.beyond * beyond)
        enough = self._level.rows >= _LEAST_ROWS
        self._chunk.append((values, mean, daily, weekly, slow, quick))
        self._rows += rows
        if self._rows % self._settings.chunk == 0:
            self._renew()
        return together if enough else np.full(rows, np.nan)

    def _believable(self, mean: Floats) -> Floats:
        """Within a spread of a long history: a single enormous value would be what is expected a week later."""
        if self._level.rows < self._settings.memory // 4:
            return mean
        return np.clip(mean, self._level.low - self._level.spread, self._level.high + self._level.spread)

    def _level_view(self, mean: Floats) -> Floats:
        return np.abs(mean - self._mean.mean) / self._floored(self._mean.spread)

    def _season_view(self, daily: Floats, weekly: Floats) -> Floats:
        """By the week where it foretold clearly better than the day, else by the day."""
        by_day = self._usual_or_more(daily, self._daily)
        if self._weekly.rows < 3 * _LEAST_ROWS or self._weekly.size >= 0.95 * self._daily.size:
            return by_day
        by_week = self._usual_or_more(weekly, self._weekly)
        return np.where(np.isnan(weekly), by_day, by_week)

    def _usual_or_more(self, missed: Floats, reference: Reference) -> Floats:
        if reference.rows < _LEAST_ROWS:
            return np.zeros(len(missed))
        return np.nan_to_num(np.abs(missed) / self._floored(reference.size))

    def _floored(self, spread: float) -> float:
        """A spread to divide by: a signal that never changed has one too, a billionth of its value."""
        return max(spread, 1e-9 * max(abs(self._level.low), abs(self._level.high)), 1e-12) if self._level.rows else 1.0

    def _renew(self) -> None:
        columns = [np.concatenate(column) for column in zip(*self._chunk, strict=True)]
        for reference, column in zip((self._level, self._mean, self._daily, self._weekly, self._slow, self._quick), columns, strict=True):
            reference.add(column[~np.isnan(column)])
        for way in self._ways:
            way.remember(self._values[-(self._settings.chunk + way.reach - 1) :])
        self._values = self._values[-self._before :]
        self._chunk = []


def _shape_view(distance: Floats, reference: Reference) -> Floats:
    if reference.rows < _LEAST_ROWS:
        return np.zeros(len(distance))
    return np.nan_to_num(np.maximum(distance - reference.mean, 0.0) / max(reference.spread, 1e-6))


def _root_mean_square(views: Floats) -> Floats:
    """Added one by one, so that a block's length changes no bit."""
    total = np.zeros(views.shape[1])
    for view in views:
        total += np.square(view)
    return np.sqrt(total / len(views))
