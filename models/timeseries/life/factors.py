"""Factors fused of sensors: the directions in which units move most against their own noise, each with noise of variance 1.

Sensors are first normalised by regime against the first halves of all lives. With C the covariance of the rows and N that of the noise, half the
covariance of the steps from row to row, the factors are the solutions of C v = w N v with the largest w (maximum autocorrelation factors; Switzer and
Green, Min/max autocorrelation factors for multivariate spatial imagery, 1984). A w of 1 is noise alone. No label is looked at.
"""

from dataclasses import dataclass

import numpy as np

from models.timeseries.life.regimes import Regimes
from models.timeseries.life.units import Unit, ends
from models.timeseries.signals import CannotLearn, Floats

NOISE_TIMES = 3.0
"""A factor has to vary so many times as its noise. Training units of C-MAPSS show 62, 32, then 1.2; 39, 13, then 1.0; 153, 51, 25, 14, then 2.4."""
STILL = 1e-6
"""Relative to its mean, a sensor that varies less in any regime is left out."""


@dataclass(frozen=True, slots=True)
class Factors:
    """`means` and `spreads`: regimes x sensors kept, `kept`: their columns, `weights`: sensors kept x factors."""

    regimes: Regimes
    kept: list[int]
    means: Floats
    spreads: Floats
    weights: Floats

    @classmethod
    def fit(cls, units: list[Unit]) -> "Factors":
        """Factors of run-to-failure `units`. Raises ValueError where no sensor moves in all regimes."""
        settings, sensors = np.concatenate([unit.settings for unit in units]), np.concatenate([unit.sensors for unit in units])
        regimes = Regimes.fit(settings, sensors)
        early = np.concatenate([unit.life >= len(unit) / 2 for unit in units])
        rows = [sensors[(of := regimes.of(settings)) == one][early[of == one]] for one in range(len(regimes.centres))]
        if min(len(some) for some in rows) < 2:
            raise CannotLearn("a regime has fewer than 2 rows in the first halves of all lives; give more units")
        means, spreads = np.stack([some.mean(axis=0) for some in rows]), np.stack([some.std(axis=0) for some in rows])
        kept = np.flatnonzero((spreads > STILL * np.maximum(1.0, np.abs(means))).all(axis=0))
        if not len(kept):
            raise CannotLearn("no sensor moves in all regimes; give sensors that do")
        plain = cls(regimes, kept.tolist(), means[:, kept], spreads[:, kept], np.eye(len(kept)))
        normal = plain.of_rows(settings, sensors)
        return cls(regimes, plain.kept, plain.means, plain.spreads, _directions(normal, ends(units)))

    def of(self, unit: Unit) -> Floats:
        """Rows x factors of a unit; a row depends on itself alone."""
        return self.of_rows(unit.settings, unit.sensors)

    def of_rows(self, settings: Floats, sensors: Floats) -> Floats:
        """Rows x factors."""
        regime = self.regimes.of(settings)
        return (sensors[:, self.kept] - self.means[regime]) / self.spreads[regime] @ self.weights


def _directions(normal: Floats, cuts: list[int]) -> Floats:
    steps = np.concatenate([np.diff(rows, axis=0) for rows in np.split(normal, cuts)])
    noise = steps.T @ steps / (2 * max(1, len(steps)))
    noise += np.eye(len(noise)) * max(1e-9, 1e-6 * float(np.trace(noise)) / len(noise))
    whiten = np.linalg.inv(np.linalg.cholesky(noise)).T
    ratios, axes = np.linalg.eigh(whiten.T @ np.cov(normal, rowvar=False).reshape(noise.shape) @ whiten)
    found = whiten @ axes[:, ::-1][:, : max(1, int((ratios > NOISE_TIMES).sum()))]
    # An axis has no sign of its own: the largest weight is made positive, so that the same data give the same factors.
    return np.asarray(found * np.sign(found[np.argmax(np.abs(found), axis=0), np.arange(found.shape[1])]))
