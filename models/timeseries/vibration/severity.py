"""How hard a machine shakes: RMS of the vibration velocity from 10 to 1000 Hz, which ISO 20816 judges by zones, from acceleration.

A tone of acceleration `a` at `f` Hz has the velocity `a / (2 pi f)`; the integral is taken in the spectrum, where slow drift cannot add up. Zones
are settings: which limits hold depends on the machine and its foundation, public tables contradict each other, so limits carry their source.
"""

import math
from dataclasses import dataclass

import numpy as np

from models.timeseries.signals import Floats
from models.timeseries.vibration.bands import Band, checked, spectrum

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


@dataclass(frozen=True, slots=True)
class ZoneLimits:
    """Upper limits of the zones A (as new), B (fit for long), C (fit for a limited time); above is D (does damage). Raises ValueError."""

    a_mm_s: float
    b_mm_s: float
    c_mm_s: float
    source: str
    """Where the limits are from: a standard with its group, the maker, an agreement."""

    def __post_init__(self) -> None:
        if not 0 < self.a_mm_s < self.b_mm_s < self.c_mm_s < math.inf:
            raise ValueError(f"the limits {self.a_mm_s}, {self.b_mm_s} and {self.c_mm_s} mm/s do not rise from above 0")
        if not self.source.strip():
            raise ValueError("the limits have no source; say where they are from")

    def zone(self, velocity_mm_s: float) -> str:
        """The letter of the zone. A velocity at a limit belongs to the better zone. Raises ValueError where the velocity is none.

        >>> [LARGE_ON_RIGID.zone(velocity_mm_s) for velocity_mm_s in (1.0, 2.3, 5.0, 8.0)]
        ['A', 'A', 'C', 'D']
        """
        if not velocity_mm_s >= 0:
            raise ValueError(f"the velocity is {velocity_mm_s} mm/s; give 0 or more")
        limits = (self.a_mm_s, self.b_mm_s, self.c_mm_s)
        return "ABCD"[sum(velocity_mm_s > limit for limit in limits)]


LARGE_ON_RIGID = ZoneLimits(2.3, 4.5, 7.1, "ISO 20816-3, group 1 (above 300 kW or shafts of 315 mm and more), rigid foundation")
"""The one group whose limits a public source confirms; limits of other machines are given by who runs them."""
