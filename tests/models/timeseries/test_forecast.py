"""Forecasts of slow signals: bands that cover as often as they say, closed hours, holidays, too little history, and values outside the band."""

import math
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from models.timeseries.forecast.bands import ForecastSettings
from models.timeseries.forecast.series import Forecast, History
from models.timeseries.forecast.ways import ets, filled, naive, told
from models.timeseries.seasons import DAY_S, WEEK_S
from models.timeseries.signals import Floats

DAY = 24
ALWAYS = np.ones(DAY, dtype=bool)


def hours_of_two_shifts(rows: int, first: int = 0) -> np.ndarray:
    """Open from Monday to Friday, 6 to 22; the first row is a Monday's first hour."""
    hours = np.arange(first, first + rows)
    return (hours // 24 % 7 < 5) & (hours % 24 >= 6) & (hours % 24 < 22)


def energy(rows: int, seed: int = 0) -> tuple[Floats, np.ndarray]:
    """kWh of each hour: a daily wave with noise that creeps while the plant is open, a base load while it is closed."""
    noise, hours, is_open = np.random.default_rng(seed), np.arange(rows), hours_of_two_shifts(rows)
    steps, creep = noise.normal(size=rows) * 3, np.zeros(rows)
    for row in range(1, rows):
        creep[row] = 0.8 * creep[row - 1] + steps[row]
    return np.where(is_open, 100 + 20 * np.sin(2 * np.pi * hours / 24) + creep, 10 + 0.3 * steps), is_open


def coverage(settings: ForecastSettings, seeds: int, rows: int) -> float:
    """Share of the 24 hours after `rows` that were within the band."""
    within = []
    for seed in range(seeds):
        values, is_open = energy(rows + DAY, seed)
        ahead = settings.forecast(History.of(values[:rows], is_open=is_open[:rows]), is_open[rows:])
        within.append((values[rows:] >= ahead.low) & (values[rows:] <= ahead.high))
    return float(np.mean(within))


@pytest.mark.parametrize("level", [0.5, 0.9])
def test_a_naive_band_covers_as_often_as_it_says(level: float) -> None:
    assert level - 0.03 <= coverage(ForecastSettings("naive", level=level), seeds=30, rows=28 * DAY + 4) <= level + 0.1


def test_a_band_of_ets_covers_as_often_as_it_says() -> None:
    assert 0.85 <= coverage(ForecastSettings(periods_s=(DAY_S,), origins=5, level=0.9), seeds=4, rows=15 * DAY + 4) <= 0.99


def test_ets_foretells_a_noisy_day_better_than_the_day_before_does() -> None:
    wave, off = 100 + 20 * np.sin(2 * np.pi * np.arange(11 * DAY) / 24), []
    for seed in range(4):
        values = wave + np.random.default_rng(seed).normal(size=11 * DAY)
        off.append([np.abs(told(way, History.of(values[:-DAY]), (DAY,), ALWAYS) - values[-DAY:]).mean() for way in (ets, naive)])
    assert np.mean(off, axis=0)[0] < 0.85 * np.mean(off, axis=0)[1]


def test_a_week_is_kept_where_it_tells_and_left_where_it_only_costs() -> None:
    noise = np.random.default_rng(0).normal(size=35 * DAY)
    weekend = np.where(np.arange(35 * DAY) // 24 % 7 >= 5, -40.0, 0.0)
    with_week = ForecastSettings("naive").forecast(History.of(weekend + noise), ALWAYS)
    assert with_week.mean.mean() == pytest.approx(0.0, abs=1.0)  # the row after 35 days is a Monday's, the day before was a Sunday
    daily = np.tile(np.arange(24.0), 35) + np.cumsum(noise)
    ahead = ForecastSettings("naive").forecast(History.of(daily), ALWAYS)
    np.testing.assert_array_equal(ahead.mean, daily[-DAY:])


def test_closed_hours_ahead_are_told_the_base_load_and_have_their_own_narrow_band() -> None:
    values, is_open = energy(21 * DAY)
    closed = ForecastSettings("naive").forecast(History.of(values, is_open=is_open), ~ALWAYS)  # a Monday that is a holiday
    usual = ForecastSettings("naive").forecast(History.of(values, is_open=is_open), hours_of_two_shifts(DAY))
    assert np.abs(closed.mean - 10).max() < 0.5
    assert (closed.high - closed.low).max() < 0.3 * (usual.high - usual.low)[12]


def test_a_holiday_in_the_history_spoils_no_season() -> None:
    values, is_open = energy(22 * DAY)
    values[-DAY:], is_open[-DAY:] = 10.0, False  # the last Monday
    ahead = ForecastSettings("naive", (DAY_S,)).forecast(History.of(values, is_open=is_open), ALWAYS)
    assert ahead.mean[12] > 90


def test_holes_are_filled_by_their_place_in_the_week_then_in_the_day_then_by_all() -> None:
    values = np.array([1.0, 2.0, 3.0, np.nan, np.nan, np.nan, 3.0, 9.0])
    np.testing.assert_array_equal(filled(History.of(values), (2, 4)), [1, 2, 3, 9, 1, 2, 3, 9])
    np.testing.assert_array_equal(filled(History.of(np.array([np.nan, np.nan, 3.0, 5.0])), ()), [4, 4, 3, 5])


def test_too_little_history_falls_back_to_naive_and_then_is_refused_in_words() -> None:
    values, _ = energy(60)
    assert ForecastSettings().forecast(History.of(values), ALWAYS).way == "naive"
    assert ForecastSettings(origins=2).forecast(History.of(energy(80)[0]), ALWAYS).way == "ets"
    with pytest.raises(ValueError, match=r"5 rows leave \d+ backtested values.*at least 9; give more history"):
        ForecastSettings().forecast(History.of(values[:5]), ALWAYS)
    with pytest.raises(ValueError, match="none of 60 rows"):
        ForecastSettings("naive").forecast(History.of(np.full(60, np.nan)), ALWAYS)
    with pytest.raises(ValueError, match="0 rows are asked for"):
        ForecastSettings().forecast(History.of(values), ALWAYS[:0])


def test_counts_by_the_shift_are_never_below_nothing() -> None:
    noise = np.random.default_rng(1).poisson(3.0, size=60).astype(float)
    counts = np.tile([40.0, 30.0, 0.0], 20) + noise
    ahead = ForecastSettings("naive", (DAY_S,), least=0.0).forecast(History.of(counts, step_s=28_800.0), np.ones(3, dtype=bool))
    assert (ahead.low > -1e-9).all() and ahead.mean[2] < 10 < ahead.mean[1] < ahead.high[0]


def test_the_future_changes_no_forecast_and_the_same_history_gives_the_same() -> None:
    values, is_open = energy(20 * DAY)
    history = History.of(values, is_open=is_open)
    once, again = (ForecastSettings("naive").forecast(history.before(15 * DAY), ALWAYS) for _ in range(2))
    changed = History.of(np.concatenate([values[: 15 * DAY], -values[15 * DAY :]]), is_open=is_open)
    later = ForecastSettings("naive").forecast(changed.before(15 * DAY), ALWAYS)
    for one in (again, later):
        for name in ("seconds", "mean", "low", "high"):
            np.testing.assert_array_equal(getattr(one, name), getattr(once, name))


def test_a_value_is_stranger_the_further_it_is_outside() -> None:
    values, is_open = energy(21 * DAY + DAY)
    ahead = ForecastSettings("naive").forecast(History.of(values[:-DAY], is_open=is_open[:-DAY]), is_open[-DAY:])
    seen = values[-DAY:].copy()
    seen[10], seen[11], seen[12] = np.nan, ahead.high[11], ahead.mean[12] + 3 * (ahead.high[12] - ahead.mean[12])
    strange = ahead.strangeness(seen)
    assert math.isnan(strange[10]) and strange[11] == pytest.approx(1) and strange[12] == pytest.approx(3)
    with pytest.raises(ValueError, match="3 values for a forecast of 24 rows"):
        ahead.strangeness(seen[:3])


def test_a_constant_signal_has_a_band_that_another_value_is_outside() -> None:
    ahead = ForecastSettings(origins=2).forecast(History.of(np.full(100, 7.0)), ALWAYS)
    assert ahead.way == "ets" and ahead.strangeness(np.full(DAY, 7.0)).max() < 1 < ahead.strangeness(np.full(DAY, 7.1)).min() < math.inf


def test_prophet_learns_one_effect_of_all_holidays_of_the_country() -> None:
    first_s = 1_773_619_200.0  # Monday 16 March 2026; Good Friday is 3 April, Easter Monday 6 April, in Germany
    hours = np.arange(19 * DAY)
    values = 100 + 10 * np.sin(2 * np.pi * hours / 24) + np.random.default_rng(0).normal(size=len(hours))
    values[18 * DAY :] -= 60
    settings = ForecastSettings("prophet", (DAY_S,), origins=2, country="DE")
    ahead = np.ones(3 * DAY, dtype=bool)
    with_holidays = settings.forecast(History.of(values, first_s=first_s), ahead)
    without = replace(settings, country="").forecast(History.of(values, first_s=first_s), ahead)
    assert with_holidays.way == "prophet"
    assert with_holidays.mean[:DAY].mean() > 90  # Saturday
    assert without.mean[:DAY].mean() < 90
    assert with_holidays.mean[2 * DAY :].mean() < 60  # Easter Monday


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"way": "oracle"}, "'oracle' is not known"),
        ({"level": 1.0}, "level is 1.0"),
        ({"origins": 1}, "origins is 1"),
        ({"periods_s": (0.0,)}, "periods_s is 0.0"),
    ],
)
def test_settings_out_of_range_are_refused(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        ForecastSettings(**settings)  # type: ignore[arg-type]


def test_a_history_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="even step"):
        History(np.array([0.0, 1.0, 3.0]), np.zeros(3), np.ones(3, dtype=bool))
    with pytest.raises(ValueError, match="do not fit"):
        History(np.arange(3.0), np.zeros(2), np.ones(3, dtype=bool))
    with pytest.raises(ValueError, match="at least 2 rows"):
        History.of(np.zeros(1))
    with pytest.raises(ValueError, match="1 values are infinite"):
        History.of(np.array([1.0, np.inf]))


def test_no_library_is_imported_before_it_is_used() -> None:
    asked = "import sys, models.timeseries.forecast.bands, models.timeseries.changes"
    asked += "; print([name for name in ('statsmodels', 'prophet', 'ruptures') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_a_forecast_is_at_the_steps_that_follow() -> None:
    ahead: Forecast = ForecastSettings("naive", (DAY_S, WEEK_S)).forecast(History.of(energy(10 * DAY)[0], first_s=7200.0), ALWAYS)
    assert ahead.seconds[0] == 7200.0 + 10 * DAY * 3600 and (np.diff(ahead.seconds) == 3600).all()
    assert (ahead.low < ahead.mean).all() and (ahead.mean < ahead.high).all() and ahead.level == 0.9
