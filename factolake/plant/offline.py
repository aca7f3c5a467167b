"""Weeks of a simulated line as arrays, without a server: the same facts and the same signal functions as the live plant, in seconds.

For judging detectors: what the machines showed, and when they really began to wear. The live plant is `wire.py` and `server.py`.
"""

import bisect
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from factolake.domain.plant import PlantModel
from factolake.domain.signals import SignalKind
from factolake.domain.states import MachineState
from factolake.errors import ConfigError
from factolake.plant.chance import Counts, Floats
from factolake.plant.degradation import Degradation, speed_setpoint
from factolake.plant.line import Fact, LineSimulation
from factolake.plant.moment import to_us
from factolake.plant.process import Past, Sensors, Situation
from factolake.plant.scenario import US_PER_S, Scenario
from factolake.plant.truth import Degraded, degradations_in
from factolake.plant.wire import NAMED_FACTS

STATES = tuple(state.value for state in MachineState)
"""What the codes of `MachineHistory.states` mean."""


@dataclass(frozen=True, slots=True)
class MachineHistory:
    """One machine at the moments of its `LineHistory`: `states` codes of `STATES`, `products` codes of the line's words (0: none).

    `signals` are by name in the signal's own unit (not the source's); `parts` counts from 0.
    """

    states: Counts
    products: Counts
    parts: Counts
    signals: dict[str, Floats]


@dataclass(frozen=True, slots=True)
class LineHistory:
    """A line at moments `at_us` (microseconds since 1970); `products` are the words of the machines' product codes."""

    at_us: Counts
    machines: dict[str, MachineHistory]
    products: tuple[str, ...]
    degradations: list[Degraded]


def simulate(
    model: PlantModel,
    scenario: Scenario,
    seed: int,
    start: datetime,
    until: datetime,
    *,
    period_s: float = 10.0,
    machines: Sequence[str] | None = None,
    signals: Sequence[str] | None = None,
    line: str | None = None,
) -> LineHistory:
    """What `line` (left out: the first) does and shows from `start` to `until`, every `period_s` seconds.

    `machines` and `signals` (process signals and speed setpoints) narrow down what is kept: a week of the shipped line at 1 Hz, six machines of
    22 signals, is 640 MB. The live plant shows the same at the same moments. Raises ConfigError for a line or machine the plant does not have.
    """
    line_id = line or next(iter(model.lines))
    if line_id not in model.lines:
        raise ConfigError("plant", "line", line_id, ", ".join(model.lines))
    wanted = tuple(machines or model.lines[line_id].machines)
    unknown = [machine for machine in wanted if machine not in model.lines[line_id].machines]
    if unknown:
        raise ConfigError("plant", "machine", unknown[0], ", ".join(model.lines[line_id].machines))
    simulation = LineSimulation(model, line_id, scenario, seed, start)
    recorders = {machine: _Recorder(to_us(start)) for machine in model.lines[line_id].machines}
    degrading = _run(simulation, recorders, start, until)
    at_us = np.arange(to_us(start), to_us(until) + 1, round(period_s * US_PER_S), dtype=np.int64)
    words = tuple(dict.fromkeys(["", *(order.product for order in scenario.order)]))
    histories = {m: recorders[m].history(m, model, seed, at_us, simulation.degradations.of(m), signals, words) for m in wanted}
    return LineHistory(at_us, histories, words, degradations_in(degrading))


def _run(simulation: LineSimulation, recorders: dict[str, "_Recorder"], start: datetime, until: datetime) -> list[Fact]:
    degrading: list[Fact] = []
    now = start
    while now < until:
        now = min(now + timedelta(days=1), until)
        for fact in simulation.advance_to(now):
            recorders[fact.machine].take(fact)
            if fact.name in ("onset", "failure", "reset"):
                degrading.append(fact)
    return degrading


@dataclass(slots=True)
class _Recorder:
    """What one machine went through: its changes of state and of level targets, and when its parts were made."""

    start_us: int
    situation: Situation = field(default_factory=Situation)
    states: list[tuple[int, int]] = field(default_factory=list)
    regimes: list[tuple[int, bool, str]] = field(default_factory=list)
    parts_us: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.regimes.append((self.start_us, False, ""))

    def take(self, fact: Fact) -> None:
        if fact.name == "state":
            self.states.append((fact.ts_us, STATES.index(str(fact.value))))
        elif fact.name == "total" and fact.value:
            self.parts_us.append(fact.ts_us)
        if self.situation.take(fact):
            self.regimes.append((fact.ts_us, self.situation.is_running, self.situation.product))

    def history(
        self,
        machine: str,
        model: PlantModel,
        seed: int,
        at_us: Counts,
        degradations: Sequence[Degradation],
        signals: Sequence[str] | None,
        words: tuple[str, ...],
    ) -> MachineHistory:
        """Everything at the moments `at_us`."""
        mine = [s for s in model.signals if s.machine == machine]
        sensors = Sensors(machine, [s for s in mine if s.name not in NAMED_FACTS], seed)
        states = np.array([state for _, state in self.states])[_place([ts for ts, _ in self.states], at_us)]
        parts = np.searchsorted(np.array(self.parts_us, np.int64), at_us, side="right")
        levels = _Levels(sensors, self.regimes, at_us)
        wear = [(one, np.maximum(parts - bisect.bisect_right(self.parts_us, one.onset_us), 0).astype(np.float64)) for one in degradations]
        counted, warmth = parts.astype(np.float64), levels.of(len(sensors.names) - 1)
        shown: dict[str, Floats] = {}
        for row, signal in enumerate(sensors.signals):
            if signals is None or signal.name in signals:
                rows = slice(row, row + 1)
                past = Past(at_us, levels.of(row)[None, :], warmth, levels.is_running, counted, wear)
                sent = sensors.values(rows, past, sensors.chance(rows, at_us))
                shown[signal.name] = sensors.in_unit(row, sent[0])
        for signal in mine:
            if signal.kind is SignalKind.SETPOINT and (signals is None or signal.name in signals):
                shown[signal.name] = speed_setpoint(degradations, at_us)
        return MachineHistory(states, levels.products(words), parts, shown)


class _Levels:
    """The level of each row of a station at moments `at_us`, from its regimes (from when, running, product)."""

    def __init__(self, sensors: Sensors, regimes: Sequence[tuple[int, bool, str]], at_us: Counts) -> None:
        begun_us = [ts for ts, _, _ in regimes]
        kinds = list(dict.fromkeys((running, product) for _, running, product in regimes))
        places = {kind: place for place, kind in enumerate(kinds)}
        self._kinds, self._rates = kinds, sensors.rates
        self._kind = np.array([places[running, product] for _, running, product in regimes])
        self._targets = np.array([sensors.target(*kind) for kind in kinds])
        self._lengths_s = np.diff(np.array(begun_us)) / US_PER_S
        self._place = _place(begun_us, at_us)
        self._passed_s = (at_us - np.array(begun_us)[self._place]) / US_PER_S
        self.is_running = np.array([running for running, _ in kinds])[self._kind[self._place]]

    def of(self, row: int) -> Floats:
        """The level of `row`; where a regime begins it is known from the one before, step by step as the live plant goes."""
        rate, targets = self._rates[row], self._targets[self._kind, row]
        decays = np.exp(-self._lengths_s * rate)
        level, levels = 0.0, [0.0]
        for target, decay in zip(targets[:-1].tolist(), decays.tolist(), strict=True):
            level = target + (level - target) * decay
            levels.append(level)
        begun, target_now = np.array(levels)[self._place], targets[self._place]
        now: Floats = target_now + (begun - target_now) * np.exp(-self._passed_s * rate)
        return now

    def products(self, words: Sequence[str]) -> Counts:
        """The place in `words` of the product at each moment."""
        codes: Counts = np.array([words.index(product) for _, product in self._kinds])[self._kind[self._place]]
        return codes


def _place(begun_us: Sequence[int], at_us: Counts) -> Counts:
    """Which of the stretches begun at `begun_us` each moment lies in."""
    return np.searchsorted(np.array(begun_us, np.int64), at_us, side="right") - 1
