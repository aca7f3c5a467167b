"""Where a recording changed, found afterwards with all of it at hand: change points by ruptures (Truong, Oudre, Vayatis 2020).

Not for a stream, where a change is judged before it is over: that is `moves` and `drift`. Levels are found by PELT with squared errors (Killick,
Fearnhead and Eckley 2012), in the library's C code as a kernel that is linear: 1440 rows take 0.05 CPU seconds, its Python code 7. Changes of
spread or shape too are found with a Gaussian kernel (Arlot, Celisse and Harchaoui 2019); its memory grows with the square of the rows.

Penalty of levels: `caution (signals + 1) ln rows`, the signals in units of their long-run deviation (Yao 1988 for `caution` 1). That is what their
noise does to a mean of many rows: from the differences of neighbours as for a first-order autoregression, so that neither the changes themselves nor
noise that creeps are taken for what they are not. Penalty of shapes: the most that one cut gains on 19 shuffles of the recording in blocks of
neighbours, so a recording without a change is cut with a chance of 5 %.
"""

import math
from dataclasses import dataclass

import numpy as np

from models.timeseries.signals import Floats, Numbers, Signals
from models.timeseries.windows import GAUSS

SHUFFLES = 19
MOST_CREEP = 0.95
"""A noise that remembers more is a walk, in which every level is a new one."""
MOST_SHAPE_ROWS = 8000
"""The Gaussian kernel holds a number for each pair of rows: 0.5 GB."""


@dataclass(frozen=True, slots=True)
class Move:
    """Of one signal: median `before` and `after` a change, and the difference in units of its noise, never negative."""

    name: str
    before: float
    after: float
    times_noise: float

    def __str__(self) -> str:
        return f"{self.name} from {self.before:.4g} to {self.after:.4g} ({self.after - self.before:+.4g}, {self.times_noise:.1f} times its noise)"


@dataclass(frozen=True, slots=True)
class Change:
    """`row`: the first of the new level, at `seconds`. `moves`: of every signal, the largest against its noise first."""

    row: int
    seconds: float
    moves: tuple[Move, ...]

    def __str__(self) -> str:
        return str(self.moves[0])


@dataclass(frozen=True, slots=True)
class ChangeSettings:
    """How changes are looked for. Raises ValueError.

    `of`: "level", or "shape" for spread and distribution too. `fewest_rows`: between two changes, 2 to 1e6. `caution`: times the penalty of
    levels, 0.1 to 100; more finds fewer changes. `seed`: of the shuffles.
    """

    # Levels: of 600 rows of white noise 0 of 40 recordings had a false change, with a creep of 0.8 a row 0.08 each; `caution` 1.5 gave 0.18.
    of: str = "level"
    fewest_rows: int = 10
    caution: float = 2.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.of not in ("level", "shape"):
            raise ValueError(f"changes of {self.of!r} are not known; give level or shape")
        for name, value, low, high in (("fewest_rows", self.fewest_rows, 2, 1e6), ("caution", self.caution, 0.1, 100)):
            if not low <= value <= high:
                raise ValueError(f"{name} is {value}; give {low} to {high}")

    def changes(self, signals: Signals) -> tuple[Change, ...]:
        """Changes in order of time, of rows that ran and whose values are all known. Raises ValueError where these are too few, or many for shapes.

        >>> noise = np.random.default_rng(0).normal(size=(300, 1))
        >>> noise[120:] += 4.0
        >>> [(change.row, str(change)) for change in ChangeSettings().changes(Signals.of(("flow",), 20 + noise))]
        [(120, 'flow from 20.11 to 23.81 (+3.702, 3.9 times its noise)')]
        """
        rows = np.flatnonzero(np.isfinite(signals.values).all(axis=1) & (signals.regimes >= 0))
        if len(rows) < 2 * self.fewest_rows:
            raise ValueError(f"{len(rows)} of {len(signals.seconds)} rows are whole and ran; give at least {2 * self.fewest_rows}")
        if self.of == "shape" and len(rows) > MOST_SHAPE_ROWS:
            raise ValueError(f"{len(rows)} rows are too many for changes of shape; give at most {MOST_SHAPE_ROWS}, as means of several rows each")
        values = signals.values[rows]
        cuts = self._levels(values) if self.of == "level" else self._shapes(values)
        bounds = [0, *cuts, len(rows)]
        noise = np.array([_noise(one)[0] for one in values.T])
        found = []
        for first, cut, last in zip(bounds, bounds[1:], bounds[2:], strict=False):
            before, after = np.median(values[first:cut], axis=0), np.median(values[cut:last], axis=0)
            times = np.abs(after - before) / noise
            moves = tuple(Move(signals.names[place], float(before[place]), float(after[place]), float(times[place])) for place in np.argsort(-times))
            found.append(Change(int(rows[cut]), float(signals.seconds[rows[cut]]), moves))
        return tuple(found)

    def _levels(self, values: Floats) -> list[int]:
        from ruptures import KernelCPD

        scaled = (values - np.median(values, axis=0)) / np.array([_noise(one)[1] for one in values.T])
        penalty = self.caution * (values.shape[1] + 1) * math.log(len(values))
        return [int(row) for row in KernelCPD(kernel="linear", min_size=self.fewest_rows).fit(scaled).predict(pen=penalty)[:-1]]

    def _shapes(self, values: Floats) -> list[int]:
        from ruptures import KernelCPD

        spread = values.std(axis=0)
        scaled = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
        noise = np.random.default_rng(self.seed)
        gains = [_best_gain(scaled[_shuffled(len(scaled), noise)], self.fewest_rows) for _ in range(SHUFFLES)]
        found = KernelCPD(kernel="rbf", min_size=self.fewest_rows).fit(scaled).predict(pen=max(gains))
        return [int(row) for row in found[:-1]]


def _noise(values: Floats) -> tuple[float, float]:
    """Deviation of the rows, and of the mean of many rows times the root of their number; both from neighbours, so that levels do not count."""
    steps = np.diff(values)
    spread = GAUSS * float(np.median(np.abs(steps - np.median(steps)))) or float(steps.std()) or 1.0
    steps = np.clip(steps, -4 * spread, 4 * spread)
    together = float((steps[1:] * steps[:-1]).mean() / (steps**2).mean()) if len(steps) > 2 and steps.any() else -0.5
    creep = min(max(0.0, 1 + 2 * together), MOST_CREEP)
    deviation = spread / math.sqrt(2 * (1 - creep))
    return deviation, deviation * math.sqrt((1 + creep) / (1 - creep))


def _shuffled(rows: int, noise: np.random.Generator) -> Numbers:
    """Places of rows in blocks of the root of their number, the blocks in any order."""
    blocks = np.array_split(np.arange(rows), max(2, round(math.sqrt(rows))))
    return np.concatenate([blocks[place] for place in noise.permutation(len(blocks))])


def _best_gain(values: Floats, fewest_rows: int) -> float:
    """What the best single cut takes off the cost."""
    from ruptures import KernelCPD

    search = KernelCPD(kernel="rbf", min_size=fewest_rows).fit(values)
    cut, rows = search.predict(n_bkps=1)
    cost = search.cost.error
    return float(cost(0, rows) - cost(0, cut) - cost(cut, rows))
