"""Which rows or assets learn and which are asked: by asset, so that none is on both sides, or by time, so that nobody learns from what came later."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.timeseries.signals import Floats, Numbers


@dataclass(frozen=True, slots=True)
class Split:
    """Numbers of what learns and of what is asked, each in rising order."""

    train: Numbers
    test: Numbers


def by_asset(assets: int, parts: int, seed: int = 0) -> Iterator[Split]:
    """Assets 0 to before `assets`, each asked in one of `parts` that differ by one asset at most. Raises ValueError for 1 part, or more than assets.

    >>> [split.test.tolist() for split in by_asset(5, 2)]
    [[1, 2, 3], [0, 4]]
    """
    if not 2 <= parts <= assets:
        raise ValueError(f"{assets} assets cannot be asked in {parts} parts; give 2 parts or more, and as many assets")
    order = np.random.default_rng(seed).permutation(assets)
    for part in range(parts):
        yield Split(np.sort(order[np.arange(assets) % parts != part]), np.sort(order[part::parts]))


def rows_by_asset(names: NDArray[np.str_], parts: int, seed: int = 0) -> Iterator[Split]:
    """Rows of assets called `names`, one name a row: all rows of an asset are on one side. Raises ValueError as `by_asset`."""
    assets, of = np.unique(names, return_inverse=True)
    for split in by_asset(len(assets), parts, seed):
        asked = np.isin(of, split.test)
        yield Split(np.flatnonzero(~asked), np.flatnonzero(asked))


def by_time(seconds: Floats, until_s: float, gap_s: float = 0.0) -> Split:
    """Rows before `until_s` learn, rows from `gap_s` later on are asked. Raises ValueError where a side is empty or the gap is below 0.

    >>> split = by_time(np.arange(6.0), until_s=3.0, gap_s=1.0)
    >>> split.train.tolist(), split.test.tolist()
    ([0, 1, 2], [4, 5])
    """
    if gap_s < 0:
        raise ValueError(f"a gap must be 0 s or more, got {gap_s}")
    split = Split(np.flatnonzero(seconds < until_s), np.flatnonzero(seconds >= until_s + gap_s))
    if not len(split.train) or not len(split.test):
        raise ValueError(
            f"{len(split.train)} rows before {until_s} s and {len(split.test)} after {until_s + gap_s} s; give a time with rows on both sides"
        )
    return split
