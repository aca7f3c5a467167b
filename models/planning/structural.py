"""Why a problem has no plan, seen without a search: what no machine, person, tool, material or time allows, links in a circle,
fixed work that clashes.

Each conflict found here is a proof by itself. What only shows when everything is tried together is found in `models.planning.infeasible`.
"""

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from factolake.domain.job import Conflict, ConflictKind, Mode, Operation, Placed, Problem, Window
from models.planning.bounds import NEVER, earliest_end, heads_of, link_order
from models.planning.parts import reduced


def structural(problem: Problem) -> tuple[Conflict, ...]:
    """Conflicts that show without a search; none found does not mean that there is none."""
    found = (*_cycle(problem), *_alone(problem), *_materials(problem))
    # Times are only worth asking for where everything can be done at all
    return found or (*_fixed(problem), *_times(problem))


def named(problem: Problem, number: int) -> str:
    """An operation in a sentence, with its order."""
    operation = problem.operations[number]
    return f"operation {operation.name or number} of order {order_named(problem, operation.job)}"


def order_named(problem: Problem, job: int) -> str:
    """An order in a sentence."""
    return problem.jobs[job].name or str(job)


def _alone(problem: Problem) -> Iterator[Conflict]:
    """Operations that no mode of theirs can do, whatever else is planned."""
    for number, operation in enumerate(problem.operations):
        reasons = [_reason(problem, operation, mode) for mode in operation.modes]
        if not operation.modes:
            yield Conflict(ConflictKind.NO_MACHINE, (number,), f"{named(problem, number)} has no machine that can do it; give it one")
        elif all(reason is not None for reason in reasons):
            kind, says = next(reason for reason in reasons if reason is not None)
            more = f", nor can its {len(reasons) - 1} other ways" if len(reasons) > 1 else ""
            yield Conflict(kind, (number,), f"{named(problem, number)} cannot be done: {says}{more}")


def _reason(problem: Problem, operation: Operation, mode: Mode) -> tuple[ConflictKind, str] | None:
    machine = problem.machines[mode.machine]
    what = f"machine {machine.name or mode.machine}"
    if machine.windows is not None and earliest_end(machine.windows, 0, mode.duration, pauses=operation.is_splittable) >= NEVER:
        open_time = _longest(machine.windows, all_together=operation.is_splittable)
        return ConflictKind.NO_MACHINE, f"{what} is open for {open_time} and it takes {mode.duration}; open it {mode.duration - open_time} longer"
    missing = _missing_skill(problem, mode)
    if missing is not None:
        skill, wanted, able = missing
        return (
            ConflictKind.NO_SKILL,
            f"skill {problem.skills[skill] or skill} is needed {wanted} times and {able} people have it; give it to {wanted - able} more",
        )
    for tool in mode.tools:
        windows = problem.tools[tool].windows
        if windows is not None and _longest(windows, all_together=False) < mode.duration:
            there = _longest(windows, all_together=False)
            says = (
                f"tool {problem.tools[tool].name or tool} is there for {there} and it takes {mode.duration}; have it {mode.duration - there} longer"
            )
            return ConflictKind.NO_TOOL, says
    return None


def _longest(windows: tuple[Window, ...], *, all_together: bool) -> int:
    lengths = [closes - opens for opens, closes in windows]
    return sum(lengths) if all_together else max(lengths, default=0)


def _missing_skill(problem: Problem, mode: Mode) -> tuple[int, int, int] | None:
    """A skill that too few hold: (skill, needed, holders)."""
    for skill in sorted(set(mode.skills)):
        able = sum(skill in person.skills and person.windows != () for person in problem.people)
        if able < mode.skills.count(skill):
            return skill, mode.skills.count(skill), able
    return None


def _cycle(problem: Problem) -> Iterator[Conflict]:
    ordered = set(link_order(problem))
    left = [number for number in range(len(problem.operations)) if number not in ordered]
    if not left:
        return
    path: list[int] = [left[0]]  # each that is left waits for another one that is left, so walking back meets itself
    while path[-1] not in path[:-1]:
        path.append(next(link.operation for link in problem.operations[path[-1]].after if link.operation not in ordered))
    ring = tuple(sorted(set(path[path.index(path[-1]) :])))
    length = sum(min(mode.duration for mode in problem.operations[number].modes or (Mode(0, 1),)) for number in ring)
    if length + _lags_inside(problem, ring) > 0:
        says = f"{_listed(problem, ring)} wait for each other in a circle; take one of these links away"
        yield Conflict(ConflictKind.CYCLE, ring, says)


def _lags_inside(problem: Problem, ring: tuple[int, ...]) -> int:
    return sum(min(link.lag, 0) for number in ring for link in problem.operations[number].after if link.operation in ring)


def _listed(problem: Problem, numbers: tuple[int, ...]) -> str:
    first = [named(problem, number) for number in numbers[:4]]
    more = f" and {len(numbers) - 4} more" if len(numbers) > 4 else ""
    return ", ".join(first) + more


def _materials(problem: Problem) -> Iterator[Conflict]:
    """Materials of which more is taken than ever arrives: the fewest operations that need it all."""
    takers: dict[int, dict[int, int]] = defaultdict(dict)
    for number, operation in enumerate(problem.operations):
        for material, quantity in operation.needs:
            takers[material][number] = takers[material].get(number, 0) + quantity
    for material, quantities in sorted(takers.items()):
        arrives = sum(quantity for _, quantity in problem.materials[material].arrivals)
        if sum(quantities.values()) <= arrives:
            continue
        chosen: list[int] = []
        for number in sorted(quantities, key=lambda one: (-quantities[one], one)):
            chosen.append(number)
            if sum(quantities[one] for one in chosen) > arrives:
                break
        short = sum(quantities.values()) - arrives
        name = problem.materials[material].name or material
        says = f"material {name}: {arrives} arrive and {_listed(problem, tuple(sorted(chosen)))} need more; {short} more have to come for all"
        yield Conflict(ConflictKind.NO_MATERIAL, tuple(sorted(chosen)), says)


def _fixed(problem: Problem) -> Iterator[Conflict]:
    """Fixed work that stands in the way of other fixed work on its machine."""
    by_machine: dict[int, list[Placed]] = defaultdict(list)
    seen: dict[int, Placed] = {}
    for placed in problem.fixed:
        if seen.setdefault(placed.operation, placed) != placed:
            says = f"{named(problem, placed.operation)} is fixed at {seen[placed.operation].start} and at {placed.start}; fix it once"
            yield Conflict(ConflictKind.FIXED, (placed.operation,), says)
        machine = problem.operations[placed.operation].modes[placed.mode].machine
        if problem.machines[machine].batch == 1:
            by_machine[machine].append(placed)
    for machine, there in sorted(by_machine.items()):
        there.sort(key=lambda one: (one.start, one.end))
        for first, second in pairwise(there):
            if second.start < first.end and first.operation != second.operation:
                where = problem.machines[machine].name or machine
                says = (
                    f"{named(problem, first.operation)} is fixed on machine {where} until {first.end} and {named(problem, second.operation)} "
                    f"from {second.start}; let one of them move by {first.end - second.start}"
                )
                yield Conflict(ConflictKind.FIXED, tuple(sorted((first.operation, second.operation))), says)


def _times(problem: Problem) -> Iterator[Conflict]:
    """Chains of links that end after a deadline or the horizon even if nothing else is in their way; the first late one of each chain."""
    heads = heads_of(problem)
    late: set[int] = set()
    fixed = {placed.operation: placed for placed in problem.fixed}
    for number in heads.order:
        operation = problem.operations[number]
        limits = [limit for limit in (operation.deadline, problem.horizon) if limit is not None]
        if any(link.operation in late for link in operation.after):
            late.add(number)
            continue
        ends_late = bool(limits) and heads.ends[number] > min(limits)
        is_moved = number in fixed and heads.starts[number] > fixed[number].start
        if not ends_late and not is_moved and heads.ends[number] < NEVER:
            continue
        late.add(number)
        chain = [number]
        while (before := heads.decided_by[chain[-1]]) is not None and (chain[-1] == number or chain[-1] not in fixed):
            chain.append(before)
        yield _late(problem, _needed(problem, chain), number, heads.ends[number], min(limits, default=NEVER))


def _needed(problem: Problem, chain: list[int]) -> tuple[int, ...]:
    """The end of a chain (its last operation comes first) that is late by itself."""
    fixed = {placed.operation: placed for placed in problem.fixed}
    for length in range(1, len(chain)):
        part, kept = reduced(problem, chain[:length])
        last, heads = kept.index(chain[0]), heads_of(part)
        limits = [limit for limit in (part.operations[last].deadline, part.horizon) if limit is not None]
        is_moved = chain[0] in fixed and heads.starts[last] > fixed[chain[0]].start
        if is_moved or heads.ends[last] >= NEVER or (limits and heads.ends[last] > min(limits)):
            return kept
    return tuple(sorted(chain))


def _late(problem: Problem, chain: tuple[int, ...], last: int, end: int, limit: int) -> Conflict:
    who = named(problem, last)
    order = order_named(problem, problem.operations[last].job)
    if any(placed.operation == last for placed in problem.fixed) and end <= limit:
        return Conflict(ConflictKind.FIXED, chain, f"{who} is fixed before what it waits for can have ended; let it start later")
    if end >= NEVER:
        return Conflict(ConflictKind.NO_TIME, chain, f"{who} comes when its machines are no longer open; open one of them later")
    says = f"{who} ends at {end} at the earliest and has to by {limit}; allow order {order} to end {end - limit} later"
    return Conflict(ConflictKind.NO_TIME, chain, says)
