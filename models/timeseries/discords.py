"""Is this window like none before it? The distance of a window to the nearest earlier one of the same length: a left discord has none near.

Windows are compared by shape: each is brought to mean 0 and spread 1 first. It takes n log n steps for a window among n rows, so that it is asked for
the windows which a cheaper detector has flagged, not for all. A stream of shapes that keep their level is in `models/timeseries/trajectories.py`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.timeseries.signals import Floats

FLAT = 1e-9
"""A window whose spread is below this share of the greatest value is flat: it has no shape, and is at distance 0 from flat ones alone."""


@dataclass(frozen=True, slots=True)
class Discord:
    """A window by its first row, the earlier window nearest to it, and how far off that is: 0 is the same shape, 2 sqrt(rows) the opposite."""

    first: int
    nearest: int
    distance: float


def distance_profile(query: Floats, series: Floats) -> Floats:
    """Distance of `query` to every window of `series` of its length, as many as there are: Euclidean, each window z-normalised.

    With the correlation r of two windows of m rows it is sqrt(2 m (1 - r)); the sums of products are one convolution by Fourier transforms. A flat
    window is at distance 0 from a flat one and sqrt(m) from any other. Source: Mueen and others, The fastest similarity search algorithm for time
    series subsequences under Euclidean distance (MASS). Raises ValueError for a query of fewer than 2 rows, one longer than `series`, and values
    that are not finite.

    >>> distance_profile(np.array([0.0, 1.0, 0.0]), np.array([5.0, 7.0, 5.0, 5.0, 5.0, 3.0, 5.0])).round(3) + 0.0
    array([0.   , 3.   , 1.732, 1.732, 3.464])
    """
    rows = len(query)
    if not 2 <= rows <= len(series):
        raise ValueError(f"a query of {rows} rows among {len(series)} rows; it needs 2 rows or more, and a series as long as itself or longer")
    if not (np.isfinite(query).all() and np.isfinite(series).all()):
        raise ValueError("a value that is not finite has no distance; leave out the rows without values, or fill them first")
    # Centred first: a signal of a million with a spread of one would lose its shape in the rounding of the transforms.
    level = series.mean()
    scale = float(np.abs(series).max()) or 1.0
    shape = query - query.mean()
    deviation = float(shape.std())
    spread = _spreads(series, rows)
    flat = spread <= FLAT * scale
    if deviation <= FLAT * max(scale, float(np.abs(query).max())):
        return np.where(flat, 0.0, np.sqrt(rows))
    products = _sliding_products(shape, series - level)
    correlation = np.clip(products / (rows * deviation * np.where(flat, 1.0, spread)), -1.0, 1.0)
    profile: Floats = np.where(flat, np.sqrt(rows), np.sqrt(2.0 * rows * (1.0 - correlation)))
    return profile


def left_discord(series: Floats, first: int, rows: int, exclusion: int | None = None) -> Discord:
    """The window of `rows` rows from `first` on, and its nearest among the windows that end `exclusion` rows or more before it; 0 where not given.

    Raises ValueError where there is no earlier window.

    >>> wave = np.sin(np.arange(60.0))
    >>> wave[50:53] = 0.0
    >>> usual, strange = (left_discord(wave, first, 8) for first in (30, 46))
    >>> usual.distance < 1.0 < strange.distance
    True
    """
    last = first - (exclusion or 0)
    if last < rows or first + rows > len(series):
        raise ValueError(f"no window of {rows} rows comes before row {first} of {len(series)}; ask for a later or a shorter one")
    profile = distance_profile(series[first : first + rows], series[:last])
    nearest = int(np.argmin(profile))
    return Discord(first, nearest, float(profile[nearest]))


def left_discords(series: Floats, flagged: Sequence[int], rows: int) -> list[Discord]:
    """The windows which end in the flagged rows, the strangest first; a row that has no earlier window to compare its own with is left out."""
    firsts = sorted({row - rows + 1 for row in flagged if row - rows + 1 >= rows})
    return sorted((left_discord(series, first, rows) for first in firsts), key=lambda discord: -discord.distance)


def is_discord(series: Floats, row: int, rows: int, sample: int = 64) -> bool:
    """Whether the window which ends in `row` is further from its nearest than nearly all windows before it are from theirs.

    Its distance is compared with the greatest of up to `sample` windows spread evenly over the rows before it, from a third of them on, each with its
    own nearest among all windows before `row`. Raises ValueError where the rows before are fewer than four windows.
    """
    first = row - rows + 1
    if first < 4 * rows:
        raise ValueError(f"a window of {rows} rows which ends in row {row} needs {4 * rows} rows before it to be compared with")
    past = series[:first]
    places = np.unique(np.linspace(first // 3, first - rows, min(sample, first - rows - first // 3 + 1)).astype(int))
    usual = max(_nearest_apart(past, int(place), rows) for place in places)
    return left_discord(series, first, rows).distance > usual


def _nearest_apart(series: Floats, first: int, rows: int) -> float:
    """Distance of a window to the nearest that shares no row with it, earlier or later."""
    profile = distance_profile(series[first : first + rows], series)
    profile[max(0, first - rows + 1) : first + rows] = np.inf
    return float(profile.min())


def _sliding_products(query: Floats, series: Floats) -> Floats:
    size = 1 << (len(series) + len(query) - 1).bit_length()
    product = np.fft.irfft(np.fft.rfft(series, size) * np.fft.rfft(query[::-1], size), size)
    return product[len(query) - 1 : len(series)]


def _spreads(series: Floats, rows: int) -> Floats:
    """Standard deviation of every window, each from its own values: differences of running sums would drown small ones after large ones."""
    windows = np.lib.stride_tricks.sliding_window_view(series, rows)
    block = max(1, 1_000_000 // rows)
    return np.concatenate([windows[first : first + block].std(axis=1) for first in range(0, len(windows), block)])
