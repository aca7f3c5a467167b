"""Weeks of the simulated plant as minutes of its machines: two clean ones to learn from, and one to be judged.

The line of `conf/plant.toml` under `conf/scenarios/weeks.toml`, by `factolake.plant.offline`: two products in turn, small stops, and what ordinary
running does to signals (load, warm-up, weather, tools). Values are taken every 10 s, as a week of every second takes ten times as long; minutes are
made of them by the same windows as those of the lake. Who is asked what about them is in `plant.py`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import numpy as np

import factolake
from factolake.config import load_plant
from factolake.domain.plant import PlantModel
from factolake.domain.states import MachineState
from factolake.features.regimes import Held, Regimes, regimes
from factolake.features.windows import WINDOW_US, Numbers, Values, window_features
from factolake.plant.offline import STATES, LineHistory, MachineHistory, simulate
from factolake.plant.scenario import HARMLESS, Kind, Scenario, SeededDegradations, load_scenario
from factolake.plant.truth import Degraded
from models.evaluation.suite import DataMissing
from models.timeseries.machine.rows import products_in, rows
from models.timeseries.signals import Signals

CONF = Path(factolake.__file__).parent.parent / "conf"
START = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
"""Monday, six in the morning at the plant."""
WEEK = timedelta(days=7)
CLEAN_WEEKS = 2
"""Before the week that is judged. A plant has them: its recordings of weeks after which nothing was found."""
PERIOD_S = 10.0
BREAKING = tuple(kind for kind in get_args(Kind) if kind not in HARMLESS)
HARMLESS_KINDS = tuple(kind for kind in get_args(Kind) if kind in HARMLESS)


@dataclass(frozen=True, slots=True)
class Watched:
    """What may be seen of a machine: minutes of clean weeks, those of the week to be judged, products by their regime, limits of the plant file."""

    machine: str
    history: Signals
    week: Signals
    products: tuple[str, ...]
    limits: dict[str, tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Plant:
    """The line under one seed."""

    model: PlantModel
    script: Scenario
    seed: int

    @classmethod
    def of(cls, seed: int) -> "Plant":
        """As the repository describes it. Raises `DataMissing` where its files are not beside the package."""
        if not (CONF / "plant.toml").is_file():
            raise DataMissing(f"{CONF} holds no plant.toml; run this in a checkout of the repository, which describes the plant that is simulated")
        model = load_plant(CONF / "plant.toml")
        return cls(model, load_scenario(CONF / "scenarios" / "weeks.toml", model), seed)

    @property
    def machines(self) -> tuple[str, ...]:
        """In the order of the flow."""
        return tuple(next(iter(self.model.lines.values())).machines)

    def degrading(self, kinds: Sequence[Kind]) -> LineHistory:
        """The week after the clean ones, in which one of `kinds` happens to a machine; nothing where there are no `kinds`."""
        return self._line(kinds, START + CLEAN_WEEKS * WEEK, START + (CLEAN_WEEKS + 1) * WEEK, ())

    def clean(self, machines: Sequence[str] = (), until: datetime | None = None) -> LineHistory:
        """The weeks before, or before `until`."""
        end = START + CLEAN_WEEKS * WEEK if until is None else until
        return self._line((), end - CLEAN_WEEKS * WEEK, end, machines)

    def watched(self, history: LineHistory, week: LineHistory, machine: str) -> Watched:
        """One machine of both."""
        old, products = minutes(history, machine)
        new, _ = minutes(week, machine, products)
        mine = {one.name: one for one in self.model.signals if one.machine == machine}
        limits = {name: (_or(mine[name].low, -math.inf), _or(mine[name].high, math.inf)) for name in old.names}
        return Watched(machine, old, new, products, limits)

    def _line(self, kinds: Sequence[Kind], start: datetime, until: datetime, machines: Sequence[str]) -> LineHistory:
        seeded = SeededDegradations(seeded="week", kinds=tuple(kinds)) if kinds else SeededDegradations()
        script = self.script.model_copy(update={"degradations": seeded})
        return simulate(self.model, script, self.seed, start, until, period_s=PERIOD_S, machines=machines or None)


def _or(limit: float | None, otherwise: float) -> float:
    return otherwise if limit is None else limit


def minutes(line: LineHistory, machine: str, products: tuple[str, ...] | None = None) -> tuple[Signals, tuple[str, ...]]:
    """The minutes of a machine, and the products by their regime: those given, or those that it made."""
    one = line.machines[machine]
    told = _regimes(line, one)
    known = products_in(told.product) if products is None else products
    return rows(window_features(_values(line, one)), told, sorted(one.signals), known), known


def happened(week: LineHistory) -> Degraded:
    """What happened in a week of `Plant.degrading`."""
    return week.degradations[0]


def _values(line: LineHistory, one: MachineHistory) -> Values:
    """All values of a machine, moment by moment."""
    names = tuple(sorted(one.signals))
    moments = len(line.at_us) - 1  # the last one begins a minute that is not there
    value = np.stack([one.signals[name][:moments] for name in names], axis=1).reshape(-1)
    return Values(names, np.tile(np.arange(len(names), dtype=np.int64), moments), np.repeat(line.at_us[:moments], len(names)), value)


def _regimes(line: LineHistory, one: MachineHistory) -> Regimes:
    at_us = line.at_us[:-1]
    running = one.states[:-1] == STATES.index(MachineState.PRODUCING.value)
    turns, changes = _changes(running.astype(np.int64)), _changes(one.products[:-1])
    ran = Held(False, at_us[turns], running[turns].tolist())
    made = Held(None, at_us[changes], [line.products[code] or None for code in one.products[:-1][changes].tolist()])
    return regimes(np.unique(at_us // WINDOW_US) * WINDOW_US, ran, made)


def _changes(codes: Numbers) -> Numbers:
    return np.flatnonzero(np.diff(codes, prepend=-1))
