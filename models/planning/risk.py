"""How sure a plan is: durations and repair times as they were before, the plan played through with them many times, and the plan that stands it best.

The order of work on machines, with people and with tools stays as planned; each operation begins as soon as what it waits for is there. Work goes on
while its machine is open, its tools can be used and enough people with its skills are there, whoever of them: at the end of a shift others take over.
How many may wait in front of a machine is not looked at, and durations do not depend on each other.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from factolake.domain.job import Link, Mode, Placed, Window
from factolake.planning.bounds import BoundKind, Scene
from factolake.planning.building import Built
from factolake.planning.validator import cost

Floats = npt.NDArray[np.float64]

FEW = 8
"""Below so many values a group has no quantiles of its own, and the next wider group stands for it."""
LEAST_BEYOND = 3
"""Fewer values beyond what has gone by already tell nothing: one stop that nobody ended would be what all others are taken for."""


@dataclass(frozen=True, slots=True)
class Done:
    """A run of the past: seconds it was planned to take and took, at a machine, of a family."""

    machine: str
    family: str
    planned_s: float
    actual_s: float


@dataclass(frozen=True, slots=True)
class Repair:
    """A repair of the past, from the stop to the first good part or the repair (seconds)."""

    machine: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Spread:
    """What a quantity was before, in order, and where that is from, in words."""

    values: tuple[float, ...]
    source: str

    def at(self, part: Floats) -> Floats:
        """The quantiles (each of `part` is 0..1): between the values that were seen on straight lines, never outside them."""
        return np.quantile(np.asarray(self.values, dtype=np.float64), part)

    def beyond(self, gone: float) -> "Spread | None":
        """What is left of the values that are above `gone`, once so much has gone by; None where there are few of them."""
        left = tuple(value - gone for value in self.values if value > gone)
        return Spread(left, self.source) if len(left) >= LEAST_BEYOND else None

    @property
    def median(self) -> float:
        """The value that half of them do not pass."""
        return float(np.median(self.values))


FAR = 1 << 40
"""Later than any time of a plan."""
AS_PLANNED = Spread((1.0,), "no history: as planned")


@dataclass(frozen=True, slots=True)
class History:
    """What is known of durations (actual over planned) and repairs (seconds), from what was done before."""

    done: tuple[Done, ...] = ()
    repairs: tuple[Repair, ...] = ()
    _ratios: Mapping[tuple[str, ...], tuple[float, ...]] = field(init=False, repr=False, compare=False)
    _seconds: Mapping[tuple[str, ...], tuple[float, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        runs = [(one, one.actual_s / one.planned_s) for one in self.done if one.planned_s > 0 and one.actual_s > 0]
        ratios = [(key, ratio) for one, ratio in runs for key in ((one.machine, one.family), (one.machine,), ())]
        seconds = [(key, one.seconds) for one in self.repairs if one.seconds > 0 for key in ((one.machine,), ())]
        object.__setattr__(self, "_ratios", _grouped(ratios))
        object.__setattr__(self, "_seconds", _grouped(seconds))

    def durations(self, machine: str, family: str) -> Spread:
        """Actual over planned of the family at the machine; with few runs of that of the machine, of all, or as planned."""
        for key, what in (((machine, family), f"of {family} at {machine}"), ((machine,), f"at {machine}"), ((), "at all machines")):
            found = self._ratios.get(key, ())
            if len(found) >= FEW:
                return Spread(found, f"{len(found)} runs {what}")
        return AS_PLANNED

    def repair_s(self, machine: str) -> Spread | None:
        """Seconds of repairs of the machine; with few of them those of all machines; None where these are few as well."""
        for key, what in (((machine,), f"of {machine}"), ((), "of all machines")):
            found = self._seconds.get(key, ())
            if len(found) >= FEW:
                return Spread(found, f"{len(found)} repairs {what}")
        return None


@dataclass(frozen=True, slots=True)
class OrderRisk:
    """How sure an order is: how often it was late (0..1; None: no due date), and its end by 50 and by 90 of 100 plays (UTC)."""

    order_id: str
    late: float | None
    p50_end_ts: datetime
    p90_end_ts: datetime


@dataclass(frozen=True, slots=True)
class Risk:
    """A plan played through `samples` times: each order, what the plan then costs by quantile, and where the spreads are from."""

    orders: tuple[OrderRisk, ...]
    costs: Floats = field(repr=False)
    sources: tuple[str, ...]
    samples: int

    def cost_at(self, quantile: float) -> float:
        """What the plan costs at most in that part (0..1) of all plays, by the weights of its problem."""
        return float(np.quantile(self.costs, quantile))


def risk(built: Built, schedule: tuple[Placed, ...], history: History, *, samples: int = 1000, seed: int = 0) -> Risk:
    """Play a schedule through. The same seed gives every schedule of the same problem the same luck, so that they compare."""
    play = _Play(built, schedule, history, samples, seed)
    ends = play.ends()
    job_ends: dict[int, Floats] = {}
    for number, end in ends.items():
        job = built.problem.operations[number].job
        job_ends[job] = np.maximum(job_ends[job], end) if job in job_ends else end
    orders = tuple(_order_risk(built, job, end) for job, end in sorted(job_ends.items()))
    return Risk(orders, _costs(built, schedule, job_ends, samples), tuple(sorted(play.sources)), samples)


def robust(
    built: Built, plans: Sequence[tuple[Placed, ...]], history: History, *, quantile: float = 0.9, samples: int = 1000, seed: int = 0
) -> tuple[int, tuple[float, ...]]:
    """The place of the plan that costs least at the quantile, and what each costs there. Raises ValueError without a plan."""
    if not plans:
        raise ValueError("there is no plan to choose from; give one or more")
    costs = tuple(risk(built, plan, history, samples=samples, seed=seed).cost_at(quantile) for plan in plans)
    return int(np.argmin(costs)), costs


class _Calendar:
    """Windows of a machine, asked with many times at once. After the last one it is open: nobody knows that it is not."""

    def __init__(self, windows: tuple[Window, ...] | None) -> None:
        self.windows = windows
        self.opens = np.array([start for start, _ in windows or ()], dtype=np.float64)
        self.closes = np.array([end for _, end in windows or ()], dtype=np.float64)
        self.until = np.cumsum(self.closes - self.opens)

    def within(self, windows: tuple[Window, ...] | None) -> "_Calendar":
        """What of it lies in `windows` (None: always) as well, and all of it after the last of them, for nobody knows who is there then."""
        if not windows:
            return self
        known = (*windows, (windows[-1][1], FAR))
        both = [(max(one[0], other[0]), min(one[1], other[1])) for one in self.windows or ((0, FAR),) for other in known]
        return _Calendar(tuple(window for window in both if window[0] < window[1]))

    def end_of(self, start: Floats, duration: Floats) -> Floats:
        """When `duration` of open time has gone by since `start`."""
        if not self.opens.size:
            return start + duration
        last = self.opens.size - 1
        number = np.searchsorted(self.opens, start, side="right") - 1
        inside = np.maximum(number, 0)
        before = self.until[inside] - (self.closes[inside] - self.opens[inside])
        spent = np.where(number < 0, 0.0, before + np.minimum(start, self.closes[inside]) - self.opens[inside])
        spent += np.maximum(start - self.closes[last], 0.0) + duration
        there = np.minimum(np.searchsorted(self.until, spent, side="left"), last)
        return np.maximum(self.closes[there] + spent - self.until[there], start)


class _Play:
    """All plays of a schedule at once: each time is an array with one value a play."""

    def __init__(self, built: Built, schedule: tuple[Placed, ...], history: History, samples: int, seed: int) -> None:
        self.built, self.problem, self.samples = built, built.problem, samples
        self.scene, self.schedule = Scene(built, schedule), schedule
        self.fixed = {placed.operation for placed in built.problem.fixed}
        self.sources: set[str] = set()
        chance = np.random.default_rng(seed)
        luck = chance.random((len(self.problem.operations), samples))
        repair_luck = chance.random((len(self.problem.machines), samples))
        self.repaired = {place: self._repaired(place, history, repair_luck[place]) for place in self._down()}
        self.calendars = [self._calendar(place) for place in range(len(self.problem.machines))]
        self.open_for: dict[tuple[int, tuple[int, ...], tuple[int, ...]], _Calendar] = {}
        self.ratios = {placed.operation: self._ratio(placed, history, luck[placed.operation]) for placed in schedule}
        self.free_machine: dict[int, tuple[Floats, int]] = {}
        self.free_person: dict[int, Floats] = {}
        self.free_tool: dict[int, tuple[Floats, int]] = {}
        self.end: dict[int, Floats] = {}

    def ends(self) -> dict[int, Floats]:
        """The end of each operation (seconds) in each play."""
        for run in self._runs():
            place = self._mode(run[0]).machine
            start = self._machine_ready(run[0], place)
            for placed in run:
                start = np.maximum(start, self._ready(placed, place))
            duration = np.max([self._mode(placed).duration * self.ratios[placed.operation] for placed in run], axis=0)
            end = self._open_for(run, place).end_of(start, duration)
            for placed in run:
                end = np.maximum(end, self._fed_until(placed))
            self._hold(run, place, end)
        return self.end

    def _open_for(self, run: Iterable[Placed], place: int) -> _Calendar:
        """When a run is worked on: its machine is open, and people and tools are there. Fixed work goes on with whom it has."""
        modes = [self._mode(placed) for placed in run if placed.operation not in self.fixed]
        skills = tuple(sorted(skill for mode in modes for skill in mode.skills))
        tools = tuple(sorted({tool for mode in modes for tool in mode.tools}))
        if (place, skills, tools) not in self.open_for:
            open_for = self.calendars[place]
            for skill in dict.fromkeys(skills):
                able = [person.windows for person in self.problem.people if skill in person.skills]
                open_for = open_for.within(_together(able, skills.count(skill)))
            for tool in tools:
                open_for = open_for.within(self.problem.tools[tool].windows)
            self.open_for[place, skills, tools] = open_for
        return self.open_for[place, skills, tools]

    def _runs(self) -> list[list[Placed]]:
        runs: dict[tuple[int, ...], list[Placed]] = {}
        for placed in sorted(self.schedule, key=lambda one: (one.start, one.operation)):
            place = self._mode(placed).machine
            alone = placed.operation if self.problem.machines[place].batch == 1 else -1
            runs.setdefault((place, placed.start, placed.end, alone), []).append(placed)
        return list(runs.values())

    def _mode(self, placed: Placed) -> Mode:
        return self.problem.operations[placed.operation].modes[placed.mode]

    def _machine_ready(self, placed: Placed, place: int) -> Floats:
        """When the machine is free, repaired and set up."""
        machine = self.problem.machines[place]
        family = self.problem.operations[placed.operation].family
        since, before = self.free_machine.get(place, (np.zeros(self.samples), machine.family))
        since = np.maximum(since, self.repaired.get(place, 0.0))
        setup = 0 if machine.setups is None or before is None else self.problem.setups[machine.setups][before][family]
        return self.calendars[place].end_of(since, np.full(self.samples, float(setup))) if setup else since

    def _ready(self, placed: Placed, place: int) -> Floats:
        """When all else that the operation waits for is there."""
        operation, here = self.problem.operations[placed.operation], self.problem.machines[place].location
        waits = self.built.operations[placed.operation].waits_until_ts is not None and place in self.repaired
        least = 0 if waits else max(operation.release, self.problem.jobs[operation.job].release)
        if placed.operation in self.fixed and place not in self.repaired:
            least = placed.start
        least = max([least, *(b.until for b in self.scene.bounds(placed) if b.kind is BoundKind.MATERIAL)])
        ready = np.full(self.samples, float(least))
        for link in operation.after:
            if link.operation in self.end:
                ready = np.maximum(ready, self.end[link.operation] + self._lag(link) + self._way(link.operation, here))
        for person in placed.people:
            ready = np.maximum(ready, self.free_person.get(person, 0.0))
        for tool in self._mode(placed).tools:
            since, there = self.free_tool.get(tool, (np.zeros(self.samples), self.problem.tools[tool].location))
            ready = np.maximum(ready, since + self.problem.travel[there][here])
        return ready

    def _way(self, operation: int, here: int) -> int:
        return self.problem.travel[self.problem.machines[self._mode(self.scene.placed[operation]).machine].location][here]

    def _lag(self, link: Link) -> Floats | float:
        """Below 0 (parts move on one by one) it stretches with the operation that feeds."""
        return link.lag * self.ratios[link.operation] if link.lag < 0 else float(link.lag)

    def _fed_until(self, placed: Placed) -> Floats:
        """Before when it cannot end, since the last part comes no earlier from the operation that feeds it."""
        least = np.zeros(self.samples)
        for link in self.problem.operations[placed.operation].after:
            if link.lag < 0 and link.operation in self.end:
                duration = self._mode(placed).duration
                is_quicker = duration <= self._mode(self.scene.placed[link.operation]).duration
                last_part = max(duration + link.lag, 0) if is_quicker else 0  # of slower work the lag says when the first part comes, not the last
                least = np.maximum(least, self.end[link.operation] + last_part * self.ratios[placed.operation])
        return least

    def _hold(self, run: Iterable[Placed], place: int, end: Floats) -> None:
        for placed in run:
            self.end[placed.operation] = end
            self.free_machine[place] = (end, self.problem.operations[placed.operation].family)
            self.free_person.update(dict.fromkeys(placed.people, end))
            for tool in self._mode(placed).tools:
                self.free_tool[tool] = (end, self.problem.machines[place].location)

    def _ratio(self, placed: Placed, history: History, luck: Floats) -> Floats:
        operation = self.built.operations[placed.operation]
        order = self.built.orders[self.problem.operations[placed.operation].job]
        spread = history.durations(self.built.machine_of(placed), operation.family or order.material_id)
        self.sources.add(f"durations: {spread.source}")
        return spread.at(luck)

    def _down(self) -> list[int]:
        return [place for place, unit in enumerate(self.built.situation.machines) if unit.down_since_ts is not None]

    def _calendar(self, place: int) -> _Calendar:
        unit, seconds = self.built.situation.machines[place], self.built.seconds
        if place not in self.repaired:
            return _Calendar(self.problem.machines[place].windows)
        return _Calendar(seconds.windows(unit.open_spans or (), seconds.closed(unit.closed_spans)))

    def _repaired(self, place: int, history: History, luck: Floats) -> Floats:
        """When a machine that is down is repaired: by an estimate with the spread of its repairs, or by what these last beyond its stop so far."""
        at, unit = self.built.situation, self.built.situation.machines[place]
        spread = history.repair_s(unit.equipment)
        is_estimated = unit.repaired_ts is not None and unit.repaired_ts > at.now_ts
        estimate = self.built.seconds.at(unit.repaired_ts) if unit.repaired_ts is not None and is_estimated else at.repair_s
        self.sources.add(f"repair of {unit.equipment}: {spread.source if spread else 'no history: as estimated'}")
        if spread is None or unit.down_since_ts is None:
            return np.full(self.samples, float(estimate))
        if is_estimated:
            return estimate * spread.at(luck) / spread.median
        stands = (at.now_ts - unit.down_since_ts).total_seconds()
        left = spread.beyond(stands)
        return np.full(self.samples, float(estimate)) if left is None else left.at(luck)


def _together(calendars: Sequence[tuple[Window, ...] | None], count: int) -> tuple[Window, ...] | None:
    """When `count` of them are open at once; None: always."""
    count -= sum(windows is None for windows in calendars)
    if count <= 0:
        return None
    steps = sorted(step for windows in calendars for opens, closes in windows or () for step in ((opens, 1), (closes, -1)))
    found: list[Window] = []
    there = opened = 0
    for time, step in steps:
        there += step
        if there == count and step > 0:
            opened = time
        elif there == count - 1 and step < 0 and time > opened:
            found.append((opened, time))
    return tuple(found)


def _grouped(pairs: Iterable[tuple[tuple[str, ...], float]]) -> dict[tuple[str, ...], tuple[float, ...]]:
    found: dict[tuple[str, ...], list[float]] = {}
    for key, value in pairs:
        found.setdefault(key, []).append(value)
    return {key: tuple(sorted(values)) for key, values in found.items()}


def _order_risk(built: Built, job: int, end: Floats) -> OrderRisk:
    due = built.due[job]
    half, most = (built.moment(int(np.ceil(value))) for value in np.quantile(end, (0.5, 0.9)))
    return OrderRisk(built.orders[job].order_id, None if due is None else float(np.mean(end > due)), half, most)


def _costs(built: Built, schedule: tuple[Placed, ...], ends: Mapping[int, Floats], samples: int) -> Floats:
    weights, spent = built.problem.weights, cost(built.problem, schedule)
    total: npt.NDArray[Any] = np.full(samples, float(weights.setup * spent.setup + weights.moved * spent.moved))
    latest = np.zeros(samples)
    for job, end in ends.items():
        due = built.due[job]
        latest = np.maximum(latest, end)
        if due is not None:
            total += weights.tardiness * built.problem.jobs[job].weight * np.maximum(end - due, 0.0)
    return total + weights.makespan * latest
