"""Chance without a sequence: noise as a pure function of (key, moment), so that a value does not depend on which values were asked for before.

The live plant asks for one moment at a time, the offline generator for weeks at once; both get the same numbers.
"""

from hashlib import blake2b

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Keys = npt.NDArray[np.uint64]
Counts = npt.NDArray[np.int64]

_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_HALF = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)


def key_of(name: str) -> int:
    """A 64-bit key that differs for every name."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "big")


def uniform(name: str) -> float:
    """A number in [0, 1) that belongs to `name`."""
    return key_of(name) / 2**64


def gauss(keys: Keys, counts: Counts) -> Floats:
    """Standard normal numbers, one for each key and count, independent of each other; the shapes broadcast.

    The mixing is SplitMix64 (Steele, Lea, Flood 2014), the normal numbers are Box and Muller's.
    """
    word = keys + counts.astype(np.uint64) * _STEP
    word = (word ^ (word >> np.uint64(30))) * _MIX[0]
    word = (word ^ (word >> np.uint64(27))) * _MIX[1]
    word = word ^ (word >> np.uint64(31))
    high, low = (word >> _HALF).astype(np.float64), (word & _LOW).astype(np.float64)
    normal: Floats = np.sqrt(-2 * np.log((high + 1) / 2**32)) * np.cos(low * (2 * np.pi / 2**32))
    return normal


class Wander:
    """A slow drift to and fro of standard deviation about 0.8, a row for each key: normal numbers every `knot_us`, straight lines between them."""

    def __init__(self, keys: Keys, knot_us: int) -> None:
        self._keys, self._knot_us = keys, knot_us
        self._span = (0, -1)
        self._knots = np.zeros((len(keys), 0))

    def at(self, rows: slice, at_us: Counts) -> Floats:
        """The drift of `rows` at each moment, (rows, moments); moments ascend."""
        knots = at_us // self._knot_us
        span = (int(knots[0]), int(knots[-1]) + 1)
        if span != self._span:
            # A live plant asks for the same twenty minutes a thousand times.
            self._span, self._knots = span, gauss(self._keys, np.arange(span[0], span[1] + 1, dtype=np.int64))
        share = (at_us - knots * self._knot_us) / self._knot_us
        place = knots - span[0]
        return self._knots[rows, place] * (1 - share) + self._knots[rows, place + 1] * share
