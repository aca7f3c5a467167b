"""Simulated annealing over orders and modes (Kirkpatrick, Gelatt and Vecchi 1983), all in compiled code."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from models.planning.compiled import compiled
from models.planning.rich.arrays import Data, Ints
from models.planning.rich.decoder import BROKEN, COST, cost, decode
from models.planning.rich.moves import draw, propose
from models.planning.rich.space import Space
from models.planning.rich.state import copy_to

Floats = NDArray[np.float64]
# Chances are drawn in parts of this.
STRETCH = 1 << 20


@compiled
def stand_at(data: Data, space: Space, begin: int) -> int:
    """Stand at space.new_order and new_modes, which differ from place `begin` of the order on; what that costs, penalty included."""
    copy_to(space.order[begin:], space.new_order[begin:])
    copy_to(space.modes, space.new_modes)
    for place in range(begin, space.order.shape[0]):
        space.place_of[space.order[place]] = place
    # True, and false in `anneal`: not constants, for each of which numba would compile the whole decoder once more
    decode(data, space, space.order, space.modes, begin, begin >= 0)
    copy_to(space.base.flat, space.state.flat)
    return cost(data, space.base, space.job_ends, space.costs)


@compiled
def is_better(costs: Ints, best: Ints) -> bool:
    """Whether a plan breaks less, or costs less where it breaks as much."""
    return bool(costs[BROKEN] < best[BROKEN] or (costs[BROKEN] == best[BROKEN] and costs[COST] < best[COST]))


class Kept(NamedTuple):
    """The best plan met: its costs (see decoder.BROKEN), its state, and the order and modes that it came from."""

    costs: Ints
    flat: Ints
    order: Ints
    modes: Ints


@compiled
def anneal(data: Data, space: Space, rounds: int, heat: float, best: Kept, rises: Floats) -> int:
    """Try so many changes at a temperature; how many were taken. `best` is kept up to date, and `rises`: sum and number of those that cost more."""
    here = cost(data, space.base, space.job_ends, space.costs)
    ends = space.job_ends.copy()
    taken = 0
    for _ in range(rounds):
        begin = propose(data, space)
        if begin < 0:
            continue
        decode(data, space, space.new_order, space.new_modes, begin, begin < 0)
        there = cost(data, space.state, space.job_ends, space.costs)
        if there > here and (space.costs[BROKEN] == 0 or best.costs[BROKEN] > 0):
            rises[0] += there - here
            rises[1] += 1
        if there <= here or math.exp((here - there) / heat) * STRETCH > draw(space.random, STRETCH):
            if is_better(space.costs, best.costs):
                copy_to(best.costs, space.costs)
                copy_to(best.flat, space.state.flat)
                copy_to(best.order, space.new_order)
                copy_to(best.modes, space.new_modes)
            here = stand_at(data, space, begin)
            copy_to(ends, space.job_ends)
            taken += 1
        else:
            copy_to(space.new_order[begin:], space.order[begin:])
            copy_to(space.new_modes, space.modes)
            copy_to(space.job_ends, ends)
    return taken
