"""Costs that no plan can be below: by the longest ways, the work of machines and of people with skills, and the setups that no order avoids."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from factolake.domain.job import Problem
from models.planning.bounds import stock_bound
from models.planning.rich.arrays import (
    BATCH,
    CLOSES,
    DUE,
    DURATION,
    FAMILY,
    FAR,
    JOB,
    LAG,
    LINKS,
    MACHINE,
    MAKESPAN,
    MODES,
    N_MACHINES,
    N_OPERATIONS,
    N_PEOPLE,
    NEEDS,
    OTHER,
    PLACE,
    RANK,
    RELEASE,
    SET_UP_FOR,
    SETUP,
    SETUPS,
    SKILLED,
    SPLIT,
    TARDINESS,
    WEIGHT,
    WINDOWS,
    Data,
    Ints,
    to_arrays,
)
from models.planning.rich.calendars import open_time, work_end, work_start
from models.planning.rich.resources import person_windows

# So many steps of heads and of tails are looked at for each set of machines.
STEPS = 12


@dataclass(frozen=True, slots=True)
class Times:
    """Of each operation: its earliest start, its earliest end, and the least time from its end to that of all."""

    heads: Ints
    ends: Ints
    tails: Ints


def lower_bound(problem: Problem) -> int:
    """A cost that no plan of the problem is below, by its weights; 0 where links form a ring."""
    try:
        data = to_arrays(problem)
    except ValueError:
        return 0
    fixed = {placed.operation: (placed.mode, placed.start, placed.end) for placed in problem.fixed}
    times = _times(data, fixed)
    if np.any(times.ends >= FAR):
        return 0
    setups = [_least_setup(data, machine) for machine in range(data.sizes[N_MACHINES])]
    rests = [_shortest(data, number) + int(times.tails[number]) for number in range(len(times.tails))]
    latest = max([stock_bound(problem, rests), *(times.ends + times.tails).tolist()])
    if data.sizes[MAKESPAN]:
        for machines, work in _loads(data, setups):
            latest = _load_bound(data, times, machines, work, int(latest))
    job_ends = np.zeros(len(problem.jobs), np.int64)
    np.maximum.at(job_ends, data.operations[:-1, JOB], times.ends)
    late = np.sum(data.jobs[:, WEIGHT] * np.maximum(0, job_ends - data.jobs[:, DUE]))
    sizes = data.sizes
    return int(sizes[MAKESPAN] * latest + sizes[TARDINESS] * late + sizes[SETUP] * sum(setups))


def _times(data: Data, fixed: dict[int, tuple[int, int, int]]) -> Times:
    size = int(data.sizes[N_OPERATIONS])
    heads, ends, tails = (np.zeros(size, np.int64) for _ in range(3))
    mode_ends = np.full(len(data.modes), FAR, np.int64)
    order = np.argsort(data.operations[:-1, RANK], kind="stable")
    for number in order:
        first, last = int(data.operations[number, MODES]), int(data.operations[number + 1, MODES])
        if int(number) in fixed:
            mode, heads[number], ends[number] = fixed[int(number)]
            mode_ends[first + mode] = ends[number]
            continue
        starts = [_earliest(data, int(number), mode, _ready(data, int(number), mode, mode_ends)) for mode in range(first, last)]
        for mode, (_, end) in zip(range(first, last), starts, strict=True):
            mode_ends[mode] = end
        heads[number] = min((start for start, _ in starts), default=FAR)
        ends[number] = min((end for _, end in starts), default=FAR)
    for number in order[::-1]:
        for row in range(data.operations[number, LINKS], data.operations[number + 1, LINKS]):
            other = data.links[row, OTHER]
            tails[other] = max(tails[other], data.links[row, LAG] + _shortest(data, int(number)) + tails[number])
    return Times(heads, ends, np.maximum(tails, 0))


def _shortest(data: Data, number: int) -> int:
    return int(min(data.modes[data.operations[number, MODES] : data.operations[number + 1, MODES], DURATION], default=0))


def _ready(data: Data, number: int, mode: int, mode_ends: Ints) -> int:
    """Earliest time by release, links and the first arrivals of material."""
    ready = int(data.operations[number, RELEASE])
    here = data.resources[data.modes[mode, MACHINE], PLACE]
    for row in range(data.operations[number, LINKS], data.operations[number + 1, LINKS]):
        other = data.links[row, OTHER]
        ones = range(data.operations[other, MODES], data.operations[other + 1, MODES])
        met = [mode_ends[one] + data.links[row, LAG] + data.travel[data.resources[data.modes[one, MACHINE], PLACE], here] for one in ones]
        ready = max(ready, int(min(met, default=FAR)))
    materials = len(data.resources) - 1 - int(data.sizes[4])
    for row in range(data.operations[number, NEEDS], data.operations[number + 1, NEEDS]):
        material, quantity = materials + data.needs[row, 0], data.needs[row, 1]
        arrivals = data.windows[data.resources[material, WINDOWS] : data.resources[material + 1, WINDOWS]]
        enough = [int(time) for time, more, before in arrivals if before + more >= quantity]
        ready = max(ready, min(enough, default=FAR) if quantity else 0)
    return ready


def _earliest(data: Data, number: int, mode: int, ready: int) -> tuple[int, int]:
    """(start, end) that the machine's windows, and those of one person for each skill by themselves, allow."""
    machine, duration = data.modes[mode, MACHINE], data.modes[mode, DURATION]
    first, last = data.resources[machine, WINDOWS], data.resources[machine + 1, WINDOWS]
    while ready < FAR:
        start = work_start(data.windows, first, last, ready, duration, data.operations[number, SPLIT])
        if start >= FAR:
            break
        end = work_end(data.windows, first, last, start, duration)
        ready = max((_somebody(data, int(data.skills[row]), machine, start, end) for row in range(*data.modes[mode : mode + 2, SKILLED])), default=0)
        if not ready:
            return int(start), int(end)
    return FAR, FAR


def _somebody(data: Data, skill: int, machine: int, start: int, end: int) -> int:
    """0 where somebody with the skill is there, else when one may be next."""
    people = data.skilled[data.skilled_from[skill] : data.skilled_from[skill + 1]] + data.sizes[N_MACHINES]
    return int(min((person_windows(data, person, machine, start, end) for person in people), default=FAR))


def _loads(data: Data, setups: Sequence[int]) -> Iterator[tuple[list[int], Ints]]:
    """(machines or people by their resources, least work that each operation gives them) of sets worth a look."""
    size, machines = int(data.sizes[N_OPERATIONS]), int(data.sizes[N_MACHINES])
    sets = {frozenset(range(machines)), *(frozenset([machine]) for machine in range(machines))}
    where = [frozenset(data.modes[data.operations[number, MODES] : data.operations[number + 1, MODES], MACHINE].tolist()) for number in range(size)]
    sets |= set(where)
    for one in sorted(sets, key=sorted):
        batch = max(int(data.resources[machine, BATCH]) for machine in one) if one else 1
        work = np.array([_shortest(data, number) // batch if where[number] <= one else 0 for number in range(size)], np.int64)
        yield sorted(one), np.append(work, sum(setups[machine] for machine in one))
    for skill in range(len(data.skilled_from) - 1):
        people = data.skilled[data.skilled_from[skill] : data.skilled_from[skill + 1]] + machines
        yield people.tolist(), np.append([_skill_work(data, number, {skill}) for number in range(size)], 0)
    everybody = list(range(machines, machines + int(data.sizes[N_PEOPLE])))
    yield everybody, np.append([_skill_work(data, number, None) for number in range(size)], 0)


def _skill_work(data: Data, number: int, skills: set[int] | None) -> int:
    """Least person time of the skills (None: of all) in any mode of an operation."""
    work = []
    for mode in range(data.operations[number, MODES], data.operations[number + 1, MODES]):
        wanted = data.skills[data.modes[mode, SKILLED] : data.modes[mode + 1, SKILLED]]
        work.append(int(data.modes[mode, DURATION]) * sum(1 for skill in wanted if skills is None or int(skill) in skills))
    return min(work, default=0)


def _load_bound(data: Data, times: Times, resources: Sequence[int], work: Ints, latest: int) -> int:
    """The latest end that the work of some resources forces, at least `latest`. The last of `work` is theirs whatever is looked at from 0 on."""
    own = np.flatnonzero(work[:-1])
    if not len(own) or not resources:
        return latest
    heads, tails = times.heads[own], times.tails[own]
    for tail in _steps(tails):
        for head in _steps(heads):
            among = (heads >= head) & (tails >= tail)
            whole = head == heads.min() and tail == tails.min()
            total = int(work[own][among].sum()) + (int(work[-1]) if whole else 0)
            since = 0 if whole and work[-1] else int(head)
            if total and _room(data, resources, since, latest - int(tail)) < total:
                latest = int(tail) + _when(data, resources, since, latest - int(tail), total)
    return latest


def _steps(values: Ints) -> list[int]:
    distinct = np.unique(values)
    return [int(value) for value in distinct[:: max(1, len(distinct) // STEPS)]]


def _room(data: Data, resources: Sequence[int], since: int, until: int) -> int:
    """Open time of all the resources between two times."""
    if until <= since:
        return 0
    total = 0
    for one in resources:
        first, last = data.resources[one, WINDOWS], data.resources[one + 1, WINDOWS]
        total += int(open_time(data.windows, first, last, until) - open_time(data.windows, first, last, since))
    return total


def _when(data: Data, resources: Sequence[int], since: int, low: int, total: int) -> int:
    """Earliest time by which the resources have so much open time; `low` where they never do."""
    ends = [int(data.windows[data.resources[one + 1, WINDOWS] - 1, CLOSES]) for one in resources if data.resources[one + 1, WINDOWS] > 0]
    high = min(max(ends, default=0), since + total + max((end for end in ends if end < FAR), default=0))
    if _room(data, resources, since, high) < total:
        return low
    low = max(low, since)
    while low < high:
        middle = (low + high) // 2
        if _room(data, resources, since, middle) < total:
            low = middle + 1
        else:
            high = middle
    return low


def _least_setup(data: Data, machine: int) -> int:
    """Setup time of a machine that no order avoids: each family that has to be done there is entered once, the first one free where it may be."""
    matrix, start = int(data.resources[machine, SETUPS]), int(data.resources[machine, SET_UP_FOR])
    if matrix < 0:
        return 0
    families = set()
    for number in range(int(data.sizes[N_OPERATIONS])):
        machines = data.modes[data.operations[number, MODES] : data.operations[number + 1, MODES], MACHINE]
        if len(machines) and np.all(machines == machine):
            families.add(int(data.operations[number, FAMILY]))
    table = data.setups[matrix]
    entries = [int(min(np.delete(table[:, family], family), default=0)) for family in sorted(families) if family != start]
    return sum(entries) - (max(entries, default=0) if start < 0 else 0)
