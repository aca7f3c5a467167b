"""Minutes into rows: means by signal, the product's number where the machine ran for half of the minute, and how much of it."""

import numpy as np
import pytest

from factolake.features.regimes import Held, Regimes, regimes
from factolake.features.windows import WINDOW_US, Values, Windows, window_features
from models.timeseries.machine.rows import products_in, rows

MINUTES = np.arange(4, dtype=np.int64) * WINDOW_US + 60_000_000_000


@pytest.fixture
def windows() -> Windows:
    """`a` has two values in minute 0 and one in 2, `b` one in 1; minute 3 has none, and minute 9 is beyond what is asked for."""
    at_us = np.concatenate((MINUTES[[0, 0, 1, 2]] + [1, 2, 3, 4], MINUTES[-1:] + 6 * WINDOW_US))
    return window_features(Values(("a", "b"), np.array([0, 0, 1, 0, 0]), at_us, np.array([1.0, 3.0, 7.0, 5.0, 99.0])))


@pytest.fixture
def ran() -> Regimes:
    """minute    0    1    2    3
    running   ====|====|=   |====
    product   xxxx|xxyy|yyyy|zzzz
    """
    quarter = WINDOW_US // 4
    running = Held(True, MINUTES[[2, 3]] + [quarter, 0], [False, True])
    product: Held[str | None] = Held("x", MINUTES[[1, 3]] + [2 * quarter, 0], ["y", "z"])
    return regimes(MINUTES, running, product)


def test_a_row_is_the_means_of_a_minute_and_how_it_ran(windows: Windows, ran: Regimes) -> None:
    found = rows(windows, ran, ("b", "a"), ("x", "y"))
    np.testing.assert_array_equal(found.values, [[np.nan, 2.0], [7.0, np.nan], [np.nan, 5.0], [np.nan, np.nan]])
    np.testing.assert_array_equal(found.seconds, MINUTES / 1e6)
    assert found.ran is not None
    np.testing.assert_array_equal(found.ran, [1.0, 1.0, 0.25, 1.0])
    # Minute 1 has two products, in minute 2 it hardly ran, and z is none of the model's.
    assert found.regimes.tolist() == [0, -1, -1, 2]


def test_minutes_one_by_one_make_the_same_rows(windows: Windows, ran: Regimes) -> None:
    whole = rows(windows, ran, ("a", "b"), products_in(ran.product))
    for row in range(len(MINUTES)):
        one = Regimes(ran.window_us[row : row + 1], ran.running_s[row : row + 1], ran.product[row : row + 1])
        alone = rows(windows, one, ("a", "b"), products_in(ran.product))
        np.testing.assert_array_equal(alone.values[0], whole.values[row])
        assert (alone.regimes[0], alone.seconds[0]) == (whole.regimes[row], whole.seconds[row])


def test_products_are_counted_by_name() -> None:
    assert products_in(("y", None, "x", "y")) == ("x", "y")
