"""A band that knows the time of day: usual days are within it, a wrong hour is outside, and a new level becomes usual slowly."""

import numpy as np
import pytest

from models.timeseries.seasonal_band import SeasonalBand, SeasonalBandSettings
from models.timeseries.signals import Floats, Scores, Signals

HOUR_S = 3600.0
DAYS = 60
FITTED = 40 * 24


def energy(seed: int = 0) -> Floats:
    """kWh of each hour of 60 days: a wave of a day, and noise."""
    hours = np.arange(DAYS * 24)
    return 50 + 20 * np.sin(2 * np.pi * hours / 24) + np.random.default_rng(seed).normal(size=len(hours))


def judged(values: Floats, **settings: float) -> Scores:
    signals = Signals.of(("energy",), values[:, None], HOUR_S)
    return fitted(values, **settings).scorer().score(signals)


def fitted(values: Floats, **settings: float) -> SeasonalBand:
    return SeasonalBandSettings(**settings).fit(Signals.of(("energy",), values[:FITTED, None], HOUR_S))  # type: ignore[arg-type]


def test_few_usual_hours_are_outside_the_band() -> None:
    share = np.mean([(judged(energy(seed)).score[FITTED:] >= 1).mean() for seed in range(5)])
    assert 0 < share <= 0.02


def test_a_value_usual_at_noon_is_strange_at_night() -> None:
    values = energy()
    midnight = 45 * 24 + 18
    values[midnight] = values[45 * 24 + 6]
    scores = judged(values)
    assert scores.score[midnight] > 5 and scores.score[45 * 24 + 6] < 1


def test_without_a_season_the_same_value_is_not_seen() -> None:
    values = energy()
    midnight = 45 * 24 + 18
    values[midnight] = values[45 * 24 + 6]
    assert judged(values, period_s=1e7).score[midnight] < 1 < judged(values).score[midnight]


def test_a_new_level_is_strange_at_first_and_usual_after_its_memory() -> None:
    values = energy()
    values[45 * 24 :] += 8.0
    score = judged(values, memory_rows=50.0).score
    assert (score[45 * 24 : 45 * 24 + 12] >= 1).mean() > 0.9 and (score[-72:] >= 1).mean() < 0.1


def test_one_spike_moves_the_level_no_further_than_a_usual_rest_does() -> None:
    values = energy()
    values[45 * 24] += 1e6
    np.testing.assert_allclose(judged(values).score[45 * 24 + 1 :], judged(energy()).score[45 * 24 + 1 :], atol=0.05)


def test_hours_that_the_fit_never_saw_are_between_those_it_did() -> None:
    values = energy()
    signals = Signals.of(("energy",), values[:, None], HOUR_S)
    signals.values[np.arange(DAYS * 24) % 24 == 3] = np.nan
    profile = SeasonalBandSettings().fit(signals.rows(0, FITTED)).regimes[0].profile[0]
    assert profile[3] == pytest.approx((profile[2] + profile[4]) / 2)


def test_settings_out_of_range_are_refused() -> None:
    for name, value in (("period_s", 0.0), ("bins", 0), ("memory_rows", 1.0), ("most", 0.0), ("false_alarms", 0.5)):
        with pytest.raises(ValueError, match=f"{name} is {value}; give"):
            SeasonalBandSettings(**{name: value})  # type: ignore[arg-type]
