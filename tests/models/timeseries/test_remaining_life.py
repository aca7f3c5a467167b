"""Remaining life: nothing sees the future or another unit, intervals keep their level on units never seen, and a model is plain JSON."""

import json
from dataclasses import replace

import numpy as np
import pytest

from models.timeseries.life.units import Unit
from models.timeseries.remaining_life import LifeSettings, RemainingLife
from tests.models.timeseries.turbines import worn

SETTINGS = LifeSettings(cap_cycles=60.0, hidden=(16,), epochs=60, rows_max=1000)
SMALL = LifeSettings(cap_cycles=60.0, hidden=(8,), epochs=5)


@pytest.fixture(scope="module")
def model() -> RemainingLife:
    return SETTINGS.fit(worn(40))


def test_life_is_told_of_units_never_seen(model: RemainingLife) -> None:
    units = worn(30, seed=5)
    given = np.concatenate([model.along(unit).life for unit in units])
    true = np.concatenate([np.minimum(unit.life, 60.0) for unit in units])
    assert np.sqrt(np.mean((given - true) ** 2)) < 0.3 * true.std()


def test_intervals_keep_their_level_on_units_never_seen(model: RemainingLife) -> None:
    inside, widths = [], []
    for unit in worn(60, seed=6):
        told, true = model.along(unit), np.minimum(unit.life, 60.0)
        inside.append(np.mean((told.low <= true) & (true <= told.high)))
        widths.append(np.mean(told.high - told.low))
        assert (told.low >= 0).all()
        assert (told.low <= told.life).all()
        assert (told.life <= told.high).all()
        assert (told.high <= 60.0).all()
    assert np.mean(inside) > 0.75
    assert np.mean(widths) < 15.0


def test_a_higher_level_makes_wider_intervals() -> None:
    units = worn(12)
    told = [replace(SMALL, level=level).fit(units).along(units[0]) for level in (0.5, 0.9)]
    assert (told[0].life == told[1].life).all()
    assert np.mean(told[1].high - told[1].low) > np.mean(told[0].high - told[0].low)


def test_later_rows_change_no_forecast(model: RemainingLife) -> None:
    unit = worn(1, seed=7)[0]
    told = model.along(unit)
    for cycles in (1, 2, 19, 20, 21, 45):
        cut = model.along(unit.until(cycles))
        for name in ("life", "low", "high"):
            assert np.allclose(getattr(cut, name), getattr(told, name)[:cycles], rtol=1e-9, atol=1e-9)


def test_a_units_answer_depends_on_no_other_unit(model: RemainingLife) -> None:
    units = [unit.until(30 + number) for number, unit in enumerate(worn(5, seed=8))]
    together = model.last(units)
    for number, unit in enumerate(units):
        assert model.last([unit]).life[0] == pytest.approx(together.life[number])
        assert model.along(unit).high[-1] == pytest.approx(together.high[number])


def test_the_same_units_make_the_same_model_and_stay_as_they_are() -> None:
    units = worn(8)
    before = [unit.sensors.copy() for unit in units]
    assert SMALL.fit(units).to_json() == SMALL.fit(worn(8)).to_json()
    assert all(np.array_equal(unit.sensors, kept) for unit, kept in zip(units, before, strict=True))


def test_a_model_read_from_json_tells_the_same(model: RemainingLife) -> None:
    again = RemainingLife.from_json(json.loads(json.dumps(model.to_json())))
    unit = worn(1, seed=9)[0]
    for name in ("life", "low", "high"):
        assert np.array_equal(getattr(again.along(unit), name), getattr(model.along(unit), name))


@pytest.mark.parametrize("data", [{}, {"cap_cycles": 125.0}, {"cap_cycles": 125.0, "factors": 3}])
def test_json_of_something_else_is_refused(data: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="no model of remaining life"):
        RemainingLife.from_json(data)


def test_too_few_units_are_refused() -> None:
    with pytest.raises(ValueError, match="give 5 units or more"):
        LifeSettings().fit(worn(4))


@pytest.mark.parametrize(
    "wrong",
    [{"cap_cycles": 0.0}, {"level": 1.0}, {"penalty": -0.1}, {"asked_caps": 0.9}, {"parts": 1}, {"epochs": 0}, {"hidden": (8, 0)}, {"rows_max": 99}],
)
def test_settings_out_of_range_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="must be"):
        LifeSettings(**wrong)  # type: ignore[arg-type]


def test_a_unit_with_holes_or_shapes_that_do_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="not finite"):
        Unit(np.zeros((2, 3)), np.array([[1.0], [np.nan]]))
    with pytest.raises(ValueError, match="same cycles"):
        Unit(np.zeros((2, 3)), np.zeros((3, 4)))
