"""Who does what, and with which of equal tools, where times and machines stand: the smallest repair there is when somebody is absent.

A binary for each mode of an operation that takes the same machine and time, and for each person that may fill a place in it. Operations of one person
or tool exclude each other as a set at each start (the cliques of an interval graph), which leaves HiGHS next to nothing to branch on.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import pyomo.environ as pyo
from pyomo.contrib.appsi.base import TerminationCondition

from factolake.domain.job import Mode, Placed, Problem
from models.planning.exact.open_time import covers, pieces
from models.planning.exact.solving import solver

Place = tuple[int, int, int, int]
"""Operation, mode, place of the skill in the mode, person."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A schedule with its people and tools, and the operations of `Problem.before` that somebody else, or another tool, does now."""

    schedule: tuple[Placed, ...]
    changed: tuple[int, ...]


def assigned(problem: Problem, schedule: tuple[Placed, ...], *, seconds: float = 10.0, seed: int = 0) -> Assignment | None:
    """`schedule` with people and tools chosen anew, so that the fewest operations change theirs against `Problem.before`.

    Starts, ends and machines stay, fixed work stays whole. Everybody is qualified, there while the machine is open, and with one operation at a time;
    tools are there in time, their way from any earlier work of theirs included. Work of `before` whose people are not known counts as unchanged.
    None: there are no such people and tools, or none were found within `seconds`. Other rules are not looked at.
    """
    if not schedule:
        return Assignment((), ())
    programme = _Programme(problem, schedule)
    if not programme.is_possible:
        return None
    model = programme.model()
    for again in (0, 1):  # HiGHS is asked twice before it is believed that there is nobody
        highs = solver(seconds, seed + again)
        result = highs.solve(model)
        if result.best_feasible_objective is not None:
            result.solution_loader.load_vars()
            return programme.read(model)
        if result.termination_condition is not TerminationCondition.infeasible:
            break
    return None


class _Programme:
    """What there is to choose from."""

    def __init__(self, problem: Problem, schedule: tuple[Placed, ...]) -> None:
        self.problem = problem
        self.fixed = {placed.operation for placed in problem.fixed}
        self.before = {placed.operation: placed for placed in problem.before}
        self.schedule = tuple(sorted(schedule, key=lambda one: (one.start, one.end, one.operation)))
        self.modes = {placed.operation: self._modes(placed) for placed in self.schedule}
        self.able = {
            (placed.operation, mode, place): self._able(placed, mode, place)
            for placed in self.schedule
            for mode in self.modes[placed.operation]
            for place in range(len(self._mode(placed.operation, mode).skills))
        }
        for placed in self.schedule:
            able = [
                mode for mode in self.modes[placed.operation] if all(self.able[placed.operation, mode, place] for place in self._places(placed, mode))
            ]
            self.modes[placed.operation] = able

    @property
    def is_possible(self) -> bool:
        """Whether there is a way to do each operation by itself."""
        return all(self.modes.values())

    def model(self) -> pyo.ConcreteModel:
        """The programme; its objective is the number of operations that change people or tools."""
        model = pyo.ConcreteModel()
        model.way = pyo.Var([(number, mode) for number, modes in self.modes.items() for mode in modes], domain=pyo.Binary)
        places = [
            (number, mode, place, person) for (number, mode, place), people in self.able.items() if mode in self.modes[number] for person in people
        ]
        model.does = pyo.Var(places, domain=pyo.Binary)
        model.limits = pyo.ConstraintList()
        for number, modes in self.modes.items():
            model.limits.add(sum(model.way[number, mode] for mode in modes) == 1)
        self._add_people(model, places)
        self._add_tools(model)
        self._add_changes(model)
        return model

    def read(self, model: pyo.ConcreteModel) -> Assignment:
        """What the solved programme says."""
        schedule = []
        for placed in self.schedule:
            if placed.operation in self.fixed:
                schedule.append(placed)
                continue
            number = placed.operation
            mode = max(self.modes[number], key=lambda one: pyo.value(model.way[number, one]))
            people = tuple(
                max(self.able[number, mode, place], key=lambda person: pyo.value(model.does[number, mode, place, person]))
                for place in self._places(placed, mode)
            )
            schedule.append(replace(placed, mode=mode, people=people))
        changed = [placed.operation for placed in schedule if self._is_known(placed.operation) and self._is_other(placed)]
        return Assignment(tuple(sorted(schedule, key=lambda one: one.operation)), tuple(sorted(changed)))

    def _mode(self, number: int, mode: int) -> Mode:
        return self.problem.operations[number].modes[mode]

    def _places(self, placed: Placed, mode: int) -> range:
        return range(len(self._mode(placed.operation, mode).skills))

    def _modes(self, placed: Placed) -> list[int]:
        """Modes that take the same machine and time, with tools that may be there."""
        if placed.operation in self.fixed:
            return [placed.mode]
        own = self._mode(placed.operation, placed.mode)
        same = [
            place
            for place, mode in enumerate(self.problem.operations[placed.operation].modes)
            if (mode.machine, mode.duration) == (own.machine, own.duration)
        ]
        return [place for place in same if all(self._is_there(tool, placed) for tool in self._mode(placed.operation, place).tools)]

    def _is_there(self, number: int, placed: Placed) -> bool:
        tool, here = self.problem.tools[number], self._location(placed)
        windows = tool.windows
        within = windows is None or any(opens <= placed.start < closes and placed.end <= closes for opens, closes in windows)
        return within and placed.start >= self.problem.travel[tool.location][here]

    def _location(self, placed: Placed) -> int:
        return self.problem.machines[self._mode(placed.operation, placed.mode).machine].location

    def _able(self, placed: Placed, mode: int, place: int) -> list[int]:
        """Who may fill that place of that mode."""
        if placed.operation in self.fixed:
            return [placed.people[place]] if place < len(placed.people) else []
        skill = self._mode(placed.operation, mode).skills[place]
        work = list(pieces(self.problem.machines[self._mode(placed.operation, mode).machine].windows, placed.start, placed.end))
        people = enumerate(self.problem.people)
        return [number for number, person in people if skill in person.skills and all(covers(person.windows, *piece) for piece in work)]

    def _add_people(self, model: pyo.ConcreteModel, places: list[Place]) -> None:
        """Each place of the mode that is on is filled; nobody is with two operations at once, or twice with one."""
        by_person: dict[int, dict[int, list[Place]]] = defaultdict(lambda: defaultdict(list))
        for where in places:
            by_person[where[3]][where[0]].append(where)
        for (number, mode, place), people in self.able.items():
            if mode in self.modes[number]:
                model.limits.add(sum(model.does[number, mode, place, person] for person in people) == model.way[number, mode])
        for there in by_person.values():
            for together in self._cliques(there):
                model.limits.add(sum(model.does[where] for number in together for where in there[number]) <= 1)

    def _cliques(self, there: Mapping[int, list[Place]]) -> Iterator[list[int]]:
        """At the start of each operation, those that have begun and not ended, itself among them."""
        running: list[Placed] = []
        for placed in self.schedule:
            if placed.operation in there:
                running = [one for one in running if one.end > placed.start] + [placed]
                if len(running) > 1 or len(there[placed.operation]) > 1:
                    yield [one.operation for one in running]

    def _add_tools(self, model: pyo.ConcreteModel) -> None:
        """A tool comes from one operation to the next in time."""
        by_tool: dict[int, list[tuple[Placed, list[int]]]] = defaultdict(list)
        for placed in self.schedule:
            ways: dict[int, list[int]] = defaultdict(list)
            for mode in self.modes[placed.operation]:
                for tool in set(self._mode(placed.operation, mode).tools):
                    ways[tool].append(mode)
            for tool, modes in ways.items():
                by_tool[tool].append((placed, modes))
        for uses in by_tool.values():
            for place, (later, modes) in enumerate(uses):
                for earlier, others in uses[:place]:
                    if earlier.end + self.problem.travel[self._location(earlier)][self._location(later)] > later.start:
                        both = [*(model.way[earlier.operation, one] for one in others), *(model.way[later.operation, one] for one in modes)]
                        model.limits.add(sum(both) <= 1)

    def _is_known(self, number: int) -> bool:
        """Whether it is known who did it, with what, in the plan before."""
        was = self.before.get(number)
        return number not in self.fixed and was is not None and len(was.people) == len(self._mode(number, was.mode).skills)

    def _is_other(self, placed: Placed) -> bool:
        was = self.before[placed.operation]
        return was.people != placed.people or set(self._tools(was)) != set(self._tools(placed))

    def _tools(self, placed: Placed) -> tuple[int, ...]:
        return self._mode(placed.operation, placed.mode).tools

    def _add_changes(self, model: pyo.ConcreteModel) -> None:
        """`stays` is 1 at most where a mode is on with the tools and all people of before; each operation known from there that has none changes."""
        known = [number for number in self.modes if self._is_known(number)]
        kept = [(number, mode) for number in known for mode in self.modes[number] if self._could_stay(number, mode, self.before[number])]
        model.stays = pyo.Var(kept, bounds=(0, 1))
        for number, mode in kept:
            model.limits.add(model.stays[number, mode] <= model.way[number, mode])
            for place, person in enumerate(self.before[number].people):
                model.limits.add(model.stays[number, mode] <= model.does[number, mode, place, person])
        model.changes = pyo.Objective(expr=len(known) - sum(model.stays[one] for one in kept))

    def _could_stay(self, number: int, mode: int, was: Placed) -> bool:
        same = self._mode(number, mode)
        is_same = set(same.tools) == set(self._tools(was)) and len(same.skills) == len(was.people)
        return is_same and all(person in self.able[number, mode, place] for place, person in enumerate(was.people))
