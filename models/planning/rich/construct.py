"""Plans by dispatching rules: again and again the machine that could start next takes, of what waits for it, what the rule puts first.

EDD: earliest due date. SPT: shortest operation. MWKR: most work remaining of the job. SLACK: least time to spare. ATC: apparent tardiness cost
(Vepsalainen and Morton 1987). ATCS: the same with setups (Lee, Bhaskaran and Pinedo 1997). LATEST: the operation that has to start first, by
deadlines of its own and of all that comes after it.
"""

import math

import numpy as np

from models.planning.compiled import compiled
from models.planning.rich.arrays import (
    DEADLINE,
    DUE,
    DURATION,
    FAR,
    FOLLOWERS,
    JOB,
    LAG,
    LINKS,
    MACHINE,
    MODES,
    OTHER,
    RANK,
    RELEASE,
    SPLIT,
    WEIGHT,
    WINDOWS,
    Data,
    Ints,
)
from models.planning.rich.calendars import latest_start, work_end, work_start
from models.planning.rich.decoder import is_ready, settle_chain
from models.planning.rich.placing import setup_time, travel_time
from models.planning.rich.space import Space
from models.planning.rich.state import CHOSEN, END, START, TAIL, State, copy_to

RULES = ("EDD", "SPT", "MWKR", "SLACK", "ATC", "ATCS", "LATEST")
EDD, SPT, MWKR, SLACK, ATC, ATCS, LATEST = range(7)
# Look-ahead of the ATC rules in mean durations, and of their setup part in mean setups (Lee, Bhaskaran and Pinedo 1997 use 1 to 4 and about 0.3).
AHEAD, SETUP_AHEAD = 2.0, 0.3


def work_left(data: Data) -> Ints:
    """For each operation the longest way of shortest durations, lags included, from its start to the end of what follows it."""
    left = np.zeros(len(data.operations) - 1, np.int64)
    for number in np.argsort(data.operations[:-1, RANK], kind="stable")[::-1]:
        rows = data.followers[data.operations[number, FOLLOWERS] : data.operations[number + 1, FOLLOWERS]]
        durations = data.modes[data.operations[number, MODES] : data.operations[number + 1, MODES], DURATION]
        left[number] = min(durations, default=0) + max((int(row[LAG] + left[row[OTHER]]) for row in rows), default=0)
    return left


def latest_starts(data: Data, goal: int) -> Ints:
    """For each operation when it has to start at the latest, alone on its machines, for no limit behind it to be missed and all to end by `goal`."""
    latest = np.zeros(len(data.operations) - 1, np.int64)
    for number in np.argsort(data.operations[:-1, RANK], kind="stable")[::-1]:
        rows = data.followers[data.operations[number, FOLLOWERS] : data.operations[number + 1, FOLLOWERS]]
        end = min([goal, int(data.operations[number, DEADLINE]), *(int(latest[row[OTHER]] - row[LAG]) for row in rows)])
        split, starts = data.operations[number, SPLIT], [-1]
        for mode in range(data.operations[number, MODES], data.operations[number + 1, MODES]):
            first, last = data.resources[data.modes[mode, MACHINE], WINDOWS], data.resources[data.modes[mode, MACHINE] + 1, WINDOWS]
            starts.append(int(latest_start(data.windows, first, last, end, data.modes[mode, DURATION], split)))
        latest[number] = max(starts)
    return latest


@compiled
def _estimate(data: Data, state: State, operation: int, mode: int) -> tuple[int, int]:
    """(start, end) of an operation at the end of its machine's list, by machine, release and links alone."""
    machine = data.modes[mode, MACHINE]
    first, last = data.resources[machine, WINDOWS], data.resources[machine + 1, WINDOWS]
    ready = data.operations[operation, RELEASE]
    for row in range(data.operations[operation, LINKS], data.operations[operation + 1, LINKS]):
        other = data.links[row, OTHER]
        ready = max(ready, state.operations[other, END] + data.links[row, LAG] + travel_time(data, state.operations[other, CHOSEN], mode))
    tail = state.heads[machine, TAIL]
    free = state.operations[tail, END] if tail >= 0 else 0
    free = work_end(data.windows, first, last, free, setup_time(data, machine, tail, operation))
    duration = data.modes[mode, DURATION]
    start = work_start(data.windows, first, last, max(ready, free), duration, 1)
    return start, work_end(data.windows, first, last, start, duration) if start < FAR else FAR


@compiled
def _worth(data: Data, state: State, operation: int, mode: int, rule: int, now: int, left: int, means: Ints) -> float:
    """How much a rule wants an operation next; the highest goes first. `left` is its latest start where the rule goes by that."""
    job = data.operations[operation, JOB]
    due = min(data.jobs[job, DUE], now + 1000 * means[0])
    duration = max(1, data.modes[mode, DURATION])
    if rule == EDD:
        return -float(due)
    if rule == SPT:
        return -float(duration)
    if rule == MWKR:
        return float(left)
    if rule == LATEST:
        return -float(left)
    spare = due - left - now
    if rule == SLACK:
        return -float(spare)
    worth = math.log(max(1, data.jobs[job, WEIGHT]) / duration) - max(0, spare) / (AHEAD * means[0])
    if rule == ATCS:
        machine = data.modes[mode, MACHINE]
        worth -= setup_time(data, machine, state.heads[machine, TAIL], operation) / (SETUP_AHEAD * means[1])
    return float(worth)


@compiled
def dispatch(data: Data, space: Space, rule: int, left: Ints, means: Ints) -> None:
    """Fill space.state from what is fixed by a rule, and space.new_order and new_modes with what it took.

    `left`: the work left of each operation (`work_left`), for LATEST its latest start (`latest_starts`).
    """
    state = space.state
    copy_to(state.flat, space.kept[0])
    waiting = space.spare
    size = space.order.shape[0]
    copy_to(waiting[:size], space.order)
    count = 0
    left_over = size
    while left_over:
        best, best_mode = _next(data, space, left_over, rule, left, means)
        if best < 0:
            break
        operation = waiting[best]
        space.new_modes[operation] = best_mode
        if state.operations[operation, START] < 0:
            settle_chain(data, space, operation, space.new_modes)
        space.new_order[count] = operation
        count += 1
        left_over -= 1
        waiting[best] = waiting[left_over]
    for at in range(left_over):
        space.new_order[count + at] = waiting[at]


@compiled
def _next(data: Data, space: Space, count: int, rule: int, left: Ints, means: Ints) -> tuple[int, int]:
    """(place in space.spare, mode) of the next operation: of those that could start before the first of them could end, which the rule puts first."""
    state, waiting = space.state, space.spare
    first_end, machine = FAR, -1
    for at in range(count):
        if not is_ready(data, state, waiting[at]):
            continue
        mode, _, end = _best_mode(data, space, waiting[at])
        if end < first_end or machine < 0:
            first_end, machine = end, data.modes[mode, MACHINE]
    best, best_mode, most = -1, -1, 0.0
    for at in range(count):
        if not is_ready(data, state, waiting[at]):
            continue
        mode, start, _ = _best_mode(data, space, waiting[at])
        if data.modes[mode, MACHINE] != machine or (start >= first_end and first_end < FAR):
            continue
        worth = _worth(data, state, waiting[at], mode, rule, start, left[waiting[at]], means)
        if best < 0 or worth > most:
            best, best_mode, most = at, mode, worth
    return best, best_mode


@compiled
def _best_mode(data: Data, space: Space, operation: int) -> tuple[int, int, int]:
    """(mode, start, end) that would end first."""
    state = space.state
    best = data.operations[operation, MODES]
    best_start, best_end = FAR, FAR + 1
    for mode in range(data.operations[operation, MODES], data.operations[operation + 1, MODES]):
        start, end = _estimate(data, state, operation, mode)
        if end < best_end:
            best, best_start, best_end = mode, start, end
    return best, best_start, best_end


def mean_times(data: Data) -> Ints:
    """(mean duration, mean setup), each 1 or more."""
    setups = data.setups[data.setups > 0]
    durations = data.modes[:-1, DURATION]
    return np.array([max(1, durations.mean() if len(durations) else 1), max(1, setups.mean() if len(setups) else 1)], np.int64)
