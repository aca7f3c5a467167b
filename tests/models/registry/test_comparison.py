"""Champion and challenger are compared over the same rows, and only there."""

import numpy as np
import pytest

from models.registry.comparison import ScoreTable, compared

DAY_S = 86_400.0


def test_alerts_are_beginnings_and_unscored_rows_end_none() -> None:
    nan = np.nan
    scores = np.array([0.2, 1.0, 1.5, nan, 1.2, 0.1, nan, 2.0])
    table = ScoreTable(np.arange(8.0), scores)
    assert table.alarms.tolist() == [False, True, True, False, True, False, False, True]
    assert table.alerts == 2
    assert ScoreTable(np.arange(8.0), scores, threshold=1.4).alerts == 2
    assert ScoreTable(np.arange(8.0), np.full(8, nan)).alerts == 0


def test_two_models_are_counted_where_both_scored() -> None:
    nan = np.nan
    at = np.arange(8.0) * DAY_S / 2
    champion = ScoreTable(at, np.array([2.0, 0.0, 2.0, 0.0, nan, nan, 0.0, 0.0]))
    challenger = ScoreTable(at, np.array([2.0, 0.0, 0.0, 0.0, 0.0, nan, nan, 0.0]))
    found = compared(champion, challenger, cost_an_alert=50.0)
    assert (found.rows, found.champion_alone, found.challenger_alone, found.agreement) == (5, 1, 1, 0.8)
    assert (found.champion_alerts, found.challenger_alerts) == (2, 1)
    assert (found.champion_alerts_a_week, found.challenger_alerts_a_week) == (4.0, 2.0)
    assert (found.champion_cost, found.challenger_cost) == (100.0, 50.0)


def test_other_rows_are_not_compared() -> None:
    at = np.arange(3.0)
    for one, other in ((at, at + 1), (at, at[:2]), (at[:1], at[:1]), (at * 0, at * 0)):
        with pytest.raises(ValueError, match="score the same rows with both"):
            compared(ScoreTable(one, one * 0), ScoreTable(other, other * 0), 1.0)
