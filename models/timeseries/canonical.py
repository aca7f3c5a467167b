"""Canonical variate analysis: strange is what breaks how the last rows of all signals usually hang together, at once or again and again.

The recent past of a process is parted into directions that foretell its near future (the state, which wanders for hours) and all others (the
residual, which stays where it is). Only the residual is judged: how far a state wanders, no recording of a few days tells. `T² = w' R R' w`, `w` the
standardised last rows, `R` the residual's directions in units of their usual spread (Larimore 1990; Russell, Chiang and Braatz, Chemometrics and
Intelligent Laboratory Systems 51, 2000). `T²` and its exponentially weighted means (Roberts 1959) are each measured by the limit they keep on rows
held out of the fit, and the largest is the score. It is shared out by how much of `T²` would be gone if a signal had been what the others tell
(reconstruction-based contribution, Alcala and Qin, Automatica 45, 2009).
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from models.timeseries import conformal, plain
from models.timeseries.rows import columns, in_order, stretches
from models.timeseries.signals import CannotLearn, Floats, Numbers, Scores, Signals, Unscored
from models.timeseries.windows import ewma

FITTED_SHARE = 2 / 3
"""Of the rows given to `fit`, how many the model is made of; the others hold its limits. A fit's own rows say too little: 29 % false alarms seen."""
CUT_ROWS = 256
"""Rows that are reckoned at once: with 50 signals and 3 lags twice as fast as 32 of them."""


@dataclass(frozen=True, slots=True)
class CanonicalSettings:
    """How the past is looked at and how many false alarms there may be. Raises ValueError.

    `lags_rows`: rows of the past that are judged together, 1 to 20. `wander`: a direction whose correlation with the future is above this is state, 0
    to 1. `noise`: share of each signal's variance taken for noise, 1e-9 to 1; smaller trusts relations between signals that hold almost exactly.
    `memories_rows`: over how many rows `T²` is averaged besides the row itself, each 2 to 1000, as far as enough rows are held out to know its limit.
    `most`: a row adds at most this many times the limit to an average, 1 to 1000, so that one spike rings shortly. `false_alarms`: share of usual
    rows above the threshold, 1e-6 to 0.499.
    """

    # Chosen on the Tennessee Eastman process: false alarms of one half of the held-out normal rows under limits of the other, and how far the
    # training recordings of faults 5 and 10 stay above the limit. 2 to 5 lags, noise of 1e-4 to 3e-3 and `wander` of 0.8 to 0.95 differ little.
    lags_rows: int = 3
    wander: float = 0.9
    noise: float = 3e-4
    memories_rows: tuple[int, ...] = (4, 16)
    most: float = 4.0
    false_alarms: float = 0.01

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("lags_rows", self.lags_rows, 1, 20),
            ("wander", self.wander, 0, 1),
            ("noise", self.noise, 1e-9, 1),
            *(("memories_rows", memory, 2, 1000) for memory in self.memories_rows),
            ("most", self.most, 1, 1000),
            ("false_alarms", self.false_alarms, 1e-6, 0.499),
        ):
            if not low <= value <= high:
                raise ValueError(f"{name} is {value}; give {low} to {high}")

    def fit(self, signals: Signals) -> "CanonicalModel":
        """A model of the first two thirds of the rows; the last third sets the limits. Raises ValueError where they are too few."""
        first = round(len(signals.seconds) * FITTED_SHARE)
        return self.fitted(signals.rows(0, first), signals.rows(first, len(signals.seconds)))

    def fitted(self, usual: Signals, held: Signals) -> "CanonicalModel":
        """A model of `usual`, with limits that `held`, recorded at another time, keeps but for `false_alarms`. Raises ValueError.

        A regime that has too few rows in one of the two is left out; its rows will not be scored.
        """
        names = tuple(sorted(usual.names))
        steps_s = np.diff(usual.seconds)
        gap_s = 2.5 * float(np.median(steps_s[steps_s > 0])) if (steps_s > 0).any() else 0.0
        raw = {regime: self._relation(usual, names, int(regime), gap_s) for regime in np.unique(usual.regimes) if regime >= 0}
        relations = {int(regime): relation for regime, relation in raw.items() if relation is not None}
        model = CanonicalModel(names, self.lags_rows, gap_s, relations)
        limited = {regime: self._limited(model, regime, held) for regime in relations}
        kept = {regime: relation for regime, relation in limited.items() if relation is not None}
        if not kept:
            raise CannotLearn(
                f"no regime has enough whole rows on end: {len(usual.seconds)} rows to fit and {len(held.seconds)} for the limits are given; give at"
                f" least {self._fewest(len(names)) + 2 * self.lags_rows} and {self._fewest_held(1) + self.lags_rows} of one regime"
            )
        return replace(model, relations=kept)

    def _fewest(self, signals: int) -> int:
        """Windows below which covariances of so many inputs say nothing."""
        return 2 * self.lags_rows * signals

    def _fewest_held(self, memory_rows: int) -> int:
        """Rows below which the limit would be above all that was seen: neighbours share a mean's rows, so `2 m - 1` of them tell as much as one."""
        return math.ceil((2 * memory_rows - 1) / self.false_alarms)

    def _relation(self, usual: Signals, names: tuple[str, ...], regime: int, gap_s: float) -> "Relation | None":
        values = usual.values[:, columns(usual.names, names)]
        whole = (usual.regimes == regime) & np.isfinite(values).all(axis=1)
        breaks = np.cumsum(~whole) + np.cumsum(np.diff(usual.seconds, prepend=usual.seconds[:1]) > gap_s)
        windows = _windows(values[whole], breaks[whole], 2 * self.lags_rows)
        if len(windows) < self._fewest(len(names)):
            return None
        center, spread = values[whole].mean(axis=0), values[whole].std(axis=0)
        scale = np.where(spread > 0, spread, 1.0)
        scaled = (windows - center) / scale
        past = scaled[:, self.lags_rows - 1 :: -1].reshape(len(scaled), -1)
        future = scaled[:, self.lags_rows :].reshape(len(scaled), -1)
        whiten = _inverse_root(past, self.noise)
        directions, correlations, _ = np.linalg.svd(whiten @ (past.T @ future / len(past)) @ _inverse_root(future, self.noise))
        residual = whiten @ directions[:, correlations <= self.wander]
        form = residual @ residual.T
        return Relation(center, scale, form, _inverse_blocks(form, self.lags_rows), 0.0, math.inf, (), np.ones(1))

    def _limited(self, model: "CanonicalModel", regime: int, held: Signals) -> "Relation | None":
        """The regime's relation with its limits, which are found in three steps: of `T²`, of each of its means, of the largest of them all."""
        relation = model.relations[regime]
        rows = replace(held, regimes=np.where(held.regimes == regime, regime, -1))
        statistic = CanonicalScorer(model).levels(rows)[0]
        if len(statistic) < self._fewest_held(1):
            return None
        memories = tuple(memory for memory in self.memories_rows if len(statistic) >= self._fewest_held(memory))
        most = self.most * held_limit(statistic, self.false_alarms)
        relation = replace(relation, usual=float(np.median(statistic)), most=most, memories_rows=memories)
        levels = CanonicalScorer(replace(model, relations={regime: relation})).levels(rows)
        relation = replace(relation, limits=np.array([held_limit(level, self.false_alarms) for level in levels]))
        highest = held_limit(relation.excess(levels).max(axis=0), self.false_alarms)
        return replace(relation, limits=relation.usual + (relation.limits - relation.usual) * highest)


@dataclass(frozen=True, slots=True)
class Relation:
    """How the last rows of one regime hang together.

    `center`, `scale`: of each signal. `form`: `R R'`, inputs x inputs, by lag and in it by signal. `alone`: lags x lags x signals, the inverse of
    what `form` holds of each signal alone. `usual`: median of `T²`, where its means begin.
    `most`: the largest `T²` that goes into a mean. `memories_rows`: of the means. `limits`: of `T²` and of its means.
    """

    center: Floats
    scale: Floats
    form: Floats
    alone: Floats
    usual: float
    most: float
    memories_rows: tuple[int, ...]
    limits: Floats

    def excess(self, levels: Floats) -> Floats:
        """Of `T²` and its means, levels x rows, how far above the usual: 0 there, 1 at the limit."""
        return (levels - self.usual) / np.maximum(self.limits - self.usual, 1e-12)[:, None]

    def judged(self, values: Floats, lags_rows: int) -> tuple[Floats, Floats]:
        """`T²` of each row from the `lags_rows`-th on, and signals x rows of how much less it would be if the signal were what the others tell."""
        scaled = ((values - self.center) / self.scale).T
        rows = scaled.shape[1] - lags_rows + 1
        inputs = np.concatenate([scaled[:, lags_rows - 1 - lag : lags_rows - 1 - lag + rows] for lag in range(lags_rows)])
        products = np.zeros_like(inputs)
        for weights, given in zip(self.form, inputs, strict=True):
            products += weights[:, None] * given
        by_lag = products.reshape(lags_rows, -1, rows)
        gone = [one * in_order(weights[:, :, None] * by_lag) for weights, one in zip(self.alone, by_lag, strict=True)]
        return in_order(inputs * products), in_order(np.array(gone))


@dataclass(frozen=True, slots=True)
class CanonicalModel:
    """Relations by regime. `names` are sorted, so that the order in which signals come makes no difference; a step above `gap_s` begins anew.

    The score is above 1 where rows are stranger than all but `false_alarms` of the usual ones, and `parts` adds up to it. Here `b` and `c` follow
    `a`, but from row 20 on `b` no longer does:

    >>> noise = np.random.default_rng(0).normal(size=(640, 3))
    >>> values = np.sin(np.arange(640.0) / 9)[:, None] * (1.0, 2.0, -1.0) + 0.1 * noise
    >>> model = CanonicalSettings().fit(Signals.of(("a", "b", "c"), values[:600]))
    >>> values[620:, 1] += 1.0
    >>> scores = model.scorer().score(Signals.of(("a", "b", "c"), values[600:]))
    >>> [round(float(score), 1) for score in scores.score[[0, 10, 20, 30]]]
    [nan, 0.0, 2.9, 5.7]
    >>> [round(float(part), 1) for part in scores.parts[30]]
    [1.8, 2.9, 1.0]
    """

    names: tuple[str, ...]
    lags_rows: int
    gap_s: float
    relations: Mapping[int, Relation]

    def scorer(self) -> "CanonicalScorer":
        """A new beginning, with no rows before: the first `lags_rows - 1` rows have no score."""
        return CanonicalScorer(self)

    def to_json(self) -> dict[str, object]:
        """All there is of it, in plain JSON."""
        return plain.written(self)

    @classmethod
    def from_json(cls, data: dict[str, object]) -> Self:
        """The model that `to_json` wrote. Raises ValueError where `data` is not one."""
        return plain.read("canonical model", cls, data)


class CanonicalScorer:
    """A canonical model at work: each row is reckoned by the same operations in the same order, however many come at once."""

    def __init__(self, model: CanonicalModel) -> None:
        self._model = model
        self._past = np.full((model.lags_rows - 1, len(model.names)), np.nan)
        self._known_rows, self._known_regime, self._at_s = 0, -1, -math.inf
        self._regime, self._levels, self._shares = -1, np.zeros(0), np.zeros((0, len(model.names)))

    def score(self, signals: Signals) -> Scores:
        """Scores of the rows that follow those given before. Raises ValueError where a signal of the model is missing altogether."""
        order = columns(signals.names, self._model.names)
        why = self._why(signals, signals.values[:, order])
        score, parts = np.full(len(why), np.nan), np.full(signals.values.shape, np.nan)
        parts[why == Unscored.SCORED] = 0.0
        for rows, relation, levels, shares in self._stretches(signals, why):
            excess = relation.excess(levels)
            highest, each = excess.argmax(axis=0), np.arange(levels.shape[1])
            score[rows] = np.maximum(excess[highest, each], 0.0)
            chosen = shares[highest, :, each].T
            parts[rows, order] = (chosen * (score[rows] / np.maximum(in_order(chosen), 1e-300))).T
        return Scores(score, why, parts)

    def levels(self, signals: Signals) -> Floats:
        """`T²` and its means, levels x rows, of the rows that follow, which are of one regime; rows without are left out."""
        why = self._why(signals, signals.values[:, columns(signals.names, self._model.names)])
        found = [levels for _, _, levels, _ in self._stretches(signals, why)]
        return np.concatenate(found, axis=1) if found else np.zeros((1, 0))

    def _why(self, signals: Signals, values: Floats) -> Numbers:
        why = np.zeros(len(values), dtype=np.int64)
        unknown = np.count_nonzero(~np.isfinite(values), axis=1)
        for row, (regime, at_s) in enumerate(zip(signals.regimes.tolist(), signals.seconds.tolist(), strict=True)):
            if regime not in self._model.relations or unknown[row]:
                self._known_rows = 0
                missing = Unscored.VALUE_MISSING if regime in self._model.relations else Unscored.REGIME_UNKNOWN
                why[row] = Unscored.NOT_RUNNING if regime < 0 else missing
                continue
            if regime != self._known_regime or at_s - self._at_s > self._model.gap_s:
                self._known_rows = 0
            self._known_rows, self._known_regime, self._at_s = self._known_rows + 1, regime, at_s
            if self._known_rows < self._model.lags_rows:
                why[row] = Unscored.TOO_FEW_ROWS
        return why

    def _stretches(self, signals: Signals, why: Numbers) -> Iterator[tuple[slice, Relation, Floats, Floats]]:
        """Scored rows of one regime on end, `CUT_ROWS` at most, with levels x rows and levels x signals x rows of what each signal has in them."""
        before = self._model.lags_rows - 1
        block = np.concatenate((self._past, signals.values[:, columns(signals.names, self._model.names)]))
        self._past = block[len(block) - before :].copy()
        for regime, first, last in stretches(np.where(why == Unscored.SCORED, signals.regimes, -1)):
            for row in range(first, last if regime >= 0 else first, CUT_ROWS):
                relation, rows = self._begun(regime), slice(row, min(row + CUT_ROWS, last))
                statistic, shares = relation.judged(block[row : rows.stop + before], self._model.lags_rows)
                yield rows, relation, *self._remembered(relation, statistic, shares)

    def _begun(self, regime: int) -> Relation:
        relation = self._model.relations[regime]
        if regime != self._regime:
            self._regime = regime
            self._levels = np.full(len(relation.memories_rows), relation.usual)
            self._shares = np.zeros((len(relation.memories_rows), len(self._model.names)))
        return relation

    def _remembered(self, relation: Relation, statistic: Floats, shares: Floats) -> tuple[Floats, Floats]:
        fading = np.minimum(1.0, relation.most / np.maximum(statistic, 1e-300))
        levels, all_shares = [statistic], [shares]
        for place, memory_rows in enumerate(relation.memories_rows):
            levels.append(ewma((statistic * fading)[None], self._levels[place : place + 1], 1.0 / memory_rows)[0])
            all_shares.append(ewma(shares * fading, self._shares[place], 1.0 / memory_rows))
            self._levels[place], self._shares[place] = levels[-1][-1], all_shares[-1][:, -1]
        return np.array(levels), np.array(all_shares)


def _windows(values: Floats, breaks: Numbers, length: int) -> Floats:
    """Runs of `length` rows with no break between them, as runs x length x signals, the oldest row first; `breaks`: how many came before each row."""
    if len(values) < length:
        return np.zeros((0, length, values.shape[1]))
    on_end = np.flatnonzero(breaks[: len(breaks) - length + 1] == breaks[length - 1 :])
    return np.ascontiguousarray(sliding_window_view(values, length, axis=0)[on_end].transpose(0, 2, 1))


def _inverse_root(rows: Floats, noise: float) -> Floats:
    """The inverse square root of the rows' covariance, `noise` added to each variance."""
    variances, axes = np.linalg.eigh(rows.T @ rows / len(rows) + noise * np.eye(rows.shape[1]))
    root: Floats = (axes / np.sqrt(variances)) @ axes.T
    return root


def _inverse_blocks(form: Floats, lags_rows: int) -> Floats:
    """The inverse of each signal's own lags x lags of `form`, as lags x lags x signals; a share of 1e-9 keeps it from being singular."""
    signals = len(form) // lags_rows
    blocks = np.array([form[signal::signals, signal::signals] for signal in range(signals)])
    steady = 1e-9 * np.trace(blocks, axis1=1, axis2=2) + 1e-300
    return np.ascontiguousarray(np.linalg.inv(blocks + steady[:, None, None] * np.eye(lags_rows)).transpose(1, 2, 0))


def held_limit(usual: Floats, false_alarms: float) -> float:
    """The conformal limit of the usual values, or the largest of them where they are too few for one."""
    return conformal.limit(usual, false_alarms) if len(usual) >= conformal.fewest(false_alarms) else float(usual.max())
