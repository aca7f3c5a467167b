"""Demodulation: damage strikes a structure that rings at kHz, and how often it strikes stands in the envelope of the ringing.

Band-pass around a resonance, magnitude of the analytic signal, spectrum of it (Randall and Antoni, Mechanical Systems and Signal Processing 25,
2011). Which band, tells the spectral kurtosis; or several fixed ones are taken, where windows are too short to tell.
"""

from collections.abc import Sequence

import numpy as np

from factolake.features.vibration.bands import Band, analytic
from factolake.features.vibration.shape import centred, ratio
from factolake.features.windows import Floats


def envelope(samples: Floats, rate_hz: float, band_hz: Band) -> Floats:
    """Magnitude of the band's analytic signal, in the unit of the samples. Raises ValueError where the band does not fit the rate."""
    return np.abs(analytic(samples, rate_hz, band_hz))


def spectral_kurtosis(samples: Floats, rate_hz: float, bands_hz: Sequence[Band]) -> Floats:
    """`<|z|^4> / <|z|²>² - 2` of each band's analytic signal `z`, a last axis of bands: 0 for noise, -1 for a tone, high where something strikes.

    Source: Antoni, Mechanical Systems and Signal Processing 20, 2006. NaN where a band holds nothing.
    """
    found = []
    for band in bands_hz:
        squares = envelope(samples, rate_hz, band) ** 2
        found.append(ratio(np.mean(squares**2, axis=-1), np.mean(squares, axis=-1) ** 2) - 2)
    return np.stack(found, axis=-1)


def most_impulsive(samples: Floats, rate_hz: float, bands_hz: Sequence[Band]) -> Band:
    """The band of highest spectral kurtosis, for one row of samples. Raises ValueError where no band holds anything."""
    kurtosis = spectral_kurtosis(samples, rate_hz, bands_hz)
    if kurtosis.ndim != 1 or np.isnan(kurtosis).all():
        raise ValueError(f"samples of shape {samples.shape} name no band; give one row that is not all the same")
    return bands_hz[int(np.nanargmax(kurtosis))]


def envelope_spectrum(samples: Floats, rate_hz: float, band_hz: Band, padding: int = 4) -> tuple[Floats, Floats]:
    """Frequencies in Hz and the amplitude of the envelope's swing at each (Hann window), in the unit of the samples.

    `padding`: how many times the block's length the spectrum is computed at, 1 or more; it draws the same curve finer and resolves no more.

    >>> seconds = np.arange(6000) / 6000
    >>> struck = (1 + 0.5 * np.cos(2 * np.pi * 90 * seconds)) * np.sin(2 * np.pi * 2000 * seconds)
    >>> frequency_hz, amplitude = envelope_spectrum(struck, 6000.0, (1500, 2500))
    >>> float(frequency_hz[amplitude.argmax()]), round(float(amplitude.max()), 3)
    (90.0, 0.5)
    """
    return swing_spectrum(envelope(samples, rate_hz, band_hz), rate_hz, padding)


def swing_spectrum(magnitude: Floats, rate_hz: float, padding: int = 4) -> tuple[Floats, Floats]:
    """Frequencies in Hz and amplitude of a series without its mean (Hann window): `envelope_spectrum` of an envelope that is there already."""
    count = magnitude.shape[-1]
    if padding < 1:
        raise ValueError(f"padding is {padding}; give 1 or more")
    window = np.hanning(count + 1)[:-1]
    amplitude = 2 * np.abs(np.fft.rfft(centred(magnitude) * window, count * padding, axis=-1)) / window.sum()
    return np.asarray(np.fft.rfftfreq(count * padding, 1 / rate_hz), dtype=np.float64), np.asarray(amplitude, dtype=np.float64)
