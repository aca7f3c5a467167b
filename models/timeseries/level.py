"""A signal that leaves its own slow level further than it is used to wander: for machines whose usual state creeps.

The level of a signal is the mean of its last rows; its baseline follows the level slowly, and stands still while the signal is out. How far a
signal wanders by itself is the largest root mean square difference of levels some rows apart, over several such reaches (a structure function,
Kolmogorov 1941): temperatures that drift are allowed far, a flow that never moved is not. Out is beyond `far` of these; back is when the distance has
fallen to a share of the farthest it had. There are baselines and scales for each regime.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from models.timeseries import plain
from models.timeseries.rows import RegimeScorer, enough
from models.timeseries.signals import Floats, Signals
from models.timeseries.windows import ewma, means

FLOOR = 0.02
"""Of the rows' own standard deviation: the least a signal is taken to wander, else a rounded one that repeats one value would be out at a digit."""
CUT_ROWS = 1024
"""Rows that are reckoned at once: what lies behind a row in which a signal goes out or comes back has to be done again for that signal."""


@dataclass(frozen=True, slots=True)
class LevelSettings:
    """How levels are made and judged. Raises ValueError.

    `window_rows`: of a level, a power of two, 1 to 1024. `reaches_rows`: how far apart levels are compared, each 1 to 10000. `memory_rows`: of the
    baseline, 2 to 1e6. `far`: how many times its wandering a signal is out, above 0. `back`: share of the farthest distance at which it is back, 0.05
    to 0.95.
    """

    # Chosen on the files valve1 of SKAB: the fewest false alarms among settings within 0.005 of the best F1, 0.868. Windows of 32 rows with memories
    # of 200 to 256 and `far` of 4.5 to 4.75 do as well; reaches of a fraction of the window, and wandering extended to longer reaches, do worse.
    window_rows: int = 16
    reaches_rows: tuple[int, ...] = (32, 64, 128)
    memory_rows: float = 400.0
    far: float = 4.25
    back: float = 0.6

    def __post_init__(self) -> None:
        if self.window_rows not in {2**power for power in range(11)}:
            raise ValueError(f"window_rows is {self.window_rows}; give a power of two, 1 to 1024")
        for name, value, low, high in (
            *(("reaches_rows", reach, 1, 10_000) for reach in self.reaches_rows or (0,)),
            ("memory_rows", self.memory_rows, 2, 1e6),
            ("far", self.far, 1e-6, 1e6),
            ("back", self.back, 0.05, 0.95),
        ):
            if not low <= value <= high:
                raise ValueError(f"{name} is {value}; give {low} to {high}")

    @property
    def fewest_rows(self) -> int:
        """Of a regime: the window, and twice the longest reach."""
        return self.window_rows + 2 * max(self.reaches_rows)

    def fit(self, signals: Signals) -> "Level":
        """A model of the regimes that have rows enough. Raises ValueError where none has."""
        names = tuple(sorted(signals.names))
        found = enough(signals, names, self.fewest_rows)
        wanderings = {regime: wandering(values, self.window_rows, self.reaches_rows) for regime, values in found.items()}
        return Level(names, self.window_rows, 1 - float(np.exp(-1 / self.memory_rows)), self.far, self.back, wanderings)


@dataclass(frozen=True, slots=True)
class Wandering:
    """Of one regime: where levels lie, and how far each signal wanders, in the units of the tags."""

    center: Floats
    scale: Floats


def wandering(values: Floats, window_rows: int, reaches_rows: tuple[int, ...]) -> Wandering:
    """How the levels of signals x rows wander: the largest root mean square difference over all reaches."""
    levels = means(values, window_rows)
    apart = [np.sqrt(((levels[:, reach:] - levels[:, :-reach]) ** 2).mean(axis=1)) for reach in reaches_rows]
    scale = np.maximum(np.max(apart, axis=0), FLOOR * values.std(axis=1))
    return Wandering(np.median(levels, axis=1), np.where(scale > 0, scale, 1.0))


@dataclass(frozen=True, slots=True)
class Level:
    """Wanderings by regime. The score is 1 or above while a signal is out: its distance in units of what would bring it back, or out. `parts` is this
    of each signal, and the score the largest of them: the signal that is furthest.

    >>> noise = np.random.default_rng(0).normal(size=(600, 2))
    >>> model = LevelSettings().fit(Signals.of(("a", "b"), noise[:400]))
    >>> noise[500:550, 1] -= 3.0
    >>> scores = model.scorer().score(Signals.of(("a", "b"), noise))
    >>> [round(float(score), 1) for score in scores.score[[0, 490, 520, 540, 580]]]
    [nan, 0.3, 1.6, 1.7, 0.3]
    """

    names: tuple[str, ...]
    window_rows: int
    weight: float
    far: float
    back: float
    regimes: Mapping[int, Wandering]

    def scorer(self) -> RegimeScorer:
        """A new beginning: baselines are where they were in the fit, and the first `window_rows - 1` rows of a stretch have no score."""
        return RegimeScorer(self.names, {regime: _Follower(self, found) for regime, found in self.regimes.items()})

    def to_json(self) -> dict[str, object]:
        """All there is of it, in plain JSON."""
        return plain.written(self)

    @classmethod
    def from_json(cls, data: dict[str, object]) -> Self:
        """The model that `to_json` wrote. Raises ValueError where `data` is not one."""
        return plain.read("model of levels", cls, data)


class Levels:
    """Levels of one regime's rows in units of their wandering, as rows come."""

    def __init__(self, found: Wandering, window_rows: int) -> None:
        self._found, self._window_rows = found, window_rows
        self._before = np.zeros((len(found.center), 0))

    def again(self) -> None:
        """Forget the rows before."""
        self._before = self._before[:, :0]

    def of(self, values: Floats) -> Floats:
        """Levels of the next rows, signals x rows; of the first ones of a stretch there are none."""
        rows = np.concatenate([self._before, values], axis=1)
        self._before = rows[:, max(0, rows.shape[1] - self._window_rows + 1) :]
        if rows.shape[1] < self._window_rows:
            return rows[:, :0]
        return (means(rows, self._window_rows) - self._found.center[:, None]) / self._found.scale[:, None]


class _Follower:
    """Of each signal: its baseline, whether it is out, and the farthest it was since it went out."""

    def __init__(self, model: Level, found: Wandering) -> None:
        self._model = model
        self._levels = Levels(found, model.window_rows)
        self._baseline, self._farthest = np.zeros(len(found.center)), np.zeros(len(found.center))
        self._out = np.zeros(len(found.center), dtype=bool)

    def again(self) -> None:
        self._levels.again()

    def follow(self, values: Floats) -> tuple[Floats, Floats]:
        parts = np.full(values.shape, np.nan)
        for first in range(0, values.shape[1], CUT_ROWS):
            last = min(first + CUT_ROWS, values.shape[1])
            levels = self._levels.of(values[:, first:last])
            if levels.shape[1]:
                self._judge(levels, parts[:, last - levels.shape[1] : last])
        return parts.max(axis=0), parts

    def _judge(self, levels: Floats, parts: Floats) -> None:
        """All signals at once, and from where one turned the rest of its rows once more."""
        done = self._until_turn(levels, slice(None), parts)
        for signal in np.flatnonzero(done < levels.shape[1]):
            one, row = slice(signal, signal + 1), int(done[signal])
            while row < levels.shape[1]:
                row += int(self._until_turn(levels[one, row:], one, parts[one, row:])[0])

    def _until_turn(self, levels: Floats, which: slice, parts: Floats) -> NDArray[np.intp]:
        """Fill in the parts of some signals, and go on to the row where each goes out or comes back: how many rows that is."""
        model, out, baseline = self._model, self._out[which], self._baseline[which]
        followed = ewma(levels, baseline, model.weight)
        before = np.concatenate([baseline[:, None], followed[:, :-1]], axis=1)
        before[out] = baseline[out, None]
        distance = np.abs(levels - before)
        farthest, edge = distance, np.array([[model.far]])
        if out.any():
            begun = np.where(out, self._farthest[which], 0.0)[:, None]
            farthest = np.maximum.accumulate(np.concatenate([begun, distance], axis=1), axis=1)[:, 1:]
            edge = np.where(out[:, None], model.back * farthest, model.far)
        np.divide(distance, edge, out=parts)
        turned = (distance >= edge) != out[:, None]
        turns = turned.any(axis=1)
        row: NDArray[np.intp] = np.where(turns, turned.argmax(axis=1), levels.shape[1] - 1)
        at = (np.arange(len(row)), row)
        self._farthest[which] = np.where(out & ~turns, farthest[at], distance[at])
        self._baseline[which] = np.where(out | turns, before[at], followed[at])
        self._out[which] = out ^ turns
        return row + 1
