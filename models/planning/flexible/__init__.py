"""Flexible job shops, with sequence-dependent setups or without: tabu search by k-insertion from a pool of plans, in machine code.

Several machines for an operation, chains of operations, setups by machine and family, releases; the objective is the latest end. The first call in a
process loads machine code (seconds, where numba's cache on disk is empty); `warm_up` does that beforehand.
"""

from collections.abc import Callable

from factolake.domain.job import Job, Link, Machine, Mode, Operation, Placed, Plan, Problem
from models.planning.flexible.arrays import fits
from models.planning.flexible.bound import lower_bound

__all__ = ["fits", "lower_bound", "search", "warm_up"]


def search(
    problem: Problem,
    *,
    seconds: float | None,
    iterations: int | None,
    seed: int,
    start: tuple[Placed, ...] = (),
    tell: Callable[[Plan], None] | None = None,
    threads: int = 1,
) -> Plan:
    """The best plan found in so many CPU seconds of this process or moves of the tabu search, whichever ends first; it stops at the bound.

    A complete `start` is improved; without one, or beside it, plans are built. `tell` gets each better plan. One thread works, whatever `threads`.
    By iterations alone, the same seed gives the same plan. Raises ValueError for a problem that does not `fit` or where nothing ends the search.
    """
    from models.planning.flexible.pool import Limits, run

    if not fits(problem):
        raise ValueError("the problem asks for more than machines, chains, setups and the latest end; search it with models.planning.rich")
    if seconds is None and iterations is None:
        raise ValueError("seconds and iterations are both None; give one of them, or the search never ends")
    return run(problem, Limits(seconds, iterations), seed, start, tell)


def warm_up() -> None:
    """Loads or makes all machine code of the search."""
    from models.planning.flexible.pool import Limits, run

    operations = tuple(
        Operation(job, (Mode(0, 2), Mode(1, 3)), (Link(job * 3 + place - 1),) if place else ()) for job in range(4) for place in range(3)
    )
    problem = Problem((Job(),) * 4, operations, (Machine(setups=0),) * 2, setups=(((1,),),))
    run(problem, Limits(None, 200, patience=5, pool=2), 0, (), None)
