"""A plan as a graph: each operation after those before it in its chain and on its machine; heads, tails and the latest end.

The graph is a table, [row, operation]; `arrays` names the rows. One array costs a compiled function less than twenty would.
"""

import numpy as np

from models.planning.compiled import compiled
from models.planning.flexible.arrays import (
    AFTER,
    BEFORE,
    DURATION,
    FAMILY,
    FIRST,
    HEAD,
    JOB_AFTER,
    JOB_BEFORE,
    KIND,
    LATEST_TO,
    MACHINE,
    ON,
    ON_KIND,
    ORDER,
    PLACE,
    RELEASE,
    ROWS,
    TAIL,
    TAKES,
    WAITS,
    WAY,
    Ints,
    Shop,
)


def graph_for(shop: Shop) -> Ints:
    """An empty graph of the size of the shop."""
    graph = np.zeros((ROWS, shop.given.shape[1]), np.int64)
    graph[: len(shop.given)] = shop.given
    return graph


@compiled
def fill(shop: Shop, graph: Ints, ways: Ints, order: Ints) -> int:
    """Makes the graph from ways and an order of all operations in which chains run forward; gives the latest end."""
    none = graph.shape[1] - 1
    graph[FIRST, : shop.machines] = none
    last = np.full(shop.machines, none, np.int64)
    for at in range(shop.size):
        one = order[at]
        graph[ORDER, at], graph[PLACE, one] = one, at
        link(shop, graph, one, ways[one], last[shop.modes[ON, ways[one]]], none)
        last[shop.modes[ON, ways[one]]] = one
    return measure(shop, graph)


@compiled
def unlink(graph: Ints, one: int) -> None:
    """Takes an operation off its machine's sequence; its own BEFORE and AFTER stay as they were."""
    none = graph.shape[1] - 1
    before, after = graph[BEFORE, one], graph[AFTER, one]
    if before == none:
        graph[FIRST, graph[MACHINE, one]] = after
    else:
        graph[AFTER, before] = after
    if after != none:
        graph[BEFORE, after] = before


@compiled
def link(shop: Shop, graph: Ints, one: int, way: int, before: int, after: int) -> None:
    """Puts an operation that is on no machine between two neighbours on the machine of its way."""
    none = graph.shape[1] - 1
    graph[WAY, one], graph[MACHINE, one], graph[KIND, one] = way, shop.modes[ON, way], shop.modes[ON_KIND, way]
    graph[DURATION, one], graph[BEFORE, one], graph[AFTER, one] = shop.modes[TAKES, way], before, after
    if before == none:
        graph[FIRST, graph[MACHINE, one]] = one
    else:
        graph[AFTER, before] = one
    if after != none:
        graph[BEFORE, after] = one


@compiled
def arrange(shop: Shop, graph: Ints) -> bool:
    """Makes ORDER and PLACE anew; False where operations wait for each other (both are then of no use)."""
    none, filled = graph.shape[1] - 1, 0
    for one in range(shop.size):
        waits = (graph[JOB_BEFORE, one] != none) + (graph[BEFORE, one] != none)
        graph[WAITS, one] = waits
        if waits == 0:
            graph[ORDER, filled] = one
            filled += 1
    at = 0
    while at < filled:
        one = graph[ORDER, at]
        graph[PLACE, one] = at
        at += 1
        for row in (JOB_AFTER, AFTER):
            follower = graph[row, one]
            if follower != none:
                graph[WAITS, follower] -= 1
                if graph[WAITS, follower] == 0:
                    graph[ORDER, filled] = follower
                    filled += 1
    return filled == shop.size


@compiled
def start_of(shop: Shop, graph: Ints, head: int, one: int) -> int:
    """Earliest start of an operation from the heads, in row `head`, of those it waits for."""
    job_before, before = graph[JOB_BEFORE, one], graph[BEFORE, one]
    start = graph[head, before] + graph[DURATION, before]
    if shop.has_setups:
        start += shop.setups[graph[KIND, one], graph[FAMILY, before], graph[FAMILY, one]]
    return int(max(start, graph[head, job_before] + graph[DURATION, job_before], graph[RELEASE, one]))


@compiled
def left_of(shop: Shop, graph: Ints, tail: int, one: int) -> int:
    """Time from an operation's end to the latest end from the tails, in row `tail`, of those that wait for it."""
    job_after, after = graph[JOB_AFTER, one], graph[AFTER, one]
    left = graph[tail, after] + graph[DURATION, after]
    if shop.has_setups:
        left += shop.setups[graph[KIND, one], graph[FAMILY, one], graph[FAMILY, after]]
    return int(max(left, graph[tail, job_after] + graph[DURATION, job_after]))


@compiled
def measure(shop: Shop, graph: Ints) -> int:
    """Heads and tails of all operations along ORDER; gives the latest end."""
    latest = 0
    for at in range(shop.size):
        one = graph[ORDER, at]
        graph[HEAD, one] = start_of(shop, graph, HEAD, one)
        latest = max(latest, graph[HEAD, one] + graph[DURATION, one])
        graph[LATEST_TO, at] = latest
    for at in range(shop.size - 1, -1, -1):
        one = graph[ORDER, at]
        graph[TAIL, one] = left_of(shop, graph, TAIL, one)
    return latest
