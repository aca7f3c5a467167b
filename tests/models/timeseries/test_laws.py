"""What `models.contract` asks, of every detector: each class under `models.timeseries` whose `fit` takes signals is found and held to each law."""

import importlib
import inspect
import json
import pkgutil
import re
from collections.abc import Callable
from dataclasses import FrozenInstanceError, dataclass, fields, replace
from pathlib import Path
from typing import Any, Self, get_type_hints

import numpy as np
import pytest

import models.timeseries
from models.contract import Detector, Scorer, Settings
from models.timeseries.signals import Floats, Scores, Signals, Unscored

NAMES = ("flow", "current", "pressure", "temperature")
ROWS = 1800


def settings_classes() -> list[type[Any]]:
    """Every class of the package with a method `fit` that needs `Signals` and no more."""
    found = []
    for module in pkgutil.walk_packages(models.timeseries.__path__, "models.timeseries."):
        for _, cls in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if cls.__module__ == module.name and _fits_signals(cls):
                found.append(cls)
    return sorted(found, key=lambda cls: cls.__name__)


def _fits_signals(cls: type[Any]) -> bool:
    fit = vars(cls).get("fit")
    if not inspect.isfunction(fit):
        return False
    arguments = [one.name for one in list(inspect.signature(fit).parameters.values())[1:] if one.default is inspect.Parameter.empty]
    return len(arguments) == 1 and get_type_hints(fit).get(arguments[0]) is Signals


FOUND = settings_classes()


def recording(rows: int = ROWS, seed: int = 0) -> Signals:
    """Four signals that hang together, in two regimes with stops between them, values missing here and there, and a fault at the end."""
    noise = np.random.default_rng(seed)
    state = np.convolve(noise.normal(size=rows + 9), np.ones(10) / 3, mode="valid")
    values = 20 + np.outer(state, (1.0, -0.5, 2.0, 0.2)) + noise.normal(size=(rows, 4)) * (0.3, 0.3, 0.3, 1.0)
    values[rows - rows // 10 :, 1] += 4.0
    regimes = np.where(np.arange(rows) // (rows // 6) % 3 == 1, 5, 2)
    values[regimes == 5] += 7.0
    regimes[rows // 3 - 5 : rows // 3] = -1
    values[np.arange(rows) % 211 == 17, 2] = np.nan
    return Signals(NAMES, values, np.arange(rows) * 1.0, regimes)


def ordered(signals: Signals, order: tuple[int, ...]) -> Signals:
    """The same rows with the signals in another order."""
    return Signals(tuple(signals.names[place] for place in order), np.ascontiguousarray(signals.values[:, order]), signals.seconds, signals.regimes)


def scored(detector: Detector, signals: Signals, block_rows: int | None = None) -> Scores:
    """Scores of all rows, given in blocks."""
    rows = len(signals.seconds)
    scorer, step = detector.scorer(), block_rows or rows
    blocks = [scorer.score(signals.rows(first, min(first + step, rows))) for first in range(0, rows, step)]
    return Scores(*(np.concatenate([getattr(block, field.name) for block in blocks]) for field in fields(Scores)))


def assert_same(one: Scores, other: Scores) -> None:
    """Bit for bit."""
    for field in fields(Scores):
        np.testing.assert_array_equal(getattr(one, field.name), getattr(other, field.name), err_msg=field.name)


def nothing_sees_the_future(settings: Settings) -> None:
    signals = recording()
    detector, cut = settings.fit(signals), ROWS * 2 // 3
    changed = Signals(NAMES, np.concatenate([signals.values[:cut], signals.values[cut:] * -3.0]), signals.seconds, signals.regimes)
    whole = scored(detector, signals)
    for other in (signals.rows(0, cut), changed):
        np.testing.assert_array_equal(scored(detector, other).score[:cut], whole.score[:cut])
        np.testing.assert_array_equal(scored(detector, other).parts[:cut], whole.parts[:cut])


def blocks_of_any_size_give_the_same_bits(settings: Settings) -> None:
    signals = recording()
    detector = settings.fit(signals)
    whole = scored(detector, signals)
    for block_rows in (1, 97, 1024):
        assert_same(scored(detector, signals, block_rows), whole)


def the_order_of_signals_does_not_matter(settings: Settings) -> None:
    signals, order = recording(), (2, 0, 3, 1)
    turned = ordered(signals, order)
    usual = scored(settings.fit(signals), signals)
    for detector, rows in ((settings.fit(turned), turned), (settings.fit(signals), turned)):
        other = scored(detector, rows)
        np.testing.assert_array_equal(other.score, usual.score)
        np.testing.assert_array_equal(other.parts, usual.parts[:, order])


def inputs_stay_as_they_are(settings: Settings) -> None:
    signals = recording()
    for array in (signals.values, signals.seconds, signals.regimes):
        array.flags.writeable = False
    scored(settings.fit(signals), signals, 100)


def the_same_data_fit_the_same_model(settings: Settings) -> None:
    once, again = (json.dumps(settings.fit(recording()).to_json()) for _ in range(2))
    assert once == again


def a_model_written_and_read_scores_the_same(settings: Settings) -> None:
    signals = recording()
    detector = settings.fit(signals)
    read = type(detector).from_json(json.loads(json.dumps(detector.to_json())))
    assert_same(scored(read, signals), scored(detector, signals))


def what_is_no_model_is_refused(settings: Settings) -> None:
    detector = settings.fit(recording())
    written = detector.to_json()
    lacking = {key: value for key, value in written.items() if key != min(written)}
    for data in ({}, {"names": 3}, lacking):
        with pytest.raises(ValueError, match=r"\w+ \w+"):
            type(detector).from_json(data)


def too_few_rows_are_refused_in_words(settings: Settings) -> None:
    with pytest.raises(ValueError, match=r"\d.*(give|need|at least)"):
        settings.fit(recording().rows(0, 3))


def a_row_has_a_score_or_a_reason(settings: Settings) -> None:
    signals = recording()
    foreign = np.where(np.arange(ROWS) >= ROWS - 20, 99, signals.regimes)
    scores = scored(settings.fit(signals), Signals(NAMES, signals.values, signals.seconds, foreign))
    np.testing.assert_array_equal(np.isnan(scores.score), scores.why != Unscored.SCORED)
    assert (scores.why[foreign < 0] == Unscored.NOT_RUNNING).all()
    assert (scores.why[foreign == 99] == Unscored.REGIME_UNKNOWN).all()
    assert (scores.why[np.isnan(signals.values).any(axis=1) & (foreign >= 0) & (foreign != 99)] == Unscored.VALUE_MISSING).all()
    assert (scores.why == Unscored.SCORED).mean() > 0.8
    assert np.isfinite(scores.parts[scores.why == Unscored.SCORED]).all()
    assert (scores.score[scores.why == Unscored.SCORED] >= 0).all()


def settings_are_a_frozen_value(settings: Settings) -> None:
    values: Any = settings
    assert replace(values) == values and hash(values) == hash(replace(values))
    with pytest.raises(FrozenInstanceError):
        setattr(values, fields(values)[0].name, 1)


LAWS: tuple[Callable[[Settings], None], ...] = (
    nothing_sees_the_future,
    blocks_of_any_size_give_the_same_bits,
    the_order_of_signals_does_not_matter,
    inputs_stay_as_they_are,
    the_same_data_fit_the_same_model,
    a_model_written_and_read_scores_the_same,
    what_is_no_model_is_refused,
    too_few_rows_are_refused_in_words,
    a_row_has_a_score_or_a_reason,
    settings_are_a_frozen_value,
)


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
@pytest.mark.parametrize("settings", [cls() for cls in FOUND], ids=[cls.__name__ for cls in FOUND])
def test_law(settings: Settings, law: Callable[[Settings], None]) -> None:
    law(settings)


def test_no_detector_is_left_out() -> None:
    sources = [path.read_text(encoding="utf-8") for path in Path(models.timeseries.__path__[0]).rglob("*.py")]
    written = sum(len(re.findall(r"def fit\(self, \w+: \"?Signals\"?(\)|, \w+: [^)]+ = )", source)) for source in sources)
    assert len(FOUND) == written >= 6


@dataclass(frozen=True, slots=True)
class Leaking:
    """A detector that centres each block it is given: a row's score tells of the rows after it."""

    width: float = 1.0

    def fit(self, signals: Signals) -> Self:
        return self

    def scorer(self) -> Scorer:
        return self

    def score(self, signals: Signals) -> Scores:
        values: Floats = np.nan_to_num(signals.values)
        parts = np.abs(values - values.mean(axis=0)) / self.width
        return Scores(parts.max(axis=1), np.zeros(len(values), dtype=np.int64), parts)

    def to_json(self) -> dict[str, object]:
        return {"width": self.width}

    @classmethod
    def from_json(cls, data: dict[str, object]) -> Self:
        return cls()


@pytest.mark.parametrize("law", [nothing_sees_the_future, blocks_of_any_size_give_the_same_bits], ids=lambda law: law.__name__)
def test_a_detector_that_leaks_is_caught(law: Callable[[Settings], None]) -> None:
    with pytest.raises(AssertionError, match="not equal"):
        law(Leaking())
