"""Search for plain flow shops: every job goes through the same machines in the same order, the makespan alone counts.

First an iterated greedy search over orders of jobs, the same on every machine; then, from what it found, tabu search and relinking among schedules
where machines may work in different orders, as for other job shops. Deterministic by seed and iterations.
"""

import time
from collections.abc import Callable

from factolake.domain.job import Found, Job, Link, Machine, Mode, Operation, Placed, Plan, PlanStatus, Problem
from models.planning import shop
from models.planning.flow.arrays import fits, flow_of
from models.planning.flow.bound import pairs_bound
from models.planning.flow.population import Permutations
from models.planning.shop.arrays import chains_of, order_of, schedule_of, shop_of
from models.planning.shop.heads_tails import Ints

__all__ = ["fits", "lower_bound", "search", "warm_up"]


def lower_bound(problem: Problem) -> int:
    """A makespan that no schedule of a problem that fits goes below."""
    return max(shop.lower_bound(problem), pairs_bound(flow_of(problem, 0)))


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
    """The best plan found within `seconds` of CPU time of this process, or `iterations` of each of the two searches, whichever is over first.

    `start`: a schedule that the plan will not be worse than; `tell` is called with each better plan. One thread does it all, whatever `threads` is.
    Raises ValueError for a problem that does not fit or without any limit.
    """
    if not fits(problem):
        raise ValueError("the problem is not a plain flow shop; ask `fits` before")
    if seconds is None and iterations is None:
        raise ValueError("seconds and iterations are both None; give at least one limit")
    return _Search(problem, seconds, iterations, seed, tell).run(start)


def warm_up() -> None:
    """Compile all kernels, or load them where an earlier process has: seconds the first time, then tenths."""
    shop.warm_up()
    operations = tuple(
        Operation(job, (Mode(place, 1 + (job * 5 + place * 3) % 7),), (Link(job * 2 + place - 1),) if place else ())
        for job in range(3)
        for place in range(2)
    )
    search(Problem((Job(),) * 3, operations, (Machine(),) * 2), seconds=None, iterations=2, seed=0)


class _Search:
    """One search: its limits, the best plan so far and how it came about."""

    def __init__(self, problem: Problem, seconds: float | None, iterations: int | None, seed: int, tell: Callable[[Plan], None] | None) -> None:
        self._cpu, self._clock = time.process_time(), time.perf_counter()
        self._problem, self._seconds, self._iterations, self._seed, self._tell = problem, seconds, iterations, seed, tell
        self._goal = lower_bound(problem)
        self._log: list[Found] = []
        self._shop, self._reader = shop_of(problem, seed), shop_of(problem, seed)
        flow, chains = flow_of(problem, seed), chains_of(problem) or ()
        self._population = Permutations(flow, chains, self._shop, self._goal, seed, self._keep, self._is_over)
        self._population.iterations = iterations

    def run(self, start: tuple[Placed, ...]) -> Plan:
        """Search until a limit is reached or the bound."""
        self._population.start(order_of(self._problem, start))
        while not self._is_over():
            self._population.fill(self._best)
            self._population.evolve()
        return self._plan()

    def _is_over(self) -> bool:
        is_out_of_time = self._seconds is not None and time.process_time() - self._cpu >= self._seconds
        is_out_of_steps = self._iterations is not None and int(self._shop.search["iteration"][0]) >= self._iterations
        return is_out_of_time or is_out_of_steps or self._population.best <= self._goal

    def _keep(self, order: Ints, latest: int) -> None:
        self._best = order.copy()
        objective = latest * self._problem.weights.makespan
        self._log.append(Found(time.perf_counter() - self._clock, time.process_time() - self._cpu, objective, "flow"))
        if self._tell is not None:
            self._tell(self._plan())

    def _plan(self) -> Plan:
        latest, weight = self._population.best, self._problem.weights.makespan
        status = PlanStatus.OPTIMAL if latest <= self._goal else PlanStatus.FEASIBLE
        settings = {"engine": "flow", "seed": self._seed, "seconds": self._seconds, "iterations": self._iterations}
        return Plan(status, latest * weight, self._goal * weight, schedule_of(self._reader, self._best), tuple(self._log), settings=settings)
