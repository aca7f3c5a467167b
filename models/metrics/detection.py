"""How well alarms and scores of rows meet rows that are labelled strange: counts of rows, and the volume under precision and recall.

Nothing is adjusted: a row in alarm within a labelled stretch says nothing of its neighbours. Delays and alarms a week are in `alarms`.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from models.timeseries.signals import Floats

THRESHOLDS = 250
"""At which precision and recall are taken, evenly through the sorted scores, as TSB-AD does."""


@dataclass(frozen=True, slots=True)
class Points:
    """Rows in alarm and labelled, in alarm alone, labelled alone, and neither."""

    hits: int
    false: int
    missed: int
    quiet: int

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; NaN where nothing is labelled or in alarm."""
        return _share(2 * self.hits, 2 * self.hits + self.false + self.missed)

    @property
    def false_alarms(self) -> float:
        """Share of the rows not labelled that are in alarm, 0 to 1."""
        return _share(self.false, self.false + self.quiet)

    @property
    def missed_alarms(self) -> float:
        """Share of the labelled rows that are not in alarm, 0 to 1."""
        return _share(self.missed, self.missed + self.hits)


def points(judged: Iterable[tuple[NDArray[np.bool_], NDArray[np.bool_]]]) -> Points:
    """Counts over all recordings, each its labels and its alarms.

    >>> points([(np.array([False, True, True]), np.array([True, True, False]))])
    Points(hits=1, false=1, missed=1, quiet=0)
    """
    total = np.zeros(4, dtype=np.int64)
    for labels, alarms in judged:
        total += [(labels & alarms).sum(), (~labels & alarms).sum(), (labels & ~alarms).sum(), (~labels & ~alarms).sum()]
    return Points(*total.tolist())


def vus_pr(labels: NDArray[np.bool_], scores: Floats, buffer_rows: int = 100) -> float:
    """Volume under the precision-recall surface, 0 to 1, higher is better; NaN where nothing is labelled.

    Rows without a score count as least strange. Labels are widened by half of 0 to `buffer_rows` rows to both sides, fading as
    `√(1 - distance/buffer)`; precision and recall are of these widened labels, recall weighed by how many stretches are met at all, and the area
    under them is averaged over the buffers (Paparrizos et al., PVLDB 15, 2022, as TSB-AD reckons it).

    >>> labels = np.zeros(1000, dtype=bool)
    >>> labels[500:600] = True
    >>> round(vus_pr(labels, np.where(labels, 1.0, 0.0)), 2), round(vus_pr(labels, np.arange(1000.0) % 7), 2)
    (1.0, 0.14)
    """
    if not labels.any():
        return math.nan
    known = scores[~np.isnan(scores)]
    scores = np.where(np.isnan(scores), known.min() if len(known) else 0.0, scores)
    order = np.argsort(-scores, kind="stable")
    at = scores[order][np.linspace(0, len(scores) - 1, THRESHOLDS).astype(np.int64)]
    counts = np.searchsorted(-scores[order], -at, side="right")
    return float(np.mean([_area(labels, scores, order, at, counts, buffer) for buffer in range(buffer_rows + 1)]))


def _area(labels: NDArray[np.bool_], scores: Floats, order: NDArray[np.int64], at: Floats, counts: NDArray[np.int64], buffer: int) -> float:
    stretches = _stretches(labels)
    wide = _widened(labels, stretches, buffer)
    met = np.cumsum(wide[order])[counts - 1]
    faded = np.cumsum(np.where(labels, 0.0, wide)[order])[counts - 1]
    positives = (labels.sum() + labels.sum() + faded) / 2
    highest = np.array([scores[first:last].max() for first, last in _joined(stretches, buffer, len(labels))])
    found = (highest[None, :] >= at[:, None]).mean(axis=1)
    recall = np.minimum(met / positives, 1.0) * found
    return float((np.diff(recall, prepend=0.0) * met / counts).sum())


def _stretches(labels: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.concatenate(([False], labels, [False])).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _widened(labels: NDArray[np.bool_], stretches: Sequence[tuple[int, int]], buffer: int) -> Floats:
    wide = labels.astype(np.float64)
    for first, last in stretches if buffer else ():
        after = np.arange(last, min(last + buffer // 2, len(labels)))
        before = np.arange(max(first - buffer // 2, 0), first)
        wide[after] += np.sqrt(1 - (after - (last - 1)) / buffer)
        wide[before] += np.sqrt(1 - (first - before) / buffer)
    return np.minimum(wide, 1.0)


def _joined(stretches: Sequence[tuple[int, int]], buffer: int, rows: int) -> list[tuple[int, int]]:
    """Stretches with their buffers, one where they touch."""
    joined: list[tuple[int, int]] = []
    for first, last in stretches:
        begin, end = max(first - buffer // 2, 0), min(last + buffer // 2, rows)
        if joined and joined[-1][1] > begin:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((begin, end))
    return joined


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan
