"""Operations of a situation as operations of a problem: free ones with every way to do them, pinned ones with the one place where they stand."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain, product
from math import ceil

from factolake.domain.job import Mode
from factolake.domain.order import OperationState
from factolake.planning.building.ground import ENDED, Ground
from factolake.planning.building.leaving_out import RUNNING, last_steps, skills_at, staffed, steps, waits_for
from factolake.planning.building.seconds import first_open
from factolake.planning.building.supply import has_begun
from factolake.planning.situation import OrderOperation

_NOT_BEGUN = frozenset({OperationState.WAITING, OperationState.READY})


RUNS, KEPT, FROZEN = range(3)


@dataclass(frozen=True, slots=True)
class Pin:
    """Where an operation stands that does not move: on which machine (its place), from when to when, for how much open time.

    `rank`: RUNS, KEPT (left out, and where it is planned) or FROZEN; the higher one gives way where two cannot both be.
    """

    machine: int
    start: int
    end: int
    duration: int
    rank: int


@dataclass(frozen=True, slots=True)
class Draft:
    """An operation of the problem to be: what it is when nothing pins it, and its pin, if any.

    `job`: the place of its order among those with a draft. `before`: the draft that comes before it in its order; None: nothing open does, or it does
    not wait for it. `is_free`: it may be planned; else it is in the problem only where it stands. `fed_by`: the last steps of other orders whose
    material it takes.
    """

    operation: OrderOperation
    job: int
    modes: tuple[Mode, ...]
    release: int
    before: int | None
    pin: Pin | None
    is_free: bool
    fed_by: tuple[int, ...] = ()

    @property
    def befores(self) -> tuple[int, ...]:
        """All drafts that it comes after."""
        return self.fed_by if self.before is None else (self.before, *self.fed_by)

    @property
    def has_begun(self) -> bool:
        """Whether it was started."""
        return has_begun(self.operation)


def drafts(ground: Ground, left_out: set[str], gone: set[str]) -> list[Draft]:
    """A draft for each operation that is planned or kept where it is, orders by their place and steps in their order.

    Those of `left_out` are kept where they are planned, if anywhere; but for those of `gone`, which cannot be there.
    """
    found: list[Draft] = []
    jobs: dict[str, int] = {}
    for order_id, operations in steps(ground).items():
        if order_id not in ground.orders:
            continue
        before: int | None = None
        ended: OrderOperation | None = None
        for operation in operations:
            if operation.state in ENDED:
                ended = operation
                continue
            is_free = operation.operation_id not in left_out
            pin = _pin(ground, operation, found[before] if before is not None else None, is_free=is_free)
            if not is_free and (pin is None or operation.operation_id in gone):
                continue
            comes_after = before if is_free and operation.state != RUNNING else None
            release = _release(ground, operation, ended if comes_after is None else None)
            modes = tuple(_modes(ground, operation)) if is_free else ()
            if is_free and not modes and pin is not None:
                modes = (Mode(pin.machine, pin.duration),)  # it runs to its planned end, which is all that is known of it
            found.append(Draft(operation, jobs.setdefault(order_id, len(jobs)), modes, release, comes_after, pin, is_free))
            before = len(found) - 1
    return _fed(ground, found)


def _fed(ground: Ground, found: list[Draft]) -> list[Draft]:
    """The drafts with those of other orders that make what they take."""
    if not any(draft.operation.pegs for draft in found):
        return found
    numbers = {draft.operation.operation_id: number for number, draft in enumerate(found)}
    lasts = {
        order_id: tuple(numbers[one.operation_id] for one in last_steps(operations) if one.operation_id in numbers)
        for order_id, operations in steps(ground).items()
    }
    fed_by = (dict.fromkeys(chain.from_iterable(lasts.get(peg.order_id, ()) for peg in waits_for(draft.operation))) for draft in found)
    return [replace(draft, fed_by=tuple(feeding) if draft.is_free else ()) for draft, feeding in zip(found, fed_by, strict=True)]


def lag_after(ground: Ground, before: Draft, before_duration: int, after: Draft, after_duration: int) -> int:
    """Time from the end of the one before to the start of the one after.

    Where parts move on one by one it is below 0: the one after begins when the first part is there, and ends no earlier than one part after the last.
    """
    if not after.operation.overlaps:
        return 0
    first = _part(ground, before.operation, before_duration) if before.operation.good <= 0 else 0
    last = _part(ground, after.operation, after_duration)
    return min(max(first - before_duration, last - after_duration), 0)


def seconds_left(ground: Ground, operation: OrderOperation, run_s: float) -> int:
    """What is left of it by count, at so many seconds an item; 1 at least, since it is not reported as complete."""
    return max(ceil(ground.left(operation) * run_s - _SLACK), 1)


_SLACK = 1e-6
"""Seconds that products of binary fractions are off at most."""


def _part(ground: Ground, operation: OrderOperation, duration: int) -> int:
    left = ground.left(operation)
    return min(ceil(duration / left - _SLACK), duration) if left > 1 else duration


def _modes(ground: Ground, operation: OrderOperation) -> Iterator[Mode]:
    classes = operation.tool_classes
    if operation.state == RUNNING and any(len(ground.tools.get(name, ())) < classes.count(name) for name in classes):
        classes = ()  # it runs all the same
    for machine, run_s, _ in staffed(ground, operation):
        skills = tuple(ground.skills[skill] for skill in skills_at(ground, operation, machine))
        seen = set()
        for tools in product(*(ground.tools[name] for name in classes)):
            held = tuple(sorted(tools))
            if len(set(held)) == len(held) and held not in seen:
                seen.add(held)
                yield Mode(machine, seconds_left(ground, operation, run_s), skills, held)


def _release(ground: Ground, operation: OrderOperation, ended: OrderOperation | None) -> int:
    times = [0]
    order = ground.orders[operation.order_id]
    if order.earliest_ts is not None and operation.actual_start_ts is None:
        times.append(ground.seconds.at(order.earliest_ts))
    if operation.waits_until_ts is not None:
        times.append(ground.seconds.at(operation.waits_until_ts))
    if ended is not None and ended.actual_end_ts is not None and operation.actual_start_ts is None:
        ways = ground.situation.transports
        there = [operation.equipment, *(other.equipment for other in operation.alternatives)]
        way = max((ways.get((ended.equipment, name), 0.0) for name in there), default=0.0)
        times.append(ground.seconds.at(ended.actual_end_ts) + ceil(way))
    return max(times)


def _pin(ground: Ground, operation: OrderOperation, before: Draft | None, *, is_free: bool) -> Pin | None:
    machine = ground.machines.get(operation.equipment)
    if machine is None or not ground.windows[machine]:
        return None
    if operation.state == RUNNING and is_free:
        return _running(ground, operation, machine, before)
    if not is_free:
        return _planned(ground, operation, machine, rank=KEPT)
    starts = operation.planned_start_ts
    if starts is None or operation.state not in _NOT_BEGUN or operation.actual_start_ts is not None or ground.is_down(machine):
        return None
    is_soon = 0 <= ground.seconds.before(starts) < ground.situation.frozen_s
    return _planned(ground, operation, machine, rank=FROZEN) if is_soon else None


def _running(ground: Ground, operation: OrderOperation, machine: int, before: Draft | None) -> Pin | None:
    """From the first open second, for what is left of it by count; not before its planned end, and not before the last part has come to it.

    The record keeps the planned end of what runs and takes its machine as busy until then: what began there earlier would be refused.
    """
    start = first_open(ground.windows[machine], 0)
    if start is None:
        return None
    open_time = ground.open_times[machine]
    duration = 1 if operation.planned_run_s is None else seconds_left(ground, operation, operation.planned_run_s)
    until = 0 if operation.planned_end_ts is None else ground.seconds.at(operation.planned_end_ts)
    fed_until = _last_part(ground, before) if before is not None and operation.overlaps else None
    if fed_until is not None:
        until = max(until, fed_until + _part(ground, operation, duration))
    duration = max(duration, open_time.between(start, until))
    end = open_time.end_of(start, duration)
    return None if end is None else Pin(machine, start, end, duration, RUNS)


def _last_part(ground: Ground, before: Draft) -> int | None:
    """When the work before, which has begun, gives its last part; None where nobody can tell."""
    if before.pin is not None:
        return before.pin.end if before.pin.rank == RUNS else None
    if before.operation.state != OperationState.SUSPENDED or not before.modes:
        return None
    mode = before.modes[0]
    start = first_open(ground.windows[mode.machine], before.release)
    return None if start is None else ground.open_times[mode.machine].end_of(start, mode.duration)


def _planned(ground: Ground, operation: OrderOperation, machine: int, rank: int) -> Pin | None:
    """Exactly where it is planned, as far as its machine is open then."""
    starts, ends = operation.actual_start_ts or operation.planned_start_ts, operation.planned_end_ts
    if starts is None or ends is None:
        return None
    start = first_open(ground.windows[machine], max(ground.seconds.before(starts), 0))
    if start is None:
        return None
    duration = ground.open_times[machine].between(start, ground.seconds.at(ends))
    end = ground.open_times[machine].end_of(start, duration) if duration > 0 else None
    return None if end is None else Pin(machine, start, end, duration, rank)
