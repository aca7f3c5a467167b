"""Search for all that a problem may ask: a decoder that keeps every rule, dispatching rules, annealing over orders and modes.

`fits`: always. `search`: a plan in the time given. `rules`: the plans of the dispatching rules alone. `lower_bound`: a cost that no plan is below.
"""

from factolake.domain.job import Job, Machine, Mode, Operation, Placed, Problem, Weights
from models.planning.rich.bound import lower_bound
from models.planning.rich.searching import rules, search

__all__ = ["fits", "lower_bound", "rules", "search", "warm_up"]


def fits(problem: Problem) -> bool:
    """Whether the search can do all that a problem asks: it can, unless an operation has no way to be done."""
    return all(operation.modes for operation in problem.operations)


def warm_up() -> None:
    """Compile, or read from the cache, all that a search needs."""
    late, running = Job(due=0), (Placed(0, 0, 0, 1),)
    operations = tuple(Operation(job, (Mode(0, 1),)) for job in range(3))
    search(Problem((late, late, late), operations, (Machine(),), fixed=running, before=running, weights=Weights(1, 1, 1, 1)), iterations=1)
