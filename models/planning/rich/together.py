"""Batches that stand fixed and last longer than what is fixed of them: who has to be with them."""

from collections import defaultdict
from collections.abc import Iterator

from factolake.domain.job import Placed, Problem
from models.planning.rich.arrays import BATCH, FAMILY, LINKS, RELEASE, SPLIT, WINDOWS, Data
from models.planning.rich.calendars import work_end


def companions(problem: Problem, data: Data) -> tuple[Placed, ...]:
    """One operation more for each batch in `problem.fixed` that none of the fixed ones makes so long; where several would do, the first.

    Only those that need no people or tools and come after nothing are looked at: what runs with running work has begun as well.
    """
    batches: dict[tuple[int, int, int], list[Placed]] = defaultdict(list)
    for placed in problem.fixed:
        machine = problem.operations[placed.operation].modes[placed.mode].machine
        if problem.machines[machine].batch > 1:
            batches[machine, placed.start, placed.end].append(placed)
    found: list[Placed] = []
    taken = {placed.operation for placed in problem.fixed}
    for (machine, start, end), members in batches.items():
        durations = [problem.operations[one.operation].modes[one.mode].duration for one in members]
        if _end(data, machine, start, max(durations)) < end and len(members) < data.resources[machine, BATCH]:
            for placed in _who_fits(problem, data, machine, start, end, members[0].operation, taken):
                found.append(placed)
                taken.add(placed.operation)
                break
    return tuple(found)


def _who_fits(problem: Problem, data: Data, machine: int, start: int, end: int, member: int, taken: set[int]) -> Iterator[Placed]:
    rows = data.operations
    for number, operation in enumerate(problem.operations):
        if number in taken or rows[number, FAMILY] != rows[member, FAMILY]:
            continue
        if rows[number, RELEASE] > start or rows[number + 1, LINKS] > rows[number, LINKS]:
            continue
        for place, mode in enumerate(operation.modes):
            is_bare = not mode.skills and not mode.tools and mode.machine == machine
            duration = mode.duration if rows[number, SPLIT] and rows[member, SPLIT] else min(mode.duration, end - start)
            if is_bare and mode.duration == duration and _end(data, machine, start, duration) == end:
                yield Placed(number, place, start, end)


def _end(data: Data, machine: int, start: int, duration: int) -> int:
    return int(work_end(data.windows, data.resources[machine, WINDOWS], data.resources[machine + 1, WINDOWS], start, duration))
