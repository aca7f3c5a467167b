"""The simulated line: stations in flow order with finite buffers between them, as a discrete-event simulation.

Starved and blocked are not scripted, they follow from the buffers. What comes out is the truth, change by change; what the machines
then tell about it (counters of 16 bits, dead collectors) is `wire.py`'s, process values are `process.py`'s. No clock, no IO.
"""

import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from factolake.domain.calendar import SegmentKind
from factolake.domain.plant import PlantModel
from factolake.domain.states import MachineState
from factolake.plant.degradation import Degradation, DegradationPlan
from factolake.plant.moment import from_us, to_us
from factolake.plant.scenario import US_PER_S, Happening, OrderScript, Scenario, StationScript, repeat_id

DEFAULT_CYCLE_US = 30 * US_PER_S


class Fact(NamedTuple):
    """One true change of one machine; `ts_us` microseconds since 1970.

    `name` is state, order, product, alarm, total, good, scrap, cycle_time (seconds) or buffer_out (parts); counts run from 0. Degradations tell
    onset, failure and reset, with `kind:signal,signal` as value, the signal that shows most first.
    """

    ts_us: int
    machine: str
    name: str
    value: int | float | str


@dataclass(frozen=True, slots=True)
class Job:
    """A production order as the line works on it."""

    order_id: str
    product: str
    quantity: int
    changeover_us: int


@dataclass(slots=True)
class Station:
    """What one station holds. `hindrances` counts, per state, the reasons to stand still that are active now."""

    machine: str
    habits: StationScript
    capacity: int
    state: MachineState = MachineState.NO_ORDER
    job: Job | None = None
    part: Job | None = None
    is_done: bool = False
    is_setup: bool = False
    left_us: int = 0
    began_us: int = 0
    cycle_us: int = 0
    token: int = 0
    is_running: bool = False
    slow_factor: float = 1.0
    hindrances: dict[MachineState, int] = field(default_factory=dict)
    buffer: deque[Job] = field(default_factory=deque)
    total: int = 0
    good: int = 0
    scrap: int = 0
    taken: int = 0
    alarm: str = ""
    is_open: bool = False


_PRIORITY = (MachineState.PLANNED_STOP, MachineState.FAULT, MachineState.STOPPED, MachineState.WAITING)


class LineSimulation:
    """The line `line_id` of `model` under `scenario` from `start` on; the same seed gives the same facts."""

    def __init__(self, model: PlantModel, line_id: str, scenario: Scenario, seed: int, start: datetime) -> None:
        self._model, self._scenario = model, scenario
        self._rng = random.Random(f"{seed}/{line_id}")
        self.start_us = self.now_us = to_us(start)
        self.stations = [Station(m, scenario.habits(m), model.machines[m].buffer_out) for m in model.lines[line_id].machines]
        self.degradations = DegradationPlan(model, line_id, scenario, seed, self.start_us)
        self._events: list[tuple[int, int, Callable[[], None]]] = []
        self._counter = itertools.count()
        self._facts: list[Fact] = []
        self._planned_through_us = self.start_us
        self._order_at = 0
        self._loaded = 0
        self._repeats = 0
        self._job: Job | None = self._job_of(scenario.order[0], scenario.order[0].id)
        self._script()
        self._schedule(self.start_us, self._open)

    def advance_to(self, until: datetime) -> list[Fact]:
        """Every change in (the time reached before, `until`], in order."""
        until_us = to_us(until)
        self._plan_through(until_us)
        while self._events and self._events[0][0] <= until_us:
            self.now_us, _, action = heapq.heappop(self._events)
            action()
        self.now_us = max(self.now_us, until_us)
        facts, self._facts = self._facts, []
        return facts

    @property
    def work_in_progress(self) -> int:
        """Parts between loading and leaving: on stations and in buffers."""
        return sum((station.part is not None) + len(station.buffer) for station in self.stations[:-1]) + (self.stations[-1].part is not None)

    # -- script -------------------------------------------------------------------------------------------------------------------------------

    def _schedule(self, at_us: int, action: Callable[[], None]) -> None:
        heapq.heappush(self._events, (at_us, next(self._counter), action))

    def _script(self) -> None:
        for breakdown in self._scenario.breakdown:
            self._window(breakdown, MachineState.FAULT, breakdown.alarm)
        for wait in self._scenario.wait:
            self._window(wait, MachineState.WAITING)
        for stop in self._scenario.planned_stop:
            self._window(stop, MachineState.PLANNED_STOP)
        for slow in self._scenario.slow:
            for station in self._of(slow.machine):
                self._schedule(self.start_us + slow.at, lambda s=station, f=slow.factor: setattr(s, "slow_factor", f))  # type: ignore[misc]
                self._schedule(self.start_us + slow.until_us, lambda s=station: setattr(s, "slow_factor", 1.0))  # type: ignore[misc]
        for place, order in enumerate(self._scenario.order[1:], start=1):
            if order.at > 0:
                self._schedule(self.start_us + order.at, lambda i=place: self._switch_to(i))  # type: ignore[misc]

    def _of(self, machine: str | None) -> list[Station]:
        return [s for s in self.stations if machine in (None, s.machine)]

    def _window(self, happening: Happening, state: MachineState, alarm: str | None = None) -> None:
        for station in self._of(happening.machine):
            self._hinder(station, state, self.start_us + happening.at, self.start_us + happening.until_us, alarm)

    def _hinder(self, station: Station, state: MachineState, from_us: int, to_us_: int, alarm: str | None = None) -> None:
        self._schedule(from_us, lambda: self._set_hindrance(station, state, 1, alarm))
        self._schedule(to_us_, lambda: self._set_hindrance(station, state, -1, "" if alarm is not None else None))

    def _plan_through(self, until_us: int) -> None:
        """Breaks and planned stops of the calendar, scheduled a day ahead of the time they are needed."""
        while self._planned_through_us <= until_us:
            first, last = self._planned_through_us, self._planned_through_us + 24 * 3600 * US_PER_S
            for station in self.stations:
                segments = self._model.calendar.segments(self._model.scopes(station.machine), from_us(first), from_us(last))
                for segment in segments:
                    from_, to = to_us(segment.from_ts), to_us(segment.to_ts)
                    if segment.kind is not SegmentKind.BUSY and (first <= from_ < last or (first == self.start_us and from_ < first < to)):
                        self._hinder(station, MachineState.PLANNED_STOP, max(from_, first), to)
            self._planned_through_us = last
        for degradation in self.degradations.through(until_us):
            self._degrade(degradation)

    def _degrade(self, one: Degradation) -> None:
        (station,) = self._of(one.machine)
        value = f"{one.kind}:{','.join(effect.signal for effect in one.effects)}"
        for name, at_us in (("onset", one.onset_us), ("failure", one.failure_us), ("reset", one.end_us)):
            if at_us is not None:
                self._schedule(at_us, lambda name=name: self._tell(station, name, value))  # type: ignore[misc]
        if one.failure_us is not None and one.end_us is not None:
            self._hinder(station, MachineState.FAULT, one.failure_us, one.end_us, one.alarm)

    def _set_hindrance(self, station: Station, state: MachineState, step: int, alarm: str | None) -> None:
        station.hindrances[state] = station.hindrances.get(state, 0) + step
        if alarm is not None:
            station.alarm = alarm
        if station.is_open:
            if alarm is not None:
                self._tell(station, "alarm", alarm)
            self._settle(station)

    # -- orders -------------------------------------------------------------------------------------------------------------------------------

    def _job_of(self, order: OrderScript, order_id: str) -> Job:
        return Job(order_id, order.product, order.quantity, round(order.changeover_minutes * 60 * US_PER_S))

    def _switch_to(self, place: int) -> None:
        if place > self._order_at or self._job is None:
            self._order_at, self._loaded, self._repeats = place, 0, 0
            self._job = self._job_of(self._scenario.order[place], self._scenario.order[place].id)
            self._settle(self.stations[0])

    def _next_order(self) -> None:
        following = self._order_at + 1
        if following < len(self._scenario.order):
            self._job = None
            if self._scenario.order[following].at <= self.now_us - self.start_us:
                self._switch_to(following)
        elif self._scenario.endless:
            self._again()
        else:
            self._job = None

    def _again(self) -> None:
        """The last order once more, or with `in_turn` the next one of all."""
        orders = self._scenario.order
        self._repeats += 1
        self._loaded = 0
        if self._scenario.in_turn:
            order = orders[(self._repeats - 1) % len(orders)]
            self._job = self._job_of(order, repeat_id(order, (self._repeats - 1) // len(orders) + 2))
        else:
            self._job = replace(self._job_of(orders[-1], repeat_id(orders[-1], self._repeats + 1)), changeover_us=0)

    def _load(self) -> Job | None:
        if self._job is not None and self._loaded >= self._job.quantity:
            self._next_order()
        if self._job is not None:
            self._loaded += 1
        return self._job

    # -- stations -----------------------------------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        for station in self.stations:
            for name, value in (("total", 0), ("good", 0), ("scrap", 0), ("alarm", station.alarm), ("buffer_out", 0)):
                self._tell(station, name, value)
            self._take_job(station, self._job)
            station.is_open = True
        for station in self.stations:
            self._settle(station)
        told = {fact.machine for fact in self._facts if fact.name == "state"}
        for station in self.stations:
            if station.machine not in told:
                self._tell(station, "state", station.state.value)

    def _tell(self, station: Station, name: str, value: int | float | str) -> None:
        self._facts.append(Fact(self.now_us, station.machine, name, value))

    def _take_job(self, station: Station, job: Job | None) -> None:
        if job != station.job or job is None:
            self._tell(station, "order", job.order_id if job else "")
            self._tell(station, "product", job.product if job else "")
            station.job = job

    def _drop_job(self, station: Station) -> None:
        if station.job is not None:
            self._take_job(station, None)

    def _become(self, station: Station, state: MachineState) -> None:
        if state is not station.state:
            station.state = state
            self._tell(station, "state", state.value)

    def _settle(self, station: Station) -> None:
        """Bring a station to what its part, buffers and hindrances allow now."""
        hindrance = next((state for state in _PRIORITY if station.hindrances.get(state, 0) > 0), None)
        if hindrance is not None:
            self._pause(station)
            self._become(station, hindrance)
        elif station.is_running:
            pass
        elif station.part is None:
            self._fetch(station)
        elif station.is_done:
            self._hand_over(station)
        else:
            self._run(station)

    def _pause(self, station: Station) -> None:
        if station.is_running:
            station.left_us -= self.now_us - station.began_us
            station.is_running = False
            station.token += 1

    def _run(self, station: Station) -> None:
        station.began_us, station.is_running = self.now_us, True
        station.token += 1
        self._become(station, MachineState.SETUP if station.is_setup else MachineState.PRODUCING)
        self._schedule(self.now_us + station.left_us, lambda token=station.token: self._finish(station, token))  # type: ignore[misc]

    def _fetch(self, station: Station) -> None:
        place = self.stations.index(station)
        part = self._load() if place == 0 else self._pull(self.stations[place - 1])
        if part is None:
            if place == 0:
                self._drop_job(station)
            self._become(station, MachineState.STARVED if place > 0 else MachineState.NO_ORDER)
            return
        station.part, station.taken = part, station.taken + 1
        changeover_us = part.changeover_us if station.job is not None and part.order_id != station.job.order_id else 0
        self._take_job(station, part)
        station.is_setup = changeover_us > 0
        station.left_us = changeover_us if station.is_setup else self._new_cycle(station)
        self._run(station)

    def _pull(self, upstream: Station) -> Job | None:
        if upstream.buffer:
            part = upstream.buffer.popleft()
            self._schedule(self.now_us, lambda: self._settle(upstream))
        elif upstream.is_done and upstream.part is not None and not any(n > 0 for n in upstream.hindrances.values()):
            part, upstream.part, upstream.is_done = upstream.part, None, False
            self._schedule(self.now_us, lambda: self._settle(upstream))
        else:
            return None
        self._tell(upstream, "buffer_out", len(upstream.buffer))
        return part

    def _new_cycle(self, station: Station) -> int:
        assert station.part is not None
        habits, rng = station.habits, self._rng
        planned = self._planned_us(station.machine, station.part.product)
        spread = max(-2.5, min(2.5, rng.gauss(0, 1))) * (habits.cycle_jitter or 0)
        station.cycle_us = max(1, round(planned * (habits.cycle_factor or 1) * station.slow_factor * (1 + spread)))
        if rng.random() < (habits.micro_stops_per_hour or 0) * station.cycle_us / (3600 * US_PER_S):
            low, high = habits.micro_stop_s or (15.0, 90.0)
            begin = self.now_us + round(rng.random() * station.cycle_us)
            length_us = round(rng.uniform(low, high) * US_PER_S)
            self._schedule(begin, lambda: self._micro_stop(station, length_us))
        return station.cycle_us

    def _micro_stop(self, station: Station, length_us: int) -> None:
        if station.is_running and not station.is_setup:
            self._set_hindrance(station, MachineState.STOPPED, 1, None)
            self._schedule(self.now_us + length_us, lambda: self._set_hindrance(station, MachineState.STOPPED, -1, None))

    def _planned_us(self, machine: str, product: str) -> int:
        now = from_us(self.now_us)
        for plate in self._model.nameplates:
            if plate.machine == machine and plate.product == product and plate.valid_from <= now and (plate.valid_to is None or now < plate.valid_to):
                return plate.planned_run_time_us
        return DEFAULT_CYCLE_US

    def _finish(self, station: Station, token: int) -> None:
        if token != station.token or not station.is_running:
            return
        station.is_running = False
        if station.is_setup:
            station.is_setup = False
            station.left_us = self._new_cycle(station)
            self._run(station)
            return
        station.left_us = 0
        self._count(station)
        self._settle(station)

    def _count(self, station: Station) -> None:
        station.total += 1
        self._tell(station, "cycle_time", station.cycle_us / US_PER_S)
        self._tell(station, "total", station.total)
        if self._rng.random() < (station.habits.scrap_rate or 0):
            station.scrap += 1
            self._tell(station, "scrap", station.scrap)
            station.part = None
        else:
            station.good += 1
            self._tell(station, "good", station.good)
            station.is_done = True

    def _hand_over(self, station: Station) -> None:
        if station is self.stations[-1]:
            station.part, station.is_done = None, False
            self._fetch(station)
            return
        downstream = self.stations[self.stations.index(station) + 1]
        if len(station.buffer) >= station.capacity:
            # Without room the part stays on the station; a downstream station that waits takes it straight from here.
            if downstream.state is MachineState.STARVED:
                self._settle(downstream)
            if station.part is not None:
                self._become(station, MachineState.BLOCKED)
            return
        assert station.part is not None
        station.buffer.append(station.part)
        self._tell(station, "buffer_out", len(station.buffer))
        station.part, station.is_done = None, False
        self._settle(downstream)
        self._fetch(station)
