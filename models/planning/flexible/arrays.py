"""A flexible job shop as arrays, and which problems are one."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from factolake.domain.job import Mode, Placed, Problem

Ints = NDArray[np.int64]


# The search bars pairs of operations: a table of 100 MB at this size
LARGEST = 5000

# Rows of a table by operation. What the problem says:
WAYS, SHORTEST, JOB_BEFORE, JOB_AFTER, RELEASE, FAMILY = range(6)
# How it is done (way, machine, its kind, duration) and what stands before and after it on that machine:
WAY, MACHINE, KIND, DURATION, BEFORE, AFTER = range(6, 12)
# Earliest start, time from the end to the latest end; both without one operation; the latest end of those up to each place of ORDER:
HEAD, TAIL, REST_HEAD, REST_TAIL, LATEST_TO = range(12, 17)
# All operations, each behind what it waits for; place of each in it; scratch; first operation by machine; best way and best order so far:
ORDER, PLACE, WAITS, PATH, FIRST, BEST_WAY, BEST_ORDER = range(17, 24)
ROWS = 24
# Rows of `Shop.modes`, by way:
ON, TAKES, ON_KIND = range(3)


class Shop(NamedTuple):
    """A problem in numbers: `size` operations on `machines` machines.

    `given`: the rows WAYS to FAMILY of a table. Its last column stands for no operation, before the first and after the last. Operation `o` may be
    done in the ways `WAYS[o]` to `WAYS[o + 1] - 1`: on machine `modes[ON, way]` for `modes[TAKES, way]`. JOB_BEFORE, JOB_AFTER: neighbours in its
    chain. `setups[kind, family, family]`: time from one family to the next on a machine of that kind; the family of no operation, the last one, is
    what the machine is set up for at 0, and nothing is set up after the last operation.
    """

    size: int
    machines: int
    given: Ints
    modes: Ints
    setups: Ints
    has_setups: bool


def fits(problem: Problem) -> bool:
    """Whether the search knows all that the problem asks: chains, modes, setups, releases and the latest end; no calendars, people and so on."""
    return (
        all(_is_plain(mode) for operation in problem.operations for mode in operation.modes)
        and all(operation.modes and operation.deadline is None for operation in problem.operations)
        and not any(quantity for operation in problem.operations for _, quantity in operation.needs)
        and all(machine.windows is None and machine.buffer is None and machine.batch == 1 for machine in problem.machines)
        and not any(time for row in problem.travel for time in row)
        and _asks_makespan(problem)
        and problem.horizon is None
        and len(problem.operations) <= LARGEST
        and not problem.fixed
        and _is_chains(problem)
        and _families_known(problem)
    )


def shop_of(problem: Problem) -> Shop:
    """The arrays of a problem that `fits`."""
    size, machines = len(problem.operations), len(problem.machines)
    kind, setups = _setups(problem)
    given = np.zeros((6, max(size, machines) + 1), np.int64)
    given[JOB_BEFORE:RELEASE] = none = given.shape[1] - 1
    ways: list[Mode] = []
    for number, operation in enumerate(problem.operations):
        for link in operation.after:
            given[JOB_BEFORE, number], given[JOB_AFTER, link.operation] = link.operation, number
        given[WAYS, number] = len(ways)
        given[SHORTEST, number] = min(mode.duration for mode in operation.modes)
        given[RELEASE, number] = max(operation.release, problem.jobs[operation.job].release)
        given[FAMILY, number] = operation.family if _is_set_up(problem, operation.modes) else 0
        ways.extend(operation.modes)
    given[WAYS, size:], given[FAMILY, none] = len(ways), setups.shape[1] - 1
    modes = np.array([(mode.machine, mode.duration, kind[mode.machine]) for mode in ways], np.int64).reshape(-1, 3).T.copy()
    return Shop(size, machines, given, modes, setups, bool(setups.any()))


def ways_of(problem: Problem, schedule: tuple[Placed, ...], shop: Shop) -> tuple[Ints, Ints]:
    """Way of each operation and all operations by their start, from a complete plan of a problem that `fits`."""
    ways = np.zeros(shop.given.shape[1], np.int64)
    for placed in schedule:
        ways[placed.operation] = shop.given[WAYS, placed.operation] + placed.mode
    depth = _depths(shop)
    order = sorted(schedule, key=lambda placed: (placed.start, placed.end, depth[placed.operation]))
    return ways, np.array([placed.operation for placed in order], np.int64)


def _depths(shop: Shop) -> list[int]:
    """Place of each operation in its chain."""
    depth, none = [0] * shop.size, shop.given.shape[1] - 1
    for first in range(shop.size):
        if shop.given[JOB_BEFORE, first] == none:
            at, place = first, 0
            while at != none:
                depth[at], at, place = place, int(shop.given[JOB_AFTER, at]), place + 1
    return depth


def _is_plain(mode: Mode) -> bool:
    return not mode.skills and not mode.tools


def _asks_makespan(problem: Problem) -> bool:
    weights = problem.weights
    is_late = weights.tardiness and any(job.due is not None and job.weight for job in problem.jobs)
    return weights.makespan > 0 and not is_late and not (weights.setup and problem.setups) and not (weights.moved and problem.before)


def _is_chains(problem: Problem) -> bool:
    links = [(link, number) for number, operation in enumerate(problem.operations) for link in operation.after]
    if any(link.lag or link.no_wait for link, _ in links):
        return False
    befores, afters = {number for _, number in links}, {link.operation for link, _ in links}
    if len(befores) < len(links) or len(afters) < len(links):
        return False
    follower = {link.operation: number for link, number in links}
    reached = 0
    for first in range(len(problem.operations)):
        at: int | None = None if first in befores else first
        while at is not None:
            reached, at = reached + 1, follower.get(at)
    return reached == len(problem.operations)


def _is_set_up(problem: Problem, modes: tuple[Mode, ...]) -> bool:
    return any(problem.machines[mode.machine].setups is not None for mode in modes)


def _families_known(problem: Problem) -> bool:
    """Whether what each machine is set up for at 0 is in its matrix."""
    known = [(machine.family or 0, machine.setups) for machine in problem.machines]
    return all(matrix is None or 0 <= family < len(problem.setups[matrix]) for family, matrix in known)


def _setups(problem: Problem) -> tuple[list[int], Ints]:
    """Kind of each machine, and [kind, before, after] with one family more, the last, for what was there at 0."""
    kinds = sorted({(machine.setups, machine.family) for machine in problem.machines}, key=str)
    width = max((len(matrix) for matrix in problem.setups), default=1)
    setups = np.zeros((max(len(kinds), 1), width + 1, width + 1), np.int64)
    for number, (matrix, family) in enumerate(kinds):
        if matrix is not None:
            times = np.array(problem.setups[matrix], np.int64).reshape(len(problem.setups[matrix]), -1)
            setups[number, : len(times), : len(times)] = times
            setups[number, width, : len(times)] = 0 if family is None else times[family]
    return [kinds.index((machine.setups, machine.family)) for machine in problem.machines], setups
