"""The search: a pool of plans, each the end of a tabu search, and tabu searches from plans between two of them."""

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from factolake.domain.job import Found, Placed, Plan, PlanStatus, Problem
from models.planning.flexible.arrays import DURATION, HEAD, WAY, WAYS, Ints, Shop, shop_of, ways_of
from models.planning.flexible.bound import lower_bound
from models.planning.flexible.build import build
from models.planning.flexible.graph import fill, graph_for
from models.planning.flexible.relink import between, distance, write_down
from models.planning.flexible.tabu import BEST, SINCE, advance, begin, draw, walk_for

POOL = 12
IDLE = 3
PATIENCE = 2500
# Operations moved over between two looks at the clock: some hundredths of a second
SLICE = 200_000


class Member(NamedTuple):
    """A plan of the pool: its latest end, the way of each operation and all operations by start."""

    latest: int
    ways: Ints
    order: Ints


class Limits(NamedTuple):
    """CPU seconds and moves in all (None: no limit), moves of one tabu search without anything better, and plans in the pool."""

    seconds: float | None
    iterations: int | None
    patience: int = PATIENCE
    pool: int = POOL


class Run:
    """One search: counts its steps and its CPU seconds, and keeps the best plan."""

    def __init__(self, problem: Problem, limits: Limits, seed: int, tell: Callable[[Plan], None] | None) -> None:
        self.began, self.began_cpu = time.perf_counter(), time.process_time()
        self.limits, self.tell, self.weight = limits, tell, problem.weights.makespan
        self.shop = shop_of(problem)
        self.bound = lower_bound(problem)
        self.walk = walk_for(self.shop, seed)
        self.steps = 0
        self.best: Member | None = None
        self.log: tuple[Found, ...] = ()

    @property
    def is_over(self) -> bool:
        """Whether the best is at the bound or a limit is passed."""
        if self.best and self.best.latest <= self.bound:
            return True
        if self.limits.iterations is not None and self.steps >= self.limits.iterations:
            return True
        return self.limits.seconds is not None and time.process_time() - self.began_cpu >= self.limits.seconds

    def improve(self, ways: Ints, order: Ints) -> Member:
        """The best plan that a tabu search from this one finds."""
        walk = self.walk
        begin(walk, fill(self.shop, walk.graph, ways, order))
        self._note()
        while walk.counts[SINCE] < self.limits.patience and not self.is_over:
            allowed = 1 + SLICE // self.shop.size
            if self.limits.iterations is not None:
                allowed = min(allowed, self.limits.iterations - self.steps)
            self.steps += advance(self.shop, walk, allowed, self.limits.patience, self.bound)
            self._note()
        return self._member()

    def plan(self) -> Plan:
        """The best plan so far."""
        if self.best is None:
            return Plan(PlanStatus.UNKNOWN, bound=self.bound * self.weight)
        status = PlanStatus.OPTIMAL if self.best.latest <= self.bound else PlanStatus.FEASIBLE
        return Plan(status, self.best.latest * self.weight, self.bound * self.weight, schedule_of(self.shop, self.best), self.log)

    def _member(self) -> Member:
        ways, order = np.empty(self.shop.given.shape[1], np.int64), np.empty(self.shop.size, np.int64)
        write_down(self.shop, self.walk.graph, ways, order)
        return Member(int(self.walk.counts[BEST]), ways, order)

    def _note(self) -> None:
        latest = int(self.walk.counts[BEST])
        if self.best is not None and latest >= self.best.latest:
            return
        graph = self.walk.graph.copy()
        self.best = self._member()
        self.walk.graph[:] = graph
        now = Found(time.perf_counter() - self.began, time.process_time() - self.began_cpu, latest * self.weight, "flexible")
        self.log = (*self.log, now)
        if self.tell:
            self.tell(self.plan())


def schedule_of(shop: Shop, member: Member) -> tuple[Placed, ...]:
    """Each operation at its earliest start."""
    graph = graph_for(shop)
    fill(shop, graph, member.ways, member.order)
    rows = zip(graph[WAY, : shop.size] - graph[WAYS, : shop.size], graph[HEAD, : shop.size], graph[DURATION, : shop.size], strict=True)
    return tuple(Placed(number, int(mode), int(start), int(start + duration)) for number, (mode, start, duration) in enumerate(rows))


def run(problem: Problem, limits: Limits, seed: int, start: tuple[Placed, ...], tell: Callable[[Plan], None] | None) -> Plan:
    """See `models.planning.flexible.search`."""
    run = Run(problem, limits, seed, tell)
    if not problem.operations:
        return Plan(PlanStatus.OPTIMAL, 0, 0)
    shop, counts = run.shop, run.walk.counts
    pool: list[Member] = []
    if len(start) == len(problem.operations):
        pool.append(run.improve(*ways_of(problem, start, shop)))
    ways, order, idle = np.zeros(shop.given.shape[1], np.int64), np.empty(shop.size, np.int64), 0
    while run.best is None or not run.is_over:
        if len(pool) < limits.pool:
            build(shop, counts, ways, order)
            pool.append(run.improve(ways, order))
            continue
        first = draw(counts, limits.pool)
        second = (first + 1 + draw(counts, limits.pool - 1)) % limits.pool
        between(shop, counts, pool[first][1:], pool[second][1:], ways, order)
        idle = 0 if enter(shop, pool, run.improve(ways, order)) else idle + 1
        if idle == limits.pool * IDLE:
            pool, idle = [min(pool, key=lambda member: member.latest)], 0
    return run.plan()


def enter(shop: Shop, pool: list[Member], child: Member) -> bool:
    """Puts a plan into the pool in place of the worst, unless it is worse or much like one that is there; whether it did."""
    near = [place for place, member in enumerate(pool) if distance(shop, member[1:], child[1:]) <= shop.size // 50]
    place = min(near, key=lambda place: pool[place].latest) if near else max(range(len(pool)), key=lambda place: pool[place].latest)
    if child.latest > pool[place].latest or (near and child.latest == pool[place].latest):
        return False
    is_better = child.latest < pool[place].latest
    pool[place] = child
    return is_better
