"""Where a machine begins to move from one state to another, and where it has come to rest: the change points of a recording.

Levels and how far they wander are those of `level`. At rest, a baseline follows the level slowly; a move begins where a signal is beyond `far` of its
wandering, and is over where no signal has moved by more than `still` of it within the last rows. The level it came to rest at is the next baseline.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np

from models.timeseries import plain
from models.timeseries.level import CUT_ROWS, Levels, LevelSettings, Wandering, wandering
from models.timeseries.rows import RegimeScorer, enough
from models.timeseries.signals import Floats, Signals
from models.timeseries.windows import ewma

UNDER = float(np.nextafter(1.0, 0.0))
"""The highest score of a row that is no change point."""


@dataclass(frozen=True, slots=True)
class MoveSettings:
    """How moves are found. Raises ValueError.

    `window_rows`, `reaches_rows`, `memory_rows`, `far`: as of `LevelSettings`. `still`: in units of wandering, above 0. `still_rows`: over how many
    rows nothing may have moved, 1 to 1024. `rest_rows`: a move and a rest take this many rows or more, 1 to 10000.
    """

    # Chosen on the files valve1 of SKAB, in the middle of settings that reach NAB scores of 54 to 58 there with 4 to 5 change points a file.
    window_rows: int = 16
    reaches_rows: tuple[int, ...] = (32, 64)
    memory_rows: float = 400.0
    far: float = 4.25
    still: float = 1.0
    still_rows: int = 16
    rest_rows: int = 30

    def __post_init__(self) -> None:
        self._levels()
        for name, value, low, high in (
            ("still", self.still, 1e-6, 1e6),
            ("still_rows", self.still_rows, 1, 1024),
            ("rest_rows", self.rest_rows, 1, 10_000),
        ):
            if not low <= value <= high:
                raise ValueError(f"{name} is {value}; give {low} to {high}")

    def fit(self, signals: Signals) -> "Moves":
        """A model of the regimes that have rows enough. Raises ValueError where none has."""
        names = tuple(sorted(signals.names))
        found = enough(signals, names, self._levels().fewest_rows)
        wanders = {regime: wandering(values, self.window_rows, self.reaches_rows) for regime, values in found.items()}
        weight = 1 - float(np.exp(-1 / self.memory_rows))
        return Moves(names, self.window_rows, weight, self.far, self.still, self.still_rows, self.rest_rows, wanders)

    def _levels(self) -> LevelSettings:
        return LevelSettings(self.window_rows, self.reaches_rows, self.memory_rows, self.far)


@dataclass(frozen=True, slots=True)
class Moves:
    """Wanderings by regime. The score is 1 or above in the row where a move begins or is over, and below 1 in all others; `parts` is how far each
    signal is from where it rested, in units of what begins a move.

    >>> noise = np.random.default_rng(0).normal(size=(600, 2))
    >>> model = MoveSettings().fit(Signals.of(("a", "b"), noise[:400]))
    >>> noise[480:540, 1] += np.linspace(0.0, 6.0, 60)
    >>> noise[540:, 1] += 6.0
    >>> np.flatnonzero(model.scorer().score(Signals.of(("a", "b"), noise)).score >= 1)
    array([502, 564])
    """

    names: tuple[str, ...]
    window_rows: int
    weight: float
    far: float
    still: float
    still_rows: int
    rest_rows: int
    regimes: Mapping[int, Wandering]

    def scorer(self) -> RegimeScorer:
        """A new beginning at rest; the first `window_rows - 1` rows of a stretch have no score."""
        return RegimeScorer(self.names, {regime: _Follower(self, found) for regime, found in self.regimes.items()})

    def to_json(self) -> dict[str, object]:
        """All there is of it, in plain JSON."""
        return plain.written(self)

    @classmethod
    def from_json(cls, data: dict[str, object]) -> Self:
        """The model that `to_json` wrote. Raises ValueError where `data` is not one."""
        return plain.read("model of moves", cls, data)


class _Follower:
    """`_since`: rows since the last change point; `_past`: levels of the last rows."""

    def __init__(self, model: Moves, found: Wandering) -> None:
        self._model = model
        self._levels = Levels(found, model.window_rows)
        self._baseline = np.zeros(len(found.center))
        self._past = np.zeros((len(found.center), 0))
        self._moves = False
        self._since = model.rest_rows

    def again(self) -> None:
        self._levels.again()
        self._past = self._past[:, :0]
        self._moves, self._since = False, self._model.rest_rows

    def follow(self, values: Floats) -> tuple[Floats, Floats]:
        score, parts = np.full(values.shape[1], np.nan), np.full(values.shape, np.nan)
        levels = self._levels.of(values)
        place = values.shape[1] - levels.shape[1]
        while levels.shape[1]:
            block = levels[:, :CUT_ROWS]
            judged, distance, baselines = self._moving(block) if self._moves else self._resting(block)
            changes = np.flatnonzero(judged >= 1)
            many = int(changes[0]) + 1 if len(changes) else len(judged)
            score[place : place + many], parts[:, place : place + many] = judged[:many], distance[:, :many] / self._model.far
            self._baseline = baselines[:, many - 1 if len(changes) else many].copy()
            self._advance(block[:, :many], changed=bool(len(changes)))
            place, levels = place + many, levels[:, many:]
        return score, parts

    def _resting(self, levels: Floats) -> tuple[Floats, Floats, Floats]:
        """Scores, distances from the baseline, and the baseline before each row and after the last."""
        baselines = np.concatenate([self._baseline[:, None], ewma(levels, self._baseline, self._model.weight)], axis=1)
        distance = np.abs(levels - baselines[:, :-1])
        return self._late_enough(distance.max(axis=0) / self._model.far), distance, baselines

    def _moving(self, levels: Floats) -> tuple[Floats, Floats, Floats]:
        past = np.concatenate([self._past, levels], axis=1)
        before = past[:, np.maximum(np.arange(levels.shape[1]) + self._past.shape[1] - self._model.still_rows, 0)]
        moved = np.abs(levels - before).max(axis=0)
        baselines = np.repeat(self._baseline[:, None], levels.shape[1] + 1, axis=1)
        return self._late_enough(self._model.still / np.maximum(moved, 1e-300)), np.abs(levels - baselines[:, :-1]), baselines

    def _late_enough(self, score: Floats) -> Floats:
        early = max(0, self._model.rest_rows - self._since - 1)
        score[:early] = np.minimum(score[:early], UNDER)
        return score

    def _advance(self, levels: Floats, *, changed: bool) -> None:
        self._past = np.concatenate([self._past, levels], axis=1)[:, -self._model.still_rows :]
        self._since = 0 if changed else self._since + levels.shape[1]
        if changed and self._moves:
            self._baseline = levels[:, -1].copy()
        self._moves ^= changed
