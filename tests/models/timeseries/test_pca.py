"""Principal components of the last rows: strange ties between signals and between rows, by regime, with contributions that add up."""

import numpy as np
import pytest

from models.timeseries.conformal import budgeted, fewest, limit, within_budget
from models.timeseries.pca import Pca, PcaSettings
from models.timeseries.signals import Floats, Signals, Unscored

NAMES = ("flow", "current", "pressure")


def tied(rows: int, seed: int) -> Floats:
    """Three signals that follow one state, with some noise."""
    noise = np.random.default_rng(seed)
    return np.outer(noise.normal(size=rows), (1.0, 2.0, -1.0)) + 0.1 * noise.normal(size=(rows, 3))


@pytest.fixture(scope="module")
def model() -> Pca:
    return PcaSettings(lags_rows=2, variance=0.9).fit(Signals.of(NAMES, tied(3000, 0)))


def test_usual_rows_are_below_the_threshold_but_for_the_share_that_was_asked_for(model: Pca) -> None:
    score = model.scorer().score(Signals.of(NAMES, tied(20_000, 1))).score
    assert 0.004 < np.nanmean(score > 1) < 0.02


def test_a_signal_that_leaves_the_others_is_strange_though_each_value_is_usual_and_is_named(model: Pca) -> None:
    values = tied(300, 2)
    values[200:, 1] *= -1
    scores = model.scorer().score(Signals.of(NAMES, values))
    assert (scores.score[201:] > 1).mean() > 0.9
    assert (scores.parts[201:].argmax(axis=1) == 1).mean() > 0.9
    assert np.allclose(scores.parts[1:].sum(axis=1), scores.score[1:])


def test_far_out_within_the_components_is_strange_too(model: Pca) -> None:
    values = tied(50, 3)
    values[40] = np.array([9.0, 18.0, -9.0])
    assert model.scorer().score(Signals.of(NAMES, values)).score[40] > 5


def test_an_order_of_rows_that_never_was_is_seen_only_by_lags() -> None:
    rise = np.sin(np.arange(3000) / 5)[:, None] + 0.02 * np.random.default_rng(0).normal(size=(3000, 1))
    jumps = rise.copy()
    jumps[2500::40] *= -1
    for lags_rows, seen in ((1, False), (3, True)):
        fitted = PcaSettings(lags_rows=lags_rows, variance=0.99).fit(Signals.of(("flow",), rise[:2000]))
        score = fitted.scorer().score(Signals.of(("flow",), jumps)).score
        assert (np.nanmean(score[2500::40] > 1) > 0.5) == seen


def test_each_regime_has_its_own_usual_and_an_unknown_one_no_score() -> None:
    values = np.concatenate([tied(1000, 0), tied(1000, 1) + 50.0])
    signals = Signals(NAMES, values, np.arange(2000.0), np.repeat([3, 8], 1000))
    model = PcaSettings().fit(signals)
    right = model.scorer().score(signals)
    wrong = model.scorer().score(Signals(NAMES, values, signals.seconds, np.repeat([8, 3], 1000)))
    assert np.nanmean(right.score > 1) < 0.05 and np.nanmin(wrong.score) > 1
    assert (right.why[[0, 1000]] == Unscored.TOO_FEW_ROWS).all()
    assert (model.scorer().score(Signals(NAMES, values, signals.seconds, np.repeat([3, 4], 1000))).why[1000:] == Unscored.REGIME_UNKNOWN).all()


def test_settings_out_of_range_and_a_signal_that_lacks_are_refused(model: Pca) -> None:
    for settings in ({"lags_rows": 0}, {"variance": 1.5}, {"false_share": 0.0}):
        with pytest.raises(ValueError, match=next(iter(settings))):
            PcaSettings(**settings)
    with pytest.raises(ValueError, match="pressure"):
        model.scorer().score(Signals.of(NAMES[:2], tied(5, 0)[:, :2]))


def test_a_conformal_limit_keeps_its_share_and_says_how_many_rows_it_needs() -> None:
    noise = np.random.default_rng(0)
    above = [np.mean(noise.normal(size=200) > limit(noise.normal(size=99), 0.1)) for _ in range(300)]
    assert 0.09 < np.mean(above) < 0.105
    with pytest.raises(ValueError, match="99 rows or more"):
        limit(np.ones(98), 0.01)
    assert [fewest(share) for share in (0.5, 0.1, 0.01)] == [1, 9, 99]


def test_a_budget_of_alarms_a_week_holds_on_other_weeks(model: Pca) -> None:
    """A row a minute; alarms that a threshold by rows would give by the hundred."""
    week_rows = 7 * 24 * 60

    def recording(weeks: int, seed: int) -> Signals:
        return Signals.of(NAMES, tied(weeks * week_rows, seed), step_s=60.0)

    tuned = within_budget(model, recording(4, 5), alarms_a_week=5.0)
    score = tuned.scorer().score(recording(4, 6)).score
    assert np.nansum(model.scorer().score(recording(4, 6)).score > 1) > 100
    assert 1 <= np.nansum(score > 1) / 4 <= 10


def test_a_recording_too_short_for_the_budget_is_refused() -> None:
    with pytest.raises(ValueError, match="167 rows or more"):
        budgeted(np.ones(100), np.arange(100) * 3600.0, alarms_a_week=1.0)
    with pytest.raises(ValueError, match="no row has a statistic"):
        budgeted(np.full(10, np.nan), np.arange(10.0), alarms_a_week=1.0)
