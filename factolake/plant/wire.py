"""What the machines tell about what really happens: facts become values of declared signals, with the faults of real controllers.

Here are 16-bit counters, counter resets and jumps, dead collectors (nothing at all) and dead controllers (bad status). Pure: no clock, no IO.
"""

import heapq
import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

import numpy as np

from factolake.domain.plant import PlantModel
from factolake.domain.signals import Counts, Signal, SignalKind
from factolake.domain.states import MachineState
from factolake.domain.vibration import VibrationPoint
from factolake.plant.degradation import Degradation, speed_setpoint
from factolake.plant.line import Fact, LineSimulation
from factolake.plant.moment import from_us, to_us
from factolake.plant.process import StationProcess
from factolake.plant.scenario import US_PER_S, Scenario
from factolake.plant.vibration import EVERY_US, Shaking

GOOD = 0
BAD_NO_COMMUNICATION = 0x80310000
AUTOMATIC, MANUAL = 1, 2
Value = bool | int | float | str
_WIDTHS = {"Int16": 15, "UInt16": 16, "Int32": 31, "UInt32": 32, "Int64": 63, "UInt64": 64}
NAMED_FACTS = frozenset({"cycle_time", "buffer_out"})


class Change(NamedTuple):
    """A value a machine sends: `value` None where `status` (OPC UA code, 0 good) is bad."""

    ts: datetime
    machine: str
    signal: str
    tag: str
    value: Value | None
    status: int


@dataclass(slots=True)
class _Controller:
    """What one machine's controller holds: last values and last values told by signal name, counter offsets, and whether it can be heard."""

    signals: dict[str, Signal]
    by_fact: dict[str, list[Signal]]
    words: dict[str, str]
    process: StationProcess
    degradations: list[Degradation]
    last: dict[str, Value] = field(default_factory=dict)
    told: dict[str, tuple[Value | None, int]] = field(default_factory=dict)
    offsets: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    state: MachineState = MachineState.NO_ORDER
    silenced: int = 0
    beats: int = 0


class LineSignals:
    """The line's signals over a simulation. `period_s`: seconds between process samples and between heartbeats; may be changed on the way.

    Every ten minutes, with a sample, each vibration point of the line shakes: `shakings` tells since it was asked last.
    """

    def __init__(self, model: PlantModel, line_id: str, scenario: Scenario, seed: int, start: datetime, period_s: float = 1.0) -> None:
        self.simulation = LineSimulation(model, line_id, scenario, seed, start)
        self.period_s = period_s
        self._scenario = scenario
        self._start_us = self._now_us = to_us(start)
        self._next_sample_us = self._start_us
        self._controllers = {s.machine: self._controller(model, s.machine, seed) for s in self.simulation.stations}
        self._points = [point for point in model.vibration_points if point.machine in self._controllers]
        self._next_shaking_us = self._start_us + EVERY_US
        self._shakings: list[Shaking] = []
        self._changes: list[Change] = []
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._script()

    def advance_to(self, until: datetime) -> tuple[list[Fact], list[Change]]:
        """(what really happened, what was sent) in (the time reached before, `until`], each in order of time."""
        until_us = to_us(until)
        facts: list[Fact] = []
        while self._now_us <= until_us:
            stop_us = min(until_us, self._next_sample_us, self._events[0][0] if self._events else until_us)
            new = self.simulation.advance_to(from_us(stop_us))
            self._tell(new)
            facts += new
            while self._events and self._events[0][0] <= stop_us:
                self._now_us = self._events[0][0]
                heapq.heappop(self._events)[2]()
            self._now_us = stop_us
            if self._next_sample_us <= stop_us:
                self._sample(stop_us)
            elif stop_us == until_us:
                break
        changes, self._changes = self._changes, []
        return facts, changes

    def shakings(self) -> list[Shaking]:
        """How the vibration points shook, in order of time, since this was asked last."""
        told, self._shakings = self._shakings, []
        return told

    # -- script -------------------------------------------------------------------------------------------------------------------------------

    def _at(self, offset_us: int, action: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self._start_us + offset_us, next(self._order), action))

    def _heard(self, machine: str | None) -> Iterable[tuple[str, _Controller]]:
        return [(m, c) for m, c in self._controllers.items() if machine in (None, m)]

    def _script(self) -> None:
        for dead in self._scenario.dead_collector:
            for machine, _ in self._heard(dead.machine):
                self._at(dead.at, lambda m=machine: self._silence(m, False))  # type: ignore[misc]
                self._at(dead.until_us, lambda m=machine: self._speak_again(m))  # type: ignore[misc]
        for dead in self._scenario.dead_plc:
            for machine, _ in self._heard(dead.machine):
                self._at(dead.at, lambda m=machine: self._silence(m, True))  # type: ignore[misc]
                self._at(dead.until_us, lambda m=machine: self._speak_again(m))  # type: ignore[misc]
        for reset in self._scenario.counter_reset:
            self._at(reset.at, lambda r=reset: self._reset(r.machine))  # type: ignore[misc]
        for jump in self._scenario.counter_jump:
            self._at(jump.at, lambda j=jump: self._jump(j.machine, j.by))  # type: ignore[misc]

    def _silence(self, machine: str, is_bad: bool) -> None:
        controller = self._controllers.get(machine)
        if controller is None:
            return
        controller.silenced += 1
        if is_bad:
            ts = from_us(self._now_us)
            for signal in controller.signals.values():
                self._emit(ts, controller, signal, None, BAD_NO_COMMUNICATION)

    def _speak_again(self, machine: str) -> None:
        controller = self._controllers.get(machine)
        if controller is None:
            return
        controller.silenced -= 1
        if controller.silenced == 0:
            ts = from_us(self._now_us)
            for name, value in controller.last.items():
                self._emit(ts, controller, controller.signals[name], value)

    def _reset(self, machine: str) -> None:
        controller = self._controllers[machine]
        for name, count in controller.counts.items():
            controller.offsets[name] = -count
            self._send(machine, controller.signals[name], self._shown(controller, name), self._now_us)

    def _jump(self, machine: str, by: int) -> None:
        controller = self._controllers[machine]
        for signal in controller.by_fact.get("total", []):
            controller.offsets[signal.name] = controller.offsets.get(signal.name, 0) + by
            self._send(machine, signal, self._shown(controller, signal.name), self._now_us)

    # -- values -------------------------------------------------------------------------------------------------------------------------------

    def _tell(self, facts: list[Fact]) -> None:
        for fact in facts:
            controller = self._controllers[fact.machine]
            controller.process.take(fact)
            if fact.name == "state":
                self._become(fact, controller)
            elif fact.name in ("onset", "reset"):
                self._set_speed(fact, controller)
            for signal in controller.by_fact.get(fact.name, ()):
                if signal.counter is not None:
                    controller.counts[signal.name] = int(fact.value)
                    value: Value = self._shown(controller, signal.name)
                elif fact.name == "state":
                    value = _typed(controller.words.get(str(fact.value), "0"), signal)
                else:
                    value = _typed(fact.value, signal)
                self._send(fact.machine, signal, value, fact.ts_us)

    def _become(self, fact: Fact, controller: _Controller) -> None:
        controller.state = MachineState(str(fact.value))
        for signal in controller.by_fact.get("mode", ()):
            is_manual = controller.state in (MachineState.SETUP, MachineState.FAULT)
            value = _typed(MANUAL if is_manual else AUTOMATIC, signal)
            if controller.last.get(signal.name) != value:
                self._send(fact.machine, signal, value, fact.ts_us)

    def _set_speed(self, fact: Fact, controller: _Controller) -> None:
        percent = float(speed_setpoint(controller.degradations, np.array([fact.ts_us]))[0])
        for signal in controller.by_fact.get("setpoint", ()):
            self._send(fact.machine, signal, _typed(percent, signal), fact.ts_us)

    def _shown(self, controller: _Controller, name: str) -> int:
        signal = controller.signals[name]
        width = (signal.counter.width_bits if signal.counter else None) or _WIDTHS.get(signal.node_type, 53)
        return int((controller.offsets.get(name, 0) + controller.counts[name]) % (1 << width))

    def _send(self, machine: str, signal: Signal, value: Value, at_us: int) -> None:
        controller = self._controllers[machine]
        controller.last[signal.name] = value
        if controller.silenced == 0:
            self._emit(from_us(at_us), controller, signal, value)

    def _emit(self, ts: datetime, controller: _Controller, signal: Signal, value: Value | None, status: int = GOOD) -> None:
        """Send `value` unless it is what was sent last: a server reports by exception, and what it does not report was not sent."""
        if controller.told.get(signal.name) != (value, status):
            controller.told[signal.name] = (value, status)
            self._changes.append(Change(ts, signal.machine, signal.name, signal.tag, value, status))

    def _sample(self, at_us: int) -> None:
        is_first = at_us == self._start_us
        ts = from_us(at_us)
        for machine, controller in self._controllers.items():
            if is_first:
                self._greet(machine, controller)
            controller.beats += 1
            samples: list[tuple[Signal, Value]] = [(s, _typed(controller.beats, s)) for s in controller.by_fact.get("heartbeat", ())]
            samples += [(s, _typed(v, s)) for s, v in controller.process.sample(at_us)]
            controller.last.update((signal.name, value) for signal, value in samples)
            if controller.silenced == 0:
                for signal, value in samples:
                    self._emit(ts, controller, signal, value)
        if at_us >= self._next_shaking_us:
            self._shakings += [self._shaking(point, at_us) for point in self._points]
            self._next_shaking_us += EVERY_US
        self._next_sample_us = at_us + round(self.period_s * US_PER_S)

    def _shaking(self, point: VibrationPoint, at_us: int) -> Shaking:
        controller, now = self._controllers[point.machine], np.array([at_us])
        rpm = point.rpm or 0.0
        if point.speed_signal is not None and point.speed_signal in controller.last:
            factor, offset = controller.signals[point.speed_signal].from_source
            rpm = float(controller.last[point.speed_signal]) * factor + offset
        elif controller.state is not MachineState.PRODUCING:
            rpm = 0.0
        worn = [float(one.severity(now, np.zeros(1), 0.0)[0]) for one in controller.degradations if one.kind == "bearing_wear"]
        return Shaking(from_us(at_us), point, rpm, sum(worn))

    def _greet(self, machine: str, controller: _Controller) -> None:
        for name, value in (("operator", self._scenario.operator), ("setpoint", 100.0)):
            for signal in controller.by_fact.get(name, ()):
                self._send(machine, signal, _typed(value, signal), self._start_us)

    def _controller(self, model: PlantModel, machine: str, seed: int) -> _Controller:
        signals = {s.name: s for s in model.signals if s.machine == machine}
        by_fact: dict[str, list[Signal]] = {}
        for signal in signals.values():
            by_fact.setdefault(_fact_of(signal), []).append(signal)
        raw = model.state_maps[model.machines[machine].state_map]
        words: dict[str, str] = {}
        for word, state in raw.items():
            if word != "*":
                words.setdefault(state, word)
        degradations = self.simulation.degradations.of(machine)
        process = StationProcess(machine, list(signals.values()), seed, NAMED_FACTS, degradations, self._start_us)
        controller = _Controller(signals, by_fact, words, process, degradations)
        start = self._scenario.habits(machine).counter_start or 0
        controller.offsets = {s.name: start for s in by_fact.get(Counts.TOTAL.value, ())}
        return controller


def _fact_of(signal: Signal) -> str:
    """Which fact a signal tells: its counter's word, its own name for the two station values, else its kind."""
    if signal.counter is not None:
        return signal.counter.counts.value
    if signal.name in NAMED_FACTS:
        return signal.name
    return "sampled" if signal.kind in (SignalKind.PROCESS, SignalKind.ENERGY) else signal.kind.value


def _typed(value: Value, signal: Signal) -> Value:
    """`value` as the signal's OPC UA type carries it."""
    if signal.node_type == "String":
        return str(value)
    if signal.node_type == "Boolean":
        return bool(value)
    return float(value) if signal.node_type in ("Float", "Double") else int(value)
