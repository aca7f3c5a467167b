"""The measurement of next-pattern surprise, on a small recording: all contenders answer, and the model of patterns keeps to the laws of models."""

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

sys.path.append(str(Path(__file__).parents[3] / "benchmarks" / "timeseries"))

from pattern_chances import Chances
from pattern_model import PatternSettings
from pattern_said import ENGLISH, GERMAN, pattern
from patterns import answered, figures, shown

from factolake.plant.truth import Degraded
from models.contract import Settings
from models.evaluation.plant import Truth
from models.evaluation.plant_weeks import Watched
from models.timeseries.signals import Signals, Unscored
from tests.models.timeseries.test_laws import LAWS

NAMES = ("current", "power", "torque")
HISTORY_ROWS, WEEK_ROWS = 6 * 1440, 1440
ONSET_ROW = WEEK_ROWS // 2


def minutes(rows: int, seed: int, first: int = 0) -> Signals:
    """Three signals that follow one wandering load, with a pause of half an hour after six hours."""
    noise = np.random.default_rng(seed)
    load = np.convolve(noise.normal(size=rows + 29), np.ones(30) / 6, mode="valid")
    values = 10 + load[:, None] + noise.normal(size=(rows, 3)) * 0.3
    at = first + np.arange(rows)
    return Signals(NAMES, values, at * 60.0, np.where(at % 360 >= 330, -1, 0))


@pytest.fixture(scope="module")
def seen() -> Watched:
    """In the week's second half the current no longer follows the load."""
    week = minutes(WEEK_ROWS, 1, HISTORY_ROWS)
    week.values[ONSET_ROW:, NAMES.index("current")] += 3.0
    return Watched("press", minutes(HISTORY_ROWS, 0), week, ("x",), {})


def test_all_contenders_answer_and_surprise_is_told_in_words(seen: Watched) -> None:
    onset, end = (datetime.fromtimestamp((HISTORY_ROWS + row) * 60.0, UTC) for row in (ONSET_ROW, WEEK_ROWS))
    truth = Truth(Degraded("press", "tool_wear", onset, end, end, ("current",)))
    found = answered(seen, truth, PatternSettings())
    healthy = answered(replace(seen, week=minutes(WEEK_ROWS, 2, HISTORY_ROWS)), Truth(None), PatternSettings())
    assert [one.signal for one in found.alerts["patterns"]] == ["current"] and {len(alerts) for alerts in found.alerts.values()} == {1}
    assert not any(healthy.alerts.values())
    assert found.words["en"].startswith("current is ") and found.words["de"].startswith("current: ") and healthy.words == {}
    by_name = figures([found, healthy])
    assert list(by_name) == ["machine", "patterns", "joined", "slow machine"]
    assert all(one["warned"] == 1 and one["healthy_machine_weeks"] == 1 and 0 < one["lead_h"] <= 12 for one in by_name.values())
    assert "tool_wear" in shown([found, healthy]) and found.words["en"] in shown([found, healthy])


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_law(law: Callable[[Settings], None]) -> None:
    law(PatternSettings())


def test_surprise_adds_up_and_begins_with_the_change(seen: Watched) -> None:
    scores = PatternSettings().fit(seen.history).scorer().score(seen.week)
    scored = scores.why == Unscored.SCORED
    np.testing.assert_allclose(scores.parts[scored].sum(axis=1), scores.score[scored])
    assert np.nanmax(scores.score[:ONSET_ROW]) < 1 < np.nanmax(scores.score)


def test_rare_words_are_surprising_and_partners_make_them_usual() -> None:
    before, beside, now = np.zeros(1000, np.int64), np.arange(1000) % 2, np.arange(1000) % 2
    alone, told = Chances.of(before, None, now, -1, 3, 10.0).table(), Chances.of(before, beside, now, 1, 3, 10.0).table()
    assert alone.shape == (3, 3) and told.shape == (9, 3)
    np.testing.assert_allclose(told.sum(axis=1), 1)
    assert alone[0, 0] == pytest.approx(0.5, abs=0.01) and told[0, 0] > 0.95 and told[1, 0] < 0.05 and alone[0, 2] < 0.01


def test_a_pattern_says_what_is_usual_and_how_often_it_was_seen() -> None:
    level = np.array([17, 17, 17, 17, 28])
    chances = Chances.of(level, level, level, 1, 35, 10.0)
    assert pattern(chances, "motor current", 28, "torque", 17, ENGLISH).text == (
        "motor current is well above expected and rises while torque is as expected and stays, where motor current usually is as expected and stays;"
        " never seen in the minutes of the fit."
    )
    assert pattern(chances, "Motorstrom", 28, "Drehmoment", 28, GERMAN).text == (
        "Motorstrom: deutlich über dem Erwarteten und steigt; zugleich Drehmoment: deutlich über dem Erwarteten und steigt;"
        " üblich ist dann für Motorstrom: deutlich über dem Erwarteten und steigt; in 20 % der gelernten Minuten gesehen."
    )


@pytest.mark.parametrize("wrong", [{"memory_rows": 0.5}, {"span_rows": 0}, {"kappa": 0.0}, {"margin": 0.9}])
def test_settings_say_their_range(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} is .*; give"):
        PatternSettings(**wrong)  # type: ignore[arg-type]
