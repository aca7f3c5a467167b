"""Problems without any plan: a planted one with one contradiction put in, and the operations that are its core."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from random import Random

from planted import Planted, planted

from factolake.domain.job import ConflictKind, Link, Machine, Material, Mode, Operation, Placed, Problem, Tool


@dataclass(frozen=True, slots=True)
class Infeasible:
    """A problem without any plan, why, and operations that alone have none: it had a plan before the contradiction was put in."""

    problem: Problem
    kind: ConflictKind
    core: tuple[int, ...]


Change = Callable[[Random, Planted], Infeasible]


def infeasible(seed: int, jobs: int, machines: int, steps: int, contradiction: str) -> Infeasible:
    """A planted problem (at least two operations) with one of `CONTRADICTIONS` in it."""
    rng = Random(f"infeasible {seed} {jobs} {machines} {steps} {contradiction}")
    given = planted(seed, jobs, machines, steps)
    # Fixed work would be in contradiction with what is changed about it, which is another core; work before may be in a mode that is gone.
    return CONTRADICTIONS[contradiction](rng, Planted(replace(given.problem, fixed=(), before=()), given.schedule))


def _changed(problem: Problem, number: int, **changes: object) -> Problem:
    operations = list(problem.operations)
    operations[number] = replace(operations[number], **changes)  # type: ignore[arg-type]
    return replace(problem, operations=tuple(operations))


def _any(rng: Random, problem: Problem) -> int:
    return rng.randrange(len(problem.operations))


def _missing_skill(rng: Random, given: Planted) -> Infeasible:
    problem, number = given.problem, _any(rng, given.problem)
    skill = len(problem.skills)
    modes = tuple(replace(mode, skills=(*mode.skills, skill)) for mode in problem.operations[number].modes)
    changed = _changed(replace(problem, skills=(*problem.skills, "nobody has it")), number, modes=modes)
    return Infeasible(changed, ConflictKind.NO_SKILL, (number,))


def _missing_machine(rng: Random, given: Planted) -> Infeasible:
    problem, number = given.problem, _any(rng, given.problem)
    closed = Machine("always closed", ())
    modes = (Mode(len(problem.machines), 10),)
    return Infeasible(_changed(replace(problem, machines=(*problem.machines, closed)), number, modes=modes), ConflictKind.NO_MACHINE, (number,))


def _missing_tool(rng: Random, given: Planted) -> Infeasible:
    problem, number = given.problem, _any(rng, given.problem)
    tool = len(problem.tools)
    modes = tuple(replace(mode, tools=(*mode.tools, tool)) for mode in problem.operations[number].modes)
    return Infeasible(
        _changed(replace(problem, tools=(*problem.tools, Tool("never there", 0, ()))), number, modes=modes), ConflictKind.NO_TOOL, (number,)
    )


def _missing_material(rng: Random, given: Planted) -> Infeasible:
    """Two take of a material that comes for one of them (or one takes what never comes)."""
    problem = given.problem
    core = sorted(rng.sample(range(len(problem.operations)), rng.randint(1, 2)))
    material, arrives = len(problem.materials), len(core) * 5 - 1 if len(core) > 1 else 0
    problem = replace(problem, materials=(*problem.materials, Material("short", ((0, arrives),) if arrives else ())))
    for number in core:
        problem = _changed(problem, number, needs=(*problem.operations[number].needs, (material, 5)))
    return Infeasible(problem, ConflictKind.NO_MATERIAL, tuple(core))


def _late_deadline(rng: Random, given: Planted) -> Infeasible:
    """A deadline one unit before the end of the shortest way through the links to an operation."""
    problem, number = given.problem, _any(rng, given.problem)
    path = [number]
    while problem.operations[path[-1]].after:
        path.append(rng.choice(problem.operations[path[-1]].after).operation)
    path.reverse()
    end = 0
    for place, one in enumerate(path):
        operation = problem.operations[one]
        lag = next((link.lag for link in operation.after if place and link.operation == path[place - 1]), 0)
        end = max(end + lag, operation.release, problem.jobs[operation.job].release) + min(mode.duration for mode in operation.modes)
    return Infeasible(_changed(problem, number, deadline=end - 1), ConflictKind.NO_TIME, tuple(sorted(path)))


def _too_long(rng: Random, given: Planted) -> Infeasible:
    """An operation that cannot pause and is longer than any window of its machine."""
    problem, number = given.problem, _any(rng, given.problem)
    machine = len(problem.machines)
    windows = tuple((day * 480, day * 480 + 100) for day in range(30))
    problem = replace(problem, machines=(*problem.machines, Machine("short days", windows)))
    return Infeasible(_changed(problem, number, modes=(Mode(machine, 101),), is_splittable=False), ConflictKind.NO_TIME, (number,))


def _cycle(rng: Random, given: Planted) -> Infeasible:
    """The first operation of a way through the links comes after its last one; where there are no links two operations come after each other."""
    problem = given.problem
    linked = [number for number, operation in enumerate(problem.operations) if operation.after]
    path = [rng.choice(linked)] if linked else rng.sample(range(len(problem.operations)), 2)
    while problem.operations[path[-1]].after:
        path.append(rng.choice(problem.operations[path[-1]].after).operation)
    if not linked:
        problem = _changed(problem, path[0], after=(Link(path[1]),))
    problem = _changed(problem, path[-1], after=(*problem.operations[path[-1]].after, Link(path[0])))
    return Infeasible(problem, ConflictKind.CYCLE, tuple(sorted(path)))


def _two_fixed(rng: Random, given: Planted) -> Infeasible:
    """Two operations that are fixed on one machine at overlapping times."""
    problem = given.problem
    core = sorted(rng.sample(range(len(problem.operations)), 2))
    machine = len(problem.machines)
    problem = replace(problem, machines=(*problem.machines, Machine("taken twice")))
    fixed = []
    for place, number in enumerate(core):
        start = max(placed.start for placed in given.schedule) + 10 * place
        operation = Operation(problem.operations[number].job, (Mode(machine, 20),))
        problem = replace(problem, operations=(*problem.operations[:number], operation, *problem.operations[number + 1 :]))
        fixed.append(Placed(number, 0, start, start + 20))
    return Infeasible(replace(_loose(problem, set(core)), fixed=tuple(fixed)), ConflictKind.FIXED, tuple(core))


def _overload(rng: Random, given: Planted) -> Infeasible:
    """Operations on a machine that is open for one unit less than all of them take together."""
    problem = given.problem
    core = sorted(rng.sample(range(len(problem.operations)), min(len(problem.operations), rng.randint(2, 5))))
    durations = [rng.randint(5, 40) for _ in core]
    machine, opens = len(problem.machines), max(placed.start for placed in given.schedule)
    problem = replace(problem, machines=(*problem.machines, Machine("too short", ((opens, opens + sum(durations) - 1),))))
    for number, duration in zip(core, durations, strict=True):
        operation = Operation(problem.operations[number].job, (Mode(machine, duration),))
        problem = replace(problem, operations=(*problem.operations[:number], operation, *problem.operations[number + 1 :]))
    return Infeasible(_loose(problem, set(core)), ConflictKind.TOGETHER, tuple(core))


def _loose(problem: Problem, core: set[int]) -> Problem:
    """Nothing waits for the core or has limits in time, so that the core alone is at fault."""
    operations = tuple(
        replace(operation, deadline=None, after=tuple(link for link in operation.after if link.operation not in core))
        for operation in problem.operations
    )
    return replace(problem, operations=operations, horizon=None)


CONTRADICTIONS: Mapping[str, Change] = {
    "missing skill": _missing_skill,
    "missing machine": _missing_machine,
    "missing tool": _missing_tool,
    "missing material": _missing_material,
    "deadline before the shortest way": _late_deadline,
    "longer than any window": _too_long,
    "cycle": _cycle,
    "two fixed on one machine": _two_fixed,
    "more work than the machine is open": _overload,
}
