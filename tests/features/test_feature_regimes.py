"""What a machine did in each minute. Seconds of event time; `1` runs, `0` does not."""

import random

import numpy as np
import pytest

from factolake.features.regimes import Held, Regimes, is_running, regimes
from factolake.features.windows import WINDOW_US

S = 1_000_000


def held(before: object, *told: tuple[float, object]) -> Held:
    return Held(before, np.array([round(second * S) for second, _ in told], dtype=np.int64), [value for _, value in told])


def made(running: Held[bool], product: Held[str | None], minutes: int = 3) -> Regimes:
    return regimes(np.arange(minutes, dtype=np.int64) * WINDOW_US, running, product)


def test_running_time_is_cut_at_the_borders_of_the_windows() -> None:
    # 0 s .......... 30 s 1 .............|.......... 70 s 0 ...........|...........
    found = made(held(False, (30, True), (70, False)), held(None))
    assert found.running_s.tolist() == [30.0, 10.0, 0.0]


def test_what_held_before_holds_on() -> None:
    found = made(held(True), held("P"))
    assert found.running_s.tolist() == [60.0] * 3 and found.product == ("P",) * 3


def test_a_word_told_before_the_first_window_counts_like_what_held_before() -> None:
    assert made(held(False, (-90, True)), held(None, (-90, "P"))).product == ("P",) * 3
    assert made(held(False, (-90, True)), held(None)).running_s.tolist() == [60.0] * 3


def test_of_words_with_one_stamp_the_last_counts() -> None:
    found = made(held(True, (30, False), (30, True), (60, True), (60, False)), held("P", (30, "Q"), (30, "P"), (60, "Q"), (60, "R")))
    assert found.running_s.tolist() == [60.0, 0.0, 0.0] and found.product == ("P", "R", "R")


def test_a_window_has_a_product_only_if_it_had_it_throughout() -> None:
    # P .........|60 s Q ......|130 s none .. 170 s Q |
    found = made(held(True), held("P", (60, "Q"), (130, None), (170, "Q")))
    assert found.product == ("P", "Q", None)


def test_the_same_product_told_again_is_no_change() -> None:
    assert made(held(True), held("P", (10, "P"), (60, "P"), (119.9, "P"))).product == ("P",) * 3


def test_a_machine_that_never_told_anything_does_not_run() -> None:
    found = made(held(False), held(None))
    assert found.running_s.tolist() == [0.0] * 3 and found.product == (None,) * 3


def test_no_windows_no_regimes() -> None:
    assert len(made(held(True, (5, False)), held("P"), minutes=0)) == 0


def test_windows_need_not_follow_each_other() -> None:
    found = regimes(np.array([0, 5 * WINDOW_US], dtype=np.int64), held(False, (30, True), (310, False)), held("P", (200, "Q")))
    assert found.running_s.tolist() == [30.0, 10.0] and found.product == ("P", "Q")


def test_words_mean_running_by_the_state_map() -> None:
    words = {"1": "producing", "2": "setup"}
    assert [is_running(words, word) for word in ("1", "2", "7")] == [True, False, False]
    assert is_running(words | {"*": "producing"}, "7") and not is_running(words | {"*": "producing"}, "2")


def test_told_values_out_of_order_or_of_unequal_number_are_refused() -> None:
    with pytest.raises(ValueError, match="before the one before it"):
        held(False, (2, True), (1, False))
    with pytest.raises(ValueError, match="0 times and 1 values"):
        Held(False, np.zeros(0, dtype=np.int64), [True])


def test_random_stories_agree_with_a_count_of_seconds() -> None:
    rng = random.Random(3)
    for _ in range(200):
        stamps = sorted(rng.randrange(-30, 200) for _ in range(rng.randrange(12)))
        states, names = [rng.random() < 0.5 for _ in stamps], [rng.choice(["P", "Q", None]) for _ in stamps]
        was, had = rng.random() < 0.5, rng.choice(["P", None])
        found = made(held(was, *zip(stamps, states, strict=True)), held(had, *zip(stamps, names, strict=True)))
        by_second = [
            (([was, *states])[sum(at <= second for at in stamps)], ([had, *names])[sum(at <= second for at in stamps)]) for second in range(180)
        ]
        for minute in range(3):
            seconds = by_second[minute * 60 : minute * 60 + 60]
            products = {product for _, product in seconds}
            assert found.running_s[minute] == sum(runs for runs, _ in seconds)
            assert found.product[minute] == (products.pop() if len(products) == 1 else None)
