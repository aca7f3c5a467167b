"""Figures of a waveform's shape, each over the last axis: how strong, how peaked, how impulsive.

All but `rms` and `peak` stay the same when the samples are scaled. Means are taken off first: accelerometers have an offset. NaN where all samples
are the same.
"""

import numpy as np

from factolake.features.windows import Floats


def centred(samples: Floats) -> Floats:
    """Samples without their mean."""
    return np.asarray(samples - samples.mean(axis=-1, keepdims=True), dtype=np.float64)


def rms(samples: Floats) -> Floats:
    """Root of the mean square, in the unit of the samples."""
    return np.asarray(np.sqrt(np.mean(centred(samples) ** 2, axis=-1)), dtype=np.float64)


def peak(samples: Floats) -> Floats:
    """Largest distance from the mean, in the unit of the samples."""
    return np.asarray(np.abs(centred(samples)).max(axis=-1), dtype=np.float64)


def crest(samples: Floats) -> Floats:
    """Peak over RMS: 1.41 for a sine, 3 to 5 for noise, more when something strikes.

    >>> round(float(crest(np.sin(np.arange(1000) * np.pi / 50))), 4)
    1.4142
    """
    return ratio(peak(samples), rms(samples))


def kurtosis(samples: Floats) -> Floats:
    """Fourth moment over the squared second: 1.5 for a sine, 3 for Gaussian noise, more when something strikes now and then.

    >>> round(float(kurtosis(np.sin(np.arange(1000) * np.pi / 50))), 4)
    1.5
    """
    squares = centred(samples) ** 2
    return ratio(np.mean(squares**2, axis=-1), np.mean(squares, axis=-1) ** 2)


def skewness(samples: Floats) -> Floats:
    """Third moment over the second to the power of 3/2: 0 where up and down are alike."""
    middle = centred(samples)
    return ratio(np.mean(middle**3, axis=-1), np.mean(middle**2, axis=-1) ** 1.5)


def form(samples: Floats) -> Floats:
    """RMS over the mean distance from the mean: 1.11 for a sine, 1.25 for Gaussian noise."""
    return ratio(rms(samples), np.mean(np.abs(centred(samples)), axis=-1))


def impulse(samples: Floats) -> Floats:
    """Peak over the mean distance from the mean: crest times form."""
    return ratio(peak(samples), np.mean(np.abs(centred(samples)), axis=-1))


def clearance(samples: Floats) -> Floats:
    """Peak over the squared mean of the roots of distances from the mean: the most eager of these for few and sharp strokes."""
    return ratio(peak(samples), np.mean(np.sqrt(np.abs(centred(samples))), axis=-1) ** 2)


def ratio(above: Floats, below: Floats) -> Floats:
    """One over the other, NaN where there is nothing below."""
    return np.asarray(np.divide(above, below, out=np.full(np.shape(below), np.nan), where=np.asarray(below) > 0), dtype=np.float64)
