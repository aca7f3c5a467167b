"""Which part of a bearing is damaged, from one short window of vibration: how well the rhythm of each part explains the envelope.

In each of some bands the envelope is taken and asked which share of it sines at the first harmonics of BPFO, BPFI and twice BSF explain
(`vibration.lines`). The logarithms of the shares, averaged over the bands, are all the evidence: three numbers that no gain, no size of the damage
and no transfer path changes much. A regularised linear discriminant with equal priors (Friedman, Journal of the American Statistical Association 84,
1989) draws the classes apart. Every window is judged alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Self, cast

import numpy as np
from numpy.typing import NDArray

from factolake.domain.vibration import Bearing
from factolake.features.vibration.bands import Band, analytic, checked
from factolake.features.vibration.lines import lines_hz, share
from models.timeseries.signals import CannotLearn, Floats

Names = NDArray[np.str_]
QUARTERS_HZ: tuple[Band, ...] = tuple(pairwise((0.0, 1500.0, 3000.0, 4500.0, 6000.0)))
LEAST_SHARE = 1e-6
"""Shares below count as this: a logarithm needs one above 0."""
VERSION = 1


@dataclass(frozen=True, slots=True)
class Windows:
    """Windows of acceleration, in any unit, of one kind of bearing: `samples` is windows x samples, `rpm` the shaft's speed in each.

    Raises ValueError where shapes do not fit, a sample is not finite or a speed not above 0.
    """

    samples: Floats
    rpm: Floats
    rate_hz: float
    bearing: Bearing

    def __post_init__(self) -> None:
        if self.samples.ndim != 2 or self.rpm.shape != self.samples.shape[:1]:
            raise ValueError(f"samples of shape {self.samples.shape} and {self.rpm.shape} speeds do not fit; give windows x samples and a speed each")
        if not np.isfinite(self.samples).all():
            raise ValueError(f"{int((~np.isfinite(self.samples)).any(axis=1).sum())} of {len(self.rpm)} windows hold gaps; leave those windows out")
        if not ((self.rpm > 0) & np.isfinite(self.rpm)).all():
            raise ValueError(f"speeds from {self.rpm.min()} rpm; leave out windows in which the shaft stands")

    def only(self, kept: NDArray[np.bool_] | NDArray[np.int64]) -> "Windows":
        """The windows that an index or a mask keeps."""
        return Windows(self.samples[kept], self.rpm[kept], self.rate_hz, self.bearing)


@dataclass(frozen=True, slots=True)
class FaultSettings:
    """Where rhythms are looked for and how far the discriminant is held back. Raises ValueError.

    `bands_hz`: where the machine may ring. `harmonics`: of each rhythm, 1 to 20. `highest_order`: the envelope above this many times the speed is
    left out, 2 to 1000. `shrinkage`: 0 takes the covariance within classes as it is, 1 none but its mean variance.
    """

    # Chosen on CWRU, 0 HP, by leaving out one more of the diameters that train; mean macro-F1 over the four times three that train: these 0.733;
    # shrinkage 0: 0.719, 1: 0.734; harmonics 3: 0.723, 2: 0.708; bands 3: 0.646, 7: 0.724. The shaft's share and kurtosis did not help.
    bands_hz: tuple[Band, ...] = QUARTERS_HZ
    harmonics: int = 4
    highest_order: float = 33.0
    shrinkage: float = 0.9

    def __post_init__(self) -> None:
        if not self.bands_hz:
            raise ValueError("bands_hz is empty; give one band or more")
        for name, value, low, high in (
            ("harmonics", self.harmonics, 1, 20),
            ("highest_order", self.highest_order, 2, 1000),
            ("shrinkage", self.shrinkage, 0, 1),
        ):
            if not low <= value <= high:
                raise ValueError(f"{name} is {value}; give {low} to {high}")

    def evidence(self, windows: Windows) -> Floats:
        """Windows x (outer race, inner race, ball): logarithm of the share of the envelope that the rhythm explains, mean over the bands."""
        found = np.full((len(windows.rpm), 3), np.nan)
        for rpm in np.unique(windows.rpm):
            rows = windows.rpm == rpm
            found[rows] = self._evidence(windows.samples[rows], windows.rate_hz, float(rpm), windows.bearing)
        return found

    def _evidence(self, samples: Floats, rate_hz: float, rpm: float, bearing: Bearing) -> Floats:
        heard = bearing.at(rpm)
        rhythms = [lines_hz(base_hz, self.harmonics) for base_hz in (heard.outer, heard.inner, heard.ball)]
        logs = np.zeros((len(samples), len(rhythms)))
        for band in self.bands_hz:
            slow = _slow(np.abs(analytic(samples, rate_hz, checked(band, rate_hz))), rate_hz, self.highest_order * heard.shaft)
            shares = np.stack([share(slow, rate_hz, at_hz) for at_hz in rhythms], axis=-1)
            logs += np.log(np.maximum(np.nan_to_num(shares), LEAST_SHARE))
        return logs / len(self.bands_hz)

    def fit(self, windows: Windows, faults: Sequence[str]) -> "BearingFaults":
        """A classifier of the kinds in `faults`, one each window. Raises ValueError where there are too few."""
        return self.fit_evidence(self.evidence(windows), np.asarray(faults))

    def fit_evidence(self, evidence: Floats, faults: Names) -> "BearingFaults":
        """The same from `evidence` that is there already. Raises ValueError where there are fewer than two kinds or windows of a kind."""
        kinds, counts = np.unique(faults, return_counts=True)
        if len(kinds) < 2 or counts.min() < 2 or len(faults) != len(evidence):
            raise CannotLearn(
                f"{len(evidence)} windows with {dict(zip(kinds.tolist(), counts.tolist(), strict=True))}; give 2 kinds, 2 windows of each"
            )
        centre, scale = evidence.mean(axis=0), np.maximum(evidence.std(axis=0), 1e-9)
        known = (evidence - centre) / scale
        means = np.stack([known[faults == kind].mean(axis=0) for kind in kinds])
        # Each kind weighs the same, however many windows it has: else damage that was recorded more often is more often believed.
        within = np.mean([np.cov(known[faults == kind].T, bias=True) for kind in kinds], axis=0)
        even = np.trace(within) / len(within) * np.eye(len(within))
        held = (1 - self.shrinkage) * within + self.shrinkage * even + 1e-9 * np.eye(len(within))
        slopes = np.linalg.solve(held, means.T).T
        weights = slopes / scale
        biases = -0.5 * np.sum(slopes * means, axis=1) - weights @ centre
        return BearingFaults(self, tuple(str(kind) for kind in kinds), weights, biases)


@dataclass(frozen=True, slots=True)
class BearingFaults:
    """A fitted classifier: `kinds`, and for each its weights on the evidence and its bias."""

    settings: FaultSettings
    kinds: tuple[str, ...]
    weights: Floats
    biases: Floats

    def probabilities(self, windows: Windows) -> Floats:
        """Windows x `kinds`: how probable each kind is, were all equally frequent; each row adds up to 1."""
        return self.probabilities_of(self.settings.evidence(windows))

    def probabilities_of(self, evidence: Floats) -> Floats:
        """The same from `evidence` that is there already."""
        heights = evidence @ self.weights.T + self.biases
        shares = np.exp(heights - heights.max(axis=1, keepdims=True))
        return np.asarray(shares / shares.sum(axis=1, keepdims=True), dtype=np.float64)

    def predict(self, windows: Windows) -> Names:
        """The most probable of `kinds` for each window."""
        return self.named(self.probabilities(windows))

    def named(self, probabilities: Floats) -> Names:
        """The name of the highest in each row."""
        return np.asarray(np.asarray(self.kinds)[probabilities.argmax(axis=1)], dtype=np.str_)

    def to_json(self) -> dict[str, object]:
        """All there is of it, in plain JSON; numbers keep every bit."""
        settings = self.settings
        return {
            "version": VERSION,
            "bands_hz": [list(band) for band in settings.bands_hz],
            "harmonics": settings.harmonics,
            "highest_order": settings.highest_order,
            "shrinkage": settings.shrinkage,
            "kinds": list(self.kinds),
            "weights": self.weights.tolist(),
            "biases": self.biases.tolist(),
        }

    @classmethod
    def from_json(cls, data: dict[str, object]) -> Self:
        """The model that `to_json` wrote. Raises ValueError where `data` is not one."""
        try:
            if data["version"] != VERSION:
                raise ValueError(f"version {data['version']!r}, this reads {VERSION}")
            bands = tuple((float(low), float(high)) for low, high in cast(list[list[float]], data["bands_hz"]))
            settings = FaultSettings(
                bands, cast(int, data["harmonics"]), float(cast(float, data["highest_order"])), float(cast(float, data["shrinkage"]))
            )
            kinds = tuple(str(kind) for kind in cast(list[str], data["kinds"]))
            weights = np.asarray(data["weights"], dtype=np.float64)
            biases = np.asarray(data["biases"], dtype=np.float64)
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(f"this is no stored classifier of bearing faults: {error}") from error
        if weights.shape != (len(kinds), 3) or biases.shape != (len(kinds),) or not (np.isfinite(weights).all() and np.isfinite(biases).all()):
            raise ValueError(f"this is no stored classifier of bearing faults: weights of shape {weights.shape} for the kinds {kinds}")
        return cls(settings, kinds, weights, biases)


def _slow(series: Floats, rate_hz: float, highest_hz: float) -> Floats:
    """The series without its mean and without what swings faster than `highest_hz`."""
    turned = np.fft.rfft(series, axis=-1)
    frequency_hz = np.fft.rfftfreq(series.shape[-1], 1 / rate_hz)
    turned[..., (frequency_hz > highest_hz) | (frequency_hz == 0)] = 0
    return np.asarray(np.fft.irfft(turned, series.shape[-1], axis=-1), dtype=np.float64)
