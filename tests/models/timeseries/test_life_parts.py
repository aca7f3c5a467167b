"""What remaining life is built of: regimes, factors, lines through histories, networks, and how wide an interval is."""

import numpy as np
import pytest

from models.timeseries.life.factors import Factors
from models.timeseries.life.histories import features, lines
from models.timeseries.life.intervals import Spread
from models.timeseries.life.networks import Network
from models.timeseries.life.regimes import Regimes
from tests.models.timeseries.turbines import STILL, worn


@pytest.mark.parametrize("count", [1, 2, 3])
def test_regimes_are_found_by_what_they_do_to_sensors(count: int) -> None:
    units = worn(8, regimes=count)
    settings, sensors = np.concatenate([unit.settings for unit in units]), np.concatenate([unit.sensors for unit in units])
    assert len(Regimes.fit(settings, sensors).centres) == count


def test_settings_that_explain_nothing_make_one_regime() -> None:
    draw = np.random.default_rng(0)
    assert len(Regimes.fit(np.repeat([[0.0], [50.0]], 200, axis=0), draw.normal(size=(400, 3))).centres) == 1


def test_factors_are_as_many_as_hidden_states_with_noise_of_one_and_no_still_sensor() -> None:
    units = worn(30)
    factors = Factors.fit(units)
    assert factors.weights.shape[1] == 2
    assert STILL not in factors.kept
    steps = np.concatenate([np.diff(factors.of(unit), axis=0) for unit in units])
    assert np.allclose(steps.T @ steps / len(steps) / 2, np.eye(2), atol=1e-3)


def test_a_row_of_factors_depends_on_itself_alone() -> None:
    units = worn(10)
    factors = Factors.fit(units)
    assert np.allclose(factors.of(units[0].until(7)), factors.of(units[0])[:7], rtol=1e-12, atol=1e-12)


def test_units_without_a_moving_sensor_are_refused() -> None:
    units = [type(unit)(unit.settings, np.ones((len(unit), 2))) for unit in worn(5, regimes=1)]
    with pytest.raises(ValueError, match="no sensor moves"):
        Factors.fit(units)


def test_lines_are_those_of_least_squares_and_few_rows_tell_less() -> None:
    values = np.random.default_rng(3).normal(size=(80, 1))
    mean, slope, end = lines(values, 30, shrink=0.0)
    wanted = np.polyfit(np.arange(30), values[50:, 0], 1)
    assert slope[-1, 0] == pytest.approx(10 * wanted[0])
    assert end[-1, 0] == pytest.approx(np.polyval(wanted, 29))
    assert mean[3, 0] == pytest.approx(values[:4].mean())
    assert abs(lines(values, 30)[1][3, 0]) < 0.2 * abs(slope[3, 0])


def test_features_of_a_row_do_not_change_with_later_rows() -> None:
    values = np.random.default_rng(4).normal(size=(150, 2))
    all_of_them = features(values)
    for rows in (1, 2, 20, 21, 90):
        assert np.allclose(features(values[:rows]), all_of_them[:rows], atol=1e-9)


def test_a_network_learns_a_bent_line_and_agrees_with_the_one_that_was_fitted() -> None:
    draw = np.random.default_rng(5)
    rows = draw.uniform(-2, 2, size=(600, 2))
    wanted = 30 + 10 * np.maximum(rows[:, 0], 0.0)
    network = Network.fit(rows, wanted, (8,), 1e-4, 200, 0)
    assert np.sqrt(np.mean((network.predict(rows) - wanted) ** 2)) < 1.0
    assert [layer.shape for layer in network.layers] == [(3, 8), (9, 1)]


def test_intervals_are_wider_where_more_is_missed_and_keep_their_level() -> None:
    draw = np.random.default_rng(6)
    predicted = draw.uniform(0, 100, 20_000)
    missed = draw.normal(size=20_000) * (1 + predicted / 10)
    weights = np.full(20_000, 0.01)
    spread = Spread.fit(predicted[::2], missed[::2], weights[::2], 100, 0.8)
    half = spread.of(predicted[1::2])
    assert np.mean(np.abs(missed[1::2]) <= half) == pytest.approx(0.81, abs=0.02)
    assert spread.of(np.array([90.0]))[0] > 3 * spread.of(np.array([10.0]))[0]


def test_units_weigh_the_same_however_long_they_are() -> None:
    predicted, missed = np.full(110, 50.0), np.concatenate([np.full(100, 9.0), np.full(10, 1.0)])
    weights = np.concatenate([np.full(100, 0.01), np.full(10, 0.1)])
    assert Spread.fit(predicted, missed, weights, 2, 0.3).of(np.array([50.0]))[0] == pytest.approx(1.0)
