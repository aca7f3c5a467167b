"""Earliest ends and longest rests of the operations of a job shop under given machine sequences, renewed in part after each move.

An operation is a node with at most two nodes before it (of its job, on its machine) and two behind; the node one past the last operation stands for
"none" with time 0, so that no kernel asks whether there is a neighbour. Method: a linear order of all nodes is kept, and a move permutes only the
stretch between the moved nodes (Nowicki and Smutnicki 2005; Katriel, Michel and Van Hentenryck 2005).
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.planning.compiled import compiled

Ints = NDArray[np.int32]
Times = NDArray[np.int64]
Nodes = Any  # an array of records: mypy knows no fields of one

NODE = np.dtype(
    [(name, np.int32) for name in ("before", "after", "left", "right", "rank", "mark", "machine", "number")]
    + [(name, np.int64) for name in ("duration", "end", "rest", "spare")]
)
"""An operation in one cache line: neighbours in its job and on its machine, place in the linear order, room for a mark, machine and number among
those of the machine; duration, earliest end, time from its start to the end of all. Of arrays of numbers, each tuple of them passed down would be
counted up and down at each call, which took half the time."""


@compiled
def load(nodes: Nodes, finals: Ints, order: Ints, into: Ints, last: Ints) -> int:
    """Take the machine sequences from the linear order `order`, which is copied to `into`; returns the makespan. `last`: room, one a machine."""
    size = order.shape[0]
    last[:] = size
    nodes[size].rank = -1
    for rank in range(size):
        one = order[rank]
        machine = nodes[one].machine
        left = last[machine]
        into[rank] = one
        nodes[one].rank = rank
        nodes[one].left = left
        nodes[one].right = size
        if left != size:
            nodes[left].right = one
        last[machine] = one
        nodes[one].end = max(nodes[nodes[one].before].end, nodes[left].end) + nodes[one].duration
    for rank in range(size - 1, -1, -1):
        one = order[rank]
        nodes[one].rest = max(nodes[nodes[one].after].rest, nodes[nodes[one].right].rest) + nodes[one].duration
    return int(makespan(nodes, finals))


@compiled
def makespan(nodes: Nodes, finals: Ints) -> int:
    """Latest end of any job; `finals`: the last operations of the jobs."""
    latest = 0
    for one in finals:
        latest = max(latest, nodes[one].end)
    return int(latest)


@compiled
def renew_ends(nodes: Nodes, order: Ints, low: int, reach: int) -> None:
    """Ends from rank `low` to `reach`, and as far behind as something changes."""
    rank = low
    while rank <= reach:
        one = order[rank]
        end = max(nodes[nodes[one].before].end, nodes[nodes[one].left].end) + nodes[one].duration
        if end != nodes[one].end:
            nodes[one].end = end
            reach = max(reach, nodes[nodes[one].after].rank, nodes[nodes[one].right].rank)
        rank += 1


@compiled
def renew_rests(nodes: Nodes, order: Ints, high: int, reach: int) -> None:
    """Rests from rank `high` down to `reach`, and as far ahead as something changes."""
    size = order.shape[0]
    rank = high
    nodes[size].rank = size
    while rank >= reach:
        one = order[rank]
        rest = max(nodes[nodes[one].after].rest, nodes[nodes[one].right].rest) + nodes[one].duration
        if rest != nodes[one].rest:
            nodes[one].rest = rest
            reach = min(reach, nodes[nodes[one].before].rank, nodes[nodes[one].left].rank)
        rank -= 1
    nodes[size].rank = -1


@compiled
def move_behind(nodes: Nodes, order: Ints, room: Times, one: int, other: int) -> bool:
    """Put `one` right behind `other`, which is later on its machine; False, and nothing done, where a path leads from `one` to `other`."""
    low, high = nodes[one].rank, nodes[other].rank
    nodes[one].mark = 1
    room[0] = one
    moved = 1
    for rank in range(low + 1, high + 1):
        now = order[rank]
        left = nodes[now].left
        if nodes[nodes[now].before].mark == 1 or (left != one and nodes[left].mark == 1):
            nodes[now].mark = 1
            room[moved] = now
            moved += 1
    is_free = nodes[other].mark == 0
    if is_free:
        to = low
        for rank in range(low, high + 1):
            now = order[rank]
            if nodes[now].mark == 0:
                order[to] = now
                nodes[now].rank = to
                to += 1
        for number in range(moved):
            order[to + number] = room[number]
            nodes[room[number]].rank = to + number
    for number in range(moved):
        nodes[room[number]].mark = 0
    if is_free:
        left, right = nodes[one].left, nodes[other].right
        _join(nodes, left, nodes[one].right)
        _join(nodes, other, one)
        _join(nodes, one, right)
        _renew(nodes, order, low, high, left, right)
    return bool(is_free)


@compiled
def move_ahead(nodes: Nodes, order: Ints, room: Times, one: int, other: int) -> bool:
    """Put `one` right ahead of `other`, which is earlier on its machine; False, and nothing done, where a path leads from `other` to `one`."""
    low, high = nodes[other].rank, nodes[one].rank
    nodes[one].mark = 1
    room[0] = one
    moved = 1
    for rank in range(high - 1, low - 1, -1):
        now = order[rank]
        right = nodes[now].right
        if nodes[nodes[now].after].mark == 1 or (right != one and nodes[right].mark == 1):
            nodes[now].mark = 1
            room[moved] = now
            moved += 1
    is_free = nodes[other].mark == 0
    if is_free:
        to = high
        for rank in range(high, low - 1, -1):
            now = order[rank]
            if nodes[now].mark == 0:
                order[to] = now
                nodes[now].rank = to
                to -= 1
        for number in range(moved):
            order[to - number] = room[number]
            nodes[room[number]].rank = to - number
    for number in range(moved):
        nodes[room[number]].mark = 0
    if is_free:
        left, right = nodes[other].left, nodes[one].right
        _join(nodes, nodes[one].left, right)
        _join(nodes, left, one)
        _join(nodes, one, other)
        _renew(nodes, order, low, high, left, right)
    return bool(is_free)


@compiled
def _renew(nodes: Nodes, order: Ints, low: int, high: int, left: int, right: int) -> None:
    """Times after a move between ranks `low` and `high`; `left` and `right`: the nodes on the machine around the stretch."""
    renew_ends(nodes, order, low, max(high, nodes[right].rank))
    renew_rests(nodes, order, high, low if left == order.shape[0] else min(low, nodes[left].rank))


@compiled
def _join(nodes: Nodes, left: int, right: int) -> None:
    """Make two nodes neighbours on a machine; what "none" has for neighbours is never read."""
    nodes[left].right = right
    nodes[right].left = left
