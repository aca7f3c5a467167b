"""Weighted lateness, setups and moved work with calendars and skills, where all machines keep the same hours.

Planned in open minutes, in which work that pauses has its plain length and setups their plain time; only an order's end is looked up by the clock.
People are optional intervals with their absences blocked, machines circuits whose arcs bear setups and say who stays behind whom.
"""

import time
from bisect import bisect_right
from collections import defaultdict
from itertools import accumulate

from ortools.sat.python import cp_model

from factolake.domain.job import Person, Placed, Problem, Window
from peers.running import Answer, solved


class Hours:
    """The open minutes of the shop: from the clock and back."""

    def __init__(self, windows: tuple[Window, ...]) -> None:
        self.windows = windows
        self.before = [0, *accumulate(closes - opens for opens, closes in windows)]

    def spent(self, clock: int) -> int:
        """Open minutes before a time of the clock."""
        return sum(max(0, min(clock, closes) - opens) for opens, closes in self.windows)

    def clock(self, minute: int, *, is_end: bool) -> int:
        """The clock when so many open minutes have gone by: the end of a window for an end, the beginning of the next one for a start."""
        at = bisect_right(self.before, minute - 1 if is_end else minute) - 1
        at = min(max(at, 0), len(self.windows) - 1)
        return self.windows[at][0] + minute - self.before[at]

    def absences(self, person: Person) -> list[Window]:
        """Open minutes in which somebody is away."""
        away, at = [], 0
        for comes, goes in person.windows or ((0, self.windows[-1][1]),):
            if self.spent(comes) > at:
                away.append((at, self.spent(comes)))
            at = self.spent(goes)
        return [*away, (at, self.before[-1])] if at < self.before[-1] else away


class Shop:
    """The model while it is built: variables of each operation, in open minutes."""

    def __init__(self, problem: Problem, hours: Hours) -> None:
        self.problem, self.hours, self.model = problem, hours, cp_model.CpModel()
        self.starts: list[cp_model.IntVar] = []
        self.ends: list[cp_model.IntVar] = []
        self.modes: list[list[cp_model.IntVar]] = []
        self.people: list[dict[int, cp_model.IntVar]] = []
        self.costs: list[cp_model.LinearExprT] = []

    def add_operations(self) -> None:
        model, total = self.model, self.hours.before[-1]
        at_person: dict[int, list[cp_model.IntervalVar]] = defaultdict(list)
        for operation in self.problem.operations:
            release = self.hours.spent(max(operation.release, self.problem.jobs[operation.job].release))
            start, end = model.new_int_var(release, total, ""), model.new_int_var(release, total, "")
            durations = [mode.duration for mode in operation.modes]
            size = model.new_int_var(min(durations), max(durations), "")
            model.new_interval_var(start, size, end, "")
            able = [number for number, person in enumerate(self.problem.people) if operation.modes[0].skills[0] in person.skills]
            does = {person: model.new_bool_var("") for person in able}
            model.add_exactly_one(does.values())
            for person, literal in does.items():
                at_person[person].append(model.new_optional_interval_var(start, size, end, literal, ""))
            self.starts.append(start)
            self.ends.append(end)
            self.people.append(does)
        for person, intervals in at_person.items():
            away = [model.new_fixed_size_interval_var(a, b - a, "") for a, b in self.hours.absences(self.problem.people[person])]
            model.add_no_overlap([*intervals, *away])
        for number, operation in enumerate(self.problem.operations):
            for link in operation.after:
                model.add(self.starts[number] >= self.ends[link.operation])

    def add_machines(self) -> None:
        model, weights = self.model, self.problem.weights
        uses: list[list[tuple[int, cp_model.IntVar]]] = [[] for _ in self.problem.machines]
        intervals: list[list[cp_model.IntervalVar]] = [[] for _ in self.problem.machines]
        for number, operation in enumerate(self.problem.operations):
            literals = [model.new_bool_var("") for _ in operation.modes]
            model.add_exactly_one(literals)
            for mode, literal in zip(operation.modes, literals, strict=True):
                uses[mode.machine].append((number, literal))
                intervals[mode.machine].append(model.new_optional_interval_var(self.starts[number], mode.duration, self.ends[number], literal, ""))
            self.modes.append(literals)
        stays = self._before()
        for machine, there in enumerate(uses):
            model.add_no_overlap(intervals[machine])
            self._add_circuit(machine, there, stays)
        self.costs.append(weights.moved * len(stays))

    def _before(self) -> dict[int, tuple[int, int | None]]:
        """Machine and predecessor of each operation in the plan before."""
        stands: dict[int, tuple[int, int | None]] = {}
        last: dict[int, int] = {}
        for placed in sorted(self.problem.before, key=lambda one: (one.start, one.end)):
            machine = self.problem.operations[placed.operation].modes[placed.mode].machine
            stands[placed.operation] = (machine, last.get(machine))
            last[machine] = placed.operation
        return stands

    def _add_circuit(self, machine: int, uses: list[tuple[int, cp_model.IntVar]], stays: dict[int, tuple[int, int | None]]) -> None:
        problem, model, weights = self.problem, self.model, self.problem.weights
        setups, family = problem.machines[machine].setups, problem.machines[machine].family
        nobody = model.new_bool_var("")
        arcs: list[tuple[int, int, cp_model.IntVar]] = [(0, 0, nobody)]

        def arc(origin: int, target: int, before: int | None, after: int) -> None:
            literal = model.new_bool_var("")
            arcs.append((origin, target, literal))
            known = family if before is None else problem.operations[before].family
            setup = 0 if setups is None or known is None else problem.setups[setups][known][problem.operations[after].family]
            since: cp_model.LinearExprT = 0 if before is None else self.ends[before]
            model.add(self.starts[after] >= since + setup).only_enforce_if(literal)
            saved = weights.moved if stays.get(after) == (machine, before) else 0
            if weights.setup * setup != saved:
                self.costs.append((weights.setup * setup - saved) * literal)

        for place, (number, literal) in enumerate(uses, start=1):
            arcs += [(place, 0, model.new_bool_var("")), (place, place, ~literal)]
            model.add_implication(nobody, ~literal)
            arc(0, place, None, number)
            for other, (after, _) in enumerate(uses, start=1):
                if other != place:
                    arc(place, other, number, after)
        model.add_circuit(arcs)

    def add_lateness(self) -> None:
        """The clock at an order's end is that of the window which the end lies in."""
        model, weight = self.model, self.problem.weights.tardiness
        for number, job in enumerate(self.problem.jobs):
            ends = [self.ends[place] for place, operation in enumerate(self.problem.operations) if operation.job == number]
            if job.due is None or not ends:
                continue
            end = model.new_int_var(0, self.hours.before[-1], "")
            model.add_max_equality(end, ends)
            late = model.new_int_var(0, self.hours.windows[-1][1], "")
            inside = []
            for place, (opens, _) in enumerate(self.hours.windows):
                literal = model.new_bool_var("")
                inside.append(literal)
                model.add_linear_constraint(end, self.hours.before[place] + 1, self.hours.before[place + 1]).only_enforce_if(literal)
                model.add(late >= end - self.hours.before[place] + opens - job.due).only_enforce_if(literal)
            model.add_exactly_one(inside)
            self.costs.append(weight * job.weight * late)


def solve_peer(problem: Problem, seconds_cpu: float, workers: int, seed: int) -> Answer:
    began = time.process_time()
    calendars = {machine.windows for machine in problem.machines}
    windows = next(iter(calendars))
    if len(calendars) > 1 or windows is None or problem.weights.makespan or problem.fixed:
        raise ValueError(f"machines have {len(calendars)} calendars; this peer plans shops with one, without makespan or fixed work")
    shop = Shop(problem, Hours(windows))
    shop.add_operations()
    shop.add_machines()
    shop.add_lateness()
    shop.model.minimize(sum(shop.costs))
    solver, has_one, bound = solved(shop.model, began, seconds_cpu, workers, seed)
    if not has_one:
        return None, bound, ()
    placed = []
    for number in range(len(problem.operations)):
        mode = next(place for place, literal in enumerate(shop.modes[number]) if solver.value(literal))
        person = next(who for who, literal in shop.people[number].items() if solver.value(literal))
        start = shop.hours.clock(solver.value(shop.starts[number]), is_end=False)
        placed.append(Placed(number, mode, start, shop.hours.clock(solver.value(shop.ends[number]), is_end=True), (person,)))
    return round(solver.objective_value), bound, tuple(placed)
