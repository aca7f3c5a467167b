"""From an order of the operations and a mode for each to a plan that keeps every rule, and what that plan costs."""

from models.planning.compiled import compiled, inlined
from models.planning.rich.arrays import (
    BATCH,
    BEFORE,
    BEHIND,
    DEADLINE,
    DUE,
    DURATION,
    FIXED,
    FOLLOWERS,
    JOB,
    LAG,
    LINKS,
    MAKESPAN,
    MOVED,
    N_MACHINES,
    N_OPERATIONS,
    NO_PLACE,
    NO_WAIT,
    OTHER,
    PENALTY,
    RANK,
    SETUP,
    SPAN,
    TARDINESS,
    WEIGHT,
    WINDOWS,
    Data,
    Ints,
)
from models.planning.rich.calendars import work_end
from models.planning.rich.placing import AGAIN, DONE, WHEN, WHO, place, setup_time, travel_time, unplace
from models.planning.rich.space import Space
from models.planning.rich.state import CHOSEN, END, HEAD, NEXT, NOT_BEFORE, START, State, copy_to

# Places in what a plan costs: how much it breaks deadlines or leaves out (0: a plan), the objective, and its parts.
BROKEN, COST, LATEST, LATE, SET_UP, N_MOVED = range(6)
MOST_TRIES = 64


@compiled
def is_ready(data: Data, state: State, operation: int) -> bool:
    """Whether all that an operation comes after is placed."""
    for row in range(data.operations[operation, LINKS], data.operations[operation + 1, LINKS]):
        if state.operations[data.links[row, OTHER], START] < 0:
            return False
    return True


@compiled
def _take_back(data: Data, state: State, operation: int, stack: Ints, count: int) -> int:
    """Unplace an operation, all that is placed after it by links, and all that would break a rule without them, onto the stack.

    The new count, or -1 where one of them has to stay.
    """
    mark = count
    stack[count] = operation
    count += 1
    while mark < count:
        one = stack[mark]
        if state.operations[one, START] < 0:  # put there twice
            count -= 1
            stack[mark] = stack[count]
            continue
        if data.operations[one, FIXED] or count + 1 >= stack.shape[0]:
            return -1
        waits = unplace(data, state, one)
        if waits >= 0:
            stack[mark], stack[count] = waits, one
            count += 1
            continue
        mark += 1
        for row in range(data.operations[one, FOLLOWERS], data.operations[one + 1, FOLLOWERS]):
            other = data.followers[row, OTHER]
            if state.operations[other, START] >= 0 and not data.operations[other, FIXED]:
                if count >= stack.shape[0]:
                    return -1
                stack[count] = other
                count += 1
    return count


@inlined
def settle(data: Data, space: Space, operation: int, modes: Ints) -> bool:
    """Place an operation; where it can only be placed once others start later, those are placed anew. False, all else as it was, where that fails."""
    state, ask, stack = space.state, space.ask, space.stack
    stack[0] = operation
    count, tries = 1, 0
    while count:
        row = 0
        for other in range(1, count):
            if data.operations[stack[other], RANK] < data.operations[stack[row], RANK]:
                row = other
        one = stack[row]
        done = place(data, state, one, modes[one], ask, space.chosen)
        if done == DONE:
            count -= 1
            stack[row] = stack[count]
            continue
        if not tries:
            copy_to(space.undo, state.flat)
        tries += 1
        count = _put_off(data, state, ask, stack, count) if done == AGAIN and tries < MOST_TRIES else -1
        if count < 0:
            copy_to(state.flat, space.undo)
            return False
    return True


@compiled
def _put_off(data: Data, state: State, ask: Ints, stack: Ints, count: int) -> int:
    """Take back the operation that `ask` names, to start as late as that says; the new count of the stack, -1 where that cannot be."""
    if state.operations[ask[WHO], START] < 0:
        return -1
    state.operations[ask[WHO], NOT_BEFORE] = ask[WHEN]
    return _take_back(data, state, ask[WHO], stack, count)


@compiled
def settle_chain(data: Data, space: Space, operation: int, modes: Ints) -> None:
    """Place an operation and what follows it without waiting."""
    state = space.state
    while operation >= 0:
        if not is_ready(data, state, operation) or not settle(data, space, operation, modes):
            return
        following = -1
        for row in range(data.operations[operation, FOLLOWERS], data.operations[operation + 1, FOLLOWERS]):
            other = data.followers[row, OTHER]
            if data.followers[row, NO_WAIT] and state.operations[other, START] < 0 and is_ready(data, state, other):
                following = other
        operation = following


@compiled
def decode(data: Data, space: Space, order: Ints, modes: Ints, begin: int, keeps: bool) -> None:
    """Decode the order into space.state, from the last kept state before `begin`; `keeps`: write the states kept from there on.

    `order` goes by the links and holds all but fixed operations. Row k of space.kept is the state before place k x stretch, the first that of what is
    fixed, where stretch is the number of operations over that of rows.
    """
    size, state = order.shape[0], space.state
    stretch = max(1, (size + space.kept.shape[0] - 1) // space.kept.shape[0])
    row = begin // stretch
    copy_to(state.flat, space.kept[row])
    for at in range(row * stretch, size):
        if keeps and at % stretch == 0:
            copy_to(space.kept[at // stretch], state.flat)
        if state.operations[order[at], START] < 0:
            settle_chain(data, space, order[at], modes)
    for at in range(size):
        if state.operations[order[at], START] < 0:
            settle_chain(data, space, order[at], modes)


@compiled
def broken(data: Data, state: State, operation: int) -> int:
    """By how much an operation misses its deadline and what stands fixed after it; the span of a whole plan where it has no place."""
    if state.operations[operation, START] < 0:
        return int(data.sizes[SPAN])
    end = state.operations[operation, END]
    missed = max(0, end - data.operations[operation, DEADLINE])
    for row in range(data.operations[operation, FOLLOWERS], data.operations[operation + 1, FOLLOWERS]):
        other = data.followers[row, OTHER]
        if data.operations[other, FIXED]:
            travel = travel_time(data, state.operations[operation, CHOSEN], state.operations[other, CHOSEN])
            late = end + data.followers[row, LAG] + travel - state.operations[other, START]
            missed += abs(late) if data.followers[row, NO_WAIT] else max(0, late)
    return int(missed)


@compiled
def _too_long(data: Data, state: State, machine: int, one: int) -> int:
    """By how much a batch that stands fixed lasts longer than the longest of its operations: one that made it so long is missing."""
    start, end, longest = state.operations[one, START], state.operations[one, END], 0
    while one >= 0 and state.operations[one, START] == start:
        longest = max(longest, data.modes[state.operations[one, CHOSEN], DURATION])
        one = state.nodes[one, NEXT]
    first, last = data.resources[machine, WINDOWS], data.resources[machine + 1, WINDOWS]
    return int(max(0, end - work_end(data.windows, first, last, start, longest)))


@compiled
def _machine_cost(data: Data, state: State, machine: int, costs: Ints) -> None:
    """Add a machine's setup time and moved operations."""
    one, behind, before = state.heads[machine, HEAD], -1, -1
    while one >= 0:
        if before >= 0 and state.operations[one, START] != state.operations[before, START]:
            behind = before
        if before < 0 or behind == before:
            costs[SET_UP] += setup_time(data, machine, before, one)
            if data.operations[one, FIXED] and data.resources[machine, BATCH] > 1:
                costs[BROKEN] += _too_long(data, state, machine, one)
        if data.operations[one, BEFORE] != NO_PLACE and (data.operations[one, BEFORE] != machine or data.operations[one, BEHIND] != before):
            costs[N_MOVED] += 1
        before = one
        one = state.nodes[one, NEXT]


@compiled
def cost(data: Data, state: State, job_ends: Ints, costs: Ints) -> int:
    """Fill `costs` (see BROKEN) and the jobs' ends for a decoded plan; what it costs with a penalty for what is broken."""
    costs[:] = 0
    job_ends[:] = 0
    for operation in range(data.sizes[N_OPERATIONS]):
        costs[BROKEN] += broken(data, state, operation)
        end = state.operations[operation, END]
        if state.operations[operation, START] >= 0:
            costs[LATEST] = max(costs[LATEST], end)
            job = data.operations[operation, JOB]
            job_ends[job] = max(job_ends[job], end)
    for job in range(job_ends.shape[0]):
        costs[LATE] += data.jobs[job, WEIGHT] * max(0, job_ends[job] - data.jobs[job, DUE])
    for machine in range(data.sizes[N_MACHINES]):
        _machine_cost(data, state, machine, costs)
    weights = data.sizes
    costs[COST] = (
        weights[MAKESPAN] * costs[LATEST] + weights[TARDINESS] * costs[LATE] + weights[SETUP] * costs[SET_UP] + weights[MOVED] * costs[N_MOVED]
    )
    return int(costs[COST] + data.sizes[PENALTY] * costs[BROKEN])
