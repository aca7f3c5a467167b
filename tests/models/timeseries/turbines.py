"""Units that wear out, by a formula: settings jump between regimes, sensors mix two hidden states, a unit fails when their sum is used up."""

import numpy as np

from models.timeseries.life.units import Unit

REGIMES = np.array([[0.0, 0.0, 100.0], [20.0, 0.7, 100.0], [42.0, 0.84, 60.0]])
SENSORS = 21
STILL = 4
"""Column of a sensor that always says the same."""


def worn(units: int, regimes: int = 3, seed: int = 0, noise: float = 0.3) -> list[Unit]:
    """Units with lives of 50 to 100 cycles; they differ in how new they begin and in how their two states share the wear."""
    draw = np.random.default_rng(seed)
    mixing = np.random.default_rng(99).normal(size=(2, SENSORS))
    levels = np.random.default_rng(98).normal(scale=50.0, size=(len(REGIMES), SENSORS))
    made = []
    for _ in range(units):
        life = int(draw.integers(50, 101))
        share, start = draw.uniform(0.2, 0.8), draw.normal(scale=0.3, size=2)
        wear = np.expm1(4.0 * np.arange(1, life + 1) / life) / np.expm1(4.0) * 8.0
        states = start + np.outer(wear, [share, 1 - share])
        regime = draw.integers(0, regimes, life)
        sensors = levels[regime] + states @ mixing + draw.normal(scale=noise, size=(life, SENSORS))
        sensors[:, STILL] = 14.62
        made.append(Unit(REGIMES[regime] + draw.normal(scale=0.001, size=(life, 3)), sensors))
    return made
