"""Whether people, tools, materials and buffers allow an operation from a start to an end, and if not, when to try again."""

from models.planning.compiled import compiled
from models.planning.rich.arrays import (
    BUFFER,
    CLOSES,
    FAR,
    MACHINE,
    N_MACHINES,
    N_PEOPLE,
    N_TOOLS,
    NEED_NODES,
    NEEDS,
    OPEN_BEFORE,
    OPENS,
    PEOPLE,
    PLACE,
    SKILLED,
    TOOLED,
    TOOLS,
    WINDOWS,
    Data,
    Ints,
)
from models.planning.rich.calendars import window_at
from models.planning.rich.state import ARRIVED, CHOSEN, END, NEXT, PREV, START, TAIL, State, insert_after, last_by, remove


@compiled
def person_windows(data: Data, person: int, machine: int, start: int, end: int) -> int:
    """0 where a person is there whenever the machine is open from start to end, else the next start at which they may be."""
    resources, windows = data.resources, data.windows
    own, own_last = resources[person, WINDOWS], resources[person + 1, WINDOWS]
    row, last = resources[machine, WINDOWS], resources[machine + 1, WINDOWS]
    row = window_at(windows, row, last, start)
    while row < last and windows[row, OPENS] < end:
        begin, until = max(start, windows[row, OPENS]), min(end, windows[row, CLOSES])
        own = window_at(windows, own, own_last, begin)
        if own == own_last:
            return FAR
        if windows[own, OPENS] > begin:
            return int(windows[own, OPENS])
        if windows[own, CLOSES] < until:
            return windows[own + 1, OPENS] if own + 1 < own_last else FAR
        row += 1
    return 0


@compiled
def person_free(data: Data, state: State, person: int, machine: int, start: int, end: int) -> int:
    """0 where a person can work on a machine from start to end, else the next start at which they may."""
    node = last_by(state, data.node_operation, person, start)
    if node >= 0 and state.operations[data.node_operation[node], END] > start:
        return int(state.operations[data.node_operation[node], END])
    after = state.nodes[node, NEXT] if node >= 0 else state.heads[person, 0]
    if after >= 0 and state.operations[data.node_operation[after], START] < end:
        return int(max(start + 1, state.operations[data.node_operation[after], END]))
    return person_windows(data, person, machine, start, end)


@compiled
def _is_taken(chosen: Ints, count: int, person: int) -> bool:
    for slot in range(count):
        if chosen[slot] == person:
            return True
    return False


@compiled
def _other_for(data: Data, state: State, mode: int, slot: int, count: int, start: int, end: int, chosen: Ints) -> int:
    """A free person for a slot who is in none of the first `count` slots, -1 where there is none; chosen[-1] becomes when to try again."""
    skill = data.skills[data.modes[mode, SKILLED] + slot]
    for row in range(data.skilled_from[skill], data.skilled_from[skill + 1]):
        person = data.skilled[row] + data.sizes[N_MACHINES]
        if _is_taken(chosen, count, person):
            continue
        again = person_free(data, state, person, data.modes[mode, MACHINE], start, end)
        if again == 0:
            return int(person)
        chosen[-1] = min(chosen[-1], again)
    return -1


@compiled
def _holds(data: Data, person: int, skill: int) -> bool:
    for row in range(data.skilled_from[skill], data.skilled_from[skill + 1]):
        if data.skilled[row] + data.sizes[N_MACHINES] == person:
            return True
    return False


@compiled
def choose_people(data: Data, state: State, mode: int, start: int, end: int, chosen: Ints) -> int:
    """Fill chosen[:slots] with free people, who holds the fewest skills first; 0, or the next start to try.

    Where the last slot finds nobody, one who is in an earlier slot moves over when somebody else can take that.
    """
    first = data.modes[mode, SKILLED]
    slots = data.modes[mode + 1, SKILLED] - first
    chosen[-1] = FAR
    for slot in range(slots):
        person = _other_for(data, state, mode, slot, slot, start, end, chosen)
        earlier = 0
        while person < 0 and earlier < slot:
            if _holds(data, chosen[earlier], data.skills[first + slot]):
                instead = _other_for(data, state, mode, earlier, slot, start, end, chosen)
                if instead >= 0:
                    person = chosen[earlier]
                    chosen[earlier] = instead
            earlier += 1
        if person < 0:
            return max(start + 1, chosen[-1] if slots == 1 else _next_free(data, state, mode, start, end))
        chosen[slot] = person
    return 0


@compiled
def _next_free(data: Data, state: State, mode: int, start: int, end: int) -> int:
    """Earliest later start at which one of the people who are not free now may be."""
    again = FAR
    for slot in range(data.modes[mode, SKILLED], data.modes[mode + 1, SKILLED]):
        skill = data.skills[slot]
        for row in range(data.skilled_from[skill], data.skilled_from[skill + 1]):
            free = person_free(data, state, data.skilled[row] + data.sizes[N_MACHINES], data.modes[mode, MACHINE], start, end)
            if free:
                again = min(again, free)
    return again


@compiled
def tool_free(data: Data, state: State, tool: int, machine: int, start: int, end: int) -> int:
    """0 where a tool can be at a machine from start to end, else the next start at which it may."""
    here = data.resources[machine, PLACE]
    node = last_by(state, data.node_operation, tool, start)
    if node >= 0:
        other = data.node_operation[node]
        there = data.resources[data.modes[state.operations[other, CHOSEN], MACHINE], PLACE]
        ready = state.operations[other, END] + data.travel[there, here]
        after = state.nodes[node, NEXT]
    else:
        ready = data.travel[data.resources[tool, PLACE], here]
        after = state.heads[tool, 0]
    if ready > start:
        return int(ready)
    if after >= 0:
        other = data.node_operation[after]
        there = data.resources[data.modes[state.operations[other, CHOSEN], MACHINE], PLACE]
        if end + data.travel[here, there] > state.operations[other, START]:
            return int(max(start + 1, state.operations[other, END]))
    first, last = data.resources[tool, WINDOWS], data.resources[tool + 1, WINDOWS]
    row = window_at(data.windows, first, last, start)
    if row == last:
        return FAR
    if data.windows[row, OPENS] > start:
        return int(data.windows[row, OPENS])
    if data.windows[row, CLOSES] < end:
        return data.windows[row + 1, OPENS] if row + 1 < last else FAR
    return 0


@compiled
def tools_free(data: Data, state: State, mode: int, start: int, end: int) -> int:
    """0 where all tools of a mode are free, else the next start to try."""
    first = data.sizes[N_MACHINES] + data.sizes[N_PEOPLE]
    for row in range(data.modes[mode, TOOLED], data.modes[mode + 1, TOOLED]):
        again = tool_free(data, state, first + data.tools[row], data.modes[mode, MACHINE], start, end)
        if again:
            return again
    return 0


@compiled
def _stocked(data: Data, state: State, material: int, quantity: int, earliest: int) -> int:
    """Earliest time from which on there is always so much of a material left, FAR where there never is."""
    row, first = data.resources[material + 1, WINDOWS] - 1, data.resources[material, WINDOWS]
    node = state.heads[material, TAIL]
    left = data.windows[row, OPEN_BEFORE] + data.windows[row, CLOSES] if row >= first else 0
    walk = node
    while walk >= 0:
        left -= data.needs[walk - data.sizes[NEED_NODES], 1]
        walk = state.nodes[walk, PREV]
    if left < quantity:
        return FAR
    while row >= first or node >= 0:
        arrival = data.windows[row, OPENS] if row >= first else -1
        taken = state.operations[data.node_operation[node], START] if node >= 0 else -1
        time = max(arrival, taken)
        if time <= earliest:
            return earliest
        while node >= 0 and state.operations[data.node_operation[node], START] == time:
            left += data.needs[node - data.sizes[NEED_NODES], 1]
            node = state.nodes[node, PREV]
        while row >= first and data.windows[row, OPENS] == time:
            left -= data.windows[row, CLOSES]
            row -= 1
        if left < quantity:
            return time
    return earliest


@compiled
def materials_from(data: Data, state: State, operation: int, earliest: int) -> int:
    """Earliest time from which on all materials of an operation are there, FAR where they never are."""
    first = data.sizes[N_MACHINES] + data.sizes[N_PEOPLE] + data.sizes[N_TOOLS]
    for row in range(data.operations[operation, NEEDS], data.operations[operation + 1, NEEDS]):
        earliest = max(earliest, _stocked(data, state, first + data.needs[row, 0], data.needs[row, 1], earliest))
    return earliest


@compiled
def buffer_from(data: Data, state: State, operation: int, machine: int, arrived: int, start: int) -> int:
    """Earliest arrival from which on a machine's buffer has a place until the start; `arrived` where it has one all the time."""
    places = data.resources[machine, BUFFER]
    if places < 0 or arrived < 0 or arrived >= start:
        return arrived
    if places == 0:
        return start
    earliest = arrived
    other = state.heads[machine, TAIL]
    while other >= 0 and state.operations[other, START] > arrived:
        # The count can only be at its highest where a wait begins; each such moment is looked at once, by who begins there.
        if other != operation and state.operations[other, ARRIVED] >= 0 and state.operations[other, ARRIVED] < start:
            moment = max(arrived, state.operations[other, ARRIVED])
            until = _crowded_until(state, machine, operation, moment, places)
            earliest = max(earliest, min(until, start))
        other = state.nodes[other, PREV]
    return earliest


@compiled
def _crowded_until(state: State, machine: int, operation: int, moment: int, places: int) -> int:
    """When the first of those leaves who wait at a moment, where they fill the buffer; -1 where they do not."""
    count, until = 0, FAR
    other = state.heads[machine, TAIL]
    while other >= 0 and state.operations[other, START] > moment:
        if other != operation and 0 <= state.operations[other, ARRIVED] <= moment:
            count += 1
            until = min(until, state.operations[other, START])
        other = state.nodes[other, PREV]
    return until if count >= places else -1


@compiled
def hold(data: Data, state: State, operation: int, mode: int, chosen: Ints) -> None:
    """Enter an operation that has a start into the lists of its people, tools and materials."""
    start = state.operations[operation, START]
    for slot in range(data.modes[mode + 1, SKILLED] - data.modes[mode, SKILLED]):
        _enter(data, state, chosen[slot], data.operations[operation, PEOPLE] + slot, start)
    first = data.sizes[N_MACHINES] + data.sizes[N_PEOPLE]
    for slot in range(data.modes[mode + 1, TOOLED] - data.modes[mode, TOOLED]):
        _enter(data, state, first + data.tools[data.modes[mode, TOOLED] + slot], data.operations[operation, TOOLS] + slot, start)
    first += data.sizes[N_TOOLS]
    for row in range(data.operations[operation, NEEDS], data.operations[operation + 1, NEEDS]):
        _enter(data, state, first + data.needs[row, 0], data.sizes[NEED_NODES] + row, start)


@compiled
def _enter(data: Data, state: State, resource: int, node: int, start: int) -> None:
    insert_after(state.nodes, state.heads, resource, last_by(state, data.node_operation, resource, start), node)


@compiled
def let_go(data: Data, state: State, operation: int) -> None:
    """Take an operation out of the lists of its machine, people, tools and materials."""
    mode = state.operations[operation, CHOSEN]
    remove(state.nodes, state.heads, operation)
    for slot in range(data.modes[mode + 1, SKILLED] - data.modes[mode, SKILLED]):
        remove(state.nodes, state.heads, data.operations[operation, PEOPLE] + slot)
    for slot in range(data.modes[mode + 1, TOOLED] - data.modes[mode, TOOLED]):
        remove(state.nodes, state.heads, data.operations[operation, TOOLS] + slot)
    for row in range(data.operations[operation, NEEDS], data.operations[operation + 1, NEEDS]):
        remove(state.nodes, state.heads, data.sizes[NEED_NODES] + row)
    state.operations[operation, START] = -1


@compiled
def tool_waits(data: Data, state: State, operation: int) -> int:
    """Who has a tool next that would not reach them in time from the machine before this operation's; -1 where all reach theirs."""
    mode = state.operations[operation, CHOSEN]
    for slot in range(data.modes[mode + 1, TOOLED] - data.modes[mode, TOOLED]):
        node = data.operations[operation, TOOLS] + slot
        after, before = state.nodes[node, NEXT], state.nodes[node, PREV]
        if after < 0:
            continue
        follower = data.node_operation[after]
        there = data.resources[data.modes[state.operations[follower, CHOSEN], MACHINE], PLACE]
        ready = data.travel[data.resources[data.sizes[N_MACHINES] + data.sizes[N_PEOPLE] + data.tools[data.modes[mode, TOOLED] + slot], PLACE], there]
        if before >= 0:
            one = data.node_operation[before]
            ready = state.operations[one, END] + data.travel[data.resources[data.modes[state.operations[one, CHOSEN], MACHINE], PLACE], there]
        if ready > state.operations[follower, START]:
            return int(follower)
    return -1
