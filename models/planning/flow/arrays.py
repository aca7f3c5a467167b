"""From a flow shop to the arrays that the kernels work on."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from factolake.domain.job import Problem
from models.planning.shop.arrays import chains_of, is_plain
from models.planning.shop.heads_tails import Nodes

Ints = NDArray[np.int32]

LONGEST = 1 << 30
"""Sum of all durations from which on a problem is refused: a makespan and one more duration stay within 32 bits."""
LARGEST = 100_000_000
"""Jobs times jobs times machines from which on one round of insertions takes longer than a look at the clock may be away."""
STATE = np.dtype([(name, np.int64) for name in ("random", "makespan", "now", "best", "iteration", "better_at", "front", "back")])
"""Random state; makespan after the last insertion, of the order now, of the best one; iterations done, and the one that found the best order; for how
many places from the front heads stand as they are, and tails from the back."""


class Flow(NamedTuple):
    """A flow shop and a search in it.

    `times[machine, job]`, machines in the order of the flow. `order`, `best`, `work`: jobs in the order now, in the best one, and in the one that is
    being made. `heads[machine + 1, place + 1]`: when the job at that place of `work` ends on that machine; `tails`: the same from the back, from its
    start there to the end of all, machines and places counted from the last; 0 outside. `ends`, `longest`, `jobs`: room for a number a place, a
    place, a job.
    """

    times: Ints
    order: Ints
    best: Ints
    work: Ints
    heads: Ints
    tails: Ints
    ends: Ints
    longest: Ints
    jobs: Ints
    state: Nodes


def fits(problem: Problem) -> bool:
    """Whether the problem is a plain shop where two jobs or more go through the same machines in the same order, each machine once."""
    chains = chains_of(problem) if is_plain(problem) else None
    if chains is None or len(chains) < 2:
        return False
    ways = {tuple(problem.operations[one].modes[0].machine for one in chain) for chain in chains}
    way = ways.pop()
    total = sum(operation.modes[0].duration for operation in problem.operations)
    return not ways and len(set(way)) == len(way) and total < LONGEST and len(chains) ** 2 * len(way) < LARGEST


def flow_of(problem: Problem, seed: int) -> Flow:
    """A problem that fits, as arrays; `seed` sets all that the search draws."""
    chains = chains_of(problem) or ()
    times = np.array([[problem.operations[one].modes[0].duration for one in chain] for chain in chains], np.int32).T.copy()
    machines, jobs = times.shape
    state = np.zeros(1, STATE)
    state["random"] = np.random.default_rng(seed).integers(1, 1 << 62)
    heads, tails = np.zeros((machines + 1, jobs + 2), np.int32), np.zeros((machines + 1, jobs + 2), np.int32)
    order, best, work, room = (np.zeros(jobs, np.int32) for _ in range(4))
    ends, longest = np.zeros(jobs + 1, np.int32), np.zeros(jobs + 1, np.int32)
    return Flow(times, order, best, work, heads, tails, ends, longest, room, state)
