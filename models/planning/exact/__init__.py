"""The model of record: shops as a mixed-integer programme in Pyomo, solved by HiGHS. Exact on small cases; on larger plans it polishes windows.

`model` is the programme (Manne, 1960: one binary for each pair that may meet on a machine), `solving` the solver with its traps,
`polishing` the windows. Plans that stand are made better beside the search: `assigning` says who does what, `energy` shifts work to cheap hours.
"""

from collections.abc import Callable

from factolake.domain.job import Placed, Plan, PlanStatus, Problem

# So many operations are tried as a whole; 8 x 8 shops are about what HiGHS proves
WHOLE = 64
LARGEST = 2000


def fits(problem: Problem) -> bool:
    """Whether the programme knows all limits: modes, links, travel, setups without shortcuts, windows without pauses, dates, fixed work."""
    if len(problem.operations) > LARGEST or problem.weights.moved:
        return False
    used = [problem.machines[mode.machine] for operation in problem.operations for mode in operation.modes]
    if any(machine.batch > 1 or machine.buffer is not None or (machine.windows is not None and machine.setups is not None) for machine in used):
        return False
    if any(mode.skills or mode.tools for operation in problem.operations for mode in operation.modes) or any(one.needs for one in problem.operations):
        return False
    if any(one.is_splittable and problem.machines[mode.machine].windows is not None for one in problem.operations for mode in one.modes):
        return False
    return all(_has_no_shortcuts(problem, number) for number, machine in enumerate(problem.machines) if machine.setups is not None)


def _has_no_shortcuts(problem: Problem, number: int) -> bool:
    """Pairs say all about a sequence only where no setup is longer than two others in its place, and none costs by itself."""
    matrix = problem.setups[problem.machines[number].setups or 0]
    places = range(len(matrix))
    return not problem.weights.setup and all(matrix[a][c] <= matrix[a][b] + matrix[b][c] for a in places for b in places for c in places)


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
    """Up to `WHOLE` operations: the whole programme, `iterations` nodes at most; above that `iterations` windows of `start`, UNKNOWN without one.

    One thread whatever `threads` says: changing the number between two solves of one process makes HiGHS give up at once.
    """
    if len(problem.operations) <= WHOLE:
        from models.planning.exact.solving import solve_whole

        return solve_whole(problem, seconds=seconds, nodes=iterations, seed=seed, start=start, tell=tell)
    if not start:
        return Plan(PlanStatus.UNKNOWN)
    from models.planning.exact.polishing import polish

    return polish(problem, start, seconds=seconds, windows=iterations, seed=seed, tell=tell)


def lower_bound(problem: Problem) -> int:
    """No plan's objective is below it. Quick, without a solver."""
    from models.planning.bounds import lower_bound as quick

    return quick(problem)


def warm_up() -> None:
    """Load Pyomo and HiGHS, so that the first search does not wait for them."""
    from models.planning.exact.solving import solver

    solver(1.0, 0)
