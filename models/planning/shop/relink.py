"""Orders between two others, and how far two orders are apart: what a population of orders lives on.

A linear order of all operations that respects the jobs always is a schedule. An order between two such orders that keeps every pair on which they
agree lies on a shortest path from the one to the other, so no intermediate one needs repair, unlike with swaps on the machines (Nowicki and
Smutnicki 2005; Peng, Lü and Cheng 2015).
"""

import numpy as np

from models.planning.compiled import compiled
from models.planning.shop.heads_tails import Ints, Nodes
from models.planning.shop.moves import draw


@compiled
def between(one: Ints, other: Ints, share: int, stretch: int, search: Nodes, into: Ints, taken: Ints) -> None:
    """Write an order to `into` that takes its next operations from `one` with a chance of `share` in 1,000, else from `other`.

    It draws anew after `stretch` operations on average, so that the same parents have different children. `taken`: room.
    """
    taken[:] = 0
    at, there = 0, 0
    is_first = draw(search, 1000) < share
    for rank in range(into.shape[0]):
        while at < one.shape[0] and taken[one[at]] == 1:
            at += 1
        while there < other.shape[0] and taken[other[there]] == 1:
            there += 1
        if draw(search, stretch) == 0:
            is_first = draw(search, 1000) < share
        into[rank] = one[at] if is_first else other[there]
        taken[into[rank]] = 1


@compiled
def distance(nodes: Nodes, one: Ints, other: Ints, rank: Ints, last: Ints, left: Ints) -> int:
    """Pairs on a machine that stand in opposite order; `rank`, `last` and `left`: room for a number an operation, a machine, an operation."""
    for place in range(other.shape[0]):
        rank[other[place]] = place
    last[:] = -1
    apart = 0
    for now in one:
        machine = nodes[now].machine
        left[now] = last[machine]
        last[machine] = now
        before = left[now]
        while before != -1:
            apart += rank[before] > rank[now]
            before = left[before]
    return apart


def by_start(nodes: Nodes, order: Ints) -> Ints:
    """The order of the loaded sequences by earliest start, so that orders of different searches can be compared."""
    starts = nodes["end"][order] - nodes["duration"][order]
    return order[np.argsort(starts, kind="stable")]
