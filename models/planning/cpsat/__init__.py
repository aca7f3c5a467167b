"""CP-SAT as an engine: the whole of `factolake.domain.job` as one constraint model, with bounds and proofs.

`model` has operations, modes and links, `calendars` open time, `machines` sequences, setups and batches, `resources` people, tools, materials and
buffers, `objective` costs, `reading` the way from and to a schedule. Imports ortools when it searches, not before.
"""

import time
from collections.abc import Callable

from factolake.domain.job import Placed, Plan, Problem

# Above this, building the model alone takes longer and more memory than a planner has
LARGEST = 5000


def fits(problem: Problem) -> bool:
    """Whether the model is of a size that can be built; it knows every constraint."""
    return len(problem.operations) <= LARGEST


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
    """The best plan within `seconds` of CPU or `iterations` conflicts of the solver, with its bound; INFEASIBLE where that is proved.

    `start` is a hint. With `iterations` one worker searches, whatever `threads` says, and one seed gives one plan.
    """
    began = time.process_time()
    from models.planning.cpsat.searching import run

    if seconds is not None:  # loading the solver is part of them
        seconds = max(0.05, seconds - (time.process_time() - began))
    return run(problem, seconds=seconds, iterations=iterations, seed=seed, start=start, tell=tell, threads=threads)


def lower_bound(problem: Problem) -> int:
    """No plan's objective is below it. Quick, without a solver."""
    from models.planning.bounds import lower_bound as quick

    return quick(problem)


def warm_up() -> None:
    """Load the solver, so that the first search does not wait for it."""
    from ortools.sat.python import cp_model

    cp_model.CpModel()
