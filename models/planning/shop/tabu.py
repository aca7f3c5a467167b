"""Tabu search over the critical blocks of a job shop.

A move is forbidden where it would bring back the order of a pair on a machine that a move of the last few iterations took away (Taillard 1994;
Dell'Amico and Trubian 1993). Forbidding whole stretches of a sequence instead, as Zhang et al. (2007) do, fell into cycles of three moves.
"""

from typing import NamedTuple

import numpy as np

from models.planning.compiled import compiled
from models.planning.shop.heads_tails import Ints, Nodes, Times, load, makespan, move_ahead, move_behind
from models.planning.shop.moves import ahead, behind, critical_path, draw, may_move_ahead, may_move_behind

_NAMES = (
    *("iteration", "better_at", "best", "now", "random", "width", "shortest", "spread"),
    *("estimate", "one", "other", "is_behind", "ties", "seen", "any_one", "any_other", "any_is_behind"),
)
SEARCH = np.dtype([(name, np.int64) for name in _NAMES])
"""The state of a search: iteration, the one of the last better order, best makespan, makespan now, random state; most operations of a machine,
least tenure and how many longer ones; of the moves weighed: best estimate of a free one, that move, how many equal it; all, one of them."""


class Shop(NamedTuple):
    """A job shop and a search in it. `nodes`: as `NODE`, one more than operations; `finals`: last operations of the jobs; `machines`: how many;
    `order`: linear order now; `best`: best so far; `until`: a pair's order is forbidden up to which iteration; the rest is room for kernels."""

    nodes: Nodes
    finals: Ints
    order: Ints
    best: Ints
    until: Times
    path: Ints
    room: Times
    last: Ints
    search: Nodes


@compiled
def _slot(nodes: Nodes, until: Times, width: int, one: int, other: int) -> int:
    """Where it stands until when `one` may not be put before `other`."""
    return int((one * width + nodes[other].number) & (until.shape[0] - 1))


@compiled
def _is_forbidden(nodes: Nodes, until: Times, search: Nodes, one: int, other: int, is_behind: bool) -> bool:
    """Whether a move would bring back a pair's order that was lately taken away."""
    now, width, iteration = one, search[0].width, search[0].iteration
    while now != other:
        now = nodes[now].right if is_behind else nodes[now].left
        slot = _slot(nodes, until, width, now, one) if is_behind else _slot(nodes, until, width, one, now)
        if until[slot] > iteration:
            return True
    return False


@compiled
def _forbid(nodes: Nodes, until: Times, search: Nodes, one: int, other: int, is_behind: bool) -> None:
    """Before a move: keep the orders of pairs that it takes away from coming back."""
    now, width = one, search[0].width
    end = search[0].iteration + search[0].shortest + draw(search, search[0].spread)
    while now != other:
        now = nodes[now].right if is_behind else nodes[now].left
        until[_slot(nodes, until, width, one, now) if is_behind else _slot(nodes, until, width, now, one)] = end


@compiled
def _weigh(nodes: Nodes, until: Times, room: Times, search: Nodes, one: int, other: int, is_behind: bool) -> None:
    """Look at one move of `one` right behind or ahead of `other`; keep it where it is the best free one."""
    if is_behind:
        if not may_move_behind(nodes, one, other):
            return
        estimate = behind(nodes, one, other, room)
    else:
        if not may_move_ahead(nodes, one, other):
            return
        estimate = ahead(nodes, one, other, room)
    now = search[0]
    now.seen += 1
    if draw(search, now.seen) == 0:
        now.any_one, now.any_other, now.any_is_behind = one, other, is_behind
    if estimate > now.estimate or _is_forbidden(nodes, until, search, one, other, is_behind):
        return
    now.ties = now.ties + 1 if estimate == now.estimate else 1
    if now.ties == 1 or draw(search, now.ties) == 0:
        now.estimate, now.one, now.other, now.is_behind = estimate, one, other, is_behind


@compiled
def _look(nodes: Nodes, until: Times, room: Times, search: Nodes, path: Ints, start: int) -> None:
    """Weigh all moves of the path that begins at `start`; none to the front of the first block or the back of the last, which cannot help."""
    size = path.shape[0]
    first = start
    while first < size:
        last = first
        while last + 1 < size and nodes[path[last + 1]].left == path[last]:
            last += 1
        if last + 1 < size:
            for at in range(first, last):
                _weigh(nodes, until, room, search, path[at], path[last], True)
            for at in range(first + 1, last - 1):
                _weigh(nodes, until, room, search, path[last], path[at], False)
        if first > start:
            for at in range(first + 1, last + 1):
                if at > first + 1 or last > at or last + 1 == size:
                    _weigh(nodes, until, room, search, path[at], path[first], False)
            for at in range(first + 2, last):
                _weigh(nodes, until, room, search, path[first], path[at], True)
        first = last + 1


@compiled
def begin(shop: Shop, order: Ints) -> int:
    """Start from a linear order of all operations; returns its makespan."""
    now = shop.search[0]
    now.now = load(shop.nodes, shop.finals, order, shop.order, shop.last)
    now.better_at, now.best = now.iteration, now.now
    shop.best[:] = order
    return int(now.now)


@compiled
def _step(nodes: Nodes, finals: Ints, order: Ints, until: Times, path: Ints, room: Times, search: Nodes) -> bool:
    """Make the best free move, or any where none is free; False where no move is left."""
    now = search[0]
    start = critical_path(nodes, finals, now.now, path, search)
    now.estimate, now.ties, now.seen = np.iinfo(np.int64).max, 0, 0
    _look(nodes, until, room, search, path, start)
    if now.seen == 0:
        return False
    if now.ties == 0:
        now.one, now.other, now.is_behind = now.any_one, now.any_other, now.any_is_behind
    one, other, is_behind = now.one, now.other, now.is_behind == 1
    _forbid(nodes, until, search, one, other, is_behind)
    if move_behind(nodes, order, room, one, other) if is_behind else move_ahead(nodes, order, room, one, other):
        now.now = makespan(nodes, finals)
    return True


@compiled
def run(shop: Shop, stop: int, patience: int, goal: int) -> bool:
    """Go on up to iteration `stop`; True once `patience` iterations brought nothing better, the best makespan is `goal` or no move is left."""
    nodes, finals, order, until, path, room, search, best = (
        shop.nodes,
        shop.finals,
        shop.order,
        shop.until,
        shop.path,
        shop.room,
        shop.search,
        shop.best,
    )
    now = search[0]
    while now.iteration < stop:
        if now.best <= goal or now.iteration - now.better_at >= patience:
            return True
        has_moved = _step(nodes, finals, order, until, path, room, search)
        now.iteration += 1  # also without a move, so that searches that never find one use up their iterations
        if not has_moved:
            return True
        if now.now < now.best:
            now.better_at, now.best = now.iteration, now.now
            best[:] = order
    return False
