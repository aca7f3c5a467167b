"""Windows of a stream: when they close, what comes late, and that they have the bits of the batch functions. Seconds of event time."""

import json
import random

import numpy as np
import pytest
from feature_stories import WORDS, S, delayed, story
from hypothesis import given, settings
from hypothesis import strategies as st

from factolake.domain.signals import SignalKind
from factolake.features.regimes import regimes
from factolake.features.stream import ClosedWindow, MachineWindows, Reading, StreamState, product_of, running_of, values_of
from factolake.features.windows import WINDOW_US, window_features

FLOATS = ("mean", "std", "low", "high", "first", "last", "slope")


def value(second: float, number: float, signal: str = "load") -> Reading:
    return Reading(SignalKind.PROCESS, signal, round(second * S), 1, 0, 0, "good", value=number)


def state(second: float, word: str, quality: str = "good") -> Reading:
    return Reading(SignalKind.STATE, "state", round(second * S), 1, 0, 0, quality, text=word)


def product(second: float, word: str | None, quality: str = "good") -> Reading:
    return Reading(SignalKind.PRODUCT, "product", round(second * S), 1, 0, 0, quality, text=word)


def beat(second: float) -> Reading:
    return Reading(SignalKind.HEARTBEAT, "heartbeat", round(second * S), 1, 0, 0, "good")


def told(closed: list[ClosedWindow]) -> list[tuple[object, ...]]:
    """(second, means by signal, running seconds, product)."""
    means = [{one.signals.names[k]: mean for k, mean in zip(one.signals.signal, one.signals.mean.tolist(), strict=True)} for one in closed]
    return [(one.window_us // S, mean, one.running_s, one.product) for one, mean in zip(closed, means, strict=True)]


def batch(readings: list[Reading]) -> list[tuple[object, ...]]:
    """Every window of `readings` by the batch functions, over all of them at once."""
    ordered = sorted(readings, key=lambda one: one.order)
    made = window_features(values_of(ordered))
    done = regimes(np.unique(made.window_us), running_of(ordered, None, WORDS), product_of(ordered, None))
    rows = zip(done.window_us.tolist(), done.running_s.tolist(), done.product, strict=True)
    return [(window, *_bits(made, np.flatnonzero(made.window_us == window)), running, name) for window, running, name in rows]


def bits(closed: list[ClosedWindow]) -> list[tuple[object, ...]]:
    return [(one.window_us, *_bits(one.signals, np.arange(len(one.signals))), one.running_s, one.product) for one in closed]


def _bits(windows, rows) -> tuple[object, ...]:
    names = tuple(windows.names[number] for number in windows.signal[rows])
    return (names, windows.n[rows].tolist(), *(getattr(windows, name)[rows].tobytes() for name in FLOATS))


def test_a_window_closes_with_the_first_reading_after_its_end_and_grace() -> None:
    # 0 s 1 ... 50 s 3 ...|60 s 9 ... 61.9 s |grace 62 s: any reading
    windows = MachineWindows(WORDS)
    assert windows.take([value(0, 1.0), value(50, 3.0), value(60, 9.0), value(61.9, 9.0)]) == []
    assert told(windows.take([beat(62)])) == [(0, {"load": 2.0}, 0.0, None)]


def test_a_window_closes_by_the_clock_when_the_machine_says_nothing() -> None:
    windows = MachineWindows(WORDS, grace_s=5.0)
    windows.take([value(10, 1.0)])
    assert windows.passed(65 * S - 1) == [] and told(windows.passed(65 * S)) == [(0, {"load": 1.0}, 0.0, None)]
    assert windows.passed(65 * S) == [] and windows.passed(30 * S) == []


def test_a_value_within_the_grace_still_counts_and_a_later_one_is_late() -> None:
    windows = MachineWindows(WORDS)
    assert told(windows.take([value(50, 1.0), value(61, 9.0), value(59, 3.0), beat(62), value(58, 99.0)])) == [(0, {"load": 2.0}, 0.0, None)]
    assert windows.late == 1 and told(windows.passed(122 * S)) == [(60, {"load": 9.0}, 0.0, None)]


def test_what_the_machine_did_goes_on_over_windows_without_values() -> None:
    # state 1 from 30 s, P from 10 s; nothing from 60 to 180 s
    windows = MachineWindows(WORDS)
    closed = windows.take([product(10, "P"), state(30, "1"), value(40, 1.0), value(200, 2.0), state(210, "9"), beat(300)])
    assert told(closed) == [(0, {"load": 1.0}, 30.0, None), (180, {"load": 2.0}, 30.0, "P")]


def test_a_state_that_comes_late_counts_from_the_next_window_on_unless_a_later_one_is_known() -> None:
    windows = MachineWindows(WORDS)
    windows.take([value(10, 1.0), beat(62), state(30, "1"), state(20, "9"), value(70, 1.0)])
    assert windows.late == 2 and told(windows.passed(122 * S)) == [(60, {"load": 1.0}, 60.0, None)]


def test_a_bad_state_is_no_running_and_a_bad_product_says_nothing() -> None:
    windows = MachineWindows(WORDS)
    readings = [state(0, "1"), product(0, "P"), value(10, 1.0), state(60, "1", "bad"), product(70, "Q", "bad"), value(80, 1.0)]
    assert told(windows.take([*readings, beat(130)])) == [(0, {"load": 1.0}, 60.0, "P"), (60, {"load": 1.0}, 0.0, "P")]


def test_only_good_values_of_process_and_setpoint_signals_count() -> None:
    energy = Reading(SignalKind.ENERGY, "energy", S, 1, 0, 0, "good", value=5.0)
    poor = Reading(SignalKind.PROCESS, "load", S, 1, 0, 0, "uncertain", value=5.0)
    assert MachineWindows(WORDS).take([energy, poor, beat(100)]) == []


def test_a_grace_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="grace_s must be >= 0, got -1"):
        MachineWindows(WORDS, grace_s=-1)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_a_stream_in_order_has_the_bits_of_the_batch_under_any_cut(seed: int) -> None:
    rng = random.Random(seed)
    readings = story(rng)
    windows, closed, at = MachineWindows(WORDS), [], 0
    while at < len(readings):
        step = rng.randrange(1, 30)
        closed += windows.take(readings[at : at + step])
        at += step
        if rng.random() < 0.5:  # killed and started again: the state went through a file
            windows = MachineWindows(WORDS, at=StreamState.from_json(json.loads(json.dumps(windows.snapshot().to_json()))))
    closed += windows.passed(readings[-1].ts_us + 2 * WINDOW_US)
    assert bits(closed) == batch(readings) and windows.late == 0


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(0, 90))
def test_a_closed_window_has_the_bits_of_the_batch_over_all_that_had_come(seed: int, most_s: float) -> None:
    rng = random.Random(seed)
    coming = delayed(rng, story(rng), most_s)
    windows = MachineWindows(WORDS)
    late = 0
    for count, reading in enumerate(coming, 1):
        late += (reading.is_value or reading.is_told) and reading.ts_us < windows.snapshot().closed_us
        for closed in windows.take([reading]):
            known = {window: row for window, *row in batch(coming[:count])}
            assert bits([closed])[0] == (closed.window_us, *known[closed.window_us])
    assert windows.late == late
    whole = MachineWindows(WORDS)
    whole.take(coming)
    assert whole.snapshot() == windows.snapshot()


def test_a_snapshot_does_not_change_with_later_readings() -> None:
    windows = MachineWindows(WORDS)
    windows.take([value(10, 1.0)])
    kept = windows.snapshot()
    windows.take([value(20, 1.0), state(30, "1"), beat(100)])
    assert kept == StreamState(closed_us=kept.closed_us, waiting=(value(10, 1.0),))
