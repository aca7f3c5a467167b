"""A bundle that was written and read scores the same bits, and says what it needs."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from shelves import NOW, SIGNALS, bundle, rows

from factolake.errors import ModelRefused
from models.contract import Settings
from models.registry.bundle import Bundle, Signal, as_bytes, of_bytes
from models.registry.kinds import KINDS, kind_of
from models.timeseries.canonical import CanonicalSettings
from models.timeseries.drift import CusumSettings
from models.timeseries.level import LevelSettings
from models.timeseries.machine.fit import MachineSettings
from models.timeseries.moves import MoveSettings
from models.timeseries.pca import PcaSettings
from models.timeseries.seasonal_band import SeasonalBandSettings
from models.timeseries.watch import WatchSettings

SETTINGS: dict[str, Settings] = {
    "canonical": CanonicalSettings(lags_rows=2, memories_rows=(2,), false_alarms=0.1),
    "drift": CusumSettings(),
    "level": LevelSettings(window_rows=8, reaches_rows=(8, 16)),
    "machine": MachineSettings(),
    "moves": MoveSettings(),
    "pca": PcaSettings(false_share=0.05),
    "seasonal_band": SeasonalBandSettings(),
    "watch": WatchSettings(),
}


def test_each_kind_on_the_list_is_tested() -> None:
    assert SETTINGS.keys() == KINDS.keys()


@cache
def fitted(kind: str) -> Bundle:
    return replace(bundle(), model=SETTINGS[kind].fit(rows(1, 900)))


@pytest.mark.parametrize("kind", SETTINGS)
def test_a_bundle_written_and_read_scores_the_same_bits(kind: str) -> None:
    made = fitted(kind)
    read = of_bytes(as_bytes(made), "it")
    assert (read.kind, kind_of(read.model), read.regimes, read.signals) == (kind, kind, made.regimes, SIGNALS)
    later = rows(2, 300)
    later.values[200:, 1] += 3.0
    before, after = made.model.scorer().score(later), read.model.scorer().score(later)
    assert np.isfinite(after.score).any()
    assert (before.score.tobytes(), before.parts.tobytes(), before.why.tobytes()) == (
        after.score.tobytes(),
        after.parts.tobytes(),
        after.why.tobytes(),
    )
    assert as_bytes(read) == as_bytes(made)


def test_all_that_was_said_of_a_model_is_read_again() -> None:
    made = bundle()
    read = of_bytes(as_bytes(made), "it")
    assert (read.name, read.threshold, read.trained_on, read.code_version) == (made.name, 1.0, {"silver.readings": 41}, "0.9")
    assert (read.created_ts, read.created_by, read.metrics) == (NOW, "eva", {"f1": 0.8})


def test_signals_that_are_not_those_of_the_fit_are_refused_by_name() -> None:
    made = bundle()
    vibration, current = SIGNALS
    made.check_signals(SIGNALS)
    for offered, said in (
        ((vibration,), "needs the signals press.current"),
        ((vibration, Signal("press.amps", "A")), "needs the signals press.current, which are not offered; it is offered press.amps"),
        ((vibration, Signal("press.current", "mA")), "press.current in 'A', offered is 'mA'"),
        ((current, vibration), "in this order, offered are press.current, press.vibration"),
        ((*SIGNALS, Signal("press.speed", "rpm")), "offered are press.vibration, press.current, press.speed"),
        ((*SIGNALS, vibration), "in this order"),
    ):
        with pytest.raises(ModelRefused, match=said):
            made.check_signals(offered)


def test_a_bundle_that_may_not_be_is_not_made() -> None:
    made = bundle()
    for changed, said in (
        ({"name": "../escape"}, "cannot be called"),
        ({"name": "a" * 101}, "cannot be called"),
        ({"threshold": float("nan")}, "threshold"),
        ({"threshold": 0.0}, "threshold"),
        ({"created_by": "agent:scheduler"}, "give a name"),
        ({"created_ts": NOW.replace(tzinfo=None)}, "time with its zone"),
        ({"signals": SIGNALS[:1]}, "register it with its own signals"),
    ):
        with pytest.raises(ModelRefused, match=said):
            replace(made, **changed)
    with pytest.raises(ModelRefused, match="finite numbers only"):
        as_bytes(replace(made, metrics={"f1": float("nan")}))


def test_a_class_that_is_not_on_the_list_is_no_model() -> None:
    class Other(type(bundle().model)):  # type: ignore[misc]
        pass

    model = bundle().model
    other = Other(model.names, model.lags_rows, model.threshold, model.regimes)  # type: ignore[attr-defined]
    with pytest.raises(ModelRefused, match="Other is no kind of model that may be stored"):
        Bundle("m", SIGNALS, other, 1.0, {}, "0.9", NOW, "eva", {})
