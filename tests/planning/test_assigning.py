"""Who does what where times stand: as few changes as trying everybody, nobody where there is nobody, and all of it as the judge wants it."""

import random
from dataclasses import replace
from itertools import product

import pytest

from factolake.domain.job import Job, Machine, Mode, Operation, Person, Placed, Problem, Tool
from factolake.planning.validator import Rule, faults
from models.planning.exact.assigning import assigned


def small(seed: int) -> tuple[Problem, tuple[Placed, ...]]:
    """Five operations on three machines at times by chance, for up to two of four people and one of two tools."""
    rng = random.Random(seed)
    windows = rng.choice((None, ((0, 9), (11, 40))))
    machines = tuple(Machine(location=place, windows=windows) for place in range(3))
    operations, placed, free = [], [], [0, 0, 0]
    for number in range(5):
        machine, duration = rng.randrange(3), rng.randint(1, 5)
        skills = tuple(rng.randrange(2) for _ in range(rng.choice((0, 1, 1, 2))))
        tools = rng.choice(((), (0, 1)))
        modes = [Mode(machine, duration, skills, (tool,)) for tool in tools] or [Mode(machine, duration, skills)]
        operations.append(Operation(0, tuple(modes), is_splittable=True))
        start = free[machine] + rng.randint(0, 4)
        start = start if windows is None or not 9 <= start < 11 else 11
        end = start + duration + (2 if windows is not None and start < 9 < start + duration else 0)
        free[machine] = end
        known = len(skills) > 0 and rng.random() < 0.7
        people = tuple(rng.sample(range(4), len(skills))) if known else ()
        placed.append(Placed(number, rng.randrange(len(modes)), start, end, people))
    shifts = [rng.choice((None, ((0, rng.randint(5, 20)),), ((3, 30),))) for _ in range(4)]
    people = tuple(Person(f"p{n}", frozenset(rng.sample((0, 1), rng.choice((1, 1, 2)))), shifts[n]) for n in range(4))
    tools = (Tool(location=0, windows=rng.choice((None, ((0, 12),)))), Tool(location=2))
    travel = ((0, 1, 2), (1, 0, 1), (2, 1, 0))
    problem = Problem((Job(),), tuple(operations), machines, people, tools, skills=("a", "b"), travel=travel, before=tuple(placed))
    return problem, tuple(placed)


def everything(problem: Problem, schedule: tuple[Placed, ...]) -> list[tuple[Placed, ...]]:
    """All ways to staff it that the judge lets pass."""
    ways = []
    for placed in schedule:
        modes = problem.operations[placed.operation].modes
        people = range(len(problem.people))
        each = [replace(placed, mode=m, people=who) for m, mode in enumerate(modes) for who in product(people, repeat=len(mode.skills))]
        ways.append([one for one in each if {fault.rule for fault in faults(problem, (one,))} <= {Rule.PLACED}])
    return [plan for plan in product(*ways) if not faults(problem, plan)]


def changes(problem: Problem, plan: tuple[Placed, ...]) -> int:
    """Operations whose people are known from before and that others do now, or other tools."""
    count = 0
    for was, now in zip(problem.before, plan, strict=True):
        modes = problem.operations[was.operation].modes
        if len(was.people) == len(modes[was.mode].skills):
            count += (was.people, modes[was.mode].tools) != (now.people, modes[now.mode].tools)
    return count


@pytest.mark.parametrize("seed", range(14))
def test_it_changes_as_little_as_trying_everybody(seed: int) -> None:
    problem, schedule = small(seed)
    found = assigned(problem, schedule)
    best = min((changes(problem, plan) for plan in everything(problem, schedule)), default=None)
    assert (found is None) == (best is None)
    if found is not None:
        assert faults(problem, found.schedule) == ()
        assert [(one.operation, one.start, one.end) for one in found.schedule] == [(one.operation, one.start, one.end) for one in schedule]
        assert changes(problem, found.schedule) == len(found.changed) == best
