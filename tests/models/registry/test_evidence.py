"""What approvers see of a model: how it was made, and how it and the champion judge the same minutes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from shelves import approval as approved
from shelves import bundle, models_in

from factolake.config import load_plant
from factolake.config.settings import Settings
from factolake.contracts.silver_features import FEATURES_WINDOW, WINDOW_REGIMES
from factolake.errors import ModelRefused
from factolake.lake.tables import Lake
from models.registry.bundle import Bundle, Signal
from models.registry.catalogue import Models
from models.timeseries.pca import PcaSettings
from models.timeseries.signals import Signals
from pipelines.promotion.evidence import as_text, evidence_of, on_last_days
from pipelines.signals.reading import offered

PLANT = Path(__file__).parents[3] / "conf" / "plant.toml"
MACHINE, NAME = "L1-M2", "signals.l1-m2"
NOW = datetime(2026, 3, 3, 6, tzinfo=UTC)
MINUTES = 240


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, plant_file=PLANT)


def of_machine(seed: int, threshold: float = 1.0) -> Bundle:
    signals: tuple[Signal, ...] = offered(load_plant(PLANT), MACHINE)
    noise = np.random.default_rng(seed).normal(size=(400, len(signals)))
    model = PcaSettings(lags_rows=2, variance=0.8, false_share=0.05).fit(Signals.of(tuple(one.name for one in signals), noise, 60.0))
    return replace(bundle(seed), name=NAME, signals=signals, model=model, threshold=threshold)


def with_champion(folder: Path) -> Models:
    """Version 1 is champion and never calls, version 2 challenger and calls at everything."""
    models, _ = models_in(folder)
    for made in (of_machine(1, 1e9), of_machine(2, 1e-9)):
        models.log_model(made)
    models.promote(NAME, 1, approved(models, 1, NAME), NOW)
    return models


def fill(lake: Lake) -> None:
    """Four hours of the day before NOW in which the machine ran on one product."""
    at = [NOW - timedelta(days=1) + timedelta(minutes=minute) for minute in range(MINUTES)]
    stamps = {"hour_ts": [one.replace(minute=0) for one in at], "day": [one.date() for one in at], "as_of": [NOW] * MINUTES}
    shared = {"machine": [MACHINE] * MINUTES, "window_ts": at, **stamps}
    regimes = {**shared, "running_s": [60.0] * MINUTES, "product": ["GBX-200"] * MINUTES}
    put(lake, WINDOW_REGIMES, regimes)
    draw = np.random.default_rng(9)
    for signal in offered(load_plant(PLANT), MACHINE):
        mean = draw.normal(size=MINUTES)
        numbers = {name: mean for name in ("mean", "low", "high", "first", "last")} | {name: np.zeros(MINUTES) for name in ("std", "slope")}
        put(lake, FEATURES_WINDOW, {**shared, **numbers, "signal": [signal.name] * MINUTES, "n": [1] * MINUTES})


def put(lake: Lake, table: object, columns: dict[str, object]) -> None:
    from factolake.contracts.formats.arrow import fit

    lake.ensure(table)  # type: ignore[arg-type]
    lake.open(table).append(fit(table, pa.table(columns)), {})  # type: ignore[arg-type]


def test_champion_and_challenger_are_compared_on_the_minutes_of_the_last_days(settings: Settings, tmp_path: Path) -> None:
    fill(Lake(settings.lake_root))
    models = with_champion(tmp_path)
    told = evidence_of(models, models.version(NAME, 2), on_last_days(settings, NOW, 7))
    assert told["champion"] == f"version 1, hash {models.version(NAME, 1).sha256[:12]}"
    assert (told["rows"], told["agreement"]) == (MINUTES - 1, 0.0)  # a lag leaves the first without a score
    assert (told["champion_alerts"], told["challenger_alerts"]) == (0, 1)
    assert told["challenger_alerts_a_week"] == pytest.approx(7 * 24 * 60 / (MINUTES - 1), abs=1e-3)
    assert "champion alerts a week: 0.0" in as_text(told)
    assert (told["kind"], told["metrics"], told["trained_on"]) == ("pca", "f1 0.8", "silver.readings version 43")


def test_what_cannot_be_compared_is_said(settings: Settings, tmp_path: Path) -> None:
    models = with_champion(tmp_path)
    told = evidence_of(models, models.version(NAME, 2), on_last_days(settings, NOW, 7))
    assert "not there yet" in str(told["comparison"])
    fill(Lake(settings.lake_root))
    told = evidence_of(models, models.version(NAME, 2), on_last_days(settings, NOW + timedelta(days=9), 7))
    assert "the lake holds 0 minutes of L1-M2 of the last 7 days" in str(told["comparison"])
    other, _ = models_in(tmp_path / "other")
    other.log_model(bundle(1))
    candidate = other.version(bundle(1).name, 1)
    assert "has no champion" in str(evidence_of(other, candidate, on_last_days(settings, NOW, 7))["champion"])


def test_the_champion_is_not_proposed(settings: Settings, tmp_path: Path) -> None:
    models = with_champion(tmp_path)
    with pytest.raises(ModelRefused, match=r"signals\.l1-m2 1 is champion already"):
        evidence_of(models, models.version(NAME, 1), on_last_days(settings, NOW, 7))
