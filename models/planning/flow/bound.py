"""A makespan that no schedule of a flow shop can go below, machines in one order of jobs or not."""

from models.planning.flow.arrays import Flow


def pairs_bound(flow: Flow) -> int:
    """Greatest over two machines in a row: the two alone (Johnson 1954), between the least time before the first and after the second of them.

    Johnson's order is best among all schedules of two machines, so the bound holds for schedules that are no permutations as well.
    """
    times = flow.times.tolist()
    heads, tails = flow.times.cumsum(axis=0).tolist(), flow.times[::-1].cumsum(axis=0)[::-1].tolist()
    bound = 0
    for machine in range(len(times) - 1):
        head = min(heads[machine - 1]) if machine else 0
        tail = min(tails[machine + 2]) if machine + 2 < len(times) else 0
        bound = max(bound, head + johnson(times[machine], times[machine + 1]) + tail)
    return bound


def johnson(first: list[int], second: list[int]) -> int:
    """Least makespan of jobs that take `first` on one machine and then `second` on another."""
    pairs = list(zip(first, second, strict=True))
    growing = sorted(pair for pair in pairs if pair[0] < pair[1])
    falling = sorted((pair for pair in pairs if pair[0] >= pair[1]), key=lambda pair: -pair[1])
    ends = [0, 0]
    for one, other in growing + falling:
        ends[0] += one
        ends[1] = max(ends) + other
    return ends[1]
