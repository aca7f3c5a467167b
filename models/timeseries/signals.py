"""Rows of signals as models see them, and what a detector says of each row.

Values here are arrays, whatever they came from: the lake hands in blocks of Arrow, the hot path a record at a time.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


class CannotLearn(ValueError):
    """What was given is too little, or too much alike, to fit a model to: what there is, and how much it takes."""


@dataclass(frozen=True, slots=True)
class Signals:
    """Rows of one asset in order of time.

    `values`: rows x signals in the units of the tags, NaN where a value is not known. `seconds`: when, from any beginning, never falling.
    `regimes`: rows of the same number ran comparably (state, product, speed); negative: the asset did not run, which is never scored.
    `ran`: share of each row's time in which the asset ran, 0 to 1; None: all of it where the regime is not negative, else none.
    Raises ValueError where the shapes do not fit each other.
    """

    names: tuple[str, ...]
    values: Floats
    seconds: Floats
    regimes: Numbers
    ran: Floats | None = None

    def __post_init__(self) -> None:
        rows = len(self.seconds)
        if self.ran is not None and self.ran.shape != (rows,):
            raise ValueError(f"{rows} times and {len(self.ran)} shares of running do not fit each other")
        if self.values.shape != (rows, len(self.names)) or self.regimes.shape != (rows,):
            raise ValueError(
                f"{rows} times, values of shape {self.values.shape}, {len(self.names)} names and {len(self.regimes)} regimes do not fit each other"
            )

    @classmethod
    def of(cls, names: tuple[str, ...], values: Floats, step_s: float = 1.0) -> "Signals":
        """Rows at an even `step_s`, all of one regime."""
        rows = len(values)
        seconds = np.arange(rows, dtype=np.float64) * np.float64(step_s)
        return cls(names, np.ascontiguousarray(values, dtype=np.float64), seconds, np.zeros(rows, dtype=np.int64))

    def rows(self, first: int, last: int) -> "Signals":
        """Rows `first` to before `last`."""
        ran = None if self.ran is None else self.ran[first:last]
        return Signals(self.names, self.values[first:last], self.seconds[first:last], self.regimes[first:last], ran)


class Unscored(IntEnum):
    """Why a row has no score."""

    SCORED = 0
    VALUE_MISSING = 1
    NOT_RUNNING = 2
    REGIME_UNKNOWN = 3
    TOO_FEW_ROWS = 4
    MODEL_FAILED = 5
    """The model raised, took too long, or said what is no score: `models.timeseries.guarded`."""


@dataclass(frozen=True, slots=True)
class Scores:
    """What a detector says: `score` of each row, 0 as usual and 1 at the threshold, higher is stranger; NaN where `why` is not SCORED.

    `parts`: rows x signals, what each signal adds to the score.
    """

    score: Floats
    why: Numbers
    parts: Floats
