"""Canonical variate analysis finds what breaks the ties between signals, names the signal, and scores a stream as it scores a block."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from models.timeseries.canonical import CanonicalModel, CanonicalSettings, held_limit
from models.timeseries.signals import Floats, Signals, Unscored

NAMES = ("flow", "level", "pressure", "valve")
SETTINGS = CanonicalSettings()


def plant(rows: int, seed: int) -> Floats:
    """A state that wanders, and four signals which follow it with noise of their own."""
    noise = np.random.default_rng(seed)
    state = np.zeros((rows, 2))
    for row in range(1, rows):
        state[row] = 0.95 * state[row - 1] + noise.normal(size=2)
    mixing = np.array([[1.0, 0.5, 0.0, 2.0], [0.0, 1.0, 1.0, -1.0]])
    return 50.0 + state @ mixing + 0.3 * noise.normal(size=(rows, 4))


@pytest.fixture(scope="module")
def model() -> CanonicalModel:
    return SETTINGS.fitted(Signals.of(NAMES, plant(1500, 1)), Signals.of(NAMES, plant(1500, 2)))


def test_usual_rows_of_another_day_keep_the_false_alarms_that_were_asked_for(model: CanonicalModel) -> None:
    scores = model.scorer().score(Signals.of(NAMES, plant(20_000, 3)))
    assert np.nanmean(scores.score > 1) < 0.02
    assert np.nanmedian(scores.score) < 0.3


def test_a_broken_tie_is_found_at_once_and_the_signal_named(model: CanonicalModel) -> None:
    values = plant(400, 4)
    values[200:, 1] += 3.0
    scores = model.scorer().score(Signals.of(NAMES, values))
    assert (scores.score[200:] > 1).mean() > 0.95 and np.nanmax(scores.score[:200]) < 2
    assert (scores.parts[200:].argmax(axis=1) == 1).mean() > 0.95
    assert np.allclose(scores.parts[2:].sum(axis=1), scores.score[2:])


def test_a_wandering_state_is_no_alarm_however_far_it_goes(model: CanonicalModel) -> None:
    values = plant(600, 5)
    values += (np.linspace(0.0, 30.0, 600)[:, None]) * np.array([1.0, 0.5, 0.0, 2.0])
    assert np.nanmean(model.scorer().score(Signals.of(NAMES, values)).score > 1) < 0.05


def test_a_small_deviation_that_stays_is_found_by_the_mean_where_single_rows_say_little() -> None:
    usual, held = Signals.of(NAMES, plant(1500, 1)), Signals.of(NAMES, plant(4000, 2))
    values = plant(2000, 6)
    values[:, 2] += 0.7
    alone, together = (
        np.nanmean(settings.fitted(usual, held).scorer().score(Signals.of(NAMES, values)).score > 1)
        for settings in (replace(SETTINGS, memories_rows=()), SETTINGS)
    )
    assert together > 1.5 * alone


def test_a_single_spike_does_not_ring_on(model: CanonicalModel) -> None:
    values = plant(400, 7)
    values[200] += 1e6
    score = model.scorer().score(Signals.of(NAMES, values)).score
    assert score[200] > 1000 and np.flatnonzero(score > 2).max() < 200 + SETTINGS.lags_rows + 3 * max(SETTINGS.memories_rows)


def test_a_mean_is_used_only_where_its_limit_can_be_known() -> None:
    usual = Signals.of(NAMES, plant(1500, 1))
    used = [SETTINGS.fitted(usual, Signals.of(NAMES, plant(rows, 2))).relations[0].memories_rows for rows in (300, 800, 4000)]
    assert used == [(), (4,), (4, 16)]


@pytest.mark.parametrize("size", [1, 2, 7, 255, 256, 257])
def test_blocks_of_any_size_give_the_same_bits(model: CanonicalModel, size: int) -> None:
    values = plant(600, 8)
    values[100, 2], values[300] = np.nan, np.nan
    signals = replace(Signals.of(NAMES, values), regimes=np.where(np.arange(600) // 50 % 5 == 4, -1, 0))
    whole, scorer = model.scorer().score(signals), model.scorer()
    blocks = [scorer.score(signals.rows(first, first + size)) for first in range(0, 600, size)]
    assert np.concatenate([block.score for block in blocks]).tobytes() == whole.score.tobytes()
    assert np.concatenate([block.parts for block in blocks]).tobytes() == whole.parts.tobytes()
    assert np.concatenate([block.why for block in blocks]).tolist() == whole.why.tolist()


def test_rows_that_come_later_change_no_score_and_inputs_stay_as_they_are(model: CanonicalModel) -> None:
    values = plant(300, 9)
    changed = values.copy()
    changed[150:] += 1000.0
    kept = changed.copy()
    first, second = (model.scorer().score(Signals.of(NAMES, rows)) for rows in (values, changed))
    assert first.score[:150].tobytes() == second.score[:150].tobytes() and (changed == kept).all()


def test_the_order_of_signals_makes_no_difference_and_a_signal_more_none_either(model: CanonicalModel) -> None:
    usual, held, values, order = plant(1500, 1), plant(1500, 2), plant(300, 10), [2, 0, 3, 1]
    names = tuple(NAMES[place] for place in order)
    other = SETTINGS.fitted(Signals.of(names, usual[:, order]), Signals.of(names, held[:, order]))
    first = model.scorer().score(Signals.of(NAMES, values))
    second = other.scorer().score(Signals.of((*names, "new"), np.column_stack([values[:, order], np.full(300, np.nan)])))
    assert first.score.tobytes() == second.score.tobytes()
    assert np.array_equal(first.parts[:, order], second.parts[:, :4], equal_nan=True) and (second.parts[2:, 4] == 0).all()


def test_a_model_written_as_json_and_read_again_scores_the_same(model: CanonicalModel) -> None:
    again = CanonicalModel.from_json(json.loads(json.dumps(model.to_json(), allow_nan=False)))
    signals = Signals.of(NAMES, plant(300, 11))
    assert again.scorer().score(signals).score.tobytes() == model.scorer().score(signals).score.tobytes()
    for wrong in ({}, {**model.to_json(), "relations": {"0": {}}}, {**model.to_json(), "gap_s": "long"}):
        with pytest.raises(ValueError, match="this is no canonical model"):
            CanonicalModel.from_json(wrong)


def test_why_a_row_has_no_score(model: CanonicalModel) -> None:
    r"""Rows 0 to 14.

    regime   0 0 0 0 - 0 0 0 7 0 0 0 0 0 0
    missing        .           . row 11: value missing
    hour's gap before row 14
    """
    values = plant(15, 12)
    values[11, 0] = np.nan
    regimes = np.zeros(15, dtype=np.int64)
    regimes[4], regimes[8] = -1, 7
    seconds = np.arange(15.0)
    seconds[14:] += 3600.0
    scores = model.scorer().score(Signals(NAMES, values, seconds, regimes))
    few, stopped, unknown, missing = Unscored.TOO_FEW_ROWS, Unscored.NOT_RUNNING, Unscored.REGIME_UNKNOWN, Unscored.VALUE_MISSING
    assert scores.why.tolist() == [few, few, 0, 0, stopped, few, few, 0, unknown, few, few, missing, few, few, few]
    assert (np.isnan(scores.score) == (scores.why != 0)).all() and (np.isnan(scores.parts).all(axis=1) == (scores.why != 0)).all()


def test_each_regime_has_limits_of_its_own() -> None:
    def both(seed: int) -> Signals:
        slow, fast = plant(1200, seed), plant(1200, seed + 100) * np.array([1.0, 2.0, 1.0, 1.0]) + 40.0
        return replace(Signals.of(NAMES, np.concatenate([slow, fast])), regimes=np.repeat([3, 5], 1200))

    model = SETTINGS.fitted(both(1), both(2))
    assert sorted(model.relations) == [3, 5]
    usual = model.scorer().score(both(13)).score
    swapped = model.scorer().score(replace(both(13), regimes=np.repeat([5, 3], 1200))).score
    assert np.nanmean(usual > 1) < 0.03 and np.nanmean(swapped > 1) > 0.9


def test_a_signal_that_never_moved_is_strange_when_it_does() -> None:
    usual, held, values = plant(1500, 1), plant(1500, 2), plant(300, 14)
    for rows in (usual, held, values):
        rows[:, 3] = 7.0
    values[200:, 3] = 8.0
    scores = SETTINGS.fitted(Signals.of(NAMES, usual), Signals.of(NAMES, held)).scorer().score(Signals.of(NAMES, values))
    assert (scores.score[200:] > 1).all() and (scores.parts[200:].argmax(axis=1) == 3).all()


def test_rows_before_a_gap_are_not_taken_for_the_past_of_those_behind_it() -> None:
    rows, held = np.concatenate([plant(800, 1), plant(700, 16) + 20.0]), Signals.of(NAMES, plant(1500, 2))
    gap = Signals(NAMES, rows, np.arange(1500.0) + 3600.0 * (np.arange(1500) >= 800), np.zeros(1500, dtype=np.int64))
    missing = Signals.of(NAMES, np.insert(rows, 800, np.nan, axis=0))
    assert SETTINGS.fitted(gap, held).to_json() == SETTINGS.fitted(missing, held).to_json()
    assert SETTINGS.fitted(gap, held).to_json() != SETTINGS.fitted(Signals.of(NAMES, rows), held).to_json()


@pytest.mark.parametrize("lags", [1, 5])
def test_any_number_of_lags_does(lags: int) -> None:
    settings = replace(SETTINGS, lags_rows=lags)
    model = settings.fitted(Signals.of(NAMES, plant(1500, 1)), Signals.of(NAMES, plant(1500, 2)))
    values = plant(400, 4)
    values[200:, 1] += 3.0
    scores = model.scorer().score(Signals.of(NAMES, values))
    assert np.flatnonzero(scores.why == 0)[0] == lags - 1 and (scores.score[200:] > 1).mean() > 0.9


def test_one_recording_is_parted_into_rows_to_fit_and_rows_for_the_limit() -> None:
    rows = plant(1500, 15)
    whole, parted = SETTINGS.fit(Signals.of(NAMES, rows)), SETTINGS.fitted(Signals.of(NAMES, rows[:1000]), Signals.of(NAMES, rows[1000:]))
    assert whole.to_json() == parted.to_json()


def test_what_cannot_be_fitted_is_refused_with_what_is_needed(model: CanonicalModel) -> None:
    with pytest.raises(ValueError, match=r"10 rows to fit and 5 for the limits are given; give at least 30 and 103 of one regime"):
        SETTINGS.fit(Signals.of(NAMES, plant(15, 1)))
    with pytest.raises(ValueError, match=r"valve.* of the model are not among"):
        model.scorer().score(Signals.of(NAMES[:3], plant(10, 1)[:, :3]))
    for wrong in ({"lags_rows": 0}, {"wander": 1.1}, {"noise": 0.0}, {"memories_rows": (4, 1)}, {"most": 0.5}, {"false_alarms": 0.5}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            replace(SETTINGS, **wrong)


def test_the_limit_is_the_value_that_a_new_one_passes_no_more_often_than_asked_for() -> None:
    assert held_limit(np.arange(1.0, 100.0), 0.01) == 99.0
    assert held_limit(np.arange(1.0, 200.0), 0.1) == 180.0
    assert math.isfinite(held_limit(np.arange(5.0), 0.001))
