"""What no plan of a flexible shop ends before: the longest chain, and the work that only certain machines can do."""

from collections.abc import Iterable

from factolake.domain.job import Problem
from models.planning.bounds import heads_of, one_machine, tails_of

# Looking through the operations of a set so many times in all takes some tenths of a second
MOST_LOOKS = 400_000
Part = tuple[int, int, int]


def lower_bound(problem: Problem) -> int:
    """No plan of a problem that `fits` ends before it. Setups count as none.

    The operations that only the machines of a set can do need, each as short as it can be, as many times the set's size as their work says, between
    the least head and the least tail of them; for one machine by its preemptive schedule. The sets are those of single operations and their unions.
    """
    heads = heads_of(problem)
    tails = tails_of(problem, heads.order)
    shortest = [min(mode.duration for mode in operation.modes) for operation in problem.operations]
    parts = list(zip(heads.starts, shortest, tails, strict=True))
    eligible = [frozenset(mode.machine for mode in operation.modes) for operation in problem.operations]
    bound = max(map(sum, parts), default=0)
    for machines in _unions(set(eligible), MOST_LOOKS // max(1, len(parts))):
        own = [part for part, of in zip(parts, eligible, strict=True) if of <= machines]
        bound = max(bound, one_machine(own) if len(machines) == 1 else _shared(own, len(machines)))
    return bound


def _shared(parts: Iterable[Part], machines: int) -> int:
    """Bound of the work of `parts` on as many machines, for each choice of those that cannot start before a time."""
    bound, work, least = 0, 0, 1 << 60
    for head, duration, tail in sorted(parts, reverse=True):
        work, least = work + duration, min(least, tail)
        bound = max(bound, head + -(-work // machines) + least)
    return bound


def _unions(sets: set[frozenset[int]], most: int) -> set[frozenset[int]]:
    """The sets and unions of them, no more than `most` with these, the same ones each time."""
    found = sorted(sets, key=lambda one: (len(one), sorted(one)))
    known = set(found)
    for one in found:
        for other in found[: len(sets)]:
            if len(known) >= most:
                return known
            if (union := one | other) not in known:
                known.add(union)
                found.append(union)
    return known
