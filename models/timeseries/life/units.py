"""A unit with its history, one row a cycle: how it was set and what its sensors said."""

from dataclasses import dataclass

import numpy as np

from models.timeseries.signals import Floats


@dataclass(frozen=True, slots=True)
class Unit:
    """Rows of one unit from its first cycle on; `settings`: rows x what it was run with, `sensors`: rows x what was measured.

    Raises ValueError where there are no rows, the shapes do not fit, or a value is not a finite number.
    """

    settings: Floats
    sensors: Floats

    def __post_init__(self) -> None:
        if self.settings.ndim != 2 or self.sensors.ndim != 2 or len(self.settings) != len(self.sensors) or not len(self.sensors):
            raise ValueError(f"settings of shape {self.settings.shape} and sensors of shape {self.sensors.shape} are not rows of the same cycles")
        if not (np.isfinite(self.settings).all() and np.isfinite(self.sensors).all()):
            raise ValueError("a unit has values that are missing or not finite; fill them or leave the signal out")

    def __len__(self) -> int:
        return len(self.sensors)

    @property
    def life(self) -> Floats:
        """Cycles that were left at each row, of a unit whose last row is its last cycle."""
        return np.arange(len(self) - 1, -1, -1, dtype=np.float64)

    def until(self, cycles: int) -> "Unit":
        """Its first `cycles` rows."""
        return Unit(self.settings[:cycles], self.sensors[:cycles])


def ends(units: list[Unit]) -> list[int]:
    """Where to cut rows of all `units`, put together, to have them by unit again."""
    return [int(end) for end in np.cumsum([len(unit) for unit in units])[:-1]]
