"""First plans: operation by operation, each where it ends first, in an order that is partly drawn."""

import numpy as np

from models.planning.compiled import compiled
from models.planning.flexible.arrays import FAMILY, JOB_AFTER, JOB_BEFORE, ON, ON_KIND, RELEASE, SHORTEST, TAKES, WAYS, Ints, Shop
from models.planning.flexible.tabu import draw


@compiled
def work_left(shop: Shop) -> Ints:
    """Shortest time from each operation's start to the end of its chain."""
    none = shop.given.shape[1] - 1
    left = np.zeros(none + 1, np.int64)
    for last in range(shop.size):
        if shop.given[JOB_AFTER, last] == none:
            at, time = last, 0
            while at != none:
                time += shop.given[SHORTEST, at]
                left[at] = time
                at = shop.given[JOB_BEFORE, at]
    return left


@compiled
def build(shop: Shop, counts: Ints, ways: Ints, order: Ints) -> None:
    """A plan into `ways` and `order`: of the operations whose turn it is in their chain, one with much work left; in the way that ends it first."""
    given, none = shop.given, shop.given.shape[1] - 1
    left = work_left(shop)
    ready, ends = np.zeros(none + 1, np.int64), np.zeros(none + 1, np.int64)
    free, last = np.zeros(shop.machines, np.int64), np.full(shop.machines, none, np.int64)
    waiting = 0
    for one in range(shop.size):
        if given[JOB_BEFORE, one] == none:
            ready[waiting] = one
            waiting += 1
    for at in range(shop.size):
        chosen, best = 0, -1
        for index in range(waiting):
            value = left[ready[index]] * (60 + draw(counts, 40))
            if value > best:
                chosen, best = index, value
        one = ready[chosen]
        order[at] = one
        start = max(ends[given[JOB_BEFORE, one]], given[RELEASE, one])
        ways[one], ends[one] = soonest(shop, counts, free, last, one, start)
        machine = shop.modes[ON, ways[one]]
        free[machine], last[machine] = ends[one], one
        ready[chosen] = given[JOB_AFTER, one]
        if ready[chosen] == none:
            waiting -= 1
            ready[chosen] = ready[waiting]


@compiled
def soonest(shop: Shop, counts: Ints, free: Ints, last: Ints, one: int, start: int) -> tuple[int, int]:
    """The way that ends an operation first, and that end; ties are drawn."""
    given = shop.given
    best, kept, ties = -1, given[WAYS, one], 0
    for way in range(given[WAYS, one], given[WAYS, one + 1]):
        machine = shop.modes[ON, way]
        setup = shop.setups[shop.modes[ON_KIND, way], given[FAMILY, last[machine]], given[FAMILY, one]]
        end = max(start, free[machine] + setup) + shop.modes[TAKES, way]
        if best < 0 or end < best:
            best, kept, ties = end, way, 1
        elif end == best:
            ties += 1
            if draw(counts, ties) == 0:
                kept = way
    return kept, best
