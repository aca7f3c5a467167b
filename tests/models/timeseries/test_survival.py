"""Survival: closed forms, a second computation by scipy, and what a maintenance history says when it is read."""

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from scipy import stats

from models.timeseries.survival import KaplanMeier, Lives, Service, Weibull

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
# Weeks in remission under 6-mercaptopurine, Freireich and others 1963: the example of most textbooks.
REMISSION = Lives(
    np.array([6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35], dtype=np.float64),
    np.array([1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0], dtype=np.bool_),
)


def drawn(parts: int, shape: float, scale_h: float, taken_out_h: float, seed: int = 3) -> Lives:
    """Weibull lives, of which those are cut short that outlive a time drawn below twice `taken_out_h`."""
    noise = np.random.default_rng(seed)
    life, end = scale_h * noise.weibull(shape, parts), noise.uniform(0, 2 * taken_out_h, parts)
    return Lives(np.minimum(life, end), life <= end)


def as_scipy(lives: Lives) -> stats.CensoredData:
    return stats.CensoredData(uncensored=lives.ages_h[lives.failed], right=lives.ages_h[~lives.failed])


def test_the_textbook_curve() -> None:
    curve = KaplanMeier.fit(REMISSION)
    assert curve.ages_h.tolist() == [6, 7, 10, 13, 16, 22, 23]
    assert curve.at_risk.tolist() == [21, 17, 15, 12, 11, 7, 6]
    assert np.round(curve.share, 3).tolist() == [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448]
    assert curve.median_h == 23.0
    assert (curve.survival(5.9), curve.survival(6.0), curve.survival(9.0)) == (1.0, curve.share[0], curve.share[1])


# Where no share is left scipy says that it has no interval; those ages are not asked for.
@pytest.mark.filterwarnings("ignore:The confidence interval is undefined")
@pytest.mark.parametrize("lives", [REMISSION, drawn(200, 1.7, 900.0, 800.0)], ids=["remission", "drawn"])
def test_scipy_finds_the_same_curve_and_interval(lives: Lives) -> None:
    curve, other = KaplanMeier.fit(lives), stats.ecdf(as_scipy(lives)).sf
    between = other.confidence_interval(0.9, method="log-log")
    for age_h in np.quantile(lives.ages_h, [0.1, 0.35, 0.6, 0.8]):
        assert curve.survival(age_h) == pytest.approx(float(other.evaluate(age_h)), rel=1e-12)
        expected = float(between.low.evaluate(age_h)), float(between.high.evaluate(age_h))
        assert curve.interval(age_h, 0.9) == pytest.approx(expected, rel=1e-9)


def test_without_censoring_the_curve_counts_who_is_left() -> None:
    ages = np.arange(1.0, 11.0)
    curve = KaplanMeier.fit(Lives(ages, np.ones(10, dtype=np.bool_)))
    assert np.allclose(curve.share, 1 - ages / 10) and curve.median_h == 5.0
    assert curve.interval(10.0) == (0.0, 1.0) and curve.interval(0.5) == (1.0, 1.0)


def test_half_of_the_parts_may_never_have_been_seen_to_fail() -> None:
    assert KaplanMeier.fit(Lives(np.array([1.0, 2.0, 3.0]), np.array([True, False, False]))).median_h == math.inf


@pytest.mark.parametrize("lives", [REMISSION, drawn(60, 0.7, 500.0, 300.0), drawn(400, 3.0, 2e4, 2e4)], ids=["remission", "youth", "wear"])
def test_scipy_finds_the_same_weibull(lives: Lives) -> None:
    law = Weibull.fit(lives)
    shape, _, scale_h = stats.weibull_min.fit(as_scipy(lives), floc=0)
    assert (law.shape, law.scale_h) == pytest.approx((shape, scale_h), rel=2e-3)


def test_a_law_is_found_again_though_half_of_the_lives_were_cut_short() -> None:
    lives = drawn(4000, 2.5, 1000.0, 800.0)
    assert 0.3 < lives.failed.mean() < 0.7
    law = Weibull.fit(lives)
    assert law.shape == pytest.approx(2.5, rel=0.05) and law.scale_h == pytest.approx(1000.0, rel=0.03)
    # Taking cut lives for failures is the mistake that censoring is for.
    assert Weibull.fit(Lives(lives.ages_h, np.ones(4000, dtype=np.bool_))).scale_h < 700.0


def test_failures_of_chance_do_not_age() -> None:
    law = Weibull(shape=1.0, scale_h=200.0)
    assert law.risk(0.0, 50.0) == pytest.approx(law.risk(900.0, 50.0)) == pytest.approx(1 - math.exp(-0.25))
    left = law.remaining(777.0, level=0.8)
    assert (left.median_h, left.low_h, left.high_h) == pytest.approx((200 * math.log(2), -200 * math.log(0.9), -200 * math.log(0.1)))


def test_risk_and_what_is_left_agree_with_lives_that_were_drawn() -> None:
    law = Weibull(shape=3.0, scale_h=1000.0)
    life = 1000.0 * np.random.default_rng(1).weibull(3.0, 400_000)
    left = life[life > 700.0] - 700.0
    assert law.risk(700.0, 100.0) == pytest.approx(np.mean(left <= 100.0), abs=0.003)
    said = law.remaining(700.0, level=0.8)
    assert (said.low_h, said.median_h, said.high_h) == pytest.approx(np.quantile(left, [0.1, 0.5, 0.9]), rel=0.02)
    assert law.survival(0.0) == 1.0 and law.remaining(0.0).median_h == pytest.approx(1000 * math.log(2) ** (1 / 3))


def test_extreme_ages_give_no_nonsense() -> None:
    law = Weibull(shape=80.0, scale_h=100.0)
    assert law.survival(1e6) == 0.0 and law.risk(1e6, 1e3) == 1.0 and law.risk(0.0, 1e9) == 1.0
    assert 0 < law.remaining(1e6).low_h < law.remaining(1e6).high_h < 1e-9
    assert law.remaining(1e-9).median_h == pytest.approx(law.remaining(0.0).median_h)
    assert law.risk(1e-9, 100.0) == pytest.approx(1 - math.exp(-1))


def test_lives_that_hardly_differ_get_the_steepest_law_there_is() -> None:
    law = Weibull.fit(Lives(np.array([1000.0, 1000.0001]), np.array([True, True])))
    assert law.shape == 100.0 and law.scale_h == pytest.approx(1000.0, rel=1e-3)


def test_wear_makes_the_risk_rise_and_youth_makes_it_fall() -> None:
    for shape, rises in ((2.0, True), (0.5, False)):
        law = Weibull(shape, 1000.0)
        assert (law.risk(800.0, 10.0) > law.risk(100.0, 10.0)) is rises


def test_a_history_is_read_as_it_was_known() -> None:
    # now: day 10        ^
    # failed  ----x      |
    # taken   ------|    |
    # runs      ---------|------
    # fails later    ----|--x
    # comes later        |   ---
    def day(number: int) -> datetime:
        return NEW_YEAR + timedelta(days=number)

    history = [
        Service(day(0), day(4), failed=True),
        Service(day(0), day(6), failed=False),
        Service(day(2), None, failed=False),
        Service(day(7), day(13), failed=True),
        Service(day(14), None, failed=False),
    ]
    lives = Lives.of(history, now=day(10))
    assert lives.ages_h.tolist() == [96.0, 144.0, 192.0, 72.0]
    assert lives.failed.tolist() == [True, False, False, False]


def test_what_cannot_be_is_named() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        Service(datetime(2026, 1, 1), None, failed=False)
    with pytest.raises(ValueError, match="runs and has failed"):
        Service(NEW_YEAR, None, failed=True)
    with pytest.raises(ValueError, match="above 0 h"):
        Lives(np.array([0.0]), np.array([True]))
    with pytest.raises(ValueError, match="do not fit each other"):
        Lives(np.array([1.0, 2.0]), np.array([True]))
    with pytest.raises(ValueError, match="2 failures at 1 ages"):
        Weibull.fit(Lives(np.array([5.0, 5.0, 9.0]), np.array([True, True, False])))
    with pytest.raises(ValueError, match=r"below 1, got 1\.0"):
        Weibull(1.0, 1.0).remaining(3.0, level=1.0)
    with pytest.raises(ValueError, match=r"time ahead must be 0 h or more, got -2\.0"):
        Weibull(1.0, 1.0).risk(3.0, -2.0)
    with pytest.raises(ValueError, match=r"age must be 0 h or more, got -1\.0"):
        Weibull(1.0, 1.0).survival(-1.0)
