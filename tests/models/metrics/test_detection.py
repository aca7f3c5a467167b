"""Counts of rows are pooled over recordings, and VUS-PR is what its definition says, reckoned slowly."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from models.metrics.detection import Points, points, vus_pr
from models.timeseries.signals import Floats


def slow_vus_pr(labels: NDArray[np.bool_], scores: Floats, buffer_rows: int) -> float:
    """The definition, threshold by threshold and row by row."""
    rows = len(labels)
    stretches = [(row, row + run(labels, row) - 1) for row in range(rows) if labels[row] and (row == 0 or not labels[row - 1])]
    thresholds = np.sort(scores)[::-1][np.linspace(0, rows - 1, 250).astype(int)]
    areas = []
    for buffer in range(buffer_rows + 1):
        wide = labels.astype(float)
        for first, last in stretches:
            for away in range(1, buffer // 2 + 1):
                for row in (first - away, last + away):
                    if 0 <= row < rows:
                        wide[row] = min(1.0, wide[row] + math.sqrt(1 - away / buffer))
        groups: list[set[int]] = []
        for first, last in stretches:
            group = set(range(max(first - buffer // 2, 0), min(last + buffer // 2 + 1, rows)))
            groups = [*groups[:-1], groups[-1] | group] if groups and groups[-1] & group else [*groups, group]
        area, recall_before = 0.0, 0.0
        for threshold in thresholds:
            alarms = scores >= threshold
            met = sum(wide[row] for row in range(rows) if alarms[row])
            positives = (labels.sum() + sum(1.0 if labels[row] else wide[row] * alarms[row] for row in range(rows))) / 2
            recall = min(met / positives, 1.0) * np.mean([any(alarms[row] for row in group) for group in groups])
            area += (recall - recall_before) * met / alarms.sum()
            recall_before = recall
        areas.append(area)
    return float(np.mean(areas))


def run(labels: NDArray[np.bool_], row: int) -> int:
    return int(np.argmin(np.append(labels[row:], False)))


@pytest.mark.parametrize("stretches", [[(30, 50)], [(0, 8), (60, 61)], [(20, 30), (34, 40), (70, 80)]])
def test_the_volume_is_what_the_definition_says(stretches: list[tuple[int, int]]) -> None:
    labels = np.zeros(80, dtype=bool)
    for first, last in stretches:
        labels[first:last] = True
    scores = np.round(np.random.default_rng(len(stretches)).normal(size=80) + labels, 1)
    assert vus_pr(labels, scores, 6) == pytest.approx(slow_vus_pr(labels, scores, 6), rel=1e-12)


def test_a_better_score_has_a_larger_volume_and_an_unlabelled_recording_none() -> None:
    labels = np.arange(500) // 100 == 2
    noise = np.random.default_rng(0).normal(size=500)
    weak, strong = vus_pr(labels, noise + labels), vus_pr(labels, noise + 4 * labels)
    assert weak < strong < 1
    assert vus_pr(labels, np.where(np.arange(500) < 5, np.nan, noise + 4 * labels)) == pytest.approx(strong, abs=0.01)
    assert math.isnan(vus_pr(np.zeros(500, dtype=bool), noise))


def test_points_are_pooled_and_nothing_is_adjusted() -> None:
    one = (np.array([0, 0, 1, 1, 1], dtype=bool), np.array([1, 0, 0, 1, 0], dtype=bool))
    other = (np.array([0, 1], dtype=bool), np.array([0, 1], dtype=bool))
    found = points([one, other])
    assert found == Points(hits=2, false=1, missed=2, quiet=2)
    assert (found.f1, found.false_alarms, found.missed_alarms) == (pytest.approx(4 / 7), pytest.approx(1 / 3), 0.5)
    assert math.isnan(points([]).f1)
