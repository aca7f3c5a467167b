"""Vibration of a damaged bearing as tests need it: strokes that make a structure ring, in noise, with the rhythm of one part."""

import numpy as np

from models.timeseries.signals import Floats


def struck(at_hz: float, rate_hz: float, count: int, *, ring_hz: float, swing_hz: float = 0.0, noise: float = 0.1, seed: int = 0) -> Floats:
    """Strokes at `at_hz`, each ringing at `ring_hz` for about 1 ms; with `swing_hz` their strength swings as damage goes in and out of the load."""
    rng = np.random.default_rng(seed)
    seconds = np.arange(count) / rate_hz
    samples = rng.normal(0, noise, count)
    for stroke_s in np.arange(rng.uniform(0, 1 / at_hz), seconds[-1], 1 / at_hz):
        since_s = np.maximum(seconds - stroke_s, 0.0)
        strength = 1 + 0.8 * np.cos(2 * np.pi * swing_hz * stroke_s) if swing_hz else 1.0
        samples += (seconds >= stroke_s) * strength * np.exp(-since_s / 1e-3) * np.sin(2 * np.pi * ring_hz * since_s)
    return samples
