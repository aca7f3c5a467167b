"""A watch over single signals: what it calls strange, and the laws which every detector keeps to."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from models.timeseries.references import Reference
from models.timeseries.seasons import DAY_S, Season
from models.timeseries.signals import Floats, Scores, Signals, Unscored
from models.timeseries.trajectories import Trajectories, trailing_means
from models.timeseries.watch import WatchModel, WatchSettings

STEP_S = 300.0
DAY_ROWS = 288
SETTINGS = WatchSettings()


def signal(values: Floats) -> Signals:
    return Signals.of(("value",), values[:, None], STEP_S)


def noise(rows: int, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).normal(size=rows)


def score(values: Floats, settings: WatchSettings = SETTINGS) -> Floats:
    return settings.fresh(("value",)).scorer().score(signal(values)).score


def shifts(rows: int) -> Floats:
    """Eight hours of work a day."""
    return np.where(np.arange(rows) % DAY_ROWS < DAY_ROWS // 3, 80.0, 20.0) + noise(rows)


# What is strange


def test_noise_is_usual_and_a_shifted_level_is_not() -> None:
    values = noise(3000)
    values[2000:2100] += 3.0
    scores = score(values)
    assert np.nanmax(scores[:2000]) < 1.0 < scores[2010] and scores[2000:2100].max() > 2.0


def test_a_single_value_beyond_all_before_is_strange_at_once() -> None:
    values = noise(2000)
    values[1500] = -12.0
    scores = score(values)
    assert scores[1500] > 3.0 and scores[1499] < 1.0


def test_the_night_shift_that_was_never_there_is_strange_though_its_level_is_known() -> None:
    values = shifts(12 * DAY_ROWS)
    values[10 * DAY_ROWS + 200 : 10 * DAY_ROWS + 240] += 60.0
    scores = score(values)
    assert np.nanmax(scores[3 * DAY_ROWS : 10 * DAY_ROWS + 200]) < 1.0 < scores[10 * DAY_ROWS + 212]


def test_a_weekend_is_usual_once_two_were_seen() -> None:
    values = shifts(29 * DAY_ROWS)
    weekend = np.arange(len(values)) // DAY_ROWS % 7 >= 5
    values[weekend] = 20.0 + noise(int(weekend.sum()), 1)
    of_days = np.nanmax(score(values).reshape(-1, DAY_ROWS), axis=1)
    assert of_days[5] > 1.5 and of_days[[26, 27]].max() < 1.0


def test_another_way_through_known_levels_is_strange() -> None:
    values = 10.0 * np.sin(2 * np.pi * np.arange(4000) / 101) + 0.1 * noise(4000)
    values[3000:3100] = 10.0 * np.sin(2 * np.pi * 4 * np.arange(3000, 3100) / 101)
    scores = score(values)
    assert np.nanmax(scores[500:3000]) < 1.0 < scores[3000:3100].max()


def test_what_stays_becomes_usual() -> None:
    values = noise(9000)
    values[2000:] += 10.0
    scores = score(values)
    assert scores[2020] > 1.0 > np.nanmax(scores[8000:])


def test_unit_and_offset_do_not_matter() -> None:
    values = shifts(2000)
    assert score(1e4 + 250.0 * values) == pytest.approx(score(values), rel=1e-6, nan_ok=True)


def test_a_signal_that_never_changes_is_never_strange_and_its_first_change_is() -> None:
    values = np.full(1000, 45.0)
    values[900:] = 45.5
    scores = score(values)
    assert np.nanmax(scores[:900]) == 0.0 and scores[900] > 10.0


def test_one_enormous_value_does_not_blind_for_longer_than_the_memory() -> None:
    settings = WatchSettings(memory=960)
    values = noise(4000)
    values[500] = 1e12
    values[3000] = 15.0
    scores = score(values, settings)
    assert scores[3000] > 3.0 and np.nanmax(scores[2000:3000]) < 1.0


# Laws


def mixed(rows: int = 700) -> Signals:
    """Two signals with rows in which values are missing, and rows in which the asset does not run."""
    values = np.stack([shifts(rows), noise(rows, 5).cumsum()], axis=1)
    values[300:310, 0] = np.nan
    values[400:405] = np.nan
    regimes = np.zeros(rows, dtype=np.int64)
    regimes[500:520] = -1
    return Signals(("one", "two"), values, np.arange(rows) * STEP_S, regimes)


def scored(signals: Signals, *cuts: int) -> Scores:
    scorer = WatchSettings().fresh(signals.names).scorer()
    edges = [0, *cuts, len(signals.seconds)]
    blocks = [scorer.score(signals.rows(first, last)) for first, last in pairwise(edges)]
    return Scores(*(np.concatenate([getattr(block, name) for block in blocks]) for name in ("score", "why", "parts")))


def same(one: Scores, other: Scores) -> bool:
    return one.score.tobytes() == other.score.tobytes() and one.why.tolist() == other.why.tolist() and one.parts.tobytes() == other.parts.tobytes()


@pytest.mark.parametrize("cuts", [(1,), (47, 48, 49), (333,), tuple(range(13, 700, 13)), tuple(range(1, 700))])
def test_blocks_of_any_size_give_the_same_bits(cuts: tuple[int, ...]) -> None:
    assert same(scored(mixed()), scored(mixed(), *cuts))


def test_later_rows_change_no_score() -> None:
    assert scored(mixed()).score[:450].tobytes() == scored(mixed().rows(0, 450)).score.tobytes()


def test_the_order_of_signals_does_not_matter_and_inputs_stay() -> None:
    signals = mixed()
    before = signals.values.tobytes()
    turned = Signals(signals.names[::-1], np.ascontiguousarray(signals.values[:, ::-1]), signals.seconds, signals.regimes)
    one, other = scored(signals), scored(turned)
    assert one.score.tobytes() == other.score.tobytes() and (one.parts == other.parts[:, ::-1]).all()
    assert signals.values.tobytes() == before


def test_a_row_without_a_score_says_why() -> None:
    why = scored(mixed()).why
    assert set(why[:96].tolist()) == {Unscored.TOO_FEW_ROWS} and set(why[400:405].tolist()) == {Unscored.VALUE_MISSING}
    assert set(why[500:520].tolist()) == {Unscored.NOT_RUNNING} and why[300] == Unscored.VALUE_MISSING and why[699] == Unscored.SCORED
    assert (np.isnan(scored(mixed()).score) == (why != Unscored.SCORED)).all()


def test_a_model_goes_on_after_the_rows_it_was_fitted_with_and_so_does_one_read_from_json() -> None:
    signals = mixed()
    model = WatchSettings(threshold=2.5).fit(signals.rows(0, 600))
    read = WatchModel.from_json(json.loads(json.dumps(model.to_json())))
    late = signals.rows(600, 700)
    expected = scored(signals).score[600:] * (WatchSettings().threshold / 2.5)
    assert model.scorer().score(late).score == pytest.approx(expected)
    assert same(model.scorer().score(late), read.scorer().score(late)) and read.settings == model.settings


def test_a_watch_takes_the_regimes_it_was_fitted_with_for_usual_and_a_fresh_one_any() -> None:
    signals = mixed()
    other = Signals(signals.names, signals.values, signals.seconds, np.where(np.arange(700) >= 690, 7, signals.regimes))
    assert set(WatchSettings().fit(signals).scorer().score(other).why[690:].tolist()) == {Unscored.REGIME_UNKNOWN}
    assert set(scored(other).why[690:].tolist()) == {Unscored.SCORED}
    with pytest.raises(ValueError, match="95 rows are too few to tell what is usual; give 96 or more"):
        WatchSettings().fit(signals.rows(0, 95))


def test_a_fitted_model_carries_the_last_rows_alone() -> None:
    assert replace(WatchSettings(), kept=100).fit(mixed()).seen.seconds[0] == 600 * STEP_S


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"threshold": 0.0}, "threshold must be above 0"),
        ({"stride": 7}, "chunk must be a multiple of stride"),
        ({"stride": 0}, "chunk must be a multiple of stride"),
        ({"memory": 100}, "memory must be at least 4 chunks"),
        ({"span": 0}, "span and quick_span must be at least 1"),
        ({"points": 1}, "points at least 2"),
        ({"beyond": -1.0}, "beyond and kept must be at least 0"),
    ],
)
def test_settings_that_cannot_be_are_refused(changes: dict[str, float], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        WatchSettings(**changes)  # type: ignore[arg-type]


def test_other_signals_and_what_is_no_watch_are_refused() -> None:
    with pytest.raises(ValueError, match=r"the watch is over \('one', 'two'\), got \('value',\)"):
        WatchSettings().fresh(("one", "two")).scorer().score(signal(noise(3)))
    with pytest.raises(ValueError, match="a watch is written as settings and seen"):
        WatchModel.from_json({"settings": {}})
    with pytest.raises(ValueError, match="settings of a watch are"):
        WatchModel.from_json({**WatchSettings().fresh(("one",)).to_json(), "settings": {"speed": 3}})


# The parts it is made of


def test_a_reference_is_the_history_of_its_last_chunks() -> None:
    values = 1e8 + noise(1000)
    reference = Reference(chunks=7)
    for first in range(0, 1000, 50):
        reference.add(values[first : first + 50])
    reference.add(np.empty(0))
    last = values[-350:]
    assert (reference.rows, reference.low, reference.high) == (350, last.min(), last.max())
    assert reference.mean == pytest.approx(last.mean(), rel=1e-15) and reference.spread == pytest.approx(last.std(), rel=1e-6)
    assert reference.size == pytest.approx(np.sqrt(np.square(last).mean()), rel=1e-12)


def test_a_season_weighs_later_days_more_and_today_not_at_all() -> None:
    season = Season(DAY_S, bins=2, share=0.25)
    mornings = np.array([4.0, 8.0, 6.0, 100.0])
    found = season.expected(np.arange(4) * DAY_S, mornings)
    assert np.isnan(found[0]) and found[1:].tolist() == pytest.approx([4.0, (0.75 * 4 + 8) / 1.75, (0.5625 * 4 + 0.75 * 8 + 6) / 2.3125])
    assert season.expected(np.array([3 * DAY_S + 60.0]), np.array([0.0]))[0] == found[3]
    assert np.isnan(season.expected(np.array([3.5 * DAY_S]), np.array([0.0]))[0])


def test_a_trajectory_is_as_far_as_its_nearest_of_old() -> None:
    values = noise(400)
    ways = Trajectories(span=3, points=4, stride=2, memory=200)
    before = ways.reach - 1
    padded = np.concatenate([np.full(before, values[0]), values])
    for first in range(0, 300, 20):
        ways.remember(padded[first : first + 20 + before])
    found = ways.distances(padded[300 : 320 + before])
    means = trailing_means(padded, 3)
    embedded = np.stack([means[point * 3 : point * 3 + len(values)] for point in range(4)], axis=1)
    old = [row for row in range(0, 300, 2) if row < 300 - ways.reach][-100:]
    assert found == pytest.approx([min(np.sqrt(np.square(embedded[row] - embedded[one]).mean()) for one in old) for row in range(300, 320)])
    assert np.isnan(Trajectories(3, 4, 2, 200).distances(padded[: 20 + before])).all()


def test_each_five_minutes_of_a_day_have_a_bin_of_their_own() -> None:
    season, step_s = Season(DAY_S, bins=288, share=0.25), 300.0
    usual = [season.expected(DAY_S * day + step_s * np.arange(288), 10.0 * day + np.arange(288.0)) for day in (20_000, 20_001, 20_002)]
    np.testing.assert_array_equal(usual[1], 200_000 + np.arange(288.0))
    assert np.isnan(usual[0]).all()
    np.testing.assert_allclose(usual[2], 200_000 + np.arange(288.0) + 10 / 1.75, rtol=1e-12)
