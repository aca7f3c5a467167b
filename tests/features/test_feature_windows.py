"""Minutes as numbers: what each column is, and that a window has the same bits whatever is computed beside it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from factolake.features.windows import WINDOW_US, Values, Windows, window_features

NAMES = ("load", "temp")
S = 1_000_000


def values(*rows: tuple[str, float, float], names: tuple[str, ...] = NAMES) -> Values:
    """(signal, second, value) in order of time."""
    signal = np.array([names.index(name) for name, _, _ in rows], dtype=np.int64)
    ts_us = np.array([round(second * S) for _, second, _ in rows], dtype=np.int64)
    return Values(names, signal, ts_us, np.array([value for _, _, value in rows], dtype=np.float64))


def one(*rows: tuple[float, float]) -> dict[str, float]:
    """The one window of a signal's (second, value)."""
    made = window_features(values(*(("load", *row) for row in rows)))
    assert len(made) == 1
    return {name: getattr(made, name)[0].item() for name in ("n", "mean", "std", "low", "high", "first", "last", "slope")}


def test_a_window_says_how_many_how_large_how_far_apart_and_how_steep() -> None:
    # 10 s 4    20 s 2    30 s 6: mean 4, deviations 0 -2 2, slope (-10 * 0 + 0 * -2 + 10 * 2) / 200
    made = one((10, 4.0), (20, 2.0), (30, 6.0))
    assert made == {"n": 3, "mean": 4.0, "std": pytest.approx((8 / 3) ** 0.5), "low": 2.0, "high": 6.0, "first": 4.0, "last": 6.0, "slope": 0.1}


def test_one_value_has_no_spread_and_no_slope() -> None:
    assert one((10, 4.0)) == {"n": 1, "mean": 4.0, "std": 0.0, "low": 4.0, "high": 4.0, "first": 4.0, "last": 4.0, "slope": 0.0}


def test_values_of_one_stamp_have_no_slope_but_a_spread() -> None:
    made = one(*((1 / 3, value) for value in (1.0, 3.0, 3.0)))
    assert (made["slope"], made["first"], made["last"]) == (0.0, 1.0, 3.0) and made["std"] > 0.9


def test_a_value_that_stands_still_has_exactly_itself_as_mean_and_no_spread() -> None:
    made = one(*((second, 0.1) for second in range(60)))
    assert (made["mean"], made["std"], made["slope"]) == (0.1, 0.0, 0.0)


def test_a_value_on_the_border_belongs_to_the_window_it_begins() -> None:
    made = window_features(values(("load", 59.999999, 1.0), ("load", 60, 2.0), ("load", 120, 3.0)))
    assert (made.window_us // S).tolist() == [0, 60, 120] and made.mean.tolist() == [1.0, 2.0, 3.0]


def test_rows_come_by_window_and_then_by_signal_and_only_where_there_are_values() -> None:
    made = window_features(values(("temp", 1, 1.0), ("load", 2, 2.0), ("temp", 61, 3.0)))
    assert [(made.names[k], at // S) for k, at in zip(made.signal, made.window_us, strict=True)] == [("load", 0), ("temp", 0), ("temp", 60)]


def test_time_before_1970_has_windows_too() -> None:
    assert window_features(values(("load", -1, 1.0))).window_us.tolist() == [-WINDOW_US]


def test_no_values_no_windows() -> None:
    assert len(window_features(values())) == 0


def test_values_out_of_order_or_of_unequal_number_are_refused() -> None:
    with pytest.raises(ValueError, match="value 1 is of 1000000 us, before the one before it"):
        values(("load", 2, 1.0), ("load", 1, 1.0))
    with pytest.raises(ValueError, match="2 signals, 1 times and 1 values"):
        Values(NAMES, np.zeros(2, dtype=np.int64), np.zeros(1, dtype=np.int64), np.zeros(1))


def loop(rows: list[tuple[int, float]]) -> list[float]:
    """The definitions by Python's own numbers, value after value."""
    first = rows[0][1]
    total = spread = seconds = across = squares = 0.0
    for at, value in rows:
        total += value - first
        seconds += at % WINDOW_US / S
    low, high = min(value for _, value in rows), max(value for _, value in rows)
    mean, middle = min(max(first + total / len(rows), low), high), seconds / len(rows)
    for at, value in rows:
        off = at % WINDOW_US / S - middle
        spread, across, squares = spread + off * off, across + off * (value - mean), squares + (value - mean) * (value - mean)
    slope = across / spread if rows[0][0] < rows[-1][0] else 0.0
    return [len(rows), mean, (squares / len(rows)) ** 0.5, low, high, first, rows[-1][1], slope]


@st.composite
def stretches(draw: st.DrawFn) -> Values:
    """Some minutes of two signals, in order, many values with one stamp."""
    count = draw(st.integers(1, 400))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    ts_us = np.sort(rng.integers(0, draw(st.sampled_from((50, 3 * WINDOW_US))), count)) * draw(st.sampled_from((1, 7)))
    value = draw(npst.arrays(np.float64, count, elements=st.floats(-1e6, 1e6), fill=st.sampled_from((0.0, -0.0, 0.1))))
    return Values(NAMES, rng.integers(0, 2, count), ts_us, value)


@settings(max_examples=40, deadline=None)
@given(stretches())
def test_every_window_has_the_bits_of_a_plain_loop_over_its_values(given_values: Values) -> None:
    rows: dict[tuple[int, int], list[tuple[int, float]]] = {}
    for signal, at, value in zip(given_values.signal.tolist(), given_values.ts_us.tolist(), given_values.value.tolist(), strict=True):
        rows.setdefault((at // WINDOW_US, signal), []).append((at, value + 0.0))
    assert bits(window_features(given_values)) == [np.array(loop(rows[key])).tobytes() for key in sorted(rows)]


@settings(max_examples=25, deadline=None)
@given(stretches(), st.integers(0, 60))
def test_nothing_at_or_after_the_end_of_a_window_changes_it(given_values: Values, minute: int) -> None:
    end_us = minute * WINDOW_US
    before = given_values.ts_us < end_us
    other = np.where(before, given_values.value, given_values.value * -3 + 1)
    made = window_features(given_values)
    moved = window_features(Values(NAMES, given_values.signal, given_values.ts_us, other))
    gone = window_features(Values(NAMES, given_values.signal[before], given_values.ts_us[before], given_values.value[before]))
    closed = int((made.window_us + WINDOW_US <= end_us).sum())
    assert bits(made)[:closed] == bits(moved)[:closed] == bits(gone)[:closed]


def bits(made: Windows) -> list[bytes]:
    """Each row's numbers, bit by bit."""
    columns = (made.n.astype(np.float64), made.mean, made.std, made.low, made.high, made.first, made.last, made.slope)
    return [row.tobytes() for row in np.column_stack(columns)]
