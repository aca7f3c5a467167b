"""Change points of whole recordings: at the places where regimes were drawn to change, with the levels they had, and none where nothing changed."""

import numpy as np
import pytest

from models.timeseries.changes import ChangeSettings
from models.timeseries.signals import Signals

#  flow       20 ____      24 ____
#                    16 ____      24        rows 150, 400, 600 of 700
#  current     5 ______________ 8 ____      row 600
PLACES = (150, 400, 600)


def recording(seed: int = 0) -> Signals:
    noise = np.random.default_rng(seed).normal(size=(700, 2))
    levels = np.zeros((700, 2))
    levels[:, 0] = np.repeat([20.0, 16.0, 24.0, 24.0], [150, 250, 200, 100])
    levels[:, 1] = np.repeat([5.0, 8.0], [600, 100])
    return Signals.of(("flow", "current"), levels + noise * (1.0, 0.5), step_s=2.0)


def creeping(rows: int, share: float, seed: int) -> Signals:
    noise = np.random.default_rng(seed).normal(size=rows)
    for row in range(1, rows):
        noise[row] += share * noise[row - 1]
    return Signals.of(("flow",), noise[:, None])


@pytest.mark.parametrize("seed", range(3))
def test_changes_are_found_where_they_were_drawn(seed: int) -> None:
    found = ChangeSettings().changes(recording(seed))
    assert len(found) == len(PLACES)
    for change, place in zip(found, PLACES, strict=True):
        assert abs(change.row - place) <= 3 and change.seconds == 2.0 * change.row


def test_a_change_tells_levels_and_size_of_the_signal_that_changed_most() -> None:
    first, _, last = (change.moves for change in ChangeSettings().changes(recording()))
    assert (first[0].name, last[0].name) == ("flow", "current")
    assert first[0].before == pytest.approx(20, abs=0.3) and first[0].after == pytest.approx(16, abs=0.3)
    assert first[0].times_noise == pytest.approx(4, rel=0.2) and first[1].times_noise < 0.5 and last[0].times_noise == pytest.approx(6, rel=0.2)
    assert str(last[0]).startswith("current from 5.") and "(+" in str(last[0]) and str(last[0]).endswith("times its noise)")


def test_the_unit_of_a_signal_does_not_matter() -> None:
    signals = recording()
    larger = Signals.of(signals.names, signals.values * (1000.0, 0.01), step_s=2.0)
    assert [one.row for one in ChangeSettings().changes(larger)] == [one.row for one in ChangeSettings().changes(signals)]


@pytest.mark.parametrize("share", [0.0, 0.5, 0.8])
def test_noise_that_creeps_is_hardly_ever_taken_for_changes(share: float) -> None:
    assert sum(len(ChangeSettings().changes(creeping(600, share, seed))) for seed in range(10)) <= 2


def test_more_caution_finds_fewer_changes() -> None:
    walk = creeping(600, 0.98, 0)
    counts = [len(ChangeSettings(caution=caution).changes(walk)) for caution in (0.2, 2.0, 100.0)]
    assert counts[0] > counts[1] >= counts[2] == 0


def test_a_change_of_spread_is_a_change_of_shape_and_none_of_level() -> None:
    values = np.random.default_rng(0).normal(size=(400, 1))
    values[250:] *= 4
    signals = Signals.of(("pressure",), values)
    (found,) = ChangeSettings("shape").changes(signals)
    assert abs(found.row - 250) <= 8
    assert ChangeSettings("shape").changes(signals.rows(0, 250)) == () == ChangeSettings().changes(signals.rows(0, 250))


def test_rows_without_a_value_or_at_a_stop_are_left_out_and_places_are_those_of_the_recording() -> None:
    signals = recording()
    values, regimes = signals.values.copy(), signals.regimes.copy()
    values[50:60, 1], regimes[200:230] = np.nan, -1
    values[200:230] = 900.0
    found = ChangeSettings().changes(Signals(signals.names, values, signals.seconds, regimes))
    assert [abs(change.row - place) <= 3 for change, place in zip(found, PLACES, strict=True)] == [True] * 3


def test_a_signal_that_never_moves_is_no_change() -> None:
    signals = recording()
    still = Signals.of(("flow", "still"), np.column_stack([signals.values[:, 0], np.full(700, 3.0)]))
    assert len(ChangeSettings().changes(still)) == 2


def test_what_cannot_be_judged_is_refused() -> None:
    with pytest.raises(ValueError, match="15 of 15 rows are whole and ran; give at least 20"):
        ChangeSettings().changes(recording().rows(0, 15))
    with pytest.raises(ValueError, match="9000 rows are too many"):
        ChangeSettings("shape").changes(Signals.of(("flow",), np.zeros((9000, 1))))
    for settings, words in (({"of": "mood"}, "'mood'"), ({"fewest_rows": 1}, "fewest_rows is 1"), ({"caution": 0.0}, "caution is 0.0")):
        with pytest.raises(ValueError, match=words):
            ChangeSettings(**settings)  # type: ignore[arg-type]
