"""From a problem to the arrays that the kernels work on, and from an order of its operations back to a schedule."""

from itertools import pairwise

import numpy as np

from factolake.domain.job import Operation, Placed, Problem
from models.planning.shop.heads_tails import NODE, Ints, Nodes
from models.planning.shop.tabu import SEARCH, Shop, begin

LONGEST = 1 << 31
"""Sum of all durations from which on a problem is refused: sums of three path lengths stay far from the end of 64 bits."""
SLOTS = 1 << 22
"""Most numbers kept of forbidden pairs (32 MiB); in larger shops pairs share them."""


def chains_of(problem: Problem) -> tuple[tuple[int, ...], ...] | None:
    """Operations in chains, each right behind the one before it; None where precedence branches or runs in a circle."""
    after: dict[int, int] = {}
    for number, operation in enumerate(problem.operations):
        if len(operation.after) > 1 or (operation.after and operation.after[0].operation in after):
            return None
        if operation.after:
            after[operation.after[0].operation] = number
    chains = []
    for first, operation in enumerate(problem.operations):
        if not operation.after:
            chain = [first]
            while chain[-1] in after:
                chain.append(after[chain[-1]])
            chains.append(tuple(chain))
    return tuple(chains) if sum(map(len, chains)) == len(problem.operations) else None


def is_plain(problem: Problem) -> bool:
    """Whether nothing but machines and precedence limits the operations, and the makespan alone counts."""
    weights = problem.weights
    counts_only_makespan = (
        weights.makespan > 0
        and (weights.tardiness == 0 or all(job.due is None for job in problem.jobs))
        and (weights.moved == 0 or not problem.before)
    )
    has_free_machines = all(one.windows is None and one.setups is None and one.buffer is None and one.batch == 1 for one in problem.machines)
    travels = any(time for row in problem.travel for time in row)
    is_free = not problem.fixed and problem.horizon is None and not travels and all(job.release == 0 for job in problem.jobs)
    total = sum(mode.duration for operation in problem.operations for mode in operation.modes)
    return counts_only_makespan and has_free_machines and is_free and total < LONGEST and all(map(_is_plain_operation, problem.operations))


def _is_plain_operation(operation: Operation) -> bool:
    one_mode = len(operation.modes) == 1 and not operation.modes[0].skills and not operation.modes[0].tools
    links = all(link.lag == 0 and not link.no_wait for link in operation.after)
    return one_mode and links and operation.release == 0 and operation.deadline is None and not operation.needs


def shop_of(problem: Problem, seed: int) -> Shop:
    """A problem that fits, as arrays; `seed` sets all that the search draws."""
    size = len(problem.operations)
    nodes = np.zeros(size + 1, NODE)
    for name in ("before", "after", "left", "right"):
        nodes[name] = size
    for chain in chains_of(problem) or ():
        nodes["before"][list(chain[1:])] = chain[:-1]
        nodes["after"][list(chain[:-1])] = chain[1:]
    counts = np.zeros(len(problem.machines), np.int64)
    for number, operation in enumerate(problem.operations):
        mode = operation.modes[0]
        nodes["machine"][number], nodes["duration"][number], nodes["number"][number] = mode.machine, mode.duration, counts[mode.machine]
        counts[mode.machine] += 1
    finals = np.flatnonzero(nodes["after"][:size] == size).astype(np.int32)
    width = int(counts.max())
    slots = min(SLOTS, 1 << (size * width - 1).bit_length())
    order, best, path = (np.zeros(size, np.int32) for _ in range(3))
    until, room = np.zeros(slots, np.int64), np.zeros(size + 1, np.int64)
    last = np.zeros(len(problem.machines), np.int32)
    return Shop(nodes, finals, order, best, until, path, room, last, _search(size, width, len(problem.machines), seed))


def _search(size: int, width: int, machines: int, seed: int) -> Nodes:
    """The state of a search. Tenures as in Zhang et al. (2007): from 10 + jobs / machines to 1.4 times that."""
    search = np.zeros(1, SEARCH)
    shortest = 10 + int(size / machines / machines)
    search["width"], search["shortest"], search["spread"] = width, shortest, int(0.4 * shortest) + 1
    search["random"] = np.random.default_rng(seed).integers(1, 1 << 62)
    return search


def schedule_of(shop: Shop, order: Ints) -> tuple[Placed, ...]:
    """Earliest starts and ends under the machine sequences of `order`."""
    begin(shop, order)
    ends, durations = shop.nodes["end"].tolist(), shop.nodes["duration"].tolist()
    return tuple(Placed(number, 0, ends[number] - durations[number], ends[number]) for number in range(len(order)))


def order_of(problem: Problem, start: tuple[Placed, ...]) -> Ints | None:
    """The linear order of a given schedule, by start, end and place in the job; None where it is no schedule of all."""
    size = len(problem.operations)
    if sorted(placed.operation for placed in start) != list(range(size)):
        return None
    chains = chains_of(problem) or ()
    place = {one: number for chain in chains for number, one in enumerate(chain)}
    ranked = sorted(start, key=lambda placed: (placed.start, placed.end, place[placed.operation]))
    order = np.array([placed.operation for placed in ranked], np.int32)
    rank = np.argsort(order)
    is_in_turn = all(rank[earlier] < rank[later] for chain in chains for earlier, later in pairwise(chain))
    return order if is_in_turn else None
