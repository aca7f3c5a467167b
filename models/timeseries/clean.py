"""What a clean recording, which the model was not fitted on, says of alerts: how rare a strong one is, and where signals usually lie."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from factolake.domain.alert import Band, Sureness
from models.timeseries.held import Held
from models.timeseries.rows import usual
from models.timeseries.signals import Floats, Signals

Flags = NDArray[np.bool_]
FEWEST_ROWS = 50
"""Of a regime, to know the edges of a band by: one row in fifty lies beyond them."""


@dataclass(frozen=True, slots=True)
class Clean:
    """The largest held score of each block of time of a clean recording, rising. Raises ValueError where there is none.

    Hours of a machine come in nearly any order as likely, rows do not; so the share of blocks is what a new block is expected to keep to, as in
    `models/timeseries/conformal.py`.

    >>> Clean(3600.0, tuple(hour / 500 for hour in range(500))).sureness(0.99).as_strong
    5
    """

    block_s: float
    maxima: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.maxima or list(self.maxima) != sorted(self.maxima):
            raise ValueError(f"{len(self.maxima)} maxima of blocks; give 1 or more, the smallest first")

    @classmethod
    def of(cls, seconds: Floats, score: Floats, quiet: Flags, persistence_s: float, longest_step_s: float, block_s: float = 3600.0) -> Self:
        """Of the scores of a clean recording, NaN where there is none, and of its known stops. Give the times that alerts are made with.

        Raises ValueError where no score was held for `persistence_s`.
        """
        held, maxima, before_s = Held(persistence_s), dict[int, float](), None
        for now_s, one, still in zip(seconds.tolist(), score.tolist(), quiet.tolist(), strict=True):
            if still:
                held.clear()
                before_s = None
            if still or one != one:
                continue
            kept = held.add(0.0 if before_s is None else min(now_s - before_s, longest_step_s), one)
            before_s = now_s
            if kept is not None:
                block = int((now_s - seconds[0]) // block_s)
                maxima[block] = max(kept, maxima.get(block, 0.0))
        if not maxima:
            raise ValueError(f"no score of {len(seconds)} rows was held for {persistence_s} s; give a longer recording that the model can score")
        return cls(block_s, tuple(sorted(maxima.values())))

    def sureness(self, strength: float) -> Sureness:
        """How many blocks had an alert as strong or stronger."""
        return Sureness(len(self.maxima) - int(np.searchsorted(self.maxima, strength)), len(self.maxima), self.block_s)


def usual_bands(clean: Signals, share: float = 0.98) -> Mapping[int, Mapping[str, Band]]:
    """By regime and signal, between which values the middle `share` of clean rows are, 0.5 to 1. A regime of fewer than 50 whole rows has none.

    >>> rows = Signals.of(("a",), np.arange(101.0)[:, None])
    >>> usual_bands(rows, share=0.5)[0]["a"]
    Band(low=25.0, high=75.0)
    """
    if not 0.5 <= share <= 1:
        raise ValueError(f"share is {share}; give 0.5 to 1")
    edges = (0.5 - share / 2, 0.5 + share / 2)
    found = {regime: values for regime, values in usual(clean, clean.names).items() if values.shape[1] >= FEWEST_ROWS}
    return {regime: dict(zip(clean.names, _bands(np.quantile(values, edges, axis=1).T), strict=True)) for regime, values in found.items()}


def _bands(edges: NDArray[np.float64]) -> list[Band]:
    return [Band(low, high) for low, high in edges.tolist()]
