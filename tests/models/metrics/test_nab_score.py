"""The score of the Numenta Anomaly Benchmark: values reckoned by hand, and a second reckoning, row by row, that shares no code with the first."""

import math

import numpy as np
import pytest

from models.metrics.nab import PROFILES, Marks, Profile, Windows, false_alarms_per_1000_rows, probation_rows, quiet_alarms, scaled_sigmoid, score

Window = tuple[int, int]


def reckoned(records: list[tuple[int, list[Window], set[int]]], profile: Profile) -> float:
    """All of it once more, one row after the other, in plain numbers."""

    def sigmoid(position: float) -> float:
        return -1.0 if position >= 3 else 2 / (1 + math.exp(5 * position)) - 1

    reached, nothing, perfect = 0.0, 0.0, 0.0
    for rows, windows, alarms in records:
        best: dict[Window, float] = {}
        open_window: Window | None = None
        left: Window | None = None
        for row in range(rows):
            for window in windows:
                if row == window[0]:
                    open_window = window
            if row >= min(math.floor(0.15 * rows), 750.0):
                if open_window is not None:
                    best.setdefault(open_window, -profile.missed)
                    if row in alarms:
                        width = open_window[1] - open_window[0] + 1
                        worth = profile.found * sigmoid(-(open_window[1] - row + 1) / width) / sigmoid(-1.0)
                        best[open_window] = max(best[open_window], worth)
                elif row in alarms:
                    position = 3.0 if left is None else (row - left[1]) / (left[1] - left[0])
                    reached += profile.false_alarm * sigmoid(position)
            if open_window is not None and row == open_window[1]:
                open_window, left = None, open_window
        reached += sum(best.values())
        nothing -= profile.missed * len(best)
        perfect += profile.found * len(windows)
    return 100 * (reached - nothing) / (perfect - nothing)


def scored(records: list[tuple[int, list[Window], set[int]]], profile: Profile) -> float:
    judged = [Marks.of(Windows(rows, tuple(windows))).judged(np.array(sorted(alarms), dtype=np.int64)) for rows, windows, alarms in records]
    return score(judged, profile)


@pytest.mark.parametrize(
    ("alarms", "profile", "value"),
    [
        # One window of 10 rows among 100; 15 rows of probation.
        (set(), "standard", 0.0),
        ({50}, "standard", 100.0),
        # Half of the window is left: (2 / (1 + exp(-2.5)) - 1) / 0.98661430 = 0.85979257.
        ({55}, "standard", 50 * (0.85979257 + 1)),
        # Only the first alarm in the window counts, whatever comes after it there.
        ({55, 56, 57, 58}, "standard", 50 * (0.85979257 + 1)),
        # Long before any window: 0.11 in full; twice as much, and half as much beside the missed window, in the others.
        ({20}, "standard", -5.5),
        ({20}, "reward_low_FP_rate", -11.0),
        ({20}, "reward_low_FN_rate", -100 * 0.11 / 3),
        # One row behind the window, 1 / 9 of its width: 2 / (1 + exp(5 / 9)) - 1 = -0.27084712.
        ({60}, "standard", 50 * 0.11 * -0.27084712),
        # 27 rows behind it and more cost in full.
        ({85}, "standard", 50 * 0.11 * (2 / (1 + math.exp(5 * 26 / 9)) - 1)),
        ({86}, "standard", -5.5),
        # Row 14 is the last of the probation.
        ({0, 14}, "standard", 0.0),
        ({15}, "standard", -5.5),
    ],
)
def test_scores_reckoned_by_hand(alarms: set[int], profile: str, value: float) -> None:
    assert scored([(100, [(50, 59)], alarms)], PROFILES[profile]) == pytest.approx(value, abs=1e-6)


def test_weights_are_those_of_version_1_1() -> None:
    assert PROFILES == {
        "standard": Profile(1.0, 0.11, 1.0),
        "reward_low_FP_rate": Profile(1.0, 0.22, 1.0),
        "reward_low_FN_rate": Profile(1.0, 0.11, 2.0),
    }


@pytest.mark.parametrize("seed", range(12))
def test_a_second_reckoning_comes_to_the_same(seed: int) -> None:
    chance = np.random.default_rng(seed)
    records = []
    for _ in range(6):
        rows = int(chance.integers(60, 6500))
        edges = np.sort(chance.choice(rows, size=2 * int(chance.integers(0, 4)), replace=False)).tolist()
        alarms = set(np.flatnonzero(chance.random(rows) < 0.02).tolist())
        records.append((rows, list(zip(edges[::2], edges[1::2], strict=True)), alarms))
    records.append((1000, [(200, 260), (261, 300)], {250, 261, 301}))
    for profile in PROFILES.values():
        assert scored(records, profile) == pytest.approx(reckoned(records, profile), abs=1e-9)


def test_probation_is_a_share_of_short_records_and_the_same_for_long_ones() -> None:
    assert [probation_rows(rows) for rows in (0, 6, 7, 1127, 4999, 5000, 5001, 22695)] == [0, 0, 1, 169, 749, 750, 750, 750]


def test_a_window_within_the_probation_can_be_neither_found_nor_missed_and_still_counts_for_perfect() -> None:
    judged = Marks.of(Windows(1000, ((10, 20), (140, 160), (500, 520)))).judged(np.array([12, 145, 155]))
    assert (judged.missed, judged.windows, len(judged.found), judged.false_alarms) == (1, 3, 1, 0)
    assert scored([(1000, [(10, 20), (500, 520)], {500})], PROFILES["standard"]) == pytest.approx(100 * 2 / 3)


def test_a_window_of_one_row_is_found_in_it_and_has_no_behind() -> None:
    marks = Marks.of(Windows(100, ((50, 50),)))
    assert marks.judged(np.array([50])).found == (1.0,)
    assert marks.judged(np.array([51])).false_worth == -1.0


def test_nothing_to_find_is_no_score_and_false_alarms_are_counted_all_the_same() -> None:
    judged = Marks.of(Windows(1000, ())).judged(np.array([3, 200, 400]))
    assert math.isnan(score([judged], PROFILES["standard"]))
    assert false_alarms_per_1000_rows([judged]).tolist() == [1000 * 2 / 850]


def test_worth_falls_steadily_from_the_beginning_of_a_window() -> None:
    worth = scaled_sigmoid(np.linspace(-1.0, 4.0, 200))
    assert (np.diff(worth) <= 0).all() and worth[0] == pytest.approx(0.98661, abs=1e-5) and worth[-1] == -1.0


@pytest.mark.parametrize("windows", [((5, 4),), ((0, 5), (5, 9)), ((20, 30), (3, 9)), ((90, 100),)])
def test_windows_that_cannot_be_are_refused(windows: tuple[Window, ...]) -> None:
    with pytest.raises(ValueError, match="windows must follow each other within 100 rows"):
        Windows(100, windows)


def test_quiet_after_an_alarm_does_not_look_ahead() -> None:
    strange = np.random.default_rng(3).random(2000) < 0.1
    whole = quiet_alarms(strange, 40)
    assert (np.diff(whole) >= 40).all() and strange[whole].all()
    for rows in (1, 77, 1234):
        assert quiet_alarms(strange[:rows], 40).tolist() == whole[whole < rows].tolist()
    assert quiet_alarms(strange, 1).tolist() == np.flatnonzero(strange).tolist()
