"""Control charts find a shift that is too small for single rows; a level that was other from the start, only those that know the usual."""

import numpy as np
import pytest

from models.timeseries.conformal import within_budget
from models.timeseries.drift import CusumSettings, EwmaSettings, PageHinkleySettings
from models.timeseries.signals import Floats, Signals

CHARTS = [EwmaSettings(), CusumSettings(), PageHinkleySettings()]
ids = [type(settings).__name__ for settings in CHARTS]


def noise(rows: int, seed: int) -> Floats:
    return np.random.default_rng(seed).normal(size=(rows, 1))


def scored(settings: EwmaSettings | CusumSettings | PageHinkleySettings, values: Floats) -> Floats:
    return settings.fit(Signals.of(("flow",), noise(2000, 0))).scorer().score(Signals.of(("flow",), values)).score


@pytest.mark.parametrize("settings", CHARTS, ids=ids)
@pytest.mark.parametrize("shift", [1.0, -1.0])
def test_a_small_shift_is_found_soon_and_no_earlier(settings: CusumSettings, shift: float) -> None:
    values = noise(700, 1)
    values[400:] += shift
    score = scored(settings, values)
    assert (score[:400] < 1).all()
    assert (score[470:] > 1).any() and np.argmax(score > 1) < 470


@pytest.mark.parametrize("settings", CHARTS, ids=ids)
def test_single_rows_tell_nothing_of_it(settings: CusumSettings) -> None:
    values = noise(700, 1)
    values[400] += 5.0
    assert (scored(settings, values) < 1).all()


def test_page_hinkley_takes_the_level_it_finds_for_usual() -> None:
    values = noise(400, 1) + 1.0
    assert (scored(PageHinkleySettings(), values) < 1).all()
    assert (scored(CusumSettings(), values) > 1).any()


def test_cusum_is_the_recursion_of_page() -> None:
    values = noise(300, 2)
    model = CusumSettings(slack=0.4, far=5.0).fit(Signals.of(("flow",), noise(2000, 0)))
    center, spread = model.regimes[0].center[0], model.regimes[0].spread[0]
    up = down = 0.0
    expected = []
    for value in values[:, 0]:
        x = (value - center) / spread
        up, down = max(0.0, up + x - 0.4), max(0.0, down - x - 0.4)
        expected.append(max(up, down) / 5.0)
    np.testing.assert_allclose(model.scorer().score(Signals.of(("flow",), values)).score, expected, atol=1e-12)


def test_a_chart_keeps_a_budget_of_alarms_a_week() -> None:
    model = CusumSettings().fit(Signals.of(("flow",), noise(2000, 0)))
    clean, other = (Signals.of(("flow",), noise(40_320, seed), step_s=60.0) for seed in (3, 4))
    tuned = within_budget(model, clean, alarms_a_week=2.0)
    hours_in_alarm = np.unique(np.flatnonzero(tuned.scorer().score(other).score > 1) // 60)
    assert len(hours_in_alarm) / 4 <= 4.0


@pytest.mark.parametrize(("cls", "name"), [(EwmaSettings, "memory_rows"), (CusumSettings, "slack"), (PageHinkleySettings, "far")])
def test_settings_out_of_range_are_refused_by_name(cls: type[CusumSettings], name: str) -> None:
    with pytest.raises(ValueError, match=name):
        cls(**{name: -1.0})
