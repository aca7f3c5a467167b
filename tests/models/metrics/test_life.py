"""Figures of remaining life, against hand-made values."""

import math

import numpy as np
import pytest

from models.metrics import life


def test_the_score_punishes_late_predictions_more_than_early_ones() -> None:
    true = np.array([50.0])
    assert life.phm08(true - 20, true) == pytest.approx(math.exp(20 / 13) - 1)
    assert life.phm08(true + 20, true) == pytest.approx(math.exp(2) - 1)
    assert life.phm08(true, true) == 0.0


def test_rmse_is_the_root_of_the_mean_of_squares() -> None:
    assert life.rmse(np.array([0.0, 0.0, 0.0, 4.0]), np.zeros(4)) == 2.0


def test_ends_of_an_interval_are_inside_and_width_is_their_mean_distance() -> None:
    low, high = np.array([0.0, 10.0, 100.0]), np.array([10.0, 20.0, 125.0])
    assert life.coverage(low, high, np.array([0.0, 20.0, 99.9])) == pytest.approx(2 / 3)
    assert life.width(low, high) == 15.0
