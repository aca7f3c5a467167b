"""Tabu search on the plan's graph: each step moves one critical operation to the best place on one of its machines that is not tabu.

A move to another machine bars the way back to the one it left; a move along its machine bars what it passed from being passed back.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.planning.compiled import compiled
from models.planning.flexible.arrays import (
    AFTER,
    BEFORE,
    BEST_ORDER,
    BEST_WAY,
    DURATION,
    FAMILY,
    FIRST,
    HEAD,
    JOB_BEFORE,
    KIND,
    MACHINE,
    ON,
    ORDER,
    PATH,
    PLACE,
    WAY,
    WAYS,
    Ints,
    Shop,
)
from models.planning.flexible.graph import arrange, graph_for, link, measure, unlink
from models.planning.flexible.insertion import may_follow, may_precede, put_back, tails_without, take_out, through

STEP, SINCE, LATEST, BEST, RANDOM = range(5)
VALUE, OPERATION, TO_WAY, TO_BEFORE, TO_AFTER, TIES = range(6)
FREE, TABU = range(2)
FAR = 1 << 60
# Steps that a way back is barred: 5 to 16. Twice as long, and barring by the length of the critical path, was worse on la and mk
TENURE, SPREAD = 5, 12


class Walk(NamedTuple):
    """A tabu search in work.

    `graph`: where it is, and the best so far. `barred_machine[operation, machine]`, `barred_order[a, b]`: until which step the operation may not go
    there, or a may not be put before b. `counts`: STEP, SINCE (steps since the best), LATEST (end now), BEST, RANDOM (state of the generator).
    `moves`: the best move found, and the best one of those that are tabu.
    """

    graph: Ints
    barred_machine: NDArray[np.int32]
    barred_order: NDArray[np.int32]
    counts: Ints
    moves: Ints


def walk_for(shop: Shop, seed: int) -> Walk:
    """Room for a tabu search."""
    width = shop.given.shape[1]
    counts = np.zeros(5, np.int64)
    counts[RANDOM] = seed * 2 + 1
    barred_machine, barred_order = np.zeros((width, shop.machines), np.int32), np.zeros((width, width), np.int32)
    return Walk(graph_for(shop), barred_machine, barred_order, counts, np.zeros((2, 6), np.int64))


@compiled
def draw(counts: Ints, below: int) -> int:
    """A random number from 0 up to, not with, `below` (linear congruential, Knuth's MMIX constants)."""
    counts[RANDOM] = counts[RANDOM] * 6364136223846793005 + 1442695040888963407
    return int(((counts[RANDOM] >> 33) & 0x7FFFFFFF) % below)


@compiled
def begin(walk: Walk, latest: int) -> None:
    """Starts a walk from its graph, as it is; nothing is tabu, since all that was barred has run out."""
    walk.counts[STEP] += TENURE + SPREAD
    walk.counts[LATEST] = latest
    if walk.counts[STEP] > 1 << 30:
        walk.counts[STEP] = 1
        walk.barred_machine[:] = 0
        walk.barred_order[:] = 0
    keep(walk)


@compiled
def keep(walk: Walk) -> None:
    """Notes where the walk is as the best."""
    walk.counts[BEST], walk.counts[SINCE] = walk.counts[LATEST], 0
    walk.graph[BEST_WAY] = walk.graph[WAY]
    walk.graph[BEST_ORDER] = walk.graph[ORDER]


@compiled
def critical_path(shop: Shop, graph: Ints, counts: Ints) -> int:
    """One critical path, drawn at random, from its end, into PATH; gives its length."""
    none = graph.shape[1] - 1
    at, ties = none, 0
    for one in range(shop.size):
        if graph[HEAD, one] + graph[DURATION, one] == counts[LATEST]:
            ties += 1
            if draw(counts, ties) == 0:
                at = one
    length = 0
    while at != none:
        graph[PATH, length] = at
        length += 1
        job_before, before = graph[JOB_BEFORE, at], graph[BEFORE, at]
        start = graph[HEAD, before] + graph[DURATION, before] + shop.setups[graph[KIND, at], graph[FAMILY, before], graph[FAMILY, at]]
        by_machine = before != none and start == graph[HEAD, at]
        by_job = job_before != none and graph[HEAD, job_before] + graph[DURATION, job_before] == graph[HEAD, at]
        if by_job and by_machine:
            at = job_before if draw(counts, 2) == 0 else before
        elif by_job:
            at = job_before
        else:
            at = before if by_machine else none
    return length


@compiled
def offer(walk: Walk, is_tabu: bool, least: int, value: int, one: int, way: int, before: int, after: int) -> None:
    """Keeps a move if it is the best so far by the longest way through its operation; ties are drawn.

    What other ways leave as they are, `least`, does not count: the end after a move, which is the longer of both, is often the same for many moves.
    A tabu move that is better than the best plan counts as free.
    """
    kept = walk.moves[TABU if is_tabu and max(least, value) >= walk.counts[BEST] else FREE]
    if value > kept[VALUE]:
        return
    if value < kept[VALUE]:
        kept[TIES] = 0
    kept[TIES] += 1
    if kept[TIES] == 1 or draw(walk.counts, kept[TIES]) == 0:
        kept[VALUE], kept[OPERATION], kept[TO_WAY], kept[TO_BEFORE], kept[TO_AFTER] = value, one, way, before, after


@compiled
def look_along(shop: Shop, walk: Walk, one: int, way: int, least: int) -> None:
    """Offers the places on the machine the operation is on, other than its own, outward from there."""
    graph, barred, step, none = walk.graph, walk.barred_order, walk.counts[STEP], walk.graph.shape[1] - 1
    before, after, is_tabu = graph[BEFORE, one], graph[AFTER, one], False
    while after != none and (may_precede(shop, graph, one, after) or not may_follow(shop, graph, one, after)):
        is_tabu = is_tabu or barred[after, one] > step
        before, after = after, graph[AFTER, after]
        offer(walk, is_tabu, least, through(shop, graph, one, way, before, after), one, way, before, after)
    before, after, is_tabu = graph[BEFORE, one], graph[AFTER, one], False
    while before != none and (may_follow(shop, graph, one, before) or not may_precede(shop, graph, one, before)):
        is_tabu = is_tabu or barred[one, before] > step
        before, after = graph[BEFORE, before], before
        offer(walk, is_tabu, least, through(shop, graph, one, way, before, after), one, way, before, after)


@compiled
def look_across(shop: Shop, walk: Walk, one: int, way: int, least: int) -> None:
    """Offers the places on another machine, or on the same one in another way."""
    graph, machine, none = walk.graph, shop.modes[ON, way], walk.graph.shape[1] - 1
    is_tabu = walk.barred_machine[one, machine] > walk.counts[STEP]
    before, after = none, graph[FIRST, machine]
    while after != none and may_precede(shop, graph, one, after) and not may_follow(shop, graph, one, after):
        before, after = after, graph[AFTER, after]
    while True:
        offer(walk, is_tabu, least, through(shop, graph, one, way, before, after), one, way, before, after)
        if after == none or (may_follow(shop, graph, one, after) and not may_precede(shop, graph, one, after)):
            break
        before, after = after, graph[AFTER, after]


@compiled
def look(shop: Shop, walk: Walk) -> None:
    """Finds the best move of all operations of one critical path, and the best tabu one."""
    graph = walk.graph
    walk.moves[:, VALUE] = FAR
    length = critical_path(shop, graph, walk.counts)
    for at in range(length):
        one = graph[PATH, at]
        least = take_out(shop, graph, one)
        tails_without(shop, graph, one)
        for way in range(graph[WAYS, one], graph[WAYS, one + 1]):
            if way == graph[WAY, one]:
                look_along(shop, walk, one, way, least)
            else:
                look_across(shop, walk, one, way, least)
        put_back(shop, graph, one)


@compiled
def bar(walk: Walk, move: Ints, until: int) -> None:
    """Makes the way back of a move, not yet made, tabu."""
    graph, one, none = walk.graph, move[OPERATION], walk.graph.shape[1] - 1
    if move[TO_WAY] != graph[WAY, one]:
        walk.barred_machine[one, graph[MACHINE, one]] = until
    elif move[TO_BEFORE] != none and graph[PLACE, move[TO_BEFORE]] > graph[PLACE, one]:
        other = graph[AFTER, one]
        while other != move[TO_AFTER]:
            walk.barred_order[one, other] = until
            other = graph[AFTER, other]
    else:
        other = graph[BEFORE, one]
        while other != move[TO_BEFORE]:
            walk.barred_order[other, one] = until
            other = graph[BEFORE, other]


@compiled
def make(shop: Shop, walk: Walk, move: Ints) -> None:
    """Makes a move; one that closes a circle, as operations that take no time can, is undone."""
    graph, one = walk.graph, move[OPERATION]
    way, before, after = graph[WAY, one], graph[BEFORE, one], graph[AFTER, one]
    unlink(graph, one)
    link(shop, graph, one, move[TO_WAY], move[TO_BEFORE], move[TO_AFTER])
    if not arrange(shop, graph):
        unlink(graph, one)
        link(shop, graph, one, way, before, after)
        arrange(shop, graph)
    walk.counts[LATEST] = measure(shop, graph)


@compiled
def advance(shop: Shop, walk: Walk, steps: int, patience: int, floor: int) -> int:
    """Goes up to `steps` steps, until `patience` of them found nothing better or the best is `floor`; gives the number of steps gone."""
    counts = walk.counts
    for step in range(steps):
        if counts[BEST] <= floor or counts[SINCE] >= patience:
            return step
        counts[STEP] += 1
        counts[SINCE] += 1
        look(shop, walk)
        move = walk.moves[FREE if walk.moves[FREE, VALUE] < FAR else TABU]
        if move[VALUE] == FAR:
            counts[SINCE] = patience
            return step + 1
        bar(walk, move, counts[STEP] + TENURE + draw(counts, SPREAD))
        make(shop, walk, move)
        if counts[LATEST] < counts[BEST]:
            keep(walk)
    return steps
