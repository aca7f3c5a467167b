"""Rows of a machine as they come, taken through the machine code of `kernel.py`: numbers of how it ran, smoothed rests, or scores.

The kernel is loaded with the first machine that is followed: without numba models can still be read, written and promoted.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from models.timeseries.machine.expected import Expected, unlearnt
from models.timeseries.machine.running import FEATURES, GAP_S, MEMORIES_S, shares
from models.timeseries.pca import Components
from models.timeseries.rows import columns
from models.timeseries.signals import Floats, Numbers, Scores, Signals

if TYPE_CHECKING:
    from models.timeseries.machine import kernel

Array = TypeVar("Array", bound=NDArray[np.generic])

NONE = np.zeros(0)
NOTHING = Components(NONE, NONE, NONE, np.zeros((0, 0)), NONE, 1.0, 1.0, 1.0)
"""No components: numbers of running and rests are looked at before there are any."""


class Following:
    """One machine that may run in `regimes`: rows of any number may come at once, and give the same bits."""

    def __init__(
        self,
        names: Sequence[str],
        regimes: Mapping[int, Expected],
        weight: float,
        settling_rows: int,
        strange: Components = NOTHING,
        threshold: float = 1.0,
    ) -> None:
        from models.timeseries.machine import kernel

        self._kernel, self._names = kernel, tuple(names)
        wide, deep = (-(-len(one) // kernel.LANES) * kernel.LANES for one in (names, strange.variances))
        turned = _wide(_wide(strange.directions, wide).T, deep)
        ordered, each = [regimes[regime] for regime in sorted(regimes)], (len(regimes), len(names))
        self._model = kernel.Model(
            regimes=np.array(sorted(regimes), dtype=np.int64),
            memories_s=np.array(MEMORIES_S),
            gap_s=GAP_S,
            settling_rows=int(settling_rows),
            weight=float(weight),
            base=_wide(np.reshape([one.base for one in ordered], each), wide),
            spread=_wide(np.reshape([one.spread for one in ordered], each), wide, 1.0),
            weights=_wide(np.reshape([one.weights for one in ordered], (len(regimes), FEATURES, len(names))), wide),
            center=_wide(strange.center, wide),
            scale=_wide(strange.spread, wide, 1.0),
            middle=_wide(strange.middle, wide),
            directions=np.ascontiguousarray(turned.T),
            turned=turned,
            shares=_wide(1 / (strange.variances * strange.t2_limit) - 1 / strange.q_limit, deep),
            q_limit=float(strange.q_limit),
            limit=float(strange.both_limit),
            threshold=float(threshold),
        )
        memories = len(MEMORIES_S)
        self._memory = kernel.Memory(np.zeros((memories, 1 + len(regimes))), np.zeros(wide), np.full(4, np.nan), np.zeros(memories))

    def features(self, signals: Signals) -> tuple[Floats, Numbers]:
        """How the machine ran, `FEATURES` x rows, NaN for rows that are not judged, and why not."""
        found = self._follow(signals, np.arange(FEATURES), FEATURES, self._kernel.RAN)
        return found.parts, found.why

    def rests(self, signals: Signals) -> tuple[Floats, Numbers]:
        """Smoothed rests, signals x rows, NaN for rows that are not judged, and why not."""
        found = self._follow(signals, np.arange(len(self._names)), len(self._names), self._kernel.RESTS)
        return found.parts, found.why

    def scores(self, signals: Signals) -> Scores:
        """Of the rows that follow those given before. Raises ValueError where a signal of the model is missing."""
        found = self._follow(signals, columns(signals.names, self._names), len(signals.names), self._kernel.SCORES)
        return Scores(found.score, found.why, found.parts.T)

    def _follow(self, signals: Signals, order: Numbers, lines: int, goal: int) -> "kernel.Found":
        many, values = len(signals.seconds), _across(signals.values.T, columns(signals.names, self._names))
        rows = self._kernel.Rows(values, _plain(signals.seconds), _plain(signals.regimes), _plain(shares(signals)))
        # A signal that the model does not know adds nothing.
        parts = np.empty((lines, many)) if len(order) == lines else np.zeros((lines, many))
        found = self._kernel.Found(np.empty(many), np.empty(many, dtype=np.int64), parts, order)
        self._kernel.follow(self._model, self._memory, rows, found, goal)
        return found


def warm_up() -> None:
    """Load the machine code, or make it where none is kept: some ten seconds of CPU."""
    Following(("signal",), {0: unlearnt(1)}, 1.0, 0).scores(Signals.of(("signal",), np.zeros((1, 1))))


def _across(lines: Floats, order: Numbers) -> Floats:
    """The lines in `order`, copied only where they do not lie so already."""
    return _plain(lines if np.array_equal(order, np.arange(len(lines))) else np.take(lines, order, axis=0))


def _plain(array: Array) -> Array:
    """As the kernel takes it; what is read only, or lies otherwise, is copied."""
    plain: Array = np.require(array, requirements=("C", "A", "W"))
    return plain


def _wide(arrays: ArrayLike, wide: int, filled: float = 0.0) -> Floats:
    """With `wide` in the last axis."""
    narrow = np.asarray(arrays, dtype=np.float64)
    made = np.full((*narrow.shape[:-1], wide), filled)
    made[..., : narrow.shape[-1]] = narrow
    return made
