"""Placing one operation as early as every rule allows, behind or between what is placed already (serial schedule generation)."""

from models.planning.compiled import compiled, inlined
from models.planning.rich.arrays import (
    BATCH,
    BUFFER,
    CLOSES,
    DURATION,
    FAMILY,
    FAR,
    FIXED,
    FOLLOWERS,
    LAG,
    LINKS,
    MACHINE,
    NO_WAIT,
    OTHER,
    PLACE,
    RELEASE,
    SET_UP_FOR,
    SETUPS,
    SPLIT,
    WINDOWS,
    Data,
    Ints,
)
from models.planning.rich.calendars import latest_start, window_at, work_end, work_start
from models.planning.rich.resources import buffer_from, choose_people, hold, let_go, materials_from, tool_waits, tools_free
from models.planning.rich.state import ARRIVED, CHOSEN, END, HEAD, NEXT, NOT_BEFORE, PREV, START, TAIL, State, insert_after

DONE, NEVER, AGAIN = range(3)
# Places in the array that `place` asks with: which operation has to start later, and when.
WHO, WHEN, BEHIND_WHOM, STARTS, ENDS = range(5)
# Place of what a whole plan is decoded by: 1 where an operation goes behind all that its machine has (fixed ones aside), 0 where it fills gaps.
APPENDS = 5


@compiled
def setup_time(data: Data, machine: int, before: int, operation: int) -> int:
    """Setup of a machine from the operation before (-1: as it is at 0) to the next."""
    matrix = data.resources[machine, SETUPS]
    if matrix < 0:
        return 0
    family = data.operations[before, FAMILY] if before >= 0 else data.resources[machine, SET_UP_FOR]
    return data.setups[matrix, family, data.operations[operation, FAMILY]] if family >= 0 else 0


@compiled
def travel_time(data: Data, mode: int, next_mode: int) -> int:
    """Travel from the machine of one mode to that of another."""
    return int(data.travel[data.resources[data.modes[mode, MACHINE], PLACE], data.resources[data.modes[next_mode, MACHINE], PLACE]])


@compiled
def _joins(data: Data, state: State, machine: int, other: int, operation: int, mode: int, earliest: int) -> bool:
    """Whether an operation can join the batch of another one without making it longer."""
    start = state.operations[other, START]
    if start < earliest or data.operations[other, FAMILY] != data.operations[operation, FAMILY]:
        return False
    first, last = data.resources[machine, WINDOWS], data.resources[machine + 1, WINDOWS]
    if data.operations[other, SPLIT] != data.operations[operation, SPLIT]:
        row = window_at(data.windows, first, last, start)
        if data.windows[row, CLOSES] < state.operations[other, END]:
            return False
    if work_end(data.windows, first, last, start, data.modes[mode, DURATION]) > state.operations[other, END]:
        return False
    count, node = 0, other
    while node >= 0 and state.operations[node, START] == start:
        count += 1
        node = state.nodes[node, PREV]
    node = state.nodes[other, NEXT]
    while node >= 0 and state.operations[node, START] == start:
        count += 1
        node = state.nodes[node, NEXT]
    return bool(count < data.resources[machine, BATCH])


@compiled
def _by_number(state: State, machine: int, operation: int, ask: Ints) -> None:
    """Set ask[BEHIND_WHOM] so that the operations of a batch stand in the order of their numbers."""
    behind = ask[BEHIND_WHOM]
    while behind > operation and state.operations[behind, START] == ask[STARTS]:
        behind = state.nodes[behind, PREV]
    after = state.nodes[behind, NEXT] if behind >= 0 else state.heads[machine, HEAD]
    while 0 <= after < operation and state.operations[after, START] == ask[STARTS]:
        behind = after
        after = state.nodes[behind, NEXT]
    ask[BEHIND_WHOM] = behind


@compiled
def _gap(data: Data, state: State, operation: int, mode: int, earliest: int, ask: Ints) -> bool:
    """Find the first gap of the machine from a time on: ask[BEHIND_WHOM], ask[STARTS], ask[ENDS]; False where there is none.

    Where ask[APPENDS] is set, what lies before an operation that is not fixed is no gap.
    """
    machine, duration, split = data.modes[mode, MACHINE], data.modes[mode, DURATION], data.operations[operation, SPLIT]
    first, last = data.resources[machine, WINDOWS], data.resources[machine + 1, WINDOWS]
    windows = data.windows
    behind = state.heads[machine, TAIL]
    while behind >= 0 and state.operations[behind, START] > earliest and (not ask[APPENDS] or data.operations[behind, FIXED]):
        behind = state.nodes[behind, PREV]
    while True:
        if behind >= 0 and data.resources[machine, BATCH] > 1 and _joins(data, state, machine, behind, operation, mode, earliest):
            ask[BEHIND_WHOM], ask[STARTS], ask[ENDS] = behind, state.operations[behind, START], state.operations[behind, END]
            _by_number(state, machine, operation, ask)
            return True
        free = state.operations[behind, END] if behind >= 0 else 0
        ready = max(earliest, work_end(windows, first, last, free, setup_time(data, machine, behind, operation)))
        start = work_start(windows, first, last, ready, duration, split)
        if start >= FAR:
            return False
        end = work_end(windows, first, last, start, duration)
        after = state.nodes[behind, NEXT] if behind >= 0 else state.heads[machine, HEAD]
        if after < 0 or work_end(windows, first, last, end, setup_time(data, machine, operation, after)) <= state.operations[after, START]:
            ask[BEHIND_WHOM], ask[STARTS], ask[ENDS] = behind, start, end
            return True
        behind = after


@compiled
def _ready(data: Data, state: State, operation: int, mode: int, ask: Ints) -> int:
    """Earliest start by release, links and what is placed after it already; ask[STARTS] is the one start that a no-wait link allows, or -1.

    State's ARRIVED is set to when the last link is met, -1 without links.
    """
    arrived, exact = -1, -1
    earliest = max(data.operations[operation, RELEASE], state.operations[operation, NOT_BEFORE])
    for row in range(data.operations[operation, LINKS], data.operations[operation + 1, LINKS]):
        other = data.links[row, OTHER]
        met = state.operations[other, END] + data.links[row, LAG] + travel_time(data, state.operations[other, CHOSEN], mode)
        arrived = max(arrived, met)
        if data.links[row, NO_WAIT]:
            exact = met if exact < 0 else min(exact, met)
    machine = data.modes[mode, MACHINE]
    for row in range(data.operations[operation, FOLLOWERS], data.operations[operation + 1, FOLLOWERS]):
        other = data.followers[row, OTHER]
        if data.followers[row, NO_WAIT] and state.operations[other, START] >= 0:
            end = state.operations[other, START] - data.followers[row, LAG] - travel_time(data, mode, state.operations[other, CHOSEN])
            first, last = data.resources[machine, WINDOWS], data.resources[machine + 1, WINDOWS]
            earliest = max(earliest, latest_start(data.windows, first, last, end, data.modes[mode, DURATION], data.operations[operation, SPLIT]))
    state.operations[operation, ARRIVED] = arrived
    ask[STARTS] = exact
    return int(max(earliest, arrived))


@compiled
def _ask_links(data: Data, state: State, operation: int, mode: int, arrival: int, only_no_wait: bool, ask: Ints) -> int:
    """Ask the operation before, whose link is met too early, to end so late that it is met at `arrival`."""
    best, met_last = -1, -1
    for row in range(data.operations[operation, LINKS], data.operations[operation + 1, LINKS]):
        other = data.links[row, OTHER]
        met = state.operations[other, END] + data.links[row, LAG] + travel_time(data, state.operations[other, CHOSEN], mode)
        if data.links[row, NO_WAIT] if only_no_wait else met > met_last:
            if met < arrival:
                best, met_last = row, met
    if best < 0:
        return NEVER
    other = data.links[best, OTHER]
    chosen = state.operations[other, CHOSEN]
    machine = data.modes[chosen, MACHINE]
    end = state.operations[other, END] + arrival - met_last
    first, last = data.resources[machine, WINDOWS], data.resources[machine + 1, WINDOWS]
    start = latest_start(data.windows, first, last, end, data.modes[chosen, DURATION], data.operations[other, SPLIT])
    ask[WHO], ask[WHEN] = other, max(state.operations[other, START] + 1, start)
    return AGAIN


@inlined
def place(data: Data, state: State, operation: int, mode: int, ask: Ints, chosen: Ints) -> int:
    """Place an operation in a mode: DONE, NEVER, or AGAIN where ask[WHO] has to start at ask[WHEN] or later first."""
    machine = data.modes[mode, MACHINE]
    earliest = _ready(data, state, operation, mode, ask)
    exact = ask[STARTS]
    while True:
        earliest = materials_from(data, state, operation, earliest)
        if earliest >= FAR or not _gap(data, state, operation, mode, earliest, ask):
            return NEVER
        start, end = ask[STARTS], ask[ENDS]
        again = tools_free(data, state, mode, start, end)
        if not again:
            again = choose_people(data, state, mode, start, end, chosen)
        if not again and start > earliest:
            again = materials_from(data, state, operation, start)
            again = again if again > start else 0
        if not again:
            break
        earliest = again
    if exact >= 0 and start > exact:
        return _ask_links(data, state, operation, mode, start, True, ask)
    arrived = state.operations[operation, ARRIVED]
    if data.resources[machine, BUFFER] >= 0 and arrived < start:
        from_when = buffer_from(data, state, operation, machine, arrived, start)
        if from_when > arrived:
            return _ask_links(data, state, operation, mode, from_when, False, ask)
    state.operations[operation, START], state.operations[operation, END], state.operations[operation, CHOSEN] = start, end, mode
    insert_after(state.nodes, state.heads, machine, ask[BEHIND_WHOM], operation)
    hold(data, state, operation, mode, chosen)
    return DONE


@compiled
def _is_with_others(state: State, operation: int) -> bool:
    start, behind, after = state.operations[operation, START], state.nodes[operation, PREV], state.nodes[operation, NEXT]
    return bool((behind >= 0 and state.operations[behind, START] == start) or (after >= 0 and state.operations[after, START] == start))


@compiled
def _lasts_without(data: Data, state: State, machine: int, operation: int) -> bool:
    """Whether a batch lasts as long as it does without one of its operations."""
    start, end = state.operations[operation, START], state.operations[operation, END]
    first, last = data.resources[machine, WINDOWS], data.resources[machine + 1, WINDOWS]
    one = operation
    while state.nodes[one, PREV] >= 0 and state.operations[state.nodes[one, PREV], START] == start:
        one = state.nodes[one, PREV]
    while one >= 0 and state.operations[one, START] == start:
        duration = data.modes[state.operations[one, CHOSEN], DURATION]
        if one != operation and work_end(data.windows, first, last, start, duration) == end:
            return True
        one = state.nodes[one, NEXT]
    return False


@compiled
def unplace(data: Data, state: State, operation: int) -> int:
    """Take an operation out of the plan: -1, or the one that would then break a rule and has to be taken out first (all stays as it is)."""
    machine = data.modes[state.operations[operation, CHOSEN], MACHINE]
    behind, after = state.nodes[operation, PREV], state.nodes[operation, NEXT]
    if data.resources[machine, BATCH] > 1 and _is_with_others(state, operation):
        if not _lasts_without(data, state, machine, operation):
            return int(after if after >= 0 and state.operations[after, START] == state.operations[operation, START] else behind)
    elif after >= 0:
        first, last = data.resources[machine, WINDOWS], data.resources[machine + 1, WINDOWS]
        free = state.operations[behind, END] if behind >= 0 else 0
        if work_end(data.windows, first, last, free, setup_time(data, machine, behind, after)) > state.operations[after, START]:
            return int(after)
    waits = tool_waits(data, state, operation)
    if waits < 0:
        let_go(data, state, operation)
    return waits
