"""Next-pattern surprise of a machine: how unlikely, given the fit, the words are that its signals have just said, averaged over the last hours.

Rests of `models/timeseries/machine` are smoothed and put into words (`pattern_words.py`); a word has `-log2 p` bits of surprise
(`pattern_chances.py`). What a signal's mean surprise is above its usual one, in usual deviations, adds up over signals as lengths do. The first two
thirds of a history are learnt from, the rest sets the threshold, as `MachineSettings` does.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from pattern_chances import Chances, partner_of
from pattern_words import WORDS, Alphabet

from models.timeseries import plain
from models.timeseries.machine.expected import Expected
from models.timeseries.machine.fit import MachineSettings, clean_maxima, learnt_rows
from models.timeseries.machine.following import Following
from models.timeseries.machine.model import MachineModel
from models.timeseries.machine.running import GAP_S
from models.timeseries.rows import columns, in_order
from models.timeseries.signals import CannotLearn, Floats, Numbers, Scores, Signals, Unscored
from models.timeseries.windows import ewma

MACHINE = MachineSettings()


@dataclass(frozen=True, slots=True)
class PatternSettings:
    """How patterns are learnt. Raises ValueError.

    `memory_rows`: over how many running rows rests are averaged before they become words, 1 to 1000. `span_rows`: over how many a slope is, 1 to
    1000. `step_rows`: how far back the word before is, 1 to 1000. `kappa`: rows that a shorter context counts for, 0.1 to 10000. `surprise_rows`:
    over how many surprise is averaged, 1 to 10000. `margin`: as of `MachineSettings`. `machine`: how rests are learnt, and the budget of alerts.
    """

    # Chosen on simulated plants of the seeds 1001 to 1006 and clean weeks of 1101 and 1102: averaged over 60 rows surprise warns ten hours later and
    # misses more; over 180 there are twelve false alerts in 18 healthy machine-weeks with a margin of 1.2, one with 1.6.
    memory_rows: float = 30.0
    span_rows: int = 60
    step_rows: int = 60
    kappa: float = 60.0
    surprise_rows: float = 180.0
    margin: float = 1.8
    machine: MachineSettings = MACHINE

    def __post_init__(self) -> None:
        for name, value, low, high in (
            ("memory_rows", self.memory_rows, 1, 1000),
            ("span_rows", self.span_rows, 1, 1000),
            ("step_rows", self.step_rows, 1, 1000),
            ("kappa", self.kappa, 0.1, 10_000),
            ("surprise_rows", self.surprise_rows, 1, 10_000),
            ("margin", self.margin, 1, 10),
        ):
            if not low <= value <= high:
                raise ValueError(f"{name} is {value}; give {low} to {high}")

    def fit(self, signals: Signals, products: Sequence[str] = ()) -> "PatternModel":
        """A model of the regimes that have rows enough. Raises ValueError where none has."""
        return self.beside(self.machine.fit(signals, products), signals)

    def beside(self, machine: MachineModel, signals: Signals) -> "PatternModel":
        """A model of the rests that `machine`, fitted to `signals`, leaves. Raises ValueError where rows are too few."""
        weight, fading = _weight(self.memory_rows), _weight(self.surprise_rows)
        smoothed, why = Following(machine.names, machine.regimes, weight, machine.settling_rows).rests(signals)
        first = learnt_rows(signals.regimes)
        known = smoothed[:, :first][:, why[:first] == Unscored.SCORED]
        if known.shape[1] <= 2 * (self.span_rows + self.step_rows):
            raise CannotLearn(f"{known.shape[1]} rows are too few to see what follows what; give more than {2 * (self.span_rows + self.step_rows)}")
        alphabet = Alphabet.of(known, self.span_rows)
        chances = self._counted(alphabet.words(known))
        nothing = np.zeros(len(machine.names))
        model = PatternModel(
            machine.names, machine.regimes, weight, machine.settling_rows, alphabet, self.step_rows, fading, chances, nothing, nothing + 1, 1.0
        )
        model = replace(model, usual=_middle(model.scorer().follow(signals).bits[:, first:]))
        excess = model.scorer().follow(signals).excess[:, first:]
        model = replace(model, spread=np.maximum(np.sqrt(_middle(excess**2)), 1e-9))
        maxima = clean_maxima(signals.seconds[first:], model.scorer().score(signals).score[first:], self.machine.alerting)
        return model.with_threshold(replace(self.machine, margin=self.margin).threshold(maxima))

    def _counted(self, words: Numbers) -> tuple[Chances, ...]:
        now, before = words[:, self.step_rows :], words[:, : -self.step_rows]
        partners = [partner_of(place, now, WORDS, self.kappa) for place in range(len(now))]
        return tuple(
            Chances.of(before[place], None if partner < 0 else now[partner], now[place], partner, WORDS, self.kappa)
            for place, partner in enumerate(partners)
        )


@dataclass(frozen=True, slots=True)
class PatternModel:
    """The score of a row is how surprising its last hours were, in units of the threshold: 0 as usual; `parts` adds up to it.

    `regimes`, `weight`, `settling_rows`: as of `MachineModel`. `fading`: weight of a row in the mean surprise. `usual`, `spread`: of each signal's
    mean surprise in rows held out, in bits.
    """

    names: tuple[str, ...]
    regimes: Mapping[int, Expected]
    weight: float
    settling_rows: int
    alphabet: Alphabet
    step_rows: int
    fading: float
    chances: tuple[Chances, ...]
    usual: Floats
    spread: Floats
    threshold: float

    def scorer(self) -> "PatternScorer":
        """A new beginning, with no rows before."""
        return PatternScorer(self)

    def with_threshold(self, threshold: float) -> Self:
        """The same model with another threshold, above 0."""
        return replace(self, threshold=threshold)

    def to_json(self) -> dict[str, object]:
        """All there is of it, in plain JSON."""
        return plain.written(self)

    @classmethod
    def from_json(cls, data: dict[str, object]) -> Self:
        """The model that `to_json` wrote. Raises ValueError where `data` is not one."""
        return plain.read("model of patterns", cls, data)


@dataclass(frozen=True, slots=True)
class Followed:
    """What was seen in rows that came, signals x rows: `words` (-1: none), `bits` of surprise and, in bits, how far their mean is above the usual."""

    words: Numbers
    bits: Floats
    excess: Floats
    why: Numbers


class PatternScorer:
    """A model of patterns at work; it keeps as many smoothed rows as slopes and words before need."""

    def __init__(self, model: PatternModel) -> None:
        self._model = model
        self._following = Following(model.names, model.regimes, model.weight, model.settling_rows)
        self._bits = [-np.log2(one.table()) for one in model.chances]
        self._kept_rows = model.alphabet.span_rows + model.step_rows
        self._past, self._mean = np.zeros((len(model.names), 0)), np.zeros(len(model.names))
        self._last_s: float | None = None

    def score(self, signals: Signals) -> Scores:
        """Scores of the rows that follow those given before. Raises ValueError where a signal of the model is missing."""
        seen = self.follow(signals)
        squares = np.maximum(seen.excess / self._model.spread[:, None], 0.0) ** 2
        total = np.sqrt(in_order(squares))
        parts = np.divide(squares, total, out=np.zeros_like(squares), where=total > 0) / self._model.threshold
        placed = np.zeros(signals.values.shape)
        placed[:, columns(signals.names, self._model.names)] = parts.T
        placed[np.isnan(total)] = np.nan
        return Scores(total / self._model.threshold, seen.why, placed)

    def follow(self, signals: Signals) -> Followed:
        """All that is seen in the rows that follow."""
        smoothed, why = self._following.rests(signals)
        seen = Followed(np.full(smoothed.shape, -1, dtype=np.int64), np.full(smoothed.shape, np.nan), np.full(smoothed.shape, np.nan), why)
        for first, last, is_new in _on_end(signals.seconds, self._last_s):
            if is_new:
                self._past, self._mean = self._past[:, :0], np.zeros(len(self._mean))
            known = first + np.flatnonzero(why[first:last] == Unscored.SCORED)
            if len(known):
                self._piece(np.concatenate([self._past, smoothed[:, known]], axis=1), known, seen)
        if len(signals.seconds):
            self._last_s = float(signals.seconds[-1])
        why[(why == Unscored.SCORED) & np.isnan(seen.excess[0])] = Unscored.TOO_FEW_ROWS
        return seen

    def _piece(self, smoothed: Floats, rows: Numbers, seen: Followed) -> None:
        """`smoothed` are of the rows kept and of those at `rows`."""
        self._past = smoothed[:, max(0, smoothed.shape[1] - self._kept_rows) :]
        many = smoothed.shape[1] - self._kept_rows
        if many <= 0:
            return
        words = self._model.alphabet.words(smoothed)
        now, before, into = words[:, -many:], words[:, :many], rows[-many:]
        told = [bits[one.context(before[place], now[one.partner]), now[place]] for place, (bits, one) in enumerate(self._told())]
        means = ewma(np.array(told) - self._model.usual[:, None], self._mean, self._model.fading)
        self._mean = means[:, -1].copy()
        seen.words[:, into], seen.bits[:, into], seen.excess[:, into] = now, told, means

    def _told(self) -> Iterator[tuple[Floats, Chances]]:
        return zip(self._bits, self._model.chances, strict=True)


def _on_end(seconds: Floats, before_s: float | None) -> Iterator[tuple[int, int, bool]]:
    """First row, the row after the last, and whether it begins anew, of each run of rows without a longer gap than `GAP_S`."""
    begins = set(np.flatnonzero(np.diff(seconds, prepend=seconds[:1] if before_s is None else before_s) > GAP_S).tolist())
    firsts = sorted(begins | {0})
    for first, last in zip(firsts, [*firsts[1:], len(seconds)], strict=True):
        yield first, last, first in begins


def _middle(values: Floats) -> Floats:
    """The mean of each signal over the rows that have one, or nothing."""
    known = values[:, ~np.isnan(values[0])]
    return np.asarray(known.mean(axis=1)) if known.shape[1] else np.zeros(len(values))


def _weight(memory_rows: float) -> float:
    return 1.0 - math.exp(-1.0 / memory_rows)
