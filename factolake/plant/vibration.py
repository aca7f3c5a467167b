"""How a measuring point of a simulated machine shakes, and its captures: harmonics of the shaft, noise, and strokes of a worn bearing.

Not physics, but shaped like it: the velocity follows the wear as the slow signal `vibration` does, and each ball that passes the damage makes the
housing ring. When a bearing wears is `degradation.py`'s, which point shakes when `wire.py`'s.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from factolake.bus.captures import MOST_SAMPLES, Capture, encode_capture
from factolake.bus.port import LogWriter
from factolake.domain.clock import Clock
from factolake.domain.vibration import SECONDS_PER_MINUTE, VibrationPoint
from factolake.plant.behaviour import BEHAVIOURS, EFFECTS
from factolake.plant.chance import Floats, key_of
from factolake.plant.moment import to_us
from factolake.plant.scenario import US_PER_S

SOURCE_ID = "vibration"
EVERY_US = 600 * US_PER_S
LASTS_S = 1.0
STANDS_BELOW_RPM = 60.0
HARMONICS = ((1, 0.8), (2, 0.5), (3, 0.33))
"""(times the shaft's speed, share of the velocity); the squares of the shares add up to about 1."""
NOISE_M_S2, RESTING_NOISE_M_S2 = 0.6, 0.05
STROKE_M_S2 = 25.0
RING_HZ, RING_S = 3000.0, 1e-3
HIGHEST_RING_SHARE = 0.35
SLIP = 0.005
"""Balls roll a little slower than geometry says."""


@dataclass(frozen=True, slots=True)
class Shaking:
    """A point at a moment: the shaft's speed, and how far its bearing is worn (0: new, 1: it breaks)."""

    ts: datetime
    point: VibrationPoint
    rpm: float
    wear: float


def samples_of(shaking: Shaking, seed: int) -> Floats:
    """A second of acceleration in m/s² at the point's rate; the same for the same moment and seed."""
    point = shaking.point
    rng = np.random.default_rng(key_of(f"{seed}/{point.machine}/{point.name}/{to_us(shaking.ts)}"))
    second = np.arange(min(round(LASTS_S * point.sample_rate_hz), MOST_SAMPLES)) / point.sample_rate_hz
    if shaking.rpm < STANDS_BELOW_RPM:
        return rng.normal(0.0, RESTING_NOISE_M_S2, len(second))
    samples = rng.normal(0.0, NOISE_M_S2, len(second)) + _turning(shaking, second, rng)
    return samples + _strokes(shaking, second, rng) if shaking.wear > 0 else samples


def _turning(shaking: Shaking, second: Floats, rng: np.random.Generator) -> Floats:
    level, shaft_hz = BEHAVIOURS["vibration"], shaking.rpm / SECONDS_PER_MINUTE
    velocity_mm_s = level.running + EFFECTS["bearing_wear"][0].share * level.span * shaking.wear
    found: Floats = np.zeros(len(second))
    for times, share in HARMONICS:
        turn = 2 * np.pi * times * shaft_hz
        found += share * np.sqrt(2) * velocity_mm_s / 1000 * turn * np.sin(turn * second + rng.uniform(0, 2 * np.pi))
    return found


def _strokes(shaking: Shaking, second: Floats, rng: np.random.Generator) -> Floats:
    """What a damaged outer race makes: a stroke of the housing each time that a ball passes."""
    bearing = shaking.point.bearing
    if bearing is None:
        return np.zeros(len(second))
    strokes_hz = bearing.at(shaking.rpm).outer * (1 - SLIP)
    ring_hz = min(RING_HZ, HIGHEST_RING_SHARE * shaking.point.sample_rate_hz)
    since_s = np.mod(second + rng.uniform(0, 1 / strokes_hz), 1 / strokes_hz)
    struck: Floats = STROKE_M_S2 * shaking.wear * np.exp(-since_s / RING_S) * np.sin(2 * np.pi * ring_hz * since_s)
    return struck


class CaptureSender:
    """Sends captures to `log`, each as a record of its own; what a full log does not take waits for the next time."""

    def __init__(self, seed: int, log: LogWriter, clock: Clock) -> None:
        self._seed, self._log, self._clock = seed, log, clock
        self._epoch, self._seq = to_us(clock.now()), 0
        self._waiting: list[Shaking] = []

    def send(self, shakings: Sequence[Shaking]) -> None:
        """A capture of each. Raises SpoolFull or DiskFull with those left still waiting."""
        self._waiting += shakings
        while self._waiting:
            one = self._waiting[0]
            capture = Capture(one.point.machine, one.point.name, one.ts, one.point.sample_rate_hz, samples_of(one, self._seed).astype(np.float32))
            self._log.append([encode_capture((SOURCE_ID, self._epoch, self._seq), capture, self._clock.now())])
            self._waiting.pop(0)
            self._seq += 1
