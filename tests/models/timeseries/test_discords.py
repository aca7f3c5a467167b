"""Distance profiles against every window compared one by one, and left discords in signals with a window that is like none before."""

import numpy as np
import pytest

from models.timeseries.discords import distance_profile, is_discord, left_discord, left_discords
from models.timeseries.signals import Floats


def shape(window: Floats) -> Floats | None:
    return None if np.ptp(window) == 0 else (window - window.mean()) / window.std()


def one_by_one(query: Floats, series: Floats) -> Floats:
    """Every window brought to mean 0 and spread 1, and subtracted."""
    rows, mine = len(query), shape(query)
    distances = []
    for first in range(len(series) - rows + 1):
        other = shape(series[first : first + rows])
        if mine is None or other is None:
            distances.append(0.0 if mine is None and other is None else float(np.sqrt(rows)))
        else:
            distances.append(float(np.sqrt(np.square(mine - other).sum())))
    return np.array(distances)


@pytest.mark.parametrize("rows", [2, 3, 8, 64, 200])
@pytest.mark.parametrize(("level", "scale"), [(0.0, 1.0), (1e6, 1.0), (-3.0, 1e-4), (1e9, 1e7)])
def test_the_profile_is_the_one_of_all_windows_compared_one_by_one(rows: int, level: float, scale: float) -> None:
    noise = np.random.default_rng(rows)
    series = level + scale * (np.cumsum(noise.normal(size=200)) + noise.normal(size=200))
    query = level + scale * np.cumsum(noise.normal(size=rows))
    assert distance_profile(query, series) == pytest.approx(one_by_one(query, series), abs=1e-3)


def test_flat_windows_have_no_shape() -> None:
    series = np.concatenate([np.full(20, 4.0), np.arange(10.0), np.full(20, 7.0), np.zeros(10)])
    assert distance_profile(np.full(6, 100.0), series) == pytest.approx(one_by_one(np.full(6, 100.0), series))
    query = np.array([0.0, 1.0, 0.0, 2.0, 0.0, 1.0])
    assert distance_profile(query, series) == pytest.approx(one_by_one(query, series), abs=1e-6)


def test_a_signal_is_at_no_distance_from_itself_however_it_is_scaled() -> None:
    series = np.random.default_rng(1).normal(size=300)
    profile = distance_profile(3.0 + 5.0 * series[100:130], series)
    assert int(np.argmin(profile)) == 100 and profile[100] == pytest.approx(0.0, abs=1e-6)
    assert distance_profile(-series[100:130], series)[100] == pytest.approx(2 * np.sqrt(30))


def test_left_discords_are_those_of_windows_compared_one_by_one() -> None:
    series = np.random.default_rng(2).normal(size=240).cumsum()
    for first in (12, 13, 100, 228):
        distances = one_by_one(series[first : first + 12], series[:first])
        found = left_discord(series, first, 12)
        assert (found.first, found.nearest) == (first, int(np.argmin(distances))) and found.distance == pytest.approx(distances.min(), abs=1e-5)
    assert left_discord(series, 100, 12, exclusion=30).nearest <= 100 - 30 - 12


def beats(rows: int) -> Floats:
    """A beat each 40 rows with noise of its own."""
    return np.sin(2 * np.pi * np.arange(rows) / 40) ** 5 + 0.02 * np.random.default_rng(4).normal(size=rows)


def test_the_strangest_flagged_window_comes_first_and_rows_without_a_past_are_left_out() -> None:
    series = beats(1000)
    series[700:740] = series[700:740][::-1] * np.linspace(1, 0, 40)
    found = left_discords(series, [5, 60, 300, 500, 739, 739, 900], rows=40)
    assert found[0].first == 700 and sorted(discord.first for discord in found) == [261, 461, 700, 861]
    assert [discord.distance for discord in found] == sorted((discord.distance for discord in found), reverse=True)


def test_what_comes_later_changes_nothing() -> None:
    series = beats(1000)
    later = series.copy()
    later[500:] = 99.0
    assert left_discords(series, [300, 499], 40) == left_discords(later, [300, 499], 40) == left_discords(series[:500], [300, 499], 40)
    assert is_discord(series, 499, 40) == is_discord(later, 499, 40)


def test_a_window_is_a_discord_where_the_windows_before_have_nearer_ones() -> None:
    series = beats(1000)
    series[700:740] = series[700:740][::-1] * np.linspace(1, 0, 40)
    assert is_discord(series, 739, 40)
    assert sum(is_discord(series, row, 40) for row in range(400, 700, 13)) <= 4


@pytest.mark.parametrize(
    ("ask", "why"),
    [
        (lambda: distance_profile(np.zeros(1), np.zeros(9)), "a query of 1 rows among 9 rows"),
        (lambda: distance_profile(np.zeros(10), np.zeros(9)), "a query of 10 rows among 9 rows"),
        (lambda: distance_profile(np.array([0.0, np.nan]), np.zeros(9)), "not finite"),
        (lambda: distance_profile(np.array([0.0, 1.0]), np.array([0.0, np.inf])), "not finite"),
        (lambda: left_discord(np.zeros(50), 9, 10), "no window of 10 rows comes before row 9 of 50"),
        (lambda: left_discord(np.zeros(50), 45, 10), "no window of 10 rows comes before row 45 of 50"),
        (lambda: is_discord(np.zeros(50), 20, 10), "needs 40 rows before it"),
    ],
)
def test_what_cannot_be_compared_is_said(ask: object, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        ask()  # type: ignore[operator]
