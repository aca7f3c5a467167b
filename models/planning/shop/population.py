"""A population of orders that tabu search improves and relinking recombines (Peng, Lü and Cheng 2015)."""

from collections.abc import Callable

import numpy as np

from models.planning.shop.build import Builder
from models.planning.shop.heads_tails import Ints
from models.planning.shop.relink import between, by_start, distance
from models.planning.shop.tabu import Shop, begin, run

MEMBERS = 15
PATIENCE = 12_500
"""Iterations without a better order after which a tabu search ends, in shops of up to `PATIENCE` / 4 operations (Peng, Lü and Cheng 2015)."""
CHUNK = 2_000_000
"""Operations times iterations between two looks at the clock: some 20 to 50 ms."""
STRETCH = 20
"""Operations in a row that a child takes from one parent: 1 to `STRETCH` - 1 on average. With 1, children of the same parents hardly differed."""
TENURE = 5
"""Least tenure that a search draws. Short: better in 15 x 15 shops (la38: 1.1 % too long after 40,000 moves, not 1.7), worse in larger ones."""
STALE = 3
"""Children in a row, times members, of which none was taken in: then the population begins anew around its best member."""


class Population:
    """Orders of one shop, and the best makespan.

    `goal`: no makespan is below it; `better` is called with each better order and its makespan; `is_over` says when to stop. `iterations`: no
    tabu search goes beyond that many, all counted together; None: no limit.
    """

    def __init__(self, shop: Shop, goal: int, seed: int, better: Callable[[Ints, int], None], is_over: Callable[[], bool]) -> None:
        self._shop, self._goal, self._better, self._is_over = shop, goal, better, is_over
        self._rng = np.random.default_rng(seed)
        self._builder = Builder(shop, is_over)
        size = len(shop.order)
        self._longest = int(shop.search["shortest"][0])
        self._rooms = [np.zeros(size, np.int32) for _ in range(2)]
        self._members: list[tuple[int, Ints]] = []
        self.best = int(np.iinfo(np.int64).max)
        self.iterations: int | None = None

    def start(self, order: Ints | None) -> None:
        """Offer a given order, then one built without chance."""
        if order is not None:
            self._offer(order, begin(self._shop, order))
        latest, built = self._builder.build(20, 0)
        self._offer(built, latest)

    def improve(self, order: Ints) -> tuple[int, Ints]:
        """The best makespan and order of a tabu search from `order`."""
        shop = self._shop
        begin(shop, order)
        shop.search["shortest"] = self._rng.integers(TENURE, self._longest + 1)
        patience = max(PATIENCE, 4 * len(order))
        step = max(20, CHUNK // len(order))
        is_done = False
        while not is_done and not self._is_over():
            stop = int(shop.search["iteration"][0]) + step
            is_done = run(shop, stop if self.iterations is None else min(stop, self.iterations), patience, self._goal)
            self._offer(shop.best, int(shop.search["best"][0]))
        latest = begin(shop, shop.best.copy())
        return latest, by_start(shop.nodes, shop.order)

    def fill(self, first: Ints) -> None:
        """Improve `first` and built orders until there are enough members."""
        self._members = [self.improve(first)]
        noise = int(self._shop.nodes["duration"].mean() * 10) + 1
        while len(self._members) < MEMBERS and not self._is_over():
            self._members.append(self.improve(self._builder.build(1, noise)[1]))

    def evolve(self) -> None:
        """Put improved children of two members in place of the worst until that no longer works."""
        stale = 0
        while stale < STALE * MEMBERS and not self._is_over():
            one, other = self._rng.choice(len(self._members), 2, replace=False)
            child = np.zeros_like(self._shop.order)
            share, stretch = int(self._rng.integers(300, 700)), int(self._rng.integers(1, STRETCH))
            between(self._members[one][1], self._members[other][1], share, stretch, self._shop.search, child, self._rooms[0])
            stale = 0 if self._take_in(*self.improve(child)) else stale + 1

    def _take_in(self, latest: int, order: Ints) -> bool:
        worst = max(range(len(self._members)), key=lambda number: self._members[number][0])
        if latest >= self._members[worst][0] or any(self._distance(order, member) == 0 for _, member in self._members):
            return False
        self._members[worst] = latest, order
        return True

    def _distance(self, one: Ints, other: Ints) -> int:
        return int(distance(self._shop.nodes, one, other, self._rooms[0], self._shop.last, self._rooms[1]))

    def _offer(self, order: Ints, latest: int) -> None:
        if latest < self.best:
            self.best = latest
            self._better(order, latest)
