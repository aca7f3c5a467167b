"""Cycles against the profile of their recipe: a late valve is seen where it is late, usual cycles are not, and a cycle is judged by its own rows."""

import json
from dataclasses import replace

import numpy as np
import pytest

from models.timeseries.cycles import Cycle, CycleModel, CycleSettings
from models.timeseries.signals import Floats, Signals, Unscored

NAMES = ("pressure", "position")
FITTED = 40


def drawn(rows: int, late: float, noise: np.random.Generator) -> Floats:
    """Pressure rises when the valve opens at a fifth of the cycle and falls at the end; the position goes forth and back.

    pressure  __/‾‾‾‾‾‾‾\\    position  _/\\_
    """
    phase = (np.arange(rows) + 0.5) / rows
    opened = 0.2 + late + 0.003 * noise.normal()
    pressure = 6.0 * np.clip((phase - opened) / 0.05, 0, 1) * np.clip((1 - phase) / 0.1, 0, 1)
    return np.column_stack([pressure, 80 * np.sin(np.pi * phase)]) + noise.normal(size=(rows, 2)) * (0.05, 0.5)


def recording(late: dict[int, float], cycles: int = 60, seed: int = 0) -> tuple[Signals, list[Cycle]]:
    """Cycles of 90 to 110 rows, one a second, with a pause of 5 rows after each; `late` by number of the cycle, as a share of it."""
    noise = np.random.default_rng(seed)
    parts, intervals, first = [], [], 0
    for number in range(cycles):
        rows = int(noise.integers(90, 111))
        parts += [drawn(rows, late.get(number, 0.0), noise), np.full((5, 2), 500.0)]
        intervals.append(Cycle(float(first), float(first + rows), "lid"))
        first += rows + 5
    return Signals.of(NAMES, np.concatenate(parts)), intervals


def fitted() -> CycleModel:
    signals, cycles = recording({})
    return CycleSettings().fit(signals, cycles[:FITTED])


def test_a_late_valve_is_seen_where_it_is_late() -> None:
    signals, cycles = recording({50: 0.06})
    score = fitted().score(signals, cycles[50])
    assert score.why == Unscored.SCORED and score.score > 3 and score.score == max(score.worst, score.excess)
    assert score.signal == "pressure" and 0.2 <= score.phase <= 0.3
    assert score.seconds == pytest.approx(cycles[50].first_s + score.phase * (cycles[50].end_s - cycles[50].first_s))


def test_the_later_the_valve_the_stranger_the_cycle() -> None:
    signals, cycles = recording({50: 0.02, 51: 0.05, 52: 0.2})
    scores = [fitted().score(signals, cycles[number]).score for number in (49, 50, 51, 52)]
    assert scores == sorted(scores) and scores[0] < 1 < scores[2]


def test_few_usual_cycles_are_above_the_threshold() -> None:
    signals, cycles = recording({}, cycles=300, seed=7)
    model = CycleSettings(false_alarms=0.05).fit(signals, cycles[:100])
    assert np.mean([model.score(signals, cycle).score >= 1 for cycle in cycles[100:]]) <= 0.1


def test_a_cycle_that_is_a_little_off_throughout_is_told_by_its_mean() -> None:
    signals, cycles = recording({})
    moved = replace(signals, values=np.add(signals.values, (0.12, 0.0)))
    score = fitted().score(moved, cycles[50])
    assert score.excess >= 1 and score.excess > score.worst


def test_rows_outside_a_cycle_do_not_count() -> None:
    signals, cycles = recording({50: 0.06})
    model, cycle = fitted(), cycles[50]
    inside = (signals.seconds >= cycle.first_s) & (signals.seconds < cycle.end_s)
    others = replace(signals, values=np.where(inside[:, None], signals.values, -1e6))
    last = int(np.flatnonzero(inside)[-1]) + 1
    assert model.score(signals, cycle) == model.score(others, cycle) == model.score(signals.rows(0, last), cycle)


def test_a_faster_or_slower_cycle_of_the_same_shape_is_usual() -> None:
    noise = np.random.default_rng(3)
    for rows in (70, 150):
        assert fitted().score(Signals.of(NAMES, drawn(rows, 0.0, noise)), Cycle(0.0, float(rows), "lid")).score < 1.5


def test_the_order_of_signals_does_not_matter() -> None:
    signals, cycles = recording({50: 0.06})
    turned = Signals.of(NAMES[::-1], signals.values[:, ::-1])
    assert CycleSettings().fit(turned, cycles[:FITTED]).score(turned, cycles[50]) == CycleSettings().fit(signals, cycles[:FITTED]).score(
        signals, cycles[50]
    )


def test_each_recipe_has_its_own_profile() -> None:
    signals, cycles = recording({number: 0.3 for number in range(1, 60, 2)})
    named = [replace(cycle, recipe=("lid", "base")[number % 2]) for number, cycle in enumerate(cycles)]
    model = CycleSettings().fit(signals, named[:50])
    assert model.score(signals, named[51]).score < 1.5 < model.score(signals, replace(named[51], recipe="lid")).score


def test_a_model_written_and_read_scores_the_same() -> None:
    signals, cycles = recording({50: 0.06})
    model = fitted()
    again = CycleModel.from_json(json.loads(json.dumps(model.to_json())))
    assert again.to_json() == model.to_json() and again.score(signals, cycles[50]) == model.score(signals, cycles[50])
    for data in ({}, {"names": 3}, {**model.to_json(), "recipes": {"lid": {}}}):
        with pytest.raises(ValueError, match="no model of cycles"):
            CycleModel.from_json(data)


def test_a_cycle_without_a_score_says_why() -> None:
    signals, cycles = recording({})
    model, cycle = fitted(), cycles[50]
    rows = slice(int(cycle.first_s), int(cycle.end_s))
    values, regimes = signals.values.copy(), signals.regimes.copy()
    values[rows, 0], regimes[rows.start] = np.nan, -1
    assert model.score(signals, replace(cycle, recipe="other")).why == Unscored.REGIME_UNKNOWN
    assert model.score(replace(signals, values=values), cycle).why == Unscored.VALUE_MISSING
    assert model.score(replace(signals, regimes=regimes), cycle).why == Unscored.NOT_RUNNING
    assert model.score(signals, replace(cycle, end_s=cycle.first_s + 3)).why == Unscored.TOO_FEW_ROWS
    with pytest.raises(ValueError, match="are not among"):
        model.score(Signals.of(("pressure",), signals.values[:, :1]), cycle)


def test_too_few_cycles_and_settings_out_of_range_are_refused_in_words() -> None:
    signals, cycles = recording({})
    with pytest.raises(ValueError, match="no recipe has 19 whole cycles, the most are 18 of 18 given; give at least 19"):
        CycleSettings().fit(signals, cycles[:18])
    with pytest.raises(ValueError, match="a beginning before its end"):
        Cycle(5.0, 5.0, "lid")
    for settings in ({"phases": 3}, {"false_alarms": 0.5}):
        with pytest.raises(ValueError, match=f"{next(iter(settings))} is"):
            CycleSettings(**settings)  # type: ignore[arg-type]
