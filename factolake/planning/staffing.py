"""Who does each operation of a schedule, and with which tools, where it says no more than machine and times: as few as can be are left without.

A guess that is judged afterwards like any other schedule: people and tools are given out one operation after the other, and where nobody is free one
other operation may change hands. No solver is asked, so a cleverer distribution may exist where one of many skills is left without anybody.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from factolake.domain.job import Mode, Placed, Problem, Window
from factolake.planning.judging.open_time import OpenTime
from factolake.planning.judging.resources import people_faults, tool_faults
from factolake.planning.judging.scene import scene_of


def staffed(problem: Problem, schedule: Iterable[Placed], stands: Iterable[Placed] = ()) -> tuple[Placed, ...]:
    """`stands` as it is, then `schedule`, each with people and the mode of its machine whose tools are free. Who comes first is served first.

    `Problem.fixed` goes before all others, and where it is in `schedule` it stays as it is there. Without people are those for which nobody is free.
    O(n log n) in operations.
    """
    fixed, wanted = {placed.operation: placed for placed in problem.fixed}, list(schedule)
    house = _House(problem)
    others = {placed.operation: placed for placed in stands}
    for placed in (fixed | others).values():
        house.take(placed)
    for placed in wanted:
        if placed.operation not in fixed:
            house.staff(placed)
    return (*(house.placed[number] for number in others), *(one if one.operation in fixed else house.placed[one.operation] for one in wanted))


def lacking(problem: Problem, schedule: tuple[Placed, ...]) -> frozenset[int]:
    """Operations of `schedule` that have not the people and tools they take."""
    scene = scene_of(problem, schedule)
    return frozenset(number for fault in (*people_faults(scene), *tool_faults(scene)) for number in fault.operations)


@dataclass(slots=True)
class _Diary:
    """When somebody is at work, or a tool is in use: by start, with the operation. What overlaps was given so by others."""

    spans: list[tuple[int, int, int]] = field(default_factory=list)

    def within(self, span: Window) -> list[int]:
        """Operations that overlap `span`."""
        found = []
        for place in range(bisect_right(self.spans, (span[1], -1, -1)) - 1, -1, -1):
            _, end, operation = self.spans[place]
            if end <= span[0]:
                break  # apart from fixed work nothing overlaps, so all before has ended
            found.append(operation)
        return found

    def add(self, placed: Placed) -> None:
        entry = (placed.start, placed.end, placed.operation)
        self.spans.insert(bisect_right(self.spans, entry), entry)

    def drop(self, placed: Placed) -> None:
        self.spans.remove((placed.start, placed.end, placed.operation))


@dataclass(slots=True)
class _House:
    """People and tools of a problem, and what they are given."""

    problem: Problem
    placed: dict[int, Placed] = field(default_factory=dict)
    people: list[_Diary] = field(init=False)
    tools: list[_Diary] = field(init=False)
    shifts: list[OpenTime] = field(init=False)
    opened: list[OpenTime] = field(init=False)
    able: list[list[int]] = field(init=False)

    def __post_init__(self) -> None:
        problem = self.problem
        self.people, self.tools = [_Diary() for _ in problem.people], [_Diary() for _ in problem.tools]
        self.shifts = [OpenTime(person.windows) for person in problem.people]
        self.opened = [OpenTime(machine.windows) for machine in problem.machines]
        by_use = sorted(range(len(problem.people)), key=lambda one: (len(problem.people[one].skills), one))  # who can do more is kept for it
        self.able = [[one for one in by_use if skill in problem.people[one].skills] for skill in range(len(problem.skills))]

    def mode(self, placed: Placed) -> Mode:
        return self.problem.operations[placed.operation].modes[placed.mode]

    def take(self, placed: Placed) -> None:
        """Write it down as it is."""
        self.placed[placed.operation] = placed
        for person in placed.people:
            self.people[person].add(placed)
        for tool in self.mode(placed).tools:
            self.tools[tool].add(placed)

    def staff(self, placed: Placed) -> None:
        """Find its tools and people, and write it down with them."""
        placed, chosen = Placed(placed.operation, self._with_tools(placed), placed.start, placed.end), list[int]()
        for skill in self.mode(placed).skills:
            person = next(self._candidates(placed, skill, chosen), None)
            if person is None:
                chosen = []
                break
            chosen.append(person)
        self.take(Placed(placed.operation, placed.mode, placed.start, placed.end, tuple(chosen)) if chosen else placed)

    def _with_tools(self, placed: Placed) -> int:
        """The mode on the same machine whose tools are free; where there is none the mode as it is."""
        modes, span = self.problem.operations[placed.operation].modes, (placed.start, placed.end)
        if not self.mode(placed).tools:
            return placed.mode
        same = [number for number, mode in enumerate(modes) if mode.machine == self.mode(placed).machine]
        return next((number for number in same if all(self._is_usable(tool, span) for tool in modes[number].tools)), placed.mode)

    def _is_usable(self, tool: int, span: Window) -> bool:
        windows = self.problem.tools[tool].windows
        is_there = windows is None or any(start <= span[0] and span[1] <= end for start, end in windows)
        return is_there and not self.tools[tool].within(span)

    def _candidates(self, placed: Placed, skill: int, chosen: list[int]) -> Iterator[int]:
        """Who holds the skill and is free; then who becomes so when what they do then is given to another."""
        span = (placed.start, placed.end)
        pieces = self._pieces(placed)
        busy = []
        for one in self.able[skill]:
            if one not in chosen and self._is_there(one, pieces):
                if not self.people[one].within(span):
                    yield one
                busy.append(one)
        for one in busy:
            if self._hand_over(one, span, {*chosen, one}):
                yield one

    def _pieces(self, placed: Placed) -> list[Window]:
        """When its machine is open while it is made: then people have to be there."""
        return list(self.opened[self.mode(placed).machine].pieces(placed.start, placed.end))

    def _is_there(self, person: int, pieces: list[Window]) -> bool:
        return all(self.shifts[person].between(start, end) == end - start for start, end in pieces)

    def _hand_over(self, person: int, span: Window, barred: set[int]) -> bool:
        """Give the one operation that keeps `person` from `span` to somebody else; False where that cannot be."""
        fixed = {placed.operation for placed in self.problem.fixed}
        work = self.people[person].within(span)
        if len(work) != 1 or work[0] in fixed:
            return False
        placed = self.placed[work[0]]
        skill = self.mode(placed).skills[placed.people.index(person)]
        pieces = self._pieces(placed)
        others = (one for one in self.able[skill] if one not in barred and one not in placed.people and self._is_there(one, pieces))
        other = next((one for one in others if not self.people[one].within((placed.start, placed.end))), None)
        if other is None:
            return False
        self.people[person].drop(placed)
        changed = replace(placed, people=tuple(other if one == person else one for one in placed.people))
        self.people[other].add(changed)
        self.placed[placed.operation] = changed
        return True
