"""Regimes that operating settings fall into, found from data: as many as the sensors tell apart, one where the settings explain nothing.

Regimes that do not overlap are what is looked for; settings that move without steps between them are one regime.
"""

from dataclasses import dataclass

import numpy as np

from models.timeseries.signals import Floats, Numbers

ROWS_MAX = 4000
"""Rows that are looked at: regimes show in far fewer, and every number of regimes is tried."""
WORSE = 1.5
"""The smallest number of regimes is taken whose sensors vary at most so many times as with the best number."""


@dataclass(frozen=True, slots=True)
class Regimes:
    """`centres`: regimes x settings, in units of `scale`."""

    centres: Floats
    scale: Floats

    @classmethod
    def fit(cls, settings: Floats, sensors: Floats, at_most: int = 12) -> "Regimes":
        """The regimes that `settings` fall into, rows x settings, given what the `sensors` said in the same rows."""
        step = max(1, len(settings) // ROWS_MAX)
        settings, sensors = settings[::step], sensors[::step]
        middle, spread = sensors.mean(axis=0), sensors.std(axis=0)
        scale = settings.std(axis=0)
        scale[scale == 0] = 1.0
        moving = spread > 1e-9 * np.maximum(1.0, np.abs(middle))
        seen = (sensors - middle)[:, moving] / spread[moving]
        tried = [cls(_centres(settings / scale, count), scale) for count in range(1, min(at_most, len(settings)) + 1)]
        left = [one._left(settings, seen) for one in tried]
        return next(one for one, rest in zip(tried, left, strict=True) if rest <= WORSE * min(left))

    def of(self, settings: Floats) -> Numbers:
        """Number of the nearest regime of each row."""
        return _nearest(settings / self.scale, self.centres)

    def _left(self, settings: Floats, seen: Floats) -> float:
        """Variance of the sensors that the regimes leave."""
        regimes = self.of(settings)
        return sum(float(((seen[regimes == one] - seen[regimes == one].mean(axis=0)) ** 2).sum()) for one in np.unique(regimes)) / len(seen)


def _nearest(points: Floats, centres: Floats) -> Numbers:
    distances = np.stack([((points - centre) ** 2).sum(axis=1) for centre in centres])
    return np.asarray(np.argmin(distances, axis=0), dtype=np.int64)


def _centres(points: Floats, count: int, rounds: int = 20) -> Floats:
    """k-means from the points that are farthest from each other: no chance in it, and exact where regimes lie apart."""
    centres = [points[0]]
    for _ in range(count - 1):
        nearest = np.min([((points - centre) ** 2).sum(axis=1) for centre in centres], axis=0)
        centres.append(points[np.argmax(nearest)])
    found = np.array(centres)
    for _ in range(rounds):
        of = _nearest(points, found)
        moved = np.array([points[of == one].mean(axis=0) if (of == one).any() else found[one] for one in range(count)])
        if np.array_equal(moved, found):
            break
        found = moved
    return found
