"""No window sees what comes at or after its end: changing that changes nothing, and a function that does see it is found out."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest
from feature_stories import WORDS, story

from factolake.features.cycles import Cycles, cycle_features
from factolake.features.regimes import Held, regimes
from factolake.features.stream import Reading, product_of, running_of, values_of
from factolake.features.windows import WINDOW_US, Values, window_features

Rows = dict[int, bytes]
Maker = Callable[[Sequence[Reading]], Rows]


def minutes(readings: Sequence[Reading]) -> Rows:
    """What is said of each minute, by its end."""
    made = window_features(values_of(readings))
    done = regimes(np.unique(made.window_us), running_of(readings, None, WORDS), product_of(readings, None))
    told: Rows = {}
    for row in range(len(made)):
        names = ("mean", "std", "low", "high", "first", "last", "slope")
        told.setdefault(int(made.window_us[row]) + WINDOW_US, b"")
        told[int(made.window_us[row]) + WINDOW_US] += made.n[row].tobytes() + b"".join(getattr(made, name)[row].tobytes() for name in names)
    for window, running_s, product in zip(done.window_us.tolist(), done.running_s, done.product, strict=True):
        told[window + WINDOW_US] += running_s.tobytes() + repr(product).encode()
    return told


def cycles(readings: Sequence[Reading]) -> Rows:
    """What is said of each cycle of 50 seconds, by its end."""
    ends_us = np.arange(1, 6, dtype=np.int64) * 50_000_000
    made = cycle_features(values_of(readings), Cycles(ends_us - 50_000_000, ends_us))
    told: Rows = {}
    for row, cycle in enumerate(made.cycle.tolist()):
        end = int(ends_us[cycle])
        told[end] = told.get(end, b"") + b"".join(getattr(made, name)[row].tobytes() for name in ("n", "mean", "low", "high", "last"))
    return told


def leaking_by_scale(readings: Sequence[Reading]) -> Rows:
    """Values as shares of the highest of the whole stretch: the usual scaling before a split."""
    values = values_of(readings)
    scale = np.max(np.abs(values.value), initial=1.0)
    scaled = window_features(Values(values.names, values.signal, values.ts_us, values.value / scale))
    ends = scaled.window_us + WINDOW_US
    return {int(end): scaled.mean[ends == end].tobytes() for end in np.unique(ends)}


def leaking_by_border(readings: Sequence[Reading]) -> Rows:
    """The product at the very end of the minute, which the next minute begins with."""
    product = product_of(readings, None)
    moved = Held(product.before, product.ts_us - 1, product.told)
    ends = np.arange(1, 5, dtype=np.int64) * WINDOW_US
    return dict(
        zip(ends.tolist(), (repr(name).encode() for name in regimes(ends - WINDOW_US, Held(False, ends[:0], []), moved).product), strict=True)
    )


def leaks(make: Maker, rounds: int = 60) -> bool:
    """Whether what `make` says of a window changes with readings at or after its end."""
    rng = random.Random(11)
    for _ in range(rounds):
        readings = story(rng)
        end_us = rng.randrange(1, 5) * WINDOW_US
        past = [one for one in readings if one.ts_us < end_us]
        other = [_other(rng, one) for one in readings if one.ts_us >= end_us and rng.random() < 0.8]
        before, after = make(readings), make([*past, *other])
        if {end: row for end, row in before.items() if end <= end_us} != {end: row for end, row in after.items() if end <= end_us}:
            return True
    return False


def _other(rng: random.Random, reading: Reading) -> Reading:
    number = None if reading.value is None else reading.value * 1000 + 1
    return replace(reading, value=number, text=rng.choice(("1", "9", "R")), quality=rng.choice(("good", "bad")))


@pytest.mark.parametrize("make", [minutes, cycles])
def test_nothing_at_or_after_the_end_is_seen(make: Maker) -> None:
    assert not leaks(make)


@pytest.mark.parametrize("make", [leaking_by_scale, leaking_by_border])
def test_a_function_that_sees_the_future_is_found_out(make: Maker) -> None:
    assert leaks(make)


def test_values_at_the_end_of_a_cycle_belong_to_the_next() -> None:
    values = Values(("a",), np.zeros(4, dtype=np.int64), np.array([10, 20, 30, 50]), np.array([1.0, 2.0, 3.0, 4.0]))
    made = cycle_features(values, Cycles(np.array([10, 30]), np.array([20, 40])))
    assert (made.cycle.tolist(), made.n.tolist(), made.mean.tolist()) == ([0, 1], [1, 1], [1.0, 3.0])


def test_cycles_that_overlap_or_have_no_length_are_refused() -> None:
    with pytest.raises(ValueError, match="before the one before it"):
        Cycles(np.array([0, 5]), np.array([10, 20]))
    with pytest.raises(ValueError, match="pulses of one stamp"):
        Cycles(np.array([5]), np.array([5]))
    with pytest.raises(ValueError, match="1 beginnings and 0 ends"):
        Cycles(np.array([5]), np.array([], dtype=np.int64))
