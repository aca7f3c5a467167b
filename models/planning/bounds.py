"""What no plan can beat, without a solver: longest paths, and the work of each machine with what must come before and after it.

Heads are earliest starts and ends with calendars, tails the least time from an operation's end to the end of all that follows it.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from factolake.domain.job import Link, Mode, Operation, Problem, Window

NEVER = 1 << 60


@dataclass(frozen=True, slots=True)
class Heads:
    """Per operation its earliest start and end (`NEVER`: no mode can) and which link decided it (None: its own release); the order of the links."""

    starts: tuple[int, ...]
    ends: tuple[int, ...]
    decided_by: tuple[int | None, ...]
    order: tuple[int, ...]


def lower_bound(problem: Problem) -> int:
    """No plan's objective is below it."""
    weights = problem.weights
    heads = heads_of(problem)
    bound = 0
    if weights.makespan:
        bound += weights.makespan * _makespan(problem, heads)
    if weights.tardiness:
        ends: dict[int, int] = defaultdict(int)
        for number, operation in enumerate(problem.operations):
            ends[operation.job] = max(ends[operation.job], min(heads.ends[number], NEVER))
        late = ((job.weight, max(0, ends[number] - job.due)) for number, job in enumerate(problem.jobs) if job.due is not None and number in ends)
        bound += weights.tardiness * sum(max(weight, 0) * time for weight, time in late)
    return min(bound, NEVER)


def heads_of(problem: Problem) -> Heads:
    """Earliest starts and ends by releases, links, windows and what is fixed. Operations on a cycle of links keep their release."""
    order = link_order(problem)
    fixed = {placed.operation: placed for placed in problem.fixed}
    size = len(problem.operations)
    starts = [
        max(operation.release, problem.jobs[operation.job].release, 0, *(_arrival(problem, *need) for need in operation.needs))
        for operation in problem.operations
    ]
    ends = list(starts)
    decided: list[int | None] = [None] * size
    for number in order:
        operation = problem.operations[number]
        for link in operation.after:
            ready = ends[link.operation] + link.lag + least_way(problem, link, number)
            if ready > starts[number]:
                starts[number], decided[number] = ready, link.operation
        if number in fixed:
            starts[number], ends[number] = max(starts[number], fixed[number].start), fixed[number].end
        else:
            ends[number] = min((_earliest_end(problem, operation, mode, starts[number]) for mode in operation.modes), default=NEVER)
    return Heads(tuple(starts), tuple(ends), tuple(decided), order)


def _arrival(problem: Problem, material: int, quantity: int) -> int:
    """When so much of a material has come that one operation alone could take it."""
    came = 0
    for time, arrives in sorted(problem.materials[material].arrivals):
        came += arrives
        if came >= quantity:
            return time
    return 0 if not quantity else NEVER


def least_way(problem: Problem, link: Link, number: int) -> int:
    """The least travel of a link over the modes of both ends."""
    places = [{problem.machines[mode.machine].location for mode in problem.operations[one].modes} for one in (link.operation, number)]
    return min((problem.travel[first][second] for first in places[0] for second in places[1]), default=0)


def link_order(problem: Problem) -> tuple[int, ...]:
    """Operations so that each comes after those it is linked to; those on a cycle of links, or behind one, are left out."""
    waits = [len(operation.after) for operation in problem.operations]
    followers: dict[int, list[int]] = defaultdict(list)
    for number, operation in enumerate(problem.operations):
        for link in operation.after:
            followers[link.operation].append(number)
    ready = [number for number, count in enumerate(waits) if not count]
    for number in ready:
        for after in followers[number]:
            waits[after] -= 1
            if not waits[after]:
                ready.append(after)
    return tuple(ready)


def _earliest_end(problem: Problem, operation: Operation, mode: Mode, start: int) -> int:
    windows = problem.machines[mode.machine].windows
    if windows is None:
        return start + mode.duration
    return earliest_end(windows, start, mode.duration, pauses=operation.is_splittable)


def earliest_end(windows: tuple[Window, ...], start: int, duration: int, *, pauses: bool) -> int:
    """When work that may begin at `start` ends at the earliest inside windows; `NEVER` where they do not hold it."""
    left = duration
    for opens, closes in windows:
        at = max(opens, start)
        if at >= closes:
            continue
        if at + left <= closes:
            return at + left
        if pauses:
            left -= closes - at
    return NEVER


def horizon_of(problem: Problem) -> int:
    """By then an optimal plan has ended: after the last event of any calendar nothing but work, setups and ways takes time, one after another."""
    longest_setup = max((time for matrix in problem.setups for row in matrix for time in row), default=0)
    longest_way = max(time for row in problem.travel for time in row)
    after = sum(
        max((mode.duration for mode in operation.modes), default=0)
        + longest_setup
        + 2 * longest_way
        + sum(max(link.lag, 0) for link in operation.after)
        for operation in problem.operations
    )
    events = [0]
    calendars = [one.windows for one in problem.machines] + [one.windows for one in problem.people] + [one.windows for one in problem.tools]
    for windows in calendars:
        events += [closes for _, closes in windows or ()]
    events += [max(operation.release, problem.jobs[operation.job].release) for operation in problem.operations]
    events += [time for material in problem.materials for time, _ in material.arrivals]
    events += [placed.end for placed in problem.fixed]
    latest = max(events) + after
    return latest if problem.horizon is None else min(latest, max(problem.horizon, 0))


def _makespan(problem: Problem, heads: Heads) -> int:
    tails = tails_of(problem, heads.order)
    shortest = [_shortest(operation) for operation in problem.operations]
    bound = max((min(end + tail, NEVER) for end, tail in zip(heads.ends, tails, strict=True)), default=0)
    bound = max(bound, stock_bound(problem, [duration + tail for duration, tail in zip(shortest, tails, strict=True)]))
    by_machines: dict[frozenset[int], list[int]] = defaultdict(list)
    for number, operation in enumerate(problem.operations):
        by_machines[frozenset(mode.machine for mode in operation.modes)].append(number)
    for machines, numbers in by_machines.items():
        if any(problem.machines[machine].batch > 1 for machine in machines) or not machines:
            continue
        parts = [(heads.starts[number], shortest[number], tails[number]) for number in numbers]
        if len(machines) == 1:
            bound = max(bound, one_machine(parts))
        else:
            work = -(-sum(duration for _, duration, _ in parts) // len(machines))
            bound = max(bound, min(head for head, _, _ in parts) + work + min(tail for _, _, tail in parts))
    return bound


def stock_bound(problem: Problem, rests: Sequence[int]) -> int:
    """Least end of all by what arrives when: of a material, as much as is not there before an arrival is taken no earlier than that.

    `rests`: least time from the start of each operation to the end of all. Who is fixed earlier, or has to end too early, is not among the late
    takers; of the others those with the shortest rests are.
    """
    latest = [NEVER if operation.deadline is None else operation.deadline for operation in problem.operations]
    fixed = {placed.operation: placed.start for placed in problem.fixed}
    bound = 0
    for number, material in enumerate(problem.materials):
        takers = sorted(
            (rests[taker], fixed.get(taker, latest[taker] - _shortest(operation)), quantity)
            for taker, operation in enumerate(problem.operations)
            for one, quantity in operation.needs
            if one == number
        )
        lacking = sum(quantity for _, _, quantity in takers)
        for time, arrives in sorted(material.arrivals):
            bound = max(bound, time + _rest_of_last(takers, time, lacking))
            lacking -= arrives
    return bound


def _rest_of_last(takers: list[tuple[int, int, int]], time: int, lacking: int) -> int:
    """Least of the longest rests of takers (rest, latest start, quantity), sorted, that take `lacking` at `time` or later; -`time` for nothing."""
    taken, longest = 0, 0
    for rest, latest, quantity in takers:
        if taken >= lacking:
            break
        if quantity and latest >= time:
            taken += quantity
            longest = rest
    return longest if 0 < lacking <= taken else -time


def _shortest(operation: Operation) -> int:
    return min((mode.duration for mode in operation.modes), default=0)


def tails_of(problem: Problem, order: tuple[int, ...]) -> list[int]:
    """Least time from each operation's end to the end of all that follows it; `order` is that of the links."""
    tails = [0] * len(problem.operations)
    for number in reversed(order):
        operation = problem.operations[number]
        own = _shortest(operation) + tails[number]
        for link in operation.after:
            tails[link.operation] = max(tails[link.operation], link.lag + least_way(problem, link, number) + own)
    return tails


def one_machine(parts: Iterable[tuple[int, int, int]]) -> int:
    """Least end of (head, duration, tail) on one machine that may interrupt work: Jackson's preemptive schedule (Carlier and Pinson, 1989)."""
    waiting = sorted(parts)
    open_parts: list[list[int]] = []
    time, best, at = 0, 0, 0
    while at < len(waiting) or open_parts:
        if not open_parts:
            time = max(time, waiting[at][0])
        while at < len(waiting) and waiting[at][0] <= time:
            heapq.heappush(open_parts, [-waiting[at][2], waiting[at][1]])
            at += 1
        longest = open_parts[0]
        step = longest[1] if at == len(waiting) else min(longest[1], waiting[at][0] - time)
        time += step
        longest[1] -= step
        if not longest[1]:
            best = max(best, time - longest[0])
            heapq.heappop(open_parts)
    return best
