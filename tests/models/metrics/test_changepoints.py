"""The score of change points as the Skoltech benchmark reckons it, by hand."""

import math

import numpy as np
import pytest

from models.metrics.changepoints import LOW_FALSE, LOW_MISSED, nab_score

CHANGES_S = np.array([100.0, 300.0])


def test_all_at_once_is_100_and_none_is_0() -> None:
    assert nab_score([(CHANGES_S, CHANGES_S)]) == pytest.approx(100.0)
    assert nab_score([(CHANGES_S, np.array([]))]) == 0.0
    assert math.isnan(nab_score([(np.array([]), CHANGES_S)]))


def test_a_detection_earns_less_the_later_it_comes_and_at_the_end_of_the_window_it_costs_as_a_false_one() -> None:
    late = [nab_score([(CHANGES_S, np.array([100.0 + delay, 300.0]))]) for delay in (0, 15, 30, 45, 60)]
    assert late == sorted(late, reverse=True)
    assert late[2] == pytest.approx(100 * (1 + 0.445 + 2) / 4, abs=0.1)
    assert late[4] == pytest.approx(100 * (1 - 0.11 + 2) / 4)


def test_a_false_detection_costs_and_a_second_one_in_a_window_does_not() -> None:
    base = nab_score([(CHANGES_S, CHANGES_S)])
    assert nab_score([(CHANGES_S, np.array([100.0, 120.0, 300.0, 350.0]))]) == base
    assert nab_score([(CHANGES_S, np.array([50.0, 100.0, 300.0]))]) == pytest.approx(base - 100 * 0.11 / 4)
    assert nab_score([(CHANGES_S, np.array([50.0, 100.0, 300.0]))], LOW_FALSE) == pytest.approx(base - 100 * 0.22 / 4)


def test_missing_one_costs_more_where_it_is_to() -> None:
    one = np.array([100.0])
    assert nab_score([(CHANGES_S, one)]) == pytest.approx(50.0)
    assert nab_score([(CHANGES_S, one)], LOW_MISSED) == pytest.approx(50.0)
    assert nab_score([(CHANGES_S, np.array([400.0]))], LOW_MISSED) == pytest.approx(-100 * 0.11 / 6)


def test_of_two_windows_that_overlap_the_later_begins_where_the_earlier_ends() -> None:
    changes_s = np.array([100.0, 130.0])
    assert nab_score([(changes_s, np.array([100.0, 150.0]))]) == pytest.approx(50.0)
    assert nab_score([(changes_s, np.array([100.0, 161.0]))]) == pytest.approx(100 * (1 + 0.98 + 2) / 4, abs=0.6)
