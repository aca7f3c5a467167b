"""Bearing faults: damage of a kind is named where its size, its gain and the resonance it rings at were never seen."""

import json
import math

import numpy as np
import pytest

from factolake.domain.vibration import SKF_6205_2RS
from models.timeseries.bearing_faults import BearingFaults, FaultSettings, Windows
from tests.models.timeseries.strokes import struck

RATE_HZ = 12_000.0
KINDS = ("B", "IR", "OR")


def windows(ring_hz: float, rpm: float = 1797.0, gain: float = 1.0, each: int = 12, seed: int = 0) -> tuple[Windows, list[str]]:
    heard = SKF_6205_2RS.at(rpm)
    parts = {"B": (heard.ball, heard.cage), "IR": (heard.inner, heard.shaft), "OR": (heard.outer, 0.0)}
    samples = [
        gain * struck(at_hz, RATE_HZ, 1024, ring_hz=ring_hz, swing_hz=swing_hz, seed=100 * seed + 10 * number + row)
        for number, (at_hz, swing_hz) in enumerate(parts.values())
        for row in range(each)
    ]
    return Windows(np.array(samples), np.full(len(samples), rpm), RATE_HZ, SKF_6205_2RS), [kind for kind in parts for _ in range(each)]


@pytest.fixture(scope="module")
def model() -> BearingFaults:
    return FaultSettings().fit(*windows(ring_hz=3400))


@pytest.mark.parametrize(("ring_hz", "rpm", "gain"), [(2200, 1797, 1.0), (5200, 1730, 30.0), (3400, 1750, 0.01), (2200, 3000, 1.0)])
def test_damage_is_named_at_other_resonances_speeds_and_gains(model: BearingFaults, ring_hz: float, rpm: float, gain: float) -> None:
    asked, truth = windows(ring_hz, rpm, gain, seed=7)
    assert np.mean(model.predict(asked) == np.array(truth)) > 0.9


def test_a_window_is_judged_alone(model: BearingFaults) -> None:
    asked, _ = windows(2200, seed=3)
    together = model.probabilities(asked)
    alone = np.concatenate([model.probabilities(asked.only(np.array([row]))) for row in range(len(asked.rpm))])
    assert alone == pytest.approx(together, rel=1e-9)


def test_windows_of_several_speeds_are_each_judged_by_their_own(model: BearingFaults) -> None:
    (slow, _), (fast, _) = windows(2200, 1730, seed=3), windows(2200, 3000, seed=3)
    mixed = Windows(np.concatenate([fast.samples, slow.samples]), np.concatenate([fast.rpm, slow.rpm]), RATE_HZ, SKF_6205_2RS)
    assert model.probabilities(mixed) == pytest.approx(np.concatenate([model.probabilities(fast), model.probabilities(slow)]), rel=1e-9)


def test_evidence_does_not_change_with_gain_and_offset() -> None:
    asked, _ = windows(2200)
    louder = Windows(asked.samples * 50 + 9, asked.rpm, RATE_HZ, SKF_6205_2RS)
    assert FaultSettings().evidence(louder) == pytest.approx(FaultSettings().evidence(asked), rel=1e-6)


def test_evidence_is_highest_for_the_rhythm_that_is_there() -> None:
    asked, truth = windows(2200, each=6)
    names = np.array(["OR", "IR", "B"])[FaultSettings().evidence(asked).argmax(axis=1)]
    assert np.mean(names == np.array(truth)) > 0.9


def test_how_often_a_kind_was_recorded_does_not_matter(model: BearingFaults) -> None:
    known, faults = windows(ring_hz=3400)
    rows = np.concatenate([np.arange(len(faults)), *[np.arange(12)] * 5])
    often = FaultSettings().fit(known.only(rows), [faults[row] for row in rows])
    asked, _ = windows(2200, seed=5)
    assert np.mean(often.predict(asked) == model.predict(asked)) > 0.9


def test_probabilities_add_up_to_1_and_the_highest_is_named(model: BearingFaults) -> None:
    asked, _ = windows(2200)
    probabilities = model.probabilities(asked)
    assert probabilities.sum(axis=1) == pytest.approx(1)
    assert model.predict(asked).tolist() == [KINDS[row.argmax()] for row in probabilities]


def test_a_model_read_from_json_gives_the_same_bits(model: BearingFaults) -> None:
    again = BearingFaults.from_json(json.loads(json.dumps(model.to_json())))
    asked, _ = windows(2200)
    assert again.settings == model.settings
    assert np.array_equal(again.probabilities(asked), model.probabilities(asked))


@pytest.mark.parametrize(
    "spoil", [{"version": 2}, {"kinds": ["B"]}, {"weights": [[1.0]]}, {"biases": [math.nan] * 3}, {"harmonics": 0}, {"bands_hz": None}]
)
def test_json_that_is_no_classifier_is_refused(model: BearingFaults, spoil: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="no stored classifier"):
        BearingFaults.from_json({**model.to_json(), **spoil})
    with pytest.raises(ValueError, match="no stored classifier"):
        BearingFaults.from_json({key: value for key, value in model.to_json().items() if key not in spoil})


def test_fitting_leaves_its_windows_as_they_are_and_repeats() -> None:
    known, faults = windows(3400, each=4)
    before = known.samples.copy()
    first, second = FaultSettings().fit(known, faults), FaultSettings().fit(known, faults)
    assert np.array_equal(known.samples, before)
    assert first.to_json() == second.to_json()


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"bands_hz": ()}, "bands_hz is empty"),
        ({"harmonics": 21}, "harmonics is 21"),
        ({"highest_order": 1.0}, "highest_order is 1"),
        ({"shrinkage": 1.1}, "shrinkage is 1.1"),
    ],
)
def test_settings_out_of_range_are_refused(changed: dict[str, object], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        FaultSettings(**changed)  # type: ignore[arg-type]


def test_windows_with_gaps_wrong_shapes_or_a_standing_shaft_are_refused() -> None:
    good = np.ones((2, 1024))
    with pytest.raises(ValueError, match="do not fit"):
        Windows(good, np.ones(3), RATE_HZ, SKF_6205_2RS)
    with pytest.raises(ValueError, match="1 of 2 windows hold gaps"):
        Windows(np.where(np.arange(1024) + np.array([[0], [5000]]) == 7, np.nan, good), np.ones(2), RATE_HZ, SKF_6205_2RS)
    with pytest.raises(ValueError, match="shaft stands"):
        Windows(good, np.array([1797.0, 0.0]), RATE_HZ, SKF_6205_2RS)


def test_one_kind_alone_or_one_window_of_a_kind_is_too_little_and_silence_is_no_error(model: BearingFaults) -> None:
    known, faults = windows(3400, each=2)
    with pytest.raises(ValueError, match="give 2 kinds"):
        FaultSettings().fit(known, ["B"] * len(faults))
    with pytest.raises(ValueError, match="2 windows of each"):
        FaultSettings().fit(known, ["IR", *["B"] * (len(faults) - 1)])
    silent = Windows(np.zeros((1, 1024)), np.array([1797.0]), RATE_HZ, SKF_6205_2RS)
    assert np.isfinite(model.probabilities(silent)).all()
