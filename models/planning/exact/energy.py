"""Work of a plan shifted to where energy is cheap. Machines, sequences, people and tools stay; proposals only.

A mixed-integer programme in Pyomo: each run starts in one stretch of its allowed starts, in which end and cost are straight lines (scheduling by
time-of-use tariffs: Castro, Harjunkoski, Grossmann, Ind. Eng. Chem. Res. 48, 2009). With the stretches chosen, what is left are differences of
starts, so starts are whole.
"""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import pyomo.environ as pyo
from pyomo.contrib.appsi.base import TerminationCondition

from factolake.domain.job import Placed, Problem, makespan
from models.planning.exact.open_time import pieces, until
from models.planning.exact.solving import solver
from models.planning.exact.starts import CLOSE, Price, Run, Stretch, end_at, stretches

HOUR = 3600


class InvalidTariff(ValueError):
    """A tariff that cannot be: the value seen, what would be right."""


@dataclass(frozen=True, slots=True)
class Tariff:
    """Money per kWh by time: `steps` are (from, price), from 0 or before on; each price holds until the next, the last one from there on.

    Prices may be below 0. Raises InvalidTariff.
    """

    steps: tuple[tuple[int, float], ...]

    def __post_init__(self) -> None:
        times = [time for time, _ in self.steps]
        if not times or times[0] > 0 or any(later <= earlier for earlier, later in pairwise(times)):
            raise InvalidTariff(f"steps of the tariff begin at {times}; give one or more with rising times, the first at 0 or before")

    @classmethod
    def by_hours(cls, prices: Sequence[float], began: int = 0, hour: int = HOUR) -> "Tariff":
        """A price for each hour of the clock; the first one began at `began` (0 or below), an hour is so many units of time."""
        return cls(tuple((began + hour * number, price) for number, price in enumerate(prices)))

    @property
    def changes(self) -> tuple[int, ...]:
        """Times at which the price changes."""
        return tuple(time for (_, before), (time, price) in pairwise(self.steps) if price != before)

    def between(self, start: int, end: int) -> float:
        """The price, added up over each unit of time."""
        return sum(units * self.steps[place][1] for place, units in self.parts(start, end))

    def parts(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """(place of the step, units of time in it) from start to end, those with none left out."""
        at = start
        for place in range(max(bisect_right(self.steps, start, key=_time) - 1, 0), len(self.steps)):
            if at >= end:
                return
            until = min(self.steps[place + 1][0], end) if place + 1 < len(self.steps) else end
            if until > at:
                yield place, until - at
                at = until

    def within(self, end: int) -> "Tariff":
        """The steps that hold somewhere from 0 to `end`."""
        first = max(bisect_right(self.steps, 0, key=_time) - 1, 0)
        return Tariff(self.steps[first : max(bisect_left(self.steps, end, key=_time), first + 1)])


def _time(step: tuple[int, float]) -> int:
    return step[0]


@dataclass(frozen=True, slots=True)
class Cheaper:
    """A schedule with the energy (money) that its work costs, what the one before costs, and the operations that start at another time.

    `is_best`: nothing in the same order that makes no order later costs less; False where the time was over before that was known.
    """

    schedule: tuple[Placed, ...]
    cost: float
    before: float
    shifted: tuple[int, ...]
    is_best: bool

    @property
    def says(self) -> str:
        """What it is worth, in a sentence."""
        if not self.shifted:
            return f"the energy of the work costs {self.before:.2f}; no other start is cheaper without an order being later"
        starts = "1 operation starts" if len(self.shifted) == 1 else f"{len(self.shifted)} operations start"
        return f"the energy of the work costs {self.cost:.2f} in place of {self.before:.2f}; {starts} at another time and no order is later"


def energy_cost(problem: Problem, schedule: tuple[Placed, ...], power_kw: Sequence[float], tariff: Tariff, *, hour: int = HOUR) -> float:
    """Money for the energy of the work: `power_kw` by machine while it works, in its open time. Setups and standing still are not in it."""
    return sum(_cost(problem, run, run.start, run.end, power_kw, tariff, hour) for run in _runs(problem, schedule))


def kwh_by_step(problem: Problem, schedule: tuple[Placed, ...], power_kw: Sequence[float], tariff: Tariff, *, hour: int = HOUR) -> tuple[float, ...]:
    """Energy of the work while each step of the tariff holds, in kWh."""
    found = [0.0] * len(tariff.steps)
    for run in _runs(problem, schedule):
        for piece in pieces(problem.machines[run.machine].windows, run.start, run.end):
            for place, units in tariff.parts(*piece):
                found[place] += power_kw[run.machine] * units / hour
    return tuple(found)


def cheaper(
    problem: Problem,
    schedule: tuple[Placed, ...],
    power_kw: Sequence[float],
    tariff: Tariff,
    *,
    hour: int = HOUR,
    seconds: float = 20.0,
    seed: int = 0,
) -> Cheaper:
    """The starts at which the work's energy costs least; `schedule` as it is where nothing is cheaper, or nothing was found within `seconds`.

    No order is later than it is: each ends by its due date, or by its present end where that is later; nothing ends after the present latest end.
    Work at and in front of machines with a limited buffer stays, and work that takes material starts no earlier. `schedule` has to be valid.
    """
    if len(power_kw) != len(problem.machines) or min(power_kw, default=0) < 0:
        raise InvalidTariff(f"power is {list(power_kw)} kW and there are {len(problem.machines)} machines; give 0 or more for each")
    before = energy_cost(problem, schedule, power_kw, tariff, hour=hour)
    programme, tariff = _Programme(problem, schedule), tariff.within(makespan(schedule))
    starts, is_best = programme.solved(lambda run, start, end: _cost(problem, run, start, end, power_kw, tariff, hour), tariff.changes, seconds, seed)
    shifted = tuple(programme.moved(starts))
    cost = energy_cost(problem, shifted, power_kw, tariff, hour=hour)
    if cost >= before - 1e-9 * max(1.0, abs(before)):
        return Cheaper(schedule, before, before, (), is_best)
    then = {placed.operation: placed.start for placed in schedule}
    return Cheaper(shifted, cost, before, tuple(placed.operation for placed in shifted if placed.start != then[placed.operation]), is_best)


def _cost(problem: Problem, run: Run, start: int, end: int, power_kw: Sequence[float], tariff: Tariff, hour: int) -> float:
    worked = pieces(problem.machines[run.machine].windows, start, end)
    return power_kw[run.machine] / hour * sum(tariff.between(*piece) for piece in worked)


def _runs(problem: Problem, schedule: tuple[Placed, ...]) -> list[Run]:
    """What machines do at one go, by start; batches of a machine that takes them are one."""
    groups: dict[tuple[int, ...], list[Placed]] = defaultdict(list)
    for placed in sorted(schedule, key=lambda one: (one.start, one.end, one.operation)):
        machine = problem.operations[placed.operation].modes[placed.mode].machine
        alone = placed.operation if problem.machines[machine].batch == 1 else -1
        groups[machine, placed.start, placed.end, alone].append(placed)
    found = []
    for (machine, start, end, _), together in groups.items():
        operations = [problem.operations[placed.operation] for placed in together]
        modes = [operation.modes[placed.mode] for operation, placed in zip(operations, together, strict=True)]
        found.append(
            Run(
                operations=tuple(placed.operation for placed in together),
                machine=machine,
                start=start,
                end=end,
                duration=max(mode.duration for mode in modes),
                pauses=all(operation.is_splittable for operation in operations),
                people=tuple(person for placed in together for person in placed.people),
                tools=tuple(tool for mode in modes for tool in mode.tools),
            )
        )
    return found


def _by(runs: Sequence[Run], uses: Callable[[Run], Iterable[int]]) -> list[list[int]]:
    """The places of the runs that use the same thing, in their order."""
    found: dict[int, list[int]] = defaultdict(list)
    for place, run in enumerate(runs):
        for used in dict.fromkeys(uses(run)):
            found[used].append(place)
    return list(found.values())


@dataclass(frozen=True, slots=True)
class _Arc:
    """`after` starts `gap` or more from the end of `before` on; exactly then (`is_equal`); or so much open time of the machine later (`is_open`)."""

    before: int
    after: int
    gap: int
    is_equal: bool = False
    is_open: bool = False


class _Programme:
    """The runs of a schedule, by their place, and what keeps them in their order."""

    def __init__(self, problem: Problem, schedule: tuple[Placed, ...]) -> None:
        self.problem, self.schedule = problem, schedule
        self.runs = _runs(problem, schedule)
        self.of = {operation: place for place, run in enumerate(self.runs) for operation in run.operations}
        self.arcs = [*self._links(), *self._machines(), *self._people(), *self._tools()]
        latest = makespan(schedule)
        ends: dict[int, int] = defaultdict(int)
        for placed in schedule:
            job = problem.operations[placed.operation].job
            ends[job] = max(ends[job], placed.end)
        stays = self._staying()
        self.low = [run.start if place in stays else max(self._earliest(place, one) for one in run.operations) for place, run in enumerate(self.runs)]
        self.high = [
            run.end if place in stays else min(self._latest(number, ends, latest) for number in run.operations) for place, run in enumerate(self.runs)
        ]
        self._tighten()

    def solved(self, price: Price, steps: Sequence[int], seconds: float, seed: int) -> tuple[list[int], bool]:
        """The cheapest starts by run, those of now where none were found; and whether it is known that none are cheaper."""
        choices = [self._choices(place, price, steps) for place in range(len(self.runs))]
        now = [run.start for run in self.runs]
        if not choices or not all(choices):
            return now, not choices
        model = self._model(choices)
        highs = solver(seconds, seed, gap=1e-6)
        result = highs.solve(model)
        if result.best_feasible_objective is None:
            return now, False
        result.solution_loader.load_vars()
        starts = [round(sum(self._value(model, place, number, one) for number, one in enumerate(there))) for place, there in enumerate(choices)]
        self._put_back(starts, price)
        return starts, result.termination_condition is TerminationCondition.optimal

    def _put_back(self, starts: list[int], price: Price) -> None:
        """Runs that cost as little where they are now stay there, as far as the others let them."""
        around: dict[int, list[_Arc]] = defaultdict(list)
        for arc in self.arcs:
            around[arc.before].append(arc)
            around[arc.after].append(arc)
        while True:
            before = tuple(starts)
            for place, run in enumerate(self.runs):
                there = starts[place]
                end = end_at(self.problem, run, there)
                if there == run.start or end is None or price(run, run.start, run.end) > price(run, there, end) + CLOSE:
                    continue
                starts[place] = run.start
                if not all(self._holds(arc, starts) for arc in around[place]):
                    starts[place] = there
            if tuple(starts) == before:
                return

    def _holds(self, arc: _Arc, starts: Sequence[int]) -> bool:
        end = end_at(self.problem, self.runs[arc.before], starts[arc.before])
        if end is None:
            return False
        windows = self.problem.machines[self.runs[arc.after].machine].windows
        between = until(windows, starts[arc.after]) - until(windows, end) if arc.is_open else starts[arc.after] - end
        return between == arc.gap if arc.is_equal else between >= arc.gap

    def moved(self, starts: Sequence[int]) -> Iterator[Placed]:
        """The schedule with those starts."""
        for placed in self.schedule:
            place = self.of[placed.operation]
            end = end_at(self.problem, self.runs[place], starts[place])
            yield placed if end is None else replace(placed, start=starts[place], end=end)

    def _choices(self, place: int, price: Price, steps: Sequence[int]) -> list[Stretch]:
        run = self.runs[place]
        last = max(self.high[place] - run.duration, self.low[place])
        found = stretches(self.problem, run, self.low[place], last, steps, price)
        return [one for one in found if one.first + one.span <= self.high[place]]

    def _links(self) -> Iterator[_Arc]:
        problem = self.problem
        for number, place in self.of.items():
            for link in problem.operations[number].after:
                before = self.of[link.operation]
                way = problem.travel[self._location(before)][self._location(place)]
                yield _Arc(before, place, link.lag + way, is_equal=link.no_wait)

    def _machines(self) -> Iterator[_Arc]:
        for there in _by(self.runs, lambda run: (run.machine,)):
            for before, after in pairwise(there):
                yield _Arc(before, after, 0)
                setup = self._setup(self._family(before), after)
                if setup:
                    yield _Arc(before, after, setup, is_open=True)

    def _people(self) -> Iterator[_Arc]:
        for there in _by(self.runs, lambda run: run.people):
            yield from (_Arc(before, after, 0) for before, after in pairwise(there))

    def _tools(self) -> Iterator[_Arc]:
        for there in _by(self.runs, lambda run: run.tools):
            for before, after in pairwise(there):
                yield _Arc(before, after, self.problem.travel[self._location(before)][self._location(after)])

    def _location(self, place: int) -> int:
        return self.problem.machines[self.runs[place].machine].location

    def _family(self, place: int) -> int:
        return self.problem.operations[self.runs[place].operations[0]].family

    def _setup(self, family: int | None, place: int) -> int:
        matrix = self.problem.machines[self.runs[place].machine].setups
        return 0 if matrix is None or family is None else self.problem.setups[matrix][family][self._family(place)]

    def _add_first_setups(self, model: pyo.ConcreteModel, opens: Sequence[pyo.Expression]) -> None:
        for there in _by(self.runs, lambda run: (run.machine,)):
            setup = self._setup(self.problem.machines[self.runs[there[0]].machine].family, there[0])
            if setup:
                model.limits.add(opens[there[0]] >= setup)

    def _staying(self) -> set[int]:
        """Fixed work; work at a machine with a limited buffer, and what comes before it, so that nobody waits there longer than now."""
        problem = self.problem
        waiting = {number for number, place in self.of.items() if problem.machines[self.runs[place].machine].buffer is not None}
        feeding = {link.operation for number in waiting for link in problem.operations[number].after}
        return {self.of[number] for number in (*waiting, *feeding, *(placed.operation for placed in problem.fixed))}

    def _earliest(self, place: int, number: int) -> int:
        operation = self.problem.operations[number]
        taken = self.runs[place].start if operation.needs else 0
        return max(operation.release, self.problem.jobs[operation.job].release, taken, 0)

    def _latest(self, number: int, ends: Mapping[int, int], latest: int) -> int:
        operation, due = self.problem.operations[number], self.problem.jobs[self.problem.operations[number].job].due
        limits = (operation.deadline, self.problem.horizon, None if due is None else max(due, ends[operation.job]))
        return min([latest, *(limit for limit in limits if limit is not None)])

    def _first_ways(self) -> Iterator[tuple[int, int]]:
        """(run, when its tool has come) of the first use of each tool."""
        seen: set[int] = set()
        for place, run in enumerate(self.runs):
            for tool in set(run.tools) - seen:
                yield place, self.problem.travel[self.problem.tools[tool].location][self._location(place)]
            seen.update(run.tools)

    def _tighten(self) -> None:
        """Starts and ends that no chain of arcs leaves are gone; any part of it holds, so once there and back does."""
        for place, comes in self._first_ways():
            self.low[place] = max(self.low[place], comes)
        lengths = [run.duration for run in self.runs]
        for arc in sorted((arc for arc in self.arcs if not arc.is_open), key=lambda arc: arc.after):
            self.low[arc.after] = max(self.low[arc.after], self.low[arc.before] + lengths[arc.before] + arc.gap)
        for arc in sorted((arc for arc in self.arcs if not arc.is_open), key=lambda arc: -arc.before):
            self.high[arc.before] = min(self.high[arc.before], self.high[arc.after] - lengths[arc.after] - arc.gap)

    def _value(self, model: pyo.ConcreteModel, place: int, number: int, one: Stretch) -> float:
        return float(one.first * round(pyo.value(model.here[place, number])) + pyo.value(model.since[place, number]))

    def _model(self, choices: list[list[Stretch]]) -> pyo.ConcreteModel:
        model = pyo.ConcreteModel()
        places = [(place, number) for place, there in enumerate(choices) for number in range(len(there))]
        model.here = pyo.Var(places, domain=pyo.Binary)
        model.since = pyo.Var(places, bounds=lambda _, place, number: (0, choices[place][number].last - choices[place][number].first))
        model.limits = pyo.ConstraintList()
        starts, ends, opens = [], [], []
        for place, there in enumerate(choices):
            here = [model.here[place, number] for number in range(len(there))]
            model.limits.add(sum(here) == 1)
            for number, one in enumerate(there):
                if one.last > one.first:
                    model.limits.add(model.since[place, number] <= (one.last - one.first) * here[number])
            start = sum(one.first * here[number] + model.since[place, number] for number, one in enumerate(there))
            starts.append(start)
            ends.append(start + sum(one.span * here[number] for number, one in enumerate(there)))
            opens.append(start + sum(one.shift * here[number] for number, one in enumerate(there)))
            model.limits.add(ends[-1] <= self.high[place])
        for arc in self.arcs:
            ready = (opens[arc.before] + self.runs[arc.before].duration if arc.is_open else ends[arc.before]) + arc.gap
            begins = opens[arc.after] if arc.is_open else starts[arc.after]
            model.limits.add(begins == ready if arc.is_equal else begins >= ready)
        self._add_first_setups(model, opens)
        model.cost = pyo.Objective(
            expr=sum(one.cost * model.here[p, n] + one.slope * model.since[p, n] for p, there in enumerate(choices) for n, one in enumerate(there))
        )
        return model
