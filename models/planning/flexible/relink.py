"""Plans between plans: what both parents agree on stays, of the rest about half is taken from each (path relinking).

A plan is here its ways and all operations by their start. Swapping neighbours in that order that stand the other way round in the second parent leads
from the one to the other; each order on the way keeps the chains, and every pair that both parents have in the same order (after Peng, Lu and
Cheng, A tabu search/path relinking algorithm to solve the job shop scheduling problem, Computers and Operations Research, 2015).
"""

import numpy as np

from models.planning.compiled import compiled
from models.planning.flexible.arrays import BEST_ORDER, BEST_WAY, HEAD, ON, PLACE, WAY, Ints, Shop
from models.planning.flexible.graph import fill
from models.planning.flexible.tabu import draw


@compiled
def write_down(shop: Shop, graph: Ints, ways: Ints, order: Ints) -> None:
    """The best plan of a walk into `ways` and `order`, by start; the graph then holds that plan."""
    best_order, best_ways = graph[BEST_ORDER].copy(), graph[BEST_WAY].copy()
    fill(shop, graph, best_ways, best_order)
    ways[:] = graph[WAY]
    order[:] = np.argsort(graph[HEAD, : shop.size] * shop.size + graph[PLACE, : shop.size])


@compiled
def between(shop: Shop, counts: Ints, first: tuple[Ints, Ints], second: tuple[Ints, Ints], ways: Ints, order: Ints) -> None:
    """A plan about half way from the first parent (ways, order) to the second, into `ways` and `order`."""
    size = shop.size
    order[:] = first[1]
    rank = np.empty(size, np.int64)
    for at in range(size):
        rank[second[1][at]] = at
    to_go = inversions(rank, order) * (30 + draw(counts, 41)) // 100
    while to_go > 0:
        at = draw(counts, size - 1)
        if rank[order[at]] > rank[order[at + 1]]:
            order[at], order[at + 1] = order[at + 1], order[at]
            to_go -= 1
    for one in range(size):
        ways[one] = first[0][one] if draw(counts, 2) == 0 else second[0][one]


@compiled
def inversions(rank: Ints, order: Ints) -> int:
    """How many pairs of `order` are the other way round by `rank`."""
    found = 0
    for late in range(len(order)):
        for early in range(late):
            if rank[order[early]] > rank[order[late]]:
                found += 1
    return found


@compiled
def distance(shop: Shop, first: tuple[Ints, Ints], second: tuple[Ints, Ints]) -> int:
    """How many operations are done in another way, or behind another operation on their machine, in the second plan than in the first."""
    before_first, before_second = befores(shop, first), befores(shop, second)
    found = 0
    for one in range(shop.size):
        if first[0][one] != second[0][one] or before_first[one] != before_second[one]:
            found += 1
    return found


@compiled
def befores(shop: Shop, plan: tuple[Ints, Ints]) -> Ints:
    """The operation before each on its machine, -1 for none."""
    ways, order = plan
    before, last = np.empty(shop.size, np.int64), np.full(shop.machines, -1, np.int64)
    for one in order:
        machine = shop.modes[ON, ways[one]]
        before[one] = last[machine]
        last[machine] = one
    return before
