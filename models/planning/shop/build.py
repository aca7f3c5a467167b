"""First orders: operations are dispatched without idling by a priority, and forwards and backwards in turn by what the last pass taught.

Backward passes are forward ones of the mirrored shop. An operation's priority is how long the work behind it took in the pass the other way, which
shortens schedules of large shops much (forward-backward improvement, Li and Willis 1992).
"""

from collections.abc import Callable

import numpy as np

from models.planning.compiled import compiled
from models.planning.shop.heads_tails import Ints, Nodes, Times
from models.planning.shop.moves import draw
from models.planning.shop.tabu import Shop, begin


@compiled
def _earliest(nodes: Nodes, free: Times, waiting: Ints, offset: Ints, count: Ints, machine: int) -> int:
    """When a machine can begin its next operation; `waiting` from `offset` on: those that could be it, `spare` of a node: when it is ready."""
    soonest = np.iinfo(np.int64).max
    for place in range(offset[machine], offset[machine] + count[machine]):
        soonest = min(soonest, nodes[waiting[place]].spare)
    return int(max(soonest, free[machine]))


@compiled
def _pick(nodes: Nodes, priority: Times, noise: int, search: Nodes, waiting: Ints, offset: int, count: int, time: int) -> int:
    """Place of the operation with the highest priority among those ready at `time`."""
    best, chosen = np.iinfo(np.int64).min, -1
    for place in range(offset, offset + count):
        one = waiting[place]
        if nodes[one].spare <= time:
            value = priority[one] + (draw(search, noise) if noise > 0 else 0)
            if value > best:
                best, chosen = value, place
    return chosen


@compiled
def dispatch(nodes: Nodes, priority: Times, noise: int, search: Nodes, machines: int, order: Ints) -> int:
    """Write the order without idling where the highest priority, `noise` drawn onto it, goes first; returns its makespan."""
    size = order.shape[0]
    free, starts = np.zeros(machines, np.int64), np.full(machines, np.iinfo(np.int64).max)
    offset, count, waiting = np.zeros(machines + 1, np.int32), np.zeros(machines, np.int32), np.zeros(size, np.int32)
    for one in range(size):
        offset[nodes[one].machine + 1] += 1
    offset = np.cumsum(offset).astype(np.int32)
    for one in range(size):
        if nodes[one].before == size:
            machine = nodes[one].machine
            nodes[one].spare = starts[machine] = 0
            waiting[offset[machine] + count[machine]] = one
            count[machine] += 1
    for rank in range(size):
        machine = int(np.argmin(starts))
        place = _pick(nodes, priority, noise, search, waiting, offset[machine], count[machine], starts[machine])
        one = waiting[place]
        count[machine] -= 1
        waiting[place] = waiting[offset[machine] + count[machine]]
        order[rank] = one
        free[machine] = starts[machine] + nodes[one].duration
        after = nodes[one].after
        if after != size:
            there = nodes[after].machine
            nodes[after].spare = free[machine]
            waiting[offset[there] + count[there]] = after
            count[there] += 1
            if there != machine:
                starts[there] = min(starts[there], max(free[machine], free[there]))
        starts[machine] = np.iinfo(np.int64).max if count[machine] == 0 else _earliest(nodes, free, waiting, offset, count, machine)
    return int(free.max())


@compiled
def _works(nodes: Nodes, finals: Ints, into: Times) -> None:
    """Write the work from each operation to the end of its job."""
    for final in finals:
        one, work = final, 0
        while one != into.shape[0]:
            work += nodes[one].duration
            into[one] = work
            one = nodes[one].before


def _mirrored(nodes: Nodes) -> Nodes:
    back = nodes.copy()
    back["before"], back["after"] = nodes["after"], nodes["before"]
    return back


class Builder:
    """Builds first orders of one shop."""

    def __init__(self, shop: Shop, is_over: Callable[[], bool] = lambda: False) -> None:
        self._shop, self._is_over = shop, is_over
        self._back = _mirrored(shop.nodes)
        self._order = np.zeros_like(shop.order)

    def build(self, rounds: int, noise: int) -> tuple[int, Ints]:
        """Makespan and order, the best of `rounds` forward and backward passes that draw up to `noise` units of time onto the priorities.

        Passes end sooner where a whole round brings nothing better or `is_over` says so. The first one goes by the work that is left in the job.
        """
        shop, size = self._shop, len(self._order)
        priority = np.zeros(size, np.int64)
        _works(shop.nodes, shop.finals, priority)
        best, found = np.iinfo(np.int64).max, self._order
        for _ in range(rounds):
            before = best
            for nodes, key in ((shop.nodes, "end"), (self._back, "rest")):
                dispatch(nodes, priority, noise, shop.search, len(shop.last), self._order)
                order = self._order if key == "end" else self._order[::-1]
                latest = begin(shop, order.copy())
                if latest < best:
                    best, found = latest, shop.order.copy()
                priority = shop.nodes[key][:size].copy()
            if best == before or self._is_over():
                break
        return int(best), found
