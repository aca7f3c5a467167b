"""A machine's rows in machine code: one function that the watch calls with a row and the lake with days of them, so that both have the same bits.

Rows that can be judged are laid across in tiles; within a tile each number of a row is reckoned by itself, and sums go by signal and by component,
one after the other. numba looks at this file alone for what it keeps on disk, so all that is compiled, and all its constants, are here. Arrays are
contiguous and may be written to, else the code would be made once more. What they hold, and who calls, is in `following.py`.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numba
import numpy as np

from models.timeseries.signals import Floats, Numbers

Taken = tuple[np.int64, np.int64, np.int64]
Kernel = TypeVar("Kernel", bound=Callable[..., Any])

TILE = 64
"""Rows that are reckoned side by side: with 20 signals they stay in the nearest cache."""
LANES = 4
"""Signals and components are taken so many at a time; what is missing is made up by nothing."""
FEATURES = 9
DAY_S = 86_400.0
TURN = 2 * math.pi / DAY_S
SCORED, VALUE_MISSING, NOT_RUNNING, REGIME_UNKNOWN, TOO_FEW_ROWS = range(5)
RAN, RESTS, SCORES = range(3)
"""How far rows are taken: to the numbers of the running, to smoothed rests, to scores."""


class Model(NamedTuple):
    """`regimes` there are; by regime `base` and `spread` of each signal and `weights`, features x signals; then the components of the rests."""

    regimes: Numbers
    memories_s: Floats
    gap_s: float
    settling_rows: int
    weight: float
    base: Floats
    spread: Floats
    weights: Floats
    center: Floats
    scale: Floats
    middle: Floats
    directions: Floats
    turned: Floats
    shares: Floats
    q_limit: float
    limit: float
    threshold: float


class Memory(NamedTuple):
    """Of the rows before: `means` by memory of all running and of each regime's, `smooth` rests, `last`: seconds, rows, start of the day, step, and
    what a row of such a step weighs in each memory.
    """

    means: Floats
    smooth: Floats
    last: Floats
    weights: Floats


class Rows(NamedTuple):
    """Signals x rows, and of each row when it was, its regime and its share of running."""

    values: Floats
    seconds: Floats
    regimes: Numbers
    ran: Floats


class Found(NamedTuple):
    """What is filled in: of each row `score`, `why`, and its column of `parts`; `order`: the line of `parts` that each signal has."""

    score: Floats
    why: Numbers
    parts: Floats
    order: Numbers


class Tile(NamedTuple):
    """Rows side by side: their signals, numbers of running, components, parts, two lines to reckon with, and which rows they are."""

    signals: Floats
    features: Floats
    placed: Floats
    parts: Floats
    lines: Floats
    rows: Numbers


def _inner(function: Kernel) -> Kernel:
    return cast(Kernel, numba.njit(error_model="numpy")(function))


def _kept(function: Kernel) -> Kernel:
    try:
        return cast(Kernel, numba.njit(cache=True, error_model="numpy")(function))
    except RuntimeError:  # nowhere to keep the code: each process makes its own
        return _inner(function)


@_inner
def _place(regimes: Numbers, regime: int) -> int:
    for place in range(len(regimes)):
        if regimes[place] == regime:
            return place
    return -1


@_inner
def _begin(means: Floats, smooth: Floats, place: int, share: float) -> None:
    for row in range(means.shape[0]):
        means[row, 0] = share
        for column in range(1, means.shape[1]):
            means[row, column] = share if column == place + 1 else 0.0
    for signal in range(len(smooth)):
        smooth[signal] = 0.0


@_inner
def _run(means: Floats, weights: Floats, place: int, share: float) -> None:
    for row in range(means.shape[0]):
        weight = weights[row]
        for column in range(means.shape[1]):
            now = share if column == 0 or column == place + 1 else 0.0
            means[row, column] = (1.0 - weight) * means[row, column] + weight * now


@_inner
def _features(means: Floats, share: float, place: int, angle: float, features: Floats, at: np.int64) -> None:
    """The row's own share, that of each memory, the regime's, the product with the row's own, and where on the circle of the day it is."""
    memories = means.shape[0]
    features[0, at] = share
    for row in range(memories):
        features[1 + row, at] = means[row, 0]
        features[1 + memories + row, at] = means[row, 1 + place]
        features[1 + 2 * memories + row, at] = share * means[row, 0]
    features[FEATURES - 2, at] = math.sin(angle)
    features[FEATURES - 1, at] = math.cos(angle)


@_inner
def _holes(values: Floats) -> Floats:
    """Of each row, 0 where all its values are finite."""
    found = np.zeros(values.shape[1])
    for signal in range(values.shape[0]):
        for row in range(values.shape[1]):
            found[row] += values[signal, row] - values[signal, row]
    return found


@_inner
def _gather(model: Model, memory: Memory, rows: Rows, holes: Floats, first: np.int64, tile: Tile, why: Numbers) -> Taken:
    """Follow rows from `first` until a tile of one regime is full: the row after the last, how many are in it, and the regime's place."""
    # What lies in a tuple is counted as it is taken out, so it is taken out once.
    regimes, memories_s, gap_s, settling_rows = model.regimes, model.memories_s, model.gap_s, model.settling_rows
    means, smooth, last, weights = memory.means, memory.smooth, memory.last, memory.weights
    row_regimes, row_seconds, ran, features, taken = rows.regimes, rows.seconds, rows.ran, tile.features, tile.rows
    last_s, count, day_s, weighed_s = last[0], last[1], last[2], last[3]
    row, filled, held = first, np.int64(0), np.int64(-1)
    while row < len(row_seconds) and filled < TILE:
        seconds, share, place = row_seconds[row], ran[row], _place(regimes, row_regimes[row])
        step_s = seconds - last_s
        begins = not step_s <= gap_s
        if filled and (begins or (place >= 0 and place != held)):
            break
        if begins:
            _begin(means, smooth, place, share)
            step_s, count = 0.0, 0.0
        if step_s != weighed_s:
            weighed_s = step_s
            for memory_row in range(len(memories_s)):
                weights[memory_row] = 1.0 - math.exp(-step_s / memories_s[memory_row])
        _run(means, weights, place, share)
        last_s, count = seconds, count + 1.0
        if row_regimes[row] < 0:
            why[row] = NOT_RUNNING
        elif place < 0:
            why[row] = REGIME_UNKNOWN
        elif holes[row] != 0.0:
            why[row] = VALUE_MISSING
        elif count <= settling_rows:
            why[row] = TOO_FEW_ROWS
        else:
            why[row] = SCORED
            if not 0.0 <= seconds - day_s < DAY_S:
                day_s = math.floor(seconds / DAY_S) * DAY_S
                day_s -= DAY_S if seconds < day_s else 0.0
            _features(means, share, place, (seconds - day_s) * TURN, features, filled)
            taken[filled] = row
            filled, held = filled + 1, np.int64(place)
        row += 1
    last[0], last[1], last[2], last[3] = last_s, count, day_s, weighed_s
    return row, filled, held


@_inner
def _take(values: Floats, taken: Numbers, filled: np.int64, signals: Floats) -> None:
    first = taken[0]
    is_whole = taken[filled - 1] - first == filled - 1
    for signal in range(values.shape[0]):
        if is_whole:
            for at in range(filled):
                signals[signal, at] = values[signal, first + at]
        else:
            for at in range(filled):
                signals[signal, at] = values[signal, taken[at]]


@_inner
def _rest(signals: Floats, features: Floats, base: Floats, spread: Floats, weights: Floats, weight: float) -> None:
    """Signals become rests in spreads, times the weight of a row."""
    for signal in range(signals.shape[0]):
        for at in range(TILE):
            rest = signals[signal, at] - base[signal]
            for feature in range(FEATURES):
                rest -= weights[feature, signal] * features[feature, at]
            signals[signal, at] = rest / spread[signal] * weight


@_inner
def _smooth(rests: Floats, smooth: Floats, keep: float, filled: np.int64) -> None:
    for signal in range(0, rests.shape[0], LANES):
        a, b, c, d = smooth[signal], smooth[signal + 1], smooth[signal + 2], smooth[signal + 3]
        for at in range(filled):
            a = rests[signal, at] + keep * a
            b = rests[signal + 1, at] + keep * b
            c = rests[signal + 2, at] + keep * c
            d = rests[signal + 3, at] + keep * d
            rests[signal, at] = a
            rests[signal + 1, at] = b
            rests[signal + 2, at] = c
            rests[signal + 3, at] = d
        smooth[signal], smooth[signal + 1], smooth[signal + 2], smooth[signal + 3] = a, b, c, d


@_inner
def _woven(total: Floats, weights: Floats, lines: Floats) -> None:
    """The sum over `lines` of each by its weights, one after the other."""
    for place in range(weights.shape[0]):
        for at in range(TILE):
            total[place, at] = 0.0
        for line in range(0, weights.shape[1], LANES):
            a, b, c, d = weights[place, line], weights[place, line + 1], weights[place, line + 2], weights[place, line + 3]
            for at in range(TILE):
                part = total[place, at] + a * lines[line, at] + b * lines[line + 1, at]
                total[place, at] = part + c * lines[line + 2, at] + d * lines[line + 3, at]


@_inner
def _add(parts: Floats, signals: Floats, q_limit: float, limit: float, score: Floats) -> None:
    """What each signal adds to the statistic, and the sum."""
    for at in range(TILE):
        score[at] = 0.0
    for signal in range(signals.shape[0]):
        for at in range(TILE):
            part = (parts[signal, at] + signals[signal, at] / q_limit) * signals[signal, at] / limit
            parts[signal, at] = part
            score[at] += part


@_inner
def _judge(model: Model, tile: Tile) -> None:
    """Smoothed rests become what each adds to the score; the score is the first of `lines`."""
    center, scale, middle, shares, threshold = model.center, model.scale, model.middle, model.shares, model.threshold
    signals, placed, parts, score, share = tile.signals, tile.placed, tile.parts, tile.lines[0], tile.lines[1]
    for signal in range(signals.shape[0]):
        for at in range(TILE):
            signals[signal, at] = (signals[signal, at] - center[signal]) / scale[signal] - middle[signal]
    _woven(placed, model.directions, signals)
    for component in range(placed.shape[0]):
        for at in range(TILE):
            placed[component, at] *= shares[component]
    _woven(parts, model.turned, placed)
    _add(parts, signals, model.q_limit, model.limit, score)
    for at in range(TILE):
        # The statistic is of squares; its root is as far out as the signals are. Less than nothing is nearer than usual.
        statistic = score[at]
        root = math.nan if not math.isfinite(statistic) else math.sqrt(statistic) if statistic > 0.0 else 0.0
        share[at] = root / statistic if statistic > 0.0 else root
        score[at] = root / threshold
    for signal in range(signals.shape[0]):
        for at in range(TILE):
            parts[signal, at] = parts[signal, at] * share[at] / threshold


@_inner
def _write(lines: Floats, taken: Numbers, filled: np.int64, order: Numbers, found: Floats) -> None:
    first = taken[0]
    is_whole = taken[filled - 1] - first == filled - 1
    for line in range(len(order)):
        place = order[line]
        if is_whole:
            for at in range(filled):
                found[place, first + at] = lines[line, at]
        else:
            for at in range(filled):
                found[place, taken[at]] = lines[line, at]


@_inner
def _blank(score: Floats, why: Numbers, parts: Floats) -> None:
    """What has no score, and what is beyond all numbers, is NaN."""
    for row in range(len(score)):
        if why[row] != SCORED or math.isnan(score[row]):
            why[row] = why[row] if why[row] != SCORED else VALUE_MISSING
            score[row] = np.nan
    for line in range(parts.shape[0]):
        for row in range(len(score)):
            if math.isnan(score[row]):
                parts[line, row] = np.nan


@_kept
def follow(model: Model, memory: Memory, rows: Rows, found: Found, goal: int) -> None:
    """Take the rows that follow those before as far as `goal`."""
    wide, deep = model.base.shape[1], model.directions.shape[0]
    signals, features, parts, lines = np.zeros((wide, TILE)), np.zeros((FEATURES, TILE)), np.zeros((wide, TILE)), np.zeros((2, TILE))
    taken, score, scored = np.zeros(TILE, np.int64), found.score, lines[0]
    tile = Tile(signals, features, np.zeros((deep, TILE)), parts, lines, taken)
    holes, many, first = _holes(rows.values), len(rows.seconds), np.int64(0)
    for row in range(many):
        score[row] = 0.0
    while first < many:
        first, filled, place = _gather(model, memory, rows, holes, first, tile, found.why)
        if filled and goal == RAN:
            _write(features, taken, filled, found.order, found.parts)
        elif filled:
            _take(rows.values, taken, filled, signals)
            _rest(signals, features, model.base[place], model.spread[place], model.weights[place], model.weight)
            _smooth(signals, memory.smooth, 1.0 - model.weight, filled)
            if goal == SCORES:
                _judge(model, tile)
                for at in range(filled):
                    score[taken[at]] = scored[at]
            _write(signals if goal == RESTS else parts, taken, filled, found.order, found.parts)
    _blank(score, found.why, found.parts)
