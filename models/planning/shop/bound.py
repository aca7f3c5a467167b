"""A makespan that no schedule of a job shop can go below."""

import heapq
from collections.abc import Sequence


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
    return max((bound, *map(_preemptive, work)))


def _preemptive(work: list[tuple[int, int, int]]) -> int:
    """Least latest end with tails where operations may be interrupted: always the one with the longest tail that is there."""
    work.sort()
    waiting: list[list[int]] = []
    now = bound = at = 0
    while at < len(work) or waiting:
        if not waiting:
            now = max(now, work[at][0])
        while at < len(work) and work[at][0] <= now:
            heapq.heappush(waiting, [-work[at][2], work[at][1]])
            at += 1
        tail, left = waiting[0]
        until = now + left if at == len(work) else min(now + left, work[at][0])
        waiting[0][1] -= until - now
        now = until
        if waiting[0][1] == 0:
            heapq.heappop(waiting)
            bound = max(bound, now - tail)
    return bound
