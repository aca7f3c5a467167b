"""Small changes of an order and of modes, aimed at what makes the plan cost: each gives space.new_order and new_modes and the first place changed."""

import numpy as np
from numpy.typing import NDArray

from models.planning.compiled import compiled
from models.planning.rich.arrays import (
    BEFORE,
    BEHIND,
    DUE,
    FAMILY,
    FIXED,
    FOLLOWERS,
    JOB,
    LAG,
    LINKS,
    MACHINE,
    MODES,
    MOVED,
    N_OPERATIONS,
    NO_PLACE,
    OTHER,
    RELEASE,
    TARDINESS,
    WEIGHT,
    Data,
)
from models.planning.rich.decoder import broken
from models.planning.rich.placing import travel_time
from models.planning.rich.space import Space
from models.planning.rich.state import CHOSEN, END, HEAD, NEXT, PREV, START, TAIL, State


@compiled
def draw(random: NDArray[np.uint64], below: int) -> int:
    """A whole number from 0 to below - 1 (xorshift64*, Vigna 2016)."""
    value = random[0]
    value ^= value >> np.uint64(12)
    value ^= value << np.uint64(25)
    value ^= value >> np.uint64(27)
    random[0] = value
    return int(np.int64((value * np.uint64(2685821657736338717)) >> np.uint64(33)) % below)


@compiled
def lift(data: Data, space: Space, operation: int, to: int) -> int:
    """Move an operation forward to a place in the order, with those it comes after that stand between; the first place changed."""
    order, marks, count = space.new_order, space.marks, 0
    at = space.place_of[operation]
    marks[operation] = 1
    for place in range(at, to - 1, -1):
        one = space.order[place]
        if marks[one]:
            marks[one] = 0
            space.spare[count] = one
            count += 1
            for row in range(data.operations[one, LINKS], data.operations[one + 1, LINKS]):
                other = data.links[row, OTHER]
                if space.place_of[other] >= to:
                    marks[other] = 1
        else:
            order[place + count] = one
    for place in range(count):
        order[to + place] = space.spare[count - 1 - place]
    return to


@compiled
def sink(data: Data, space: Space, operation: int, to: int) -> int:
    """Move an operation back to a place in the order, with those that come after it and stand between; the first place changed."""
    order, marks, count = space.new_order, space.marks, 0
    at = space.place_of[operation]
    marks[operation] = 1
    for place in range(at, to + 1):
        one = space.order[place]
        if marks[one]:
            marks[one] = 0
            space.spare[count] = one
            count += 1
            for row in range(data.operations[one, FOLLOWERS], data.operations[one + 1, FOLLOWERS]):
                other = data.followers[row, OTHER]
                if 0 <= space.place_of[other] <= to:
                    marks[other] = 1
        else:
            order[place - count] = one
    for place in range(count):
        order[to - count + 1 + place] = space.spare[place]
    return int(at)


@compiled
def costly_job(data: Data, space: Space) -> int:
    """A job that makes the plan cost, by chance: a late one as often as it costs, or (as often as lateness is nothing) one that ends last."""
    latest, last, late = 0, 0, 0
    for job in range(space.job_ends.shape[0]):
        if space.job_ends[job] > latest:
            latest, last = space.job_ends[job], job
        late += data.jobs[job, WEIGHT] * max(0, space.job_ends[job] - data.jobs[job, DUE])
    if not late or not data.sizes[TARDINESS] or not draw(space.random, 8):
        return last
    spot = draw(space.random, late)
    for job in range(space.job_ends.shape[0]):
        spot -= data.jobs[job, WEIGHT] * max(0, space.job_ends[job] - data.jobs[job, DUE])
        if spot < 0:
            return job
    return last


@compiled
def _last_of(data: Data, space: Space, job: int) -> int:
    """The operation of a job that ends last."""
    best, end = -1, -1
    for operation in range(data.sizes[N_OPERATIONS]):
        if data.operations[operation, JOB] == job and space.base.operations[operation, END] > end:
            best, end = operation, space.base.operations[operation, END]
    return best


@compiled
def _latest_link(data: Data, state: State, operation: int) -> tuple[int, int]:
    """(the operation whose link to this one is met last, when), (-1, release) where the release is later."""
    best, met = -1, data.operations[operation, RELEASE]
    for row in range(data.operations[operation, LINKS], data.operations[operation + 1, LINKS]):
        other = data.links[row, OTHER]
        when = (
            state.operations[other, END]
            + data.links[row, LAG]
            + travel_time(data, state.operations[other, CHOSEN], state.operations[operation, CHOSEN])
        )
        if when >= met:
            best, met = other, when
    return best, met


@compiled
def _broken_one(data: Data, space: Space) -> int:
    """An operation that breaks a limit, by chance, each as likely; -1 where none does, and now and then."""
    found, count = -1, 0
    for operation in range(data.sizes[N_OPERATIONS]):
        if space.place_of[operation] >= 0 and broken(data, space.base, operation):
            count += 1
            if draw(space.random, count) == 0:
                found = operation
    return found if count and draw(space.random, 8) else -1


@compiled
def _held_up(data: Data, space: Space, operation: int) -> int:
    """The first without a place of those before an operation that has none, or, each time with a chance of a half, one before that by a link.

    Where work that cannot wait comes together, it is the machines of those before that decide whether there is a place at all.
    """
    while True:
        first, last = data.operations[operation, LINKS], data.operations[operation + 1, LINKS]
        before = -1
        for row in range(first, last):
            if space.base.operations[data.links[row, OTHER], START] < 0:
                before = data.links[row, OTHER]
        if before < 0:
            if first == last or draw(space.random, 2):
                return operation
            before = data.links[first + draw(space.random, last - first), OTHER]
        if space.place_of[before] < 0:
            return operation
        operation = before


@compiled
def aim(data: Data, space: Space) -> int:
    """An operation that makes the plan cost: on the way back from one that breaks a limit, or from the end of a costly job, one that waits though
    its links are met."""
    state = space.base
    operation = _broken_one(data, space)
    if operation < 0:
        operation = _last_of(data, space, costly_job(data, space))
    elif state.operations[operation, START] < 0:
        return int(_held_up(data, space, operation))
    if operation < 0:
        return int(space.order[draw(space.random, space.order.shape[0])])
    while True:
        before, met = _latest_link(data, state, operation)
        if state.operations[operation, START] > met and not data.operations[operation, FIXED]:
            chance = draw(space.random, 10)
            if chance < 4:
                return operation
            behind = state.nodes[operation, PREV]
            if chance < 7 and behind >= 0:
                operation = behind
                continue
        if before < 0:
            break
        operation = before
    return operation if not data.operations[operation, FIXED] else space.order[draw(space.random, space.order.shape[0])]


@compiled
def _along(space: Space, operation: int, column: int) -> int:
    """One of the next few operations on its machine, in one direction (NEXT or PREV); -1 where there is none that is free."""
    steps = 1
    while steps < 8 and draw(space.random, 2):
        steps += 1
    found = -1
    while steps:
        operation = space.base.nodes[operation, column]
        if operation < 0:
            break
        if space.place_of[operation] >= 0:
            found = operation
        steps -= 1
    return found


@compiled
def _kin(data: Data, space: Space, operation: int) -> int:
    """The nearest operation of the same family on its machine that is not a neighbour, -1 where there is none within twelve."""
    column = NEXT if draw(space.random, 2) else PREV
    one = space.base.nodes[operation, column]
    for step in range(12):
        if one < 0:
            return -1
        if step and space.place_of[one] >= 0 and data.operations[one, FAMILY] == data.operations[operation, FAMILY]:
            return int(one)
        one = space.base.nodes[one, column]
    return -1


@compiled
def _other_mode(data: Data, space: Space, operation: int) -> int:
    """Give an operation another of its modes and let it come before something on that machine at about its time; the first place changed."""
    first, last = data.operations[operation, MODES], data.operations[operation + 1, MODES]
    mode = first + draw(space.random, last - first - 1)
    if mode >= space.modes[operation]:
        mode += 1
    space.new_modes[operation] = mode
    at = space.place_of[operation]
    one = space.base.heads[data.modes[mode, MACHINE], TAIL]
    before = -1
    while one >= 0 and space.base.operations[one, END] > space.base.operations[operation, START]:
        if space.place_of[one] >= 0:
            before = one
        one = space.base.nodes[one, PREV]
    if before >= 0 and draw(space.random, 2) and space.place_of[before] < at:
        return lift(data, space, operation, space.place_of[before])
    return int(at)


@compiled
def _shift_job(data: Data, space: Space, job: int) -> int:
    """Move all operations of a job forward by one random number of places, as far as their links let them; the first place changed."""
    size = space.order.shape[0]
    by = 1 + draw(space.random, max(2, size // 4))
    first = size
    for at in range(size):
        operation = space.order[at]
        if data.operations[operation, JOB] != job:
            continue
        to = max(0, at - by)
        for row in range(data.operations[operation, LINKS], data.operations[operation + 1, LINKS]):
            other = data.links[row, OTHER]
            if space.place_of[other] >= 0:
                to = max(to, space.marks[other] + 1)
        place = at
        while place > to:
            space.new_order[place] = space.new_order[place - 1]
            space.marks[space.new_order[place]] = place
            place -= 1
        space.new_order[to] = operation
        space.marks[operation] = to
        first = min(first, to)
    return int(first)


@compiled
def _move_job(data: Data, space: Space, job: int) -> int:
    for at in range(space.order.shape[0]):
        space.marks[space.order[at]] = at
    first = _shift_job(data, space, job)
    space.marks[:] = 0
    return int(min(first, space.order.shape[0] - 1))


@compiled
def _moved_one(data: Data, space: Space) -> int:
    """The first operation from a random place of the order on that is on another machine or behind another one than before, -1 where none is."""
    size, state = space.order.shape[0], space.base
    at = draw(space.random, size)
    for _ in range(size):
        operation = space.order[at]
        machine = data.operations[operation, BEFORE]
        if machine != NO_PLACE and state.operations[operation, START] >= 0:
            is_there = data.modes[state.operations[operation, CHOSEN], MACHINE] == machine
            if not is_there or state.nodes[operation, PREV] != data.operations[operation, BEHIND]:
                return int(operation)
        at = at + 1 if at + 1 < size else 0
    return -1


@compiled
def _mode_on(data: Data, operation: int, mode: int, machine: int) -> int:
    """The mode where it is on a machine, else the first of the operation's modes that is; -1 where none is."""
    if data.modes[mode, MACHINE] == machine:
        return mode
    for other in range(data.operations[operation, MODES], data.operations[operation + 1, MODES]):
        if data.modes[other, MACHINE] == machine:
            return other
    return -1


@compiled
def put_back(data: Data, space: Space) -> int:
    """Put a moved operation back on its machine behind what it was behind before; the first place changed, -1 where that is no change."""
    operation = _moved_one(data, space)
    if operation < 0:
        return -1
    machine, behind = data.operations[operation, BEFORE], data.operations[operation, BEHIND]
    mode = _mode_on(data, operation, space.modes[operation], machine)
    if mode < 0:
        return -1
    space.new_modes[operation] = mode
    at = space.place_of[operation]
    if behind >= 0 and space.place_of[behind] > at:
        return sink(data, space, operation, space.place_of[behind])
    to = space.place_of[behind] + 1 if behind >= 0 else 0
    if not to:
        first = space.base.heads[machine, HEAD]
        while first >= 0 and space.place_of[first] < 0:
            first = space.base.nodes[first, NEXT]
        to = space.place_of[first] if first >= 0 else at
    return lift(data, space, operation, to) if to < at else int(at)


@compiled
def propose(data: Data, space: Space) -> int:
    """A change; the first place of the order that it touches, -1 where it came to nothing. space.new_order and new_modes equal the base before."""
    if data.sizes[MOVED] and draw(space.random, 5) == 0:
        return put_back(data, space)
    chance = draw(space.random, 100)
    if chance < 5:
        return _move_job(data, space, costly_job(data, space))
    operation = aim(data, space) if chance < 70 else space.order[draw(space.random, space.order.shape[0])]
    if data.operations[operation + 1, MODES] - data.operations[operation, MODES] > 1 and draw(space.random, 3) == 0:
        return _other_mode(data, space, operation)
    if space.base.operations[operation, START] < 0:
        return lift(data, space, operation, draw(space.random, space.place_of[operation] + 1))
    chance = draw(space.random, 10)
    other = _kin(data, space, operation) if chance == 9 else _along(space, operation, PREV if chance < 6 else NEXT)
    if other < 0:
        return -1
    at, to = space.place_of[operation], space.place_of[other]
    return lift(data, space, operation, to) if to < at else sink(data, space, operation, to)
