"""The score of the PHM 2012 challenge: halved by 20 % too short or 5 % too long, as its formulas say."""

import math

import numpy as np
import pytest

from models.metrics.life import phm12


@pytest.mark.parametrize("predicted", [0.0, 31.0, 99.0, 100.0, 101.0, 130.0])
def test_it_is_what_the_formulas_of_the_challenge_say(predicted: float) -> None:
    error_percent = 100 * (100.0 - predicted) / 100.0
    expected = math.exp(-math.log(0.5) * error_percent / 5) if error_percent <= 0 else math.exp(math.log(0.5) * error_percent / 20)
    assert phm12(np.array([predicted]), np.array([100.0]))[0] == pytest.approx(expected, rel=1e-12)


def test_one_unit_of_life_is_as_good_as_another_and_far_too_long_is_nothing() -> None:
    predicted, true = np.array([70.0, 104.0]), np.array([100.0, 100.0])
    assert np.allclose(phm12(predicted, true), phm12(10 * predicted, 10 * true), rtol=1e-12)
    assert phm12(np.array([1e30]), np.array([1.0]))[0] < 1e-100
