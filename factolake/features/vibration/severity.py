"""How hard a machine shakes: RMS of the vibration velocity from 10 to 1000 Hz, which ISO 20816 judges by zones, from acceleration.

A tone of acceleration `a` at `f` Hz has the velocity `a / (2 pi f)`; the integral is taken in the spectrum, where slow drift cannot add up. Zones
are settings: which limits hold depends on the machine and its foundation, public tables contradict each other, so limits carry their source.
"""

import math

import numpy as np

from factolake.features.vibration.bands import Band, checked, spectrum
from factolake.features.windows import Floats

ISO_BAND_HZ: Band = (10.0, 1000.0)
MM_PER_M = 1000.0
LEAST_TURNS = 10
"""Periods of the band's lower edge that samples have to hold: below, the window smears slow drift into the band, where 1 / f² makes it large."""


def velocity_rms_mm_s(acceleration_m_s2: Floats, rate_hz: float, band_hz: Band = ISO_BAND_HZ) -> Floats:
    """RMS velocity in mm/s of the band, over the last axis. Raises ValueError where samples are too slow for the band, or too few.

    >>> tone_m_s2 = np.sin(2 * np.pi * 100 * np.arange(10_000) / 10_000)
    >>> round(float(velocity_rms_mm_s(tone_m_s2, 10_000.0)), 3), round(1000 / (2 * math.pi * 100) / math.sqrt(2), 3)
    (1.125, 1.125)
    """
    low_hz, high_hz = checked(band_hz, rate_hz)
    least = math.ceil(LEAST_TURNS / low_hz * rate_hz) if low_hz > 0 else math.inf
    if acceleration_m_s2.shape[-1] < least:
        raise ValueError(f"{acceleration_m_s2.shape[-1]} samples are too few for a band from {low_hz} Hz at {rate_hz} Hz; give {least} or more")
    frequency_hz, power = spectrum(acceleration_m_s2, rate_hz)
    inside = (frequency_hz >= low_hz) & (frequency_hz <= high_hz)
    square_m_s = (power[..., inside] / (2 * np.pi * frequency_hz[inside]) ** 2).sum(axis=-1)
    return np.asarray(MM_PER_M * np.sqrt(square_m_s), dtype=np.float64)
