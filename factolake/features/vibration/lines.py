"""What stands at harmonics and sidebands of a frequency: above the floor beside them in a spectrum, or as their share of a short series.

Long records have lines to measure in a spectrum: `above_floor_db`. A window of a few turns has none: there `share` asks how much of it a sum of such
sines explains, which needs no resolution and no scale.
"""

import numpy as np

from factolake.features.vibration.shape import centred, ratio
from factolake.features.windows import Floats


def lines_hz(base_hz: float, harmonics: int, spacing_hz: float = 0.0, sidebands: int = 0) -> Floats:
    """Frequencies of `base_hz` times 1 to `harmonics`, each with `sidebands` at either side `spacing_hz` apart, rising, those above 0.

    >>> lines_hz(160.0, 2, 30.0, 1).tolist()
    [130.0, 160.0, 190.0, 290.0, 320.0, 350.0]
    """
    aside = np.arange(-sidebands, sidebands + 1) * spacing_hz
    found = np.unique(np.add.outer(np.arange(1, harmonics + 1) * base_hz, aside))
    return found[found > 0]


def above_floor_db(frequency_hz: Floats, amplitude: Floats, line_hz: float, slip: float = 0.02, beside_hz: float = 30.0) -> Floats:
    """`line_and_floor`, one over the other in dB.

    Noise alone gives up to 11 dB, for a highest value is held against a median (records of 0.3 to 10 s); a line is above that.
    """
    return np.asarray(20 * np.log10(ratio(*line_and_floor(frequency_hz, amplitude, line_hz, slip, beside_hz))), dtype=np.float64)


def line_and_floor(frequency_hz: Floats, amplitude: Floats, line_hz: float, slip: float = 0.02, beside_hz: float = 30.0) -> tuple[Floats, Floats]:
    """Highest amplitude within `slip` (a share) of the line, and the median within `beside_hz` of it; the last axis is frequency.

    Raises ValueError where the spectrum is too coarse or too short to hold both.
    """
    off_hz = np.abs(frequency_hz - line_hz)
    near = off_hz <= max(slip * line_hz, float(np.diff(frequency_hz[:2])[0]) / 2)
    beside = (off_hz <= beside_hz) & ~near
    if not near.any() or beside.sum() < 3:
        raise ValueError(f"a spectrum up to {frequency_hz[-1]} Hz has no line at {line_hz} Hz with a floor beside it; look at `beside_hz`")
    floor = np.median(amplitude[..., beside], axis=-1)
    return np.asarray(amplitude[..., near].max(axis=-1), dtype=np.float64), np.asarray(floor, dtype=np.float64)


def share(series: Floats, rate_hz: float, at_hz: Floats) -> Floats:
    """Which share of the variance the best sum of sines at `at_hz` explains, 0 to 1, over the last axis; NaN where the series does not vary.

    `|Q' x|² / |x|²`, `Q` an orthonormal base of the sines and cosines, `x` the series without its mean. Noise explains twice the number of lines over
    the number of free values: compare shares of equally many lines. Raises ValueError where a line is not below half the rate.

    >>> seconds = np.arange(400) / 1000
    >>> both = np.sin(2 * np.pi * 23 * seconds) + np.sin(2 * np.pi * 61 * seconds)
    >>> round(float(share(both, 1000.0, np.array([23.0]))), 2), round(float(share(both, 1000.0, np.array([23.0, 61.0]))), 2)
    (0.5, 1.0)
    """
    if not (len(at_hz) and 0 < at_hz.min() and at_hz.max() < rate_hz / 2):
        raise ValueError(f"lines at {np.asarray(at_hz).tolist()} Hz cannot be told in samples at {rate_hz} Hz; give some from 0 to {rate_hz / 2} Hz")
    middle = centred(series)
    total = np.sum(middle**2, axis=-1)
    explained = np.sum((middle @ _base(series.shape[-1], rate_hz, at_hz)) ** 2, axis=-1)
    return ratio(explained, total)


def _base(count: int, rate_hz: float, at_hz: Floats) -> Floats:
    turns = 2 * np.pi * np.outer(np.arange(count) / rate_hz, at_hz)
    sines = np.concatenate([np.cos(turns), np.sin(turns)], axis=1)
    left, sizes, _ = np.linalg.svd(sines - sines.mean(axis=0), full_matrices=False)
    # Lines closer than the window can part are nearly the same sine: what is left of the second is rounding.
    return np.asarray(left[:, sizes > 1e-3 * sizes[0]], dtype=np.float64)
