"""Search for plain job shops: each operation on one machine, jobs as chains, nothing else in the way, the makespan alone counts.

Tabu search over the critical blocks within a population whose members are relinked. Deterministic by seed and iterations.
"""

import time
from collections.abc import Callable

import numpy as np

from factolake.domain.job import Found, Job, Link, Machine, Mode, Operation, Placed, Plan, PlanStatus, Problem
from models.planning.shop.arrays import chains_of, is_plain, order_of, schedule_of, shop_of
from models.planning.shop.bound import chains_bound
from models.planning.shop.build import Builder
from models.planning.shop.heads_tails import Ints
from models.planning.shop.population import Population
from models.planning.shop.relink import between, distance
from models.planning.shop.tabu import Shop, begin, run

__all__ = ["fits", "lower_bound", "search", "warm_up"]


def fits(problem: Problem) -> bool:
    """Whether `search` can do the problem."""
    return is_plain(problem) and chains_of(problem) is not None


def lower_bound(problem: Problem) -> int:
    """A makespan that no schedule of a problem that fits goes below."""
    modes = [operation.modes[0] for operation in problem.operations]
    chains = [[(modes[one].machine, modes[one].duration) for one in chain] for chain in chains_of(problem) or ()]
    return chains_bound(chains, len(problem.machines))


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
    """The best plan found within `seconds` of CPU time of this process or `iterations` of tabu search, whichever is over first.

    `start`: a schedule that the plan will not be worse than; `tell` is called with each better plan. One thread does it all, whatever `threads` is.
    Raises ValueError for a problem that does not fit or without any limit.
    """
    if not fits(problem):
        raise ValueError("the problem is not a plain job shop; ask `fits` before")
    if seconds is None and iterations is None:
        raise ValueError("seconds and iterations are both None; give at least one limit")
    return _Search(problem, seconds, iterations, seed, tell).run(start)


def warm_up() -> None:
    """Compile all kernels, or load them where an earlier process has: seconds the first time, then tenths."""
    shop = _tiny_shop()
    _, order = Builder(shop).build(2, 1)
    begin(shop, order)
    run(shop, 5, 5, 0)
    child, rooms = np.zeros_like(order), np.zeros((2, len(order)), np.int32)
    between(order, order, 500, 2, shop.search, child, rooms[0])
    distance(shop.nodes, child, order, rooms[0], shop.last, rooms[1])


class _Search:
    """One search: its limits, the best plan so far and how it came about."""

    def __init__(self, problem: Problem, seconds: float | None, iterations: int | None, seed: int, tell: Callable[[Plan], None] | None) -> None:
        self._cpu, self._clock = time.process_time(), time.perf_counter()
        self._problem, self._seconds, self._iterations, self._seed, self._tell = problem, seconds, iterations, seed, tell
        self._goal = lower_bound(problem)
        self._log: list[Found] = []
        self._told_at, self._telling = 0.0, 0.0

    def run(self, start: tuple[Placed, ...]) -> Plan:
        """Search until a limit is reached or the bound."""
        if not self._problem.operations:
            return Plan(PlanStatus.OPTIMAL, 0, 0)
        self._shop = shop_of(self._problem, self._seed)
        self._reader = shop_of(self._problem, self._seed)
        self._population = Population(self._shop, self._goal, self._seed, self._keep, self._is_over)
        self._population.iterations = self._iterations
        self._population.start(order_of(self._problem, start))
        while not self._is_over():
            self._population.fill(self._best)
            self._population.evolve()
        return self._plan(self._population.best)

    def _is_over(self) -> bool:
        spent = time.process_time() - self._cpu
        is_out_of_time = self._seconds is not None and spent >= self._seconds
        is_out_of_steps = self._iterations is not None and int(self._shop.search["iteration"][0]) >= self._iterations
        return is_out_of_time or is_out_of_steps or self._population.best <= self._goal

    def _keep(self, order: Ints, latest: int) -> None:
        """Note a better order; tell of it unless that would take more than a twentieth of the time."""
        self._best = order.copy()
        spent = time.process_time() - self._cpu
        objective = latest * self._problem.weights.makespan
        self._log.append(Found(time.perf_counter() - self._clock, spent, objective, "shop"))
        if self._tell is not None and spent - self._told_at >= 20 * self._telling:
            self._told_at = spent
            self._tell(self._plan(latest))
            self._telling = time.process_time() - self._cpu - spent

    def _plan(self, latest: int) -> Plan:
        weight = self._problem.weights.makespan
        status = PlanStatus.OPTIMAL if latest <= self._goal else PlanStatus.FEASIBLE
        schedule = schedule_of(self._reader, self._best)
        settings = {"engine": "shop", "seed": self._seed, "seconds": self._seconds, "iterations": self._iterations}
        return Plan(status, latest * weight, self._goal * weight, schedule, tuple(self._log), settings=settings)


def _tiny_shop() -> Shop:
    jobs = (Job(), Job())
    operations = tuple(Operation(one // 2, (Mode((one + one // 2) % 2, 2 + one),), (Link(one - 1),) if one % 2 else ()) for one in range(4))
    return shop_of(Problem(jobs, operations, (Machine(), Machine())), 1)
