"""A machine in a lake as silver has it: minutes of four signals and how it ran, and what trains, scores and watches it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from shelves import approval, models_in

from factolake.config import load_plant
from factolake.contracts.formats.arrow import fit
from factolake.contracts.silver_features import FEATURES_WINDOW, WINDOW_REGIMES
from factolake.contracts.silver_scores import SCORES
from factolake.domain.clock import ManualClock
from factolake.lake.tables import Lake
from models.registry.runs import Run
from models.timeseries.machine.fit import MachineSettings
from pipelines.signals.drifting import Drifting
from pipelines.signals.score import Scoring
from pipelines.signals.span import Days
from pipelines.signals.train import Trained, Trainer

PLANT = Path(__file__).parents[2] / "conf" / "plant.toml"
MACHINE, MODEL, PRODUCT = "L1-M2", "signals.l1-m2", "GBX-200"
SIGNALS = ("bearing_temp", "motor_current", "motor_temp", "vibration")
MONDAY = date(2026, 3, 2)
TRAINED = Days(MONDAY, date(2026, 3, 4))
NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
STEP_S = 120.0
"""A minute in two is there: half the rows, the same days."""
_UTC = pa.timestamp("us", tz="UTC")


class Runs:
    """Runs that would go to MLflow."""

    def __init__(self) -> None:
        self.kept: list[tuple[str, Run]] = []

    def log(self, experiment: str, run: Run) -> str | None:
        self.kept.append((experiment, run))
        return f"run-{len(self.kept)}"


class LearntMachine:
    """The lake under `root`; `runs` and `shelf` stand for MLflow."""

    def __init__(self, root: Path) -> None:
        self.root, self.lake, self.plant, self.clock, self.runs = root, Lake(root / "lake"), load_plant(PLANT), ManualClock(NOW), Runs()
        self.models, self.shelf = models_in(root)

    def show(self, day: date, **how: Any) -> None:
        """A day in place of what was there; `how` as in `_day`."""
        self._put([day], *self._day(day, **how))

    def trained_days(self) -> None:
        days = [self._day(day) for day in TRAINED]
        self._put(list(TRAINED), *(pa.concat_tables(tables) for tables in zip(*days, strict=True)))

    def trainer(self) -> Trainer:
        folder = self.root / "mlflow"
        return Trainer(self.lake, self.plant, self.models, self.runs, folder, self.clock, MachineSettings())  # type: ignore[arg-type]

    def scoring(self) -> Scoring:
        return Scoring(self.lake, self.plant, self.models, self.clock, self.root / "scoring.lease")

    def drifting(self) -> Drifting:
        return Drifting(self.lake, self.plant, self.models, self.runs, self.root / "mlflow")  # type: ignore[arg-type]

    def train(self, days: Days = TRAINED, named: Sequence[date] = ()) -> Trained:
        trained, refused = self.trainer().train_all([MACHINE], days, "eva", named)
        assert not refused, refused
        return trained[0]

    def champion(self) -> Trained:
        """Trained on three days and promoted."""
        trained = self.train()
        self.models.promote(MODEL, trained.version, approval(self.models, trained.version, MODEL), NOW)
        return trained

    def scores(self) -> pa.Table:
        """The rows of silver.scores, by time."""
        return self.lake.open(SCORES).read().sort_by("window_ts")

    def _day(
        self, day: date, *, hours: float = 24.0, signals: Sequence[str] = SIGNALS, off: float = 0.0, product: str | None = PRODUCT
    ) -> tuple[pa.Table, pa.Table]:
        """Windows and regimes of the first `hours` of a day on which it runs, but for a quarter of an hour at noon; vibration is `off`."""
        seconds = Days(day, day).from_ts.timestamp() + np.arange(0.0, hours * 3600, STEP_S)
        noise = np.random.default_rng(day.toordinal()).normal(size=(len(seconds), len(SIGNALS)))
        load = np.cumsum(noise[:, 0]) / 50
        values = np.column_stack([40 + load, 5 + load / 10, 50 + load, 2 + load / 20]) + 0.1 * noise
        values[:, 3] += off
        noon = (seconds % 86_400 >= 43_200) & (seconds % 86_400 < 44_100)
        columns = [self._windows(seconds, values[:, SIGNALS.index(name)], name) for name in signals]
        ran = {"running_s": np.where(noon, 0.0, 60.0), "product": pa.array([product] * len(seconds), pa.string())}
        return fit(FEATURES_WINDOW, pa.concat_tables(columns)), fit(WINDOW_REGIMES, pa.table({**self._named(seconds), **ran}))

    def _named(self, seconds: np.ndarray) -> dict[str, pa.Array]:
        us = np.rint(seconds * 1e6).astype(np.int64)
        hours = pa.array(us // 3_600_000_000 * 3_600_000_000).cast(_UTC)
        machine = pa.array([MACHINE] * len(us))
        as_of = pa.array([NOW] * len(us), _UTC)
        return {"machine": machine, "window_ts": pa.array(us).cast(_UTC), "hour_ts": hours, "day": hours.cast(pa.date32()), "as_of": as_of}

    def _windows(self, seconds: np.ndarray, mean: np.ndarray, name: str) -> pa.Table:
        alike = dict.fromkeys(("mean", "low", "high", "first", "last"), pa.array(mean))
        still = {"std": np.zeros(len(mean)), "slope": np.zeros(len(mean)), "n": np.full(len(mean), 5)}
        return pa.table({**self._named(seconds), **alike, **still, "signal": pa.array([name] * len(mean))})

    def _put(self, days: Sequence[date], windows: pa.Table, regimes: pa.Table) -> None:
        wanted = f"machine = '{MACHINE}' AND day IN ({', '.join(map(repr, map(str, days)))})"
        for table, rows in ((FEATURES_WINDOW, windows), (WINDOW_REGIMES, regimes)):
            self.lake.ensure(table)
            self.lake.open(table).replace(rows, wanted, {})


def at(day: date, hours: float) -> datetime:
    return Days(day, day).from_ts + timedelta(hours=hours)
