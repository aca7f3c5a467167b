"""A problem as tables of whole numbers, which compiled code reads: one row a thing, columns by name."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from factolake.domain.job import Problem, Window

Ints = NDArray[np.int64]

FAR = 1 << 50
"""A time after every plan: what never comes."""

# Columns of Data.operations. The last row of each table holds only where the lists of the row before end.
JOB, FAMILY, RELEASE, DEADLINE, SPLIT, MODES, LINKS, FOLLOWERS, NEEDS, PEOPLE, TOOLS, FIXED, BEFORE, BEHIND, RANK = range(15)
# Columns of Data.modes.
MACHINE, DURATION, SKILLED, TOOLED = range(4)
# Columns of Data.links and Data.followers.
OTHER, LAG, NO_WAIT = range(3)
# Columns of Data.resources: machines, then people, tools and materials. A material's windows are its arrivals (time, quantity, stock before).
WINDOWS, PLACE, SETUPS, SET_UP_FOR, BUFFER, BATCH = range(6)
# Columns of Data.windows.
OPENS, CLOSES, OPEN_BEFORE = range(3)
# Places in Data.sizes.
N_OPERATIONS, N_MACHINES, N_PEOPLE, N_TOOLS, N_MATERIALS, HORIZON, MAKESPAN, TARDINESS, SETUP, MOVED, NEED_NODES, SPAN, PENALTY = range(13)
# Columns of Data.jobs.
DUE, WEIGHT = range(2)
NO_PLACE = -2


class Data(NamedTuple):
    """The problem. `modes`, `skills`, `tools`, `links`, `followers`, `needs` are lists of all operations, one behind the other."""

    sizes: Ints
    operations: Ints
    modes: Ints
    skills: Ints
    tools: Ints
    links: Ints
    followers: Ints
    needs: Ints
    resources: Ints
    windows: Ints
    setups: Ints
    travel: Ints
    skilled: Ints
    skilled_from: Ints
    jobs: Ints
    node_operation: Ints


def to_arrays(problem: Problem) -> Data:
    """The tables of a problem. Raises ValueError for links that form a ring."""
    ranks = _ranks(problem)
    operations, modes, skills, tools, links, needs = _operations(problem, ranks)
    followers = _followers(problem, operations)
    node_operation, need_nodes = _nodes(problem, operations)
    resources, windows = _resources(problem)
    skilled, skilled_from = _skilled(problem)
    weights = problem.weights
    horizon = FAR if problem.horizon is None else problem.horizon
    penalty = 10 * (weights.makespan + weights.tardiness * max((job.weight for job in problem.jobs), default=1)) + 1
    counts = (len(problem.operations), len(problem.machines), len(problem.people), len(problem.tools), len(problem.materials))
    sizes = (*counts, horizon, weights.makespan, weights.tardiness, weights.setup, weights.moved, need_nodes, _span(problem), penalty)
    return Data(
        np.array(sizes, np.int64), operations, modes, skills, tools, links, followers, needs, resources, windows, _setups(problem),
        np.array(problem.travel, np.int64).reshape(len(problem.travel), -1), skilled, skilled_from,
        _table([(FAR if job.due is None else job.due, job.weight) for job in problem.jobs], 2), node_operation,
    )  # fmt: skip


def _table(rows: list[tuple[int, ...]], columns: int) -> Ints:
    return np.array(rows, np.int64).reshape(len(rows), columns)


def _list(values: list[int]) -> Ints:
    return np.array(values, np.int64)


def _ranks(problem: Problem) -> list[int]:
    """Place of each operation in an order that goes by the links."""
    waiting = [len(operation.after) for operation in problem.operations]
    next_ones: list[list[int]] = [[] for _ in problem.operations]
    for number, operation in enumerate(problem.operations):
        for link in operation.after:
            next_ones[link.operation].append(number)
    ready = [number for number, count in enumerate(waiting) if not count]
    ranks = [0] * len(waiting)
    for rank, number in enumerate(ready):
        ranks[number] = rank
        for follower in next_ones[number]:
            waiting[follower] -= 1
            if not waiting[follower]:
                ready.append(follower)
    if len(ready) < len(waiting):
        raise ValueError(f"links of operations {[n for n, count in enumerate(waiting) if count][:8]} form a ring; take one of them out")
    return ranks


def _operations(problem: Problem, ranks: list[int]) -> tuple[Ints, Ints, Ints, Ints, Ints, Ints]:
    rows: list[tuple[int, ...]] = []
    modes: list[tuple[int, ...]] = []
    skills: list[int] = []
    tools: list[int] = []
    links: list[tuple[int, ...]] = []
    needs: list[tuple[int, ...]] = []
    fixed = {placed.operation for placed in problem.fixed}
    before = behind_before(problem)
    latest = FAR if problem.horizon is None else problem.horizon
    for number, operation in enumerate(problem.operations):
        release = max(operation.release, problem.jobs[operation.job].release, 0)
        deadline = min(latest, FAR if operation.deadline is None else operation.deadline)
        where, behind = before.get(number, (NO_PLACE, NO_PLACE))
        starts = (len(modes), len(links), 0, len(needs), 0, 0)
        rows.append(
            (
                operation.job,
                operation.family,
                release,
                deadline,
                int(operation.is_splittable),
                *starts,
                int(number in fixed),
                where,
                behind,
                ranks[number],
            )
        )
        for mode in operation.modes:
            modes.append((mode.machine, mode.duration, len(skills), len(tools)))
            skills += mode.skills
            tools += sorted(set(mode.tools))
        links += [(link.operation, link.lag, int(link.no_wait)) for link in operation.after]
        needs += operation.needs
    end = [0] * 15
    end[MODES], end[LINKS], end[NEEDS] = len(modes), len(links), len(needs)
    rows.append(tuple(end))
    modes.append((0, 0, len(skills), len(tools)))
    return _table(rows, 15), _table(modes, 4), _list(skills), _list(tools), _table(links, 3), _table(needs, 2)


def behind_before(problem: Problem) -> dict[int, tuple[int, int]]:
    """(machine, operation just before it on that machine or -1) of each operation of `problem.before` that is not fixed."""
    fixed = {placed.operation for placed in problem.fixed}
    last: dict[int, int] = {}
    found: dict[int, tuple[int, int]] = {}
    for placed in sorted(problem.before, key=lambda one: (one.start, one.end, one.operation)):
        machine = problem.operations[placed.operation].modes[placed.mode].machine
        if placed.operation not in fixed:
            found[placed.operation] = (machine, last.get(machine, -1))
        last[machine] = placed.operation
    return found


def _followers(problem: Problem, operations: Ints) -> Ints:
    followers: list[list[tuple[int, ...]]] = [[] for _ in problem.operations]
    for number, operation in enumerate(problem.operations):
        for link in operation.after:
            followers[link.operation].append((number, link.lag, int(link.no_wait)))
    rows = [row for one in followers for row in one]
    operations[:, FOLLOWERS] = np.cumsum([0, *(len(one) for one in followers)])
    return _table(rows, 3)


def _nodes(problem: Problem, operations: Ints) -> tuple[Ints, int]:
    """Operation of each node of the lists of what resources do: one a machine, then one a place for a person, a tool, a need."""
    owner = list(range(len(problem.operations)))
    for number, operation in enumerate(problem.operations):
        operations[number, PEOPLE] = len(owner)
        owner += [number] * max((len(mode.skills) for mode in operation.modes), default=0)
    operations[-1, PEOPLE] = len(owner)
    for number, operation in enumerate(problem.operations):
        operations[number, TOOLS] = len(owner)
        owner += [number] * max((len(set(mode.tools)) for mode in operation.modes), default=0)
    operations[-1, TOOLS] = len(owner)
    need_nodes = len(owner)
    for number, operation in enumerate(problem.operations):
        owner += [number] * len(operation.needs)
    return _list(owner), need_nodes


def _resources(problem: Problem) -> tuple[Ints, Ints]:
    windows: list[tuple[int, ...]] = []
    rows: list[tuple[int, ...]] = []

    def add(pairs: tuple[Window, ...] | None, *rest: int) -> None:
        rows.append((len(windows), *rest))
        total = 0
        for first, second in ((0, FAR),) if pairs is None else pairs:
            windows.append((first, second, total))
            total += second - first

    for machine in problem.machines:
        setups = -1 if machine.setups is None else machine.setups
        family = -1 if machine.family is None else machine.family
        add(machine.windows, machine.location, setups, family, -1 if machine.buffer is None else machine.buffer, machine.batch)
    for person in problem.people:
        add(person.windows, 0, -1, -1, -1, 1)
    for tool in problem.tools:
        add(tool.windows, tool.location, -1, -1, -1, 1)
    for material in problem.materials:
        rows.append((len(windows), 0, -1, -1, -1, 1))
        total = 0
        for time, quantity in sorted(material.arrivals):
            windows.append((time, quantity, total))
            total += quantity
    rows.append((len(windows), 0, 0, 0, 0, 0))
    return _table(rows, 6), _table(windows, 3)


def _skilled(problem: Problem) -> tuple[Ints, Ints]:
    """People of each skill, who holds the fewest skills first, and where each skill's list begins."""
    people: list[int] = []
    starts = [0]
    for skill in range(len(problem.skills)):
        able = [number for number, person in enumerate(problem.people) if skill in person.skills]
        people += sorted(able, key=lambda number: len(problem.people[number].skills))
        starts.append(len(people))
    return _list(people), _list(starts)


def _setups(problem: Problem) -> Ints:
    size = max((len(matrix) for matrix in problem.setups), default=1)
    table = np.zeros((max(1, len(problem.setups)), size, size), np.int64)
    for number, matrix in enumerate(problem.setups):
        table[number, : len(matrix), : len(matrix)] = matrix
    return table


def _span(problem: Problem) -> int:
    """A length of time as long as a whole plan, which an operation without a place costs."""
    work = sum(max((mode.duration for mode in operation.modes), default=0) for operation in problem.operations)
    ends = [machine.windows[-1][1] for machine in problem.machines if machine.windows]
    return max(1, work, problem.horizon or 0, *(end for end in ends if end < FAR), 0)
