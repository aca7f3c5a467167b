"""Cycles that are left to a unit, with an interval, learned from units that ran to failure.

Sensors are normalised by the regimes of their settings and fused to the few factors that rise above their noise; lines through the last 15 to 120
rows, the whole life and its first rows say where the factors are, how fast they go and how far they came from new; small networks, each fitted
without one part of the units, answer with their mean. What they missed on the parts they had not seen sets the interval.
A fitted model is plain numbers and is stored as JSON. Regimes, factors, histories, networks and intervals are in `models/timeseries/life`.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from models import splits
from models.timeseries import plain
from models.timeseries.life.factors import Factors
from models.timeseries.life.histories import features
from models.timeseries.life.intervals import Spread
from models.timeseries.life.networks import Network
from models.timeseries.life.units import Unit
from models.timeseries.signals import CannotLearn, Floats


@dataclass(frozen=True, slots=True)
class Forecast:
    """Cycles left, at least `low` and at most `high` with the level of the model; an array each, one value a row or a unit.

    No value is above the cap: `life` at the cap means that as many cycles are left or more.
    """

    life: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, slots=True)
class LifeSettings:
    """How remaining life is learned. Chosen by cross-validation over training units of C-MAPSS; the cap is the one its protocol names.

    `cap_cycles` above 0: more is not told apart. `level` above 0 and below 1: chance that the truth is inside the interval. `asked_caps`, 1 or more:
    rows with more than so many caps left set no interval; they are easy, all of one kind, and with them 80 % intervals held 72 to 76 % of the lives
    below. `parts`, 2 or more: units are left out in so many parts; `repeats`, 1 or more: networks for each. `hidden`: sizes of the layers between.
    `penalty`, 0 or more, on squared weights; `epochs`, 1 or more. `rows_max`, 100 or more: about so many rows of all train; rows that follow each
    other say nearly the same.

    >>> noise = np.random.default_rng(0)
    >>> worn = [Unit(np.zeros((n, 1)), np.arange(n, 0, -1.0)[:, None] + noise.normal(size=(n, 1))) for n in range(40, 80, 2)]
    >>> told = LifeSettings(cap_cycles=40.0, hidden=(8,)).fit(worn).last([worn[7].until(len(worn[7]) - 10)])
    >>> float(told.life[0].round(-1)), bool(0 < told.low[0] < 10 < told.high[0] < 20)
    (10.0, True)
    """

    cap_cycles: float = 125.0
    level: float = 0.8
    asked_caps: float = 1.2
    parts: int = 5
    repeats: int = 1
    hidden: tuple[int, ...] = (32, 16)
    penalty: float = 0.1
    epochs: int = 40
    rows_max: int = 6000
    seed: int = 0

    def __post_init__(self) -> None:
        if not (self.cap_cycles > 0 and 0 < self.level < 1 and self.asked_caps >= 1 and self.penalty >= 0):
            raise ValueError(f"cap_cycles must be above 0, level between 0 and 1, asked_caps 1 or more and penalty 0 or more, got {self}")
        if self.parts < 2 or min(self.repeats, self.epochs, *self.hidden) < 1 or self.rows_max < 100:
            raise ValueError(f"parts must be 2 or more, repeats, epochs and hidden layers 1 or more, rows_max 100 or more, got {self}")

    def fit(self, units: list[Unit]) -> "RemainingLife":
        """A model of `units` that ran to failure: the last row of each is its last cycle. Raises ValueError where there are fewer than `parts`."""
        if len(units) < self.parts:
            raise CannotLearn(f"{len(units)} units cannot be left out in {self.parts} parts; give {self.parts} units or more, or fewer parts")
        factors = Factors.fit(units)
        rows = [features(factors.of(unit)) for unit in units]
        wanted = [np.minimum(unit.life, self.cap_cycles) for unit in units]
        networks: list[Network] = []
        unseen = [np.empty(0)] * len(units)
        for number, part in enumerate(splits.by_asset(len(units), self.parts, self.seed)):
            made = self._networks(rows, wanted, part.train.tolist(), self.seed * 1000 + number * self.repeats)
            networks += made
            for one in part.test.tolist():
                unseen[one] = _life(made, rows[one], self.cap_cycles)
        spread = self._spread(units, unseen)
        return RemainingLife(self.cap_cycles, factors, tuple(networks), spread)

    def _spread(self, units: list[Unit], unseen: list[Floats]) -> Spread:
        left = np.concatenate([unit.life for unit in units])
        asked = left <= self.asked_caps * self.cap_cycles
        weights = np.concatenate([np.full(len(unit), 1 / min(len(unit), int(self.asked_caps * self.cap_cycles) + 1)) for unit in units])
        predicted = np.concatenate(unseen)
        missed = predicted - np.minimum(left, self.cap_cycles)
        return Spread.fit(predicted[asked], missed[asked], weights[asked], len(units), self.level)

    def _networks(self, rows: list[Floats], wanted: list[Floats], train: list[int], seed: int) -> list[Network]:
        step = max(1, sum(len(rows[one]) for one in train) // self.rows_max)
        # Each unit begins with another row, so that no age is left out.
        inputs = np.concatenate([rows[one][one % step :: step] for one in train])
        outputs = np.concatenate([wanted[one][one % step :: step] for one in train])
        return [Network.fit(inputs, outputs, self.hidden, self.penalty, self.epochs, seed + repeat) for repeat in range(self.repeats)]


@dataclass(frozen=True, slots=True)
class RemainingLife:
    """A fitted model: plain numbers and arrays."""

    cap_cycles: float
    factors: Factors
    networks: tuple[Network, ...]
    spread: Spread

    def along(self, unit: Unit) -> Forecast:
        """A forecast at each row of `unit`, which begins with its first cycle; no row depends on a later one."""
        return self._forecast(features(self.factors.of(unit)))

    def last(self, units: list[Unit]) -> Forecast:
        """A forecast for each unit at its last row; a unit's answer depends on its own rows alone."""
        return self._forecast(np.stack([features(self.factors.of(unit))[-1] for unit in units]))

    def to_json(self) -> dict[str, object]:
        """All there is of it, in plain JSON; numbers keep every bit."""
        return plain.written(self)

    @classmethod
    def from_json(cls, data: dict[str, object]) -> Self:
        """The model that `to_json` wrote. Raises ValueError where `data` is not one."""
        return plain.read("model of remaining life", cls, data)

    def _forecast(self, rows: Floats) -> Forecast:
        life = _life(self.networks, rows, self.cap_cycles)
        half = self.spread.of(life)
        return Forecast(life, np.maximum(life - half, 0.0), np.minimum(life + half, self.cap_cycles))


def _life(networks: tuple[Network, ...] | list[Network], rows: Floats, cap_cycles: float) -> Floats:
    return np.asarray(np.clip(np.mean([one.predict(rows) for one in networks], axis=0), 0.0, cap_cycles))
