"""A makespan that no schedule of a job shop can go below."""

from collections.abc import Sequence

from models.planning.bounds import one_machine


def chains_bound(chains: Sequence[Sequence[tuple[int, int]]], machines: int) -> int:
    """Greatest of the jobs' lengths and of the machines' preemptive schedules with heads and tails (Jackson 1955; Carlier 1982)."""
    bound = 0
    work: list[list[tuple[int, int, int]]] = [[] for _ in range(machines)]
    for chain in chains:
        head, tail = 0, sum(duration for _, duration in chain)
        bound = max(bound, tail)
        for machine, duration in chain:
            tail -= duration
            work[machine].append((head, duration, tail))
            head += duration
    return max((bound, *map(one_machine, work)))
