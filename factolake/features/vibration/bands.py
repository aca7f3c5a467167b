"""How the power of a signal lies over frequency: spectrum with a Hann window, powers of bands, and the analytic signal of one band.

Filters are cut in the spectrum of the whole block (no phase is lost, none is needed in advance): a block has to be at hand, nothing here streams.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from factolake.features.vibration.shape import centred
from factolake.features.windows import Floats

Band = tuple[float, float]
"""From the first, in Hz, to below the second."""


def checked(band_hz: Band, rate_hz: float) -> Band:
    """`band_hz` as it is. Raises ValueError where it is none below half of `rate_hz`."""
    low_hz, high_hz = band_hz
    if not 0 <= low_hz < high_hz <= rate_hz / 2:
        raise ValueError(f"the band of {low_hz} to {high_hz} Hz does not fit samples at {rate_hz} Hz; give it between 0 and {rate_hz / 2} Hz")
    return band_hz


def spectrum(samples: Floats, rate_hz: float) -> tuple[Floats, Floats]:
    """Frequencies in Hz and the one-sided power at each, which add up to the mean square of the centred samples (Hann window, energy kept)."""
    count = samples.shape[-1]
    window = np.hanning(count + 1)[:-1]
    power = np.abs(np.fft.rfft(centred(samples) * window, axis=-1)) ** 2 / (count * np.sum(window**2))
    power[..., 1 : (count + 1) // 2] *= 2
    return np.asarray(np.fft.rfftfreq(count, 1 / rate_hz), dtype=np.float64), np.asarray(power, dtype=np.float64)


def powers(samples: Floats, rate_hz: float, bands_hz: Sequence[Band]) -> Floats:
    """Mean square of the part of the samples in each band: a last axis of bands in place of time. Raises ValueError.

    >>> tone = np.sqrt(2) * np.sin(2 * np.pi * 100 * np.arange(1000) / 1000)
    >>> powers(tone, 1000.0, [(0, 50), (50, 150), (150, 500)]).round(6).tolist()
    [0.0, 1.0, 0.0]
    """
    frequency_hz, power = spectrum(samples, rate_hz)
    return np.stack([power[..., _inside(frequency_hz, checked(band, rate_hz))].sum(axis=-1) for band in bands_hz], axis=-1)


def analytic(samples: Floats, rate_hz: float, band_hz: Band) -> NDArray[np.complex128]:
    """The part in the band with its Hilbert transform as imaginary part: the magnitude is the envelope. Raises ValueError.

    `z = x + i H(x)`: all negative frequencies gone, the positive ones doubled (Gabor 1946). What the ends of a block ring into each other is left in.
    """
    frequency_hz = np.asarray(np.fft.fftfreq(samples.shape[-1], 1 / rate_hz), dtype=np.float64)
    kept = np.where(_inside(frequency_hz, checked(band_hz, rate_hz)), 2.0, 0.0)
    return np.fft.ifft(np.fft.fft(centred(samples), axis=-1) * kept, axis=-1)


def _inside(frequency_hz: Floats, band_hz: Band) -> NDArray[np.bool_]:
    return (frequency_hz >= band_hz[0]) & (frequency_hz < band_hz[1])
