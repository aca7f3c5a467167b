"""Whether a cycle of a machine ran like others of its recipe: robust profiles by phase, and which signal left its envelope, and where.

A cycle is stretched to equal phases, 0 at its beginning and 1 at its end. At each phase a recipe has a median and a robust deviation of each signal.
A new cycle is judged by the phase that is furthest away (a spike, a late valve) and by its mean distance (a cycle that is a little off throughout).
What is far is told by each cycle of the fit against the profile of all the others. A cycle is judged when it is over, and by its own rows alone.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from models.timeseries import conformal, plain
from models.timeseries.rows import columns
from models.timeseries.signals import Floats, Signals, Unscored
from models.timeseries.windows import GAUSS

FEWEST_ROWS = 4
"""Of a cycle, with a value of every signal: with fewer a profile would be drawn by the stretching alone."""
FLOOR = 0.5
"""A phase is taken to spread at least this share of the median phase: few cycles leave phases that by chance agree."""


@dataclass(frozen=True, slots=True)
class Cycle:
    """From `first_s` to before `end_s`, by the seconds of the signals, of one `recipe`. Raises ValueError."""

    first_s: float
    end_s: float
    recipe: str

    def __post_init__(self) -> None:
        if not (math.isfinite(self.first_s) and self.first_s < self.end_s < math.inf):
            raise ValueError(f"a cycle of {self.recipe} is from {self.first_s} to {self.end_s} s; give a beginning before its end")


@dataclass(frozen=True, slots=True)
class CycleScore:
    """`score`: 0 as usual, 1 at the threshold, higher is stranger: the larger of `worst`, of one phase, and `excess`, the mean over all; NaN where
    `why` is not SCORED. `phase`, 0 to 1, and `signal` are where the worst was, at `seconds`.
    """

    score: float
    worst: float
    excess: float
    phase: float
    signal: str
    seconds: float
    why: Unscored

    @classmethod
    def without(cls, why: Unscored) -> "CycleScore":
        """No score, for a reason."""
        return cls(math.nan, math.nan, math.nan, math.nan, "", math.nan, why)


@dataclass(frozen=True, slots=True)
class CycleSettings:
    """`phases`: of a profile, 4 to 1000. `false_alarms`: share of usual cycles above the threshold, 0.001 to 0.4. Raises ValueError.

    A recipe needs as many cycles as tell such a share, 19 for 0.05.
    """

    phases: int = 50
    false_alarms: float = 0.05

    def __post_init__(self) -> None:
        for name, value, low, high in (("phases", self.phases, 4, 1000), ("false_alarms", self.false_alarms, 0.001, 0.4)):
            if not low <= value <= high:
                raise ValueError(f"{name} is {value}; give {low} to {high}")

    def fit(self, signals: Signals, cycles: Sequence[Cycle]) -> "CycleModel":
        """Profiles of the recipes with cycles enough, which are taken for usual. Raises ValueError where none has."""
        names = tuple(sorted(signals.names))
        by_recipe: dict[str, list[Floats]] = {}
        for cycle in cycles:
            shape = _stretched(signals, names, cycle, self.phases)
            if not isinstance(shape, Unscored):
                by_recipe.setdefault(cycle.recipe, []).append(shape)
        fewest = conformal.fewest(self.false_alarms)
        recipes = {recipe: _profile(np.array(shapes), self.false_alarms) for recipe, shapes in by_recipe.items() if len(shapes) >= fewest}
        if not recipes:
            most = max(map(len, by_recipe.values()), default=0)
            raise ValueError(f"no recipe has {fewest} whole cycles, the most are {most} of {len(cycles)} given; give at least {fewest} of one recipe")
        return CycleModel(names, self.phases, dict(sorted(recipes.items())))


@dataclass(frozen=True, slots=True)
class Profile:
    """Of one recipe, phases x signals: `middle` and `spread`. `worst`, `excess`: the largest and the mean distance at the threshold."""

    middle: Floats
    spread: Floats
    worst: float
    excess: float

    def distance(self, shape: Floats) -> Floats:
        """How far a cycle is from the middle, in spreads."""
        return np.abs(shape - self.middle) / self.spread


@dataclass(frozen=True, slots=True)
class CycleModel:
    """Profiles by recipe.

    >>> seconds = np.arange(2500.0)
    >>> values = np.sin(seconds * np.pi / 50)[:, None] + 0.1 * np.random.default_rng(0).normal(size=(2500, 1))
    >>> cycles = [Cycle(first, first + 100.0, "lid") for first in range(0, 2500, 100)]
    >>> values[2430:2440] += 3.0
    >>> rows = Signals.of(("flow",), values)
    >>> model = CycleSettings().fit(rows, cycles[:23])
    >>> scores = [model.score(rows, cycle) for cycle in cycles[23:]]
    >>> [(round(one.score, 1), one.signal, round(one.phase, 2)) for one in scores]
    [(0.9, 'flow', 0.37), (6.4, 'flow', 0.37)]
    """

    names: tuple[str, ...]
    phases: int
    recipes: Mapping[str, Profile]

    def score(self, signals: Signals, cycle: Cycle) -> CycleScore:
        """What is to be said of a cycle that is over; rows outside it are not looked at. Raises ValueError where a signal of the model is missing."""
        profile = self.recipes.get(cycle.recipe)
        if profile is None:
            return CycleScore.without(Unscored.REGIME_UNKNOWN)
        shape = _stretched(signals, self.names, cycle, self.phases)
        if isinstance(shape, Unscored):
            return CycleScore.without(shape)
        distance = profile.distance(shape)
        worst, excess = float(distance.max()) / profile.worst, float(distance.mean()) / profile.excess
        place, signal = np.unravel_index(int(distance.argmax()), distance.shape)
        phase = (float(place) + 0.5) / self.phases
        seconds = cycle.first_s + phase * (cycle.end_s - cycle.first_s)
        return CycleScore(max(worst, excess), worst, excess, phase, self.names[int(signal)], seconds, Unscored.SCORED)

    def to_json(self) -> dict[str, object]:
        """All there is of it, in plain JSON."""
        return plain.written(self)

    @classmethod
    def from_json(cls, data: dict[str, object]) -> Self:
        """The model that `to_json` wrote. Raises ValueError where `data` is not one."""
        return plain.read("model of cycles", cls, data)


def _stretched(signals: Signals, names: tuple[str, ...], cycle: Cycle, phases: int) -> Floats | Unscored:
    """Phases x signals of a cycle, or why it has none."""
    first, last = np.searchsorted(signals.seconds, [cycle.first_s, cycle.end_s])
    rows = signals.values[first:last, columns(signals.names, names)]
    if (signals.regimes[first:last] < 0).any():
        return Unscored.NOT_RUNNING
    if len(rows) < FEWEST_ROWS:
        return Unscored.TOO_FEW_ROWS
    known = np.isfinite(rows)
    if (known.sum(axis=0) < FEWEST_ROWS).any() or known.mean() < 0.5:
        return Unscored.VALUE_MISSING
    at = cycle.first_s + (np.arange(phases) + 0.5) / phases * (cycle.end_s - cycle.first_s)
    seconds = signals.seconds[first:last]
    return np.stack([np.interp(at, seconds[known[:, one]], rows[known[:, one], one]) for one in range(len(names))], axis=1)


def _envelope(shapes: Floats) -> tuple[Floats, Floats]:
    """Median and robust deviation of cycles x phases x signals."""
    middle = np.median(shapes, axis=0)
    spread = GAUSS * np.median(np.abs(shapes - middle), axis=0)
    floor = np.maximum(FLOOR * np.median(spread, axis=0), 1e-3 * np.ptp(middle, axis=0))
    # A signal that is the same in every phase of every cycle counts in its own unit.
    return middle, np.maximum(spread, np.where(floor > 0, floor, 1.0))


def _profile(shapes: Floats, false_alarms: float) -> Profile:
    whole = Profile(*_envelope(shapes), 1.0, 1.0)
    apart = [Profile(*_envelope(np.delete(shapes, one, axis=0)), 1.0, 1.0).distance(shape) for one, shape in enumerate(shapes)]
    found = np.array([(distance.max(), distance.mean()) for distance in apart])
    limits = np.array([conformal.limit(statistic, false_alarms) for statistic in found.T])
    limits = np.where(limits > 0, limits, 1.0)
    limits = limits * (conformal.limit((found / limits).max(axis=1), false_alarms) or 1.0)
    return replace(whole, worst=float(limits[0]), excess=float(limits[1]))
