"""A slow signal's past at an even step with the plant's open hours, and what is told of its future: values, whatever library told it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.timeseries.signals import Floats

Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class History:
    """`seconds`: since 1970 UTC, one even step apart. `values`: NaN where not known. `is_open`: whether the plant was to work. Raises ValueError."""

    seconds: Floats
    values: Floats
    is_open: Bools

    def __post_init__(self) -> None:
        rows = len(self.seconds)
        if self.values.shape != (rows,) or self.is_open.shape != (rows,) or self.is_open.dtype != np.bool_:
            raise ValueError(f"{rows} times, {len(self.values)} values and {len(self.is_open)} open hours do not fit; give one of each a row")
        if rows < 2 or not np.isfinite(self.seconds).all():
            raise ValueError(f"{rows} times, all finite: {np.isfinite(self.seconds).all()}; a history needs at least 2 rows with a time each")
        steps_s = np.diff(self.seconds)
        if steps_s[0] <= 0 or not np.allclose(steps_s, steps_s[0], rtol=1e-6):
            raise ValueError(f"steps are {steps_s.min():g} to {steps_s.max():g} s; give rows at one even step, NaN where a value is missing")
        if np.isinf(self.values).any():
            raise ValueError(f"{np.isinf(self.values).sum()} values are infinite; give NaN where a value is not known")

    @classmethod
    def of(cls, values: Floats, step_s: float = 3600.0, first_s: float = 0.0, is_open: Bools | None = None) -> "History":
        """Values at an even `step_s` from `first_s` on; open all the time where no hours are given."""
        given = np.asarray(values, dtype=np.float64)
        return cls(first_s + step_s * np.arange(len(given), dtype=np.float64), given, np.ones(len(given), dtype=bool) if is_open is None else is_open)

    @property
    def step_s(self) -> float:
        """Between two rows."""
        return float(self.seconds[1] - self.seconds[0])

    def before(self, row: int) -> "History":
        """What was known when `row` was still to come."""
        return History(self.seconds[:row], self.values[:row], self.is_open[:row])

    def seconds_ahead(self, rows: int) -> Floats:
        """When the next `rows` will be."""
        return float(self.seconds[-1]) + self.step_s * np.arange(1, rows + 1, dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Forecast:
    """`mean` of each of `seconds`; a value is between `low` and `high` with a chance of `level`, 0 to 1. `way`: what told it."""

    seconds: Floats
    mean: Floats
    low: Floats
    high: Floats
    level: float
    way: str

    def strangeness(self, values: Floats) -> Floats:
        """0 where a value is the mean, 1 at the edge of the band, higher is stranger; NaN where a value is not known. Raises ValueError.

        >>> told = Forecast(np.array([0.0, 3600.0]), np.array([10.0, 20.0]), np.array([8.0, 15.0]), np.array([12.0, 25.0]), 0.9, "naive")
        >>> told.strangeness(np.array([9.0, 30.0]))
        array([0.5, 2. ])
        """
        if values.shape != self.mean.shape:
            raise ValueError(f"{len(values)} values for a forecast of {len(self.mean)} rows; give one a row, NaN where it is not known")
        away = values - self.mean
        return np.abs(away) / np.where(away >= 0, self.high - self.mean, self.mean - self.low)
