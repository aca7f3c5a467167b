"""Rows through the machine code: the formulas of the model row by row in plain Python, any cut, any memory layout, and constants kept twice."""

import math
from dataclasses import replace

import numpy as np
import pytest

from models.timeseries.machine import kernel, running
from models.timeseries.machine.fit import MachineSettings
from models.timeseries.machine.model import TOGETHER, MachineModel
from models.timeseries.seasons import DAY_S
from models.timeseries.signals import Floats, Scores, Signals, Unscored

ROWS, FITTED_ROWS = 6000, 4500
NAMES = ("e", "a", "d", "b", "c")


def recording() -> Signals:
    """Three products by turns with pauses, uneven steps, two long gaps, values missing, a product nobody knows, and times before 1970."""
    draw = np.random.default_rng(0)
    seconds = np.cumsum(np.where(draw.random(ROWS) < 0.1, draw.uniform(30, 300, ROWS), 60.0)) - 50_000.0
    seconds[4800:] += 9000.0
    seconds[5300:] += 1e6
    regimes = np.arange(ROWS) // 150 % 4
    regimes[regimes == 3] = -1
    regimes[-300:-250] = 7
    ran = np.where(regimes >= 0, draw.uniform(0.5, 1, ROWS), draw.uniform(0, 0.5, ROWS))
    hall = draw.normal(size=(ROWS, 1))  # moves all of them, so that few components hold most
    values = (2 * hall + draw.normal(size=(ROWS, 5))) * (1, 2, 0.1, 5, 3) + ran[:, None] * 3 + regimes[:, None]
    values[draw.random((ROWS, 5)) < 0.002] = np.nan
    return Signals(NAMES, values, seconds, regimes.astype(np.int64), ran)


@pytest.fixture(scope="module")
def signals() -> Signals:
    return recording()


@pytest.fixture(scope="module")
def model(signals: Signals) -> MachineModel:
    return MachineSettings().fit(signals.rows(0, FITTED_ROWS), ("x", "y", "z"))


def plain(model: MachineModel, signals: Signals) -> Floats:
    """The score of each row, one row and one signal after the other."""
    found, score = model.strange.regimes[TOGETHER], np.full(len(signals.seconds), np.nan)
    values = signals.values[:, [signals.names.index(name) for name in model.names]]
    assert signals.ran is not None
    last_s, rows, means, smooth = -math.inf, 0, {}, np.zeros(len(model.names))
    for row, (now_s, regime, ran) in enumerate(zip(signals.seconds, signals.regimes, signals.ran, strict=True)):
        shares = {None: ran, **{one: ran if one == regime else 0.0 for one in model.regimes}}
        step_s = now_s - last_s
        if step_s > running.GAP_S:
            means, rows, smooth, step_s = dict.fromkeys(running.MEMORIES_S, shares), 0, np.zeros(len(model.names)), 0.0
        weights = {memory_s: 1 - math.exp(-step_s / memory_s) for memory_s in means}
        for memory_s, weight in weights.items():
            means[memory_s] = {key: (1 - weight) * means[memory_s][key] + weight * shares[key] for key in shares}
        last_s, rows = now_s, rows + 1
        if regime not in model.regimes or not np.isfinite(values[row]).all() or rows <= model.settling_rows:
            continue
        turn, held = 2 * math.pi * (now_s % DAY_S) / DAY_S, list(means.values())
        told = [ran, *(one[None] for one in held), *(one[regime] for one in held), *(ran * one[None] for one in held), math.sin(turn), math.cos(turn)]
        usual = model.regimes[regime]
        rest = (values[row] - usual.base - np.array(told) @ usual.weights) / usual.spread
        smooth = (1 - model.weight) * smooth + model.weight * rest
        laid = (smooth - found.center) / found.spread - found.middle
        placed = found.directions @ laid
        t2, q = (placed**2 / found.variances).sum(), ((laid - placed @ found.directions) ** 2).sum()
        score[row] = math.sqrt(max(0.0, (t2 / found.t2_limit + q / found.q_limit) / found.both_limit)) / model.threshold
    return score


def cut(model: MachineModel, signals: Signals, sizes: tuple[int, ...]) -> Scores:
    scorer, found, first = model.scorer(), list[Scores](), 0
    while first < len(signals.seconds):
        size = sizes[len(found) % len(sizes)]
        found.append(scorer.score(signals.rows(first, first + size)))
        first += size
    return Scores(*(np.concatenate([getattr(one, name) for one in found]) for name in ("score", "why", "parts")))


def test_scores_are_those_of_the_formulas_row_by_row(model: MachineModel, signals: Signals) -> None:
    scores = model.scorer().score(signals)
    assert set(scores.why.tolist()) == {0, 1, 2, 3, 4}
    np.testing.assert_allclose(scores.score, plain(model, signals), rtol=1e-9)


@pytest.mark.parametrize("sizes", [(1,), (63, 1, 130), (997,)])
def test_a_gap_a_hole_or_another_product_may_lie_anywhere_in_a_cut(model: MachineModel, signals: Signals, sizes: tuple[int, ...]) -> None:
    whole, pieces = model.scorer().score(signals), cut(model, signals, sizes)
    for name in ("score", "why", "parts"):
        np.testing.assert_array_equal(getattr(pieces, name), getattr(whole, name), err_msg=name)


def test_how_arrays_lie_does_not_matter_and_no_code_is_made_for_it(model: MachineModel, signals: Signals) -> None:
    whole = model.scorer().score(signals)
    across = np.ascontiguousarray(signals.values.T)
    across.flags.writeable = False
    seconds = np.repeat(signals.seconds, 2)[::2]
    other = model.scorer().score(replace(signals, values=across.T, seconds=seconds))
    np.testing.assert_array_equal(other.score, whole.score)
    np.testing.assert_array_equal(other.parts, whole.parts)
    assert len(kernel.follow.signatures) == 1


def test_a_signal_that_the_model_does_not_know_adds_nothing(model: MachineModel, signals: Signals) -> None:
    whole = model.scorer().score(signals)
    more = Signals(("z", *NAMES), np.column_stack([np.full(ROWS, np.nan), signals.values]), signals.seconds, signals.regimes, signals.ran)
    found = model.scorer().score(more)
    np.testing.assert_array_equal(found.score, whole.score)
    np.testing.assert_array_equal(found.parts[:, 1:], whole.parts)
    assert (found.parts[found.why == Unscored.SCORED, 0] == 0).all() and np.isnan(found.parts[found.why != Unscored.SCORED]).all()


def test_a_value_beyond_all_numbers_gives_no_score_and_a_reason(model: MachineModel, signals: Signals) -> None:
    values, row = signals.values.copy(), np.flatnonzero(model.scorer().score(signals).why == Unscored.SCORED)[-200]
    values[row] = 1e300
    scores = model.scorer().score(replace(signals, values=values))
    np.testing.assert_array_equal(np.isnan(scores.score), scores.why != Unscored.SCORED)
    assert np.isnan(scores.score[row]) and scores.why[row] == Unscored.VALUE_MISSING


def test_what_the_kernel_keeps_a_second_time_is_the_same() -> None:
    assert (kernel.FEATURES, kernel.DAY_S) == (running.FEATURES, DAY_S)
    told = (kernel.SCORED, kernel.VALUE_MISSING, kernel.NOT_RUNNING, kernel.REGIME_UNKNOWN, kernel.TOO_FEW_ROWS)
    assert told == (Unscored.SCORED, Unscored.VALUE_MISSING, Unscored.NOT_RUNNING, Unscored.REGIME_UNKNOWN, Unscored.TOO_FEW_ROWS)


def test_where_machine_code_cannot_be_kept_it_is_made_all_the_same() -> None:
    """A function that no file holds has no place for its code."""
    made: dict[str, object] = {}
    exec("def twice(value):\n    return 2 * value\n", made)
    twice = made["twice"]
    assert callable(twice) and kernel._kept(twice)(4) == 8
