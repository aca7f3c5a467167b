"""What a search works in: the plan being tried, the one it stands at, copies on the way, and scratch; and plans in and out of it."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from factolake.domain.job import Placed, Problem
from models.planning.compiled import compiled
from models.planning.rich.arrays import (
    BUFFER,
    DURATION,
    FIXED,
    LAG,
    LINKS,
    MACHINE,
    MODES,
    N_MACHINES,
    NO_WAIT,
    OTHER,
    PEOPLE,
    PLACE,
    RANK,
    SKILLED,
    Data,
    Ints,
)
from models.planning.rich.resources import hold
from models.planning.rich.state import ARRIVED, CHOSEN, END, OWNER, START, State, insert_after, last_by, new_state
from models.planning.rich.together import companions

KEPT = 16
STACK = 512


class Space(NamedTuple):
    """`state`: the plan being tried. `base`: the plan that the search stands at, of `order` and `modes`. `kept`: copies on the way.

    `place_of`: place of each operation in `order`, -1 for fixed ones. `ask`, `chosen`, `stack`, `undo`: scratch of the decoder; `marks`, `spare`: of
    the moves.
    """

    state: State
    base: State
    kept: Ints
    order: Ints
    place_of: Ints
    modes: Ints
    new_order: Ints
    new_modes: Ints
    ask: Ints
    chosen: Ints
    stack: Ints
    marks: Ints
    spare: Ints
    undo: Ints
    job_ends: Ints
    costs: Ints
    random: NDArray[np.uint64]


def new_space(problem: Problem, data: Data, seed: int) -> Space:
    """A space in which nothing but what is fixed is placed, operations in the order of their links, each in its shortest mode."""
    state = new_state(data)
    fixed = (*problem.fixed, *companions(problem, data))
    data.operations[[placed.operation for placed in fixed], FIXED] = 1
    for placed in sorted(fixed, key=lambda one: (one.start, one.end, one.operation)):
        people = np.array([*placed.people, 0], np.int64) + data.sizes[N_MACHINES]
        _stand(data, state, placed.operation, data.operations[placed.operation, MODES] + placed.mode, placed.start, placed.end, people)
    for placed in fixed:
        _arrive(data, state, placed.operation)
    size = len(problem.operations)
    free = np.flatnonzero(data.operations[:-1, FIXED] == 0)
    order = free[np.argsort(data.operations[free, RANK], kind="stable")].astype(np.int64)
    modes = np.array([shortest_mode(data, number) for number in range(size)], np.int64)
    place_of = np.full(size, -1, np.int64)
    place_of[order] = np.arange(len(order))
    slots = max((len(mode.skills) for operation in problem.operations for mode in operation.modes), default=0)
    base = new_state(data)
    base.flat[:] = state.flat
    return Space(
        state, base, np.tile(state.flat, (KEPT, 1)), order, place_of, modes, order.copy(), modes.copy(), np.zeros(6, np.int64),
        np.zeros(slots + 1, np.int64), np.zeros(STACK, np.int64), np.zeros(size, np.int64), np.zeros(size, np.int64), state.flat.copy(),
        np.zeros(len(problem.jobs), np.int64), np.zeros(6, np.int64), np.array([seed * 2654435769 + 88172645463325252], np.uint64),
    )  # fmt: skip


def shortest_mode(data: Data, operation: int) -> int:
    """Row of the mode of the least duration."""
    first, last = data.operations[operation, MODES], data.operations[operation + 1, MODES]
    return int(first + np.argmin(data.modes[first:last, DURATION])) if last > first else int(first)


@compiled
def _stand(data: Data, state: State, operation: int, mode: int, start: int, end: int, people: Ints) -> None:
    state.operations[operation, START], state.operations[operation, END], state.operations[operation, CHOSEN] = start, end, mode
    machine = data.modes[mode, MACHINE]
    insert_after(state.nodes, state.heads, machine, last_by(state, data.node_operation, machine, start), operation)
    hold(data, state, operation, mode, people)


@compiled
def _arrive(data: Data, state: State, operation: int) -> None:
    here = data.resources[data.modes[state.operations[operation, CHOSEN], MACHINE], PLACE]
    arrived = -1
    for row in range(data.operations[operation, LINKS], data.operations[operation + 1, LINKS]):
        other = data.links[row, OTHER]
        if state.operations[other, START] < 0:
            return
        there = data.resources[data.modes[state.operations[other, CHOSEN], MACHINE], PLACE]
        arrived = max(arrived, state.operations[other, END] + data.links[row, LAG] + data.travel[there, here])
    state.operations[operation, ARRIVED] = arrived


def to_schedule(data: Data, state: State) -> tuple[Placed, ...]:
    """The placements of a state, in the order of operations; those that have no place are left out."""
    placed = []
    for number, row in enumerate(state.operations):
        if row[START] >= 0:
            slots = int(data.modes[row[CHOSEN] + 1, SKILLED] - data.modes[row[CHOSEN], SKILLED])
            nodes = range(int(data.operations[number, PEOPLE]), int(data.operations[number, PEOPLE]) + slots)
            people = tuple(int(state.nodes[node, OWNER] - data.sizes[N_MACHINES]) for node in nodes)
            placed.append(Placed(number, int(row[CHOSEN] - data.operations[number, MODES]), int(row[START]), int(row[END]), people))
    return tuple(placed)


def take_over(data: Data, space: Space, start: tuple[Placed, ...]) -> None:
    """Set order and modes to those of a plan; operations that it lacks come as early as their links let them, in the mode they had."""
    begins = np.full(len(data.operations) - 1, -1, np.int64)
    for placed in start:
        begins[placed.operation] = placed.start
        space.modes[placed.operation] = data.operations[placed.operation, MODES] + placed.mode
    set_order(data, space, begins)


def _follow_at_once(data: Data) -> list[int]:
    """Operations that come after fixed ones alone and cannot wait, or only where there is room: nobody else is to take their time or their place."""
    found = []
    for number in range(len(data.operations) - 1):
        links = data.links[data.operations[number, LINKS] : data.operations[number + 1, LINKS]]
        machines = data.modes[data.operations[number, MODES] : data.operations[number + 1, MODES], MACHINE]
        is_urgent = links[:, NO_WAIT].any() or (len(links) and (data.resources[machines, BUFFER] >= 0).any())
        if is_urgent and data.operations[links[:, OTHER], FIXED].all():
            found.append(number)
    return found


def set_order(data: Data, space: Space, begins: Ints) -> None:
    """Order the operations by the times given, but each behind those that it comes after by links, and first those whose start is settled."""
    ranked = np.argsort(data.operations[:-1, RANK], kind="stable")
    times = begins.copy()
    times[_follow_at_once(data)] = -1
    for number in ranked:
        for row in range(data.operations[number, LINKS], data.operations[number + 1, LINKS]):
            times[number] = max(times[number], times[data.links[row, OTHER]])
    free = space.order
    free[:] = sorted(free.tolist(), key=lambda number: (times[number], data.operations[number, RANK]))
    space.place_of[free] = np.arange(len(free))
    space.new_order[:] = free
    space.new_modes[:] = space.modes
