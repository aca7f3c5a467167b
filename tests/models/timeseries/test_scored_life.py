"""The law that pays most: it finds the laws that lives were made with, leans to the cheap side, and heeds health where health tells."""

import numpy as np
import pytest

from models.metrics.life import phm12
from models.timeseries.scored_life import Life, ScoredLife, ScoredLifeSettings
from models.timeseries.signals import Floats

SHARES = np.linspace(0.05, 0.95, 31)


def lives(lengths: Floats, tells: float = 0.0) -> tuple[list[Life], list[Floats]]:
    """Lives of these lengths; where `tells` is above 0, half of them wear, and a worn one ends `tells` times as soon as it would."""
    made, left = [], []
    for length in lengths:
        ages = length * SHARES
        rest = np.exp(-tells) * ages if tells and len(made) % 2 else ages if tells else length - ages
        wear = np.full(len(ages), float(len(made) % 2))
        made.append(Life(ages, {"wear": wear, "nothing": np.full(len(ages), 0.5)}))
        left.append(rest)
    return made, left


def test_lives_of_one_length_leave_less_the_older_they_are() -> None:
    law = ScoredLifeSettings().fit(*lives(np.full(5, 1000.0)), phm12)
    young, middle = law.left(Life(np.array([300.0, 600.0]), {}))
    assert law.fade > 1 and young > middle and 300.0 < middle < 420.0 and law.index is None


def test_what_is_left_for_a_share_of_the_age_is_found_as_that() -> None:
    ages = np.geomspace(10.0, 1e5, 30)
    law = ScoredLifeSettings().fit([Life(ages, {})] * 3, [0.5 * ages] * 3, phm12)
    assert abs(law.fade) < 0.15 and law.left(Life(np.array([800.0]), {}))[0] == pytest.approx(400.0, rel=0.2)


def test_what_has_no_age_is_found_as_that() -> None:
    ages = np.geomspace(10.0, 1e3, 30)
    law = ScoredLifeSettings().fit([Life(ages, {})] * 3, [np.full(30, 150.0)] * 3, phm12)
    assert abs(law.fade - 1) < 0.15 and law.left(Life(np.array([20.0, 800.0]), {})) == pytest.approx([150.0, 150.0], rel=0.25)


def test_it_leans_to_the_side_that_costs_less() -> None:
    ages = np.full(400, 100.0)
    left = 100.0 * np.exp(np.random.default_rng(0).normal(scale=0.3, size=400))
    given = ScoredLifeSettings().fit([Life(ages, {})] * 3, [left] * 3, phm12).left(Life(ages[:1], {}))[0]
    even = ScoredLifeSettings().fit([Life(ages, {})] * 3, [left] * 3, lambda one, two: -np.abs(np.log(one / two))).left(Life(ages[:1], {}))[0]
    assert given < 95.0 < even < 108.0


def test_health_has_a_say_where_it_tells_and_none_where_it_does_not() -> None:
    law = ScoredLifeSettings().fit(*lives(np.geomspace(300.0, 3000.0, 6), tells=1.5), phm12)
    assert law.index == "wear" and 1.25 <= law.pull <= 1.75
    new, worn = law.left(Life(np.array([500.0, 500.0]), {"wear": np.array([0.0, 1.0])}))
    assert worn == pytest.approx(new * np.exp(-law.pull))
    assert ScoredLifeSettings().fit(*lives(np.geomspace(300.0, 3000.0, 6)), phm12).pull == 0.0


def test_a_law_says_what_it_is_made_of() -> None:
    law = ScoredLife(typical=100.0, level=np.log(2.0), fade=1.0, pull=1.0, index="wear")
    assert law.left(Life(np.array([10.0, 50.0]), {"wear": np.array([0.0, np.log(4.0)])})) == pytest.approx([200.0, 50.0])


def test_what_cannot_be_is_named() -> None:
    with pytest.raises(ValueError, match="no life was given"):
        ScoredLifeSettings().fit([], [], phm12)
    with pytest.raises(ValueError, match="must be 0 or more"):
        ScoredLifeSettings(breadth=-1)
