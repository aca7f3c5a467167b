"""From orders of jobs, the same on all machines, to schedules where machines may work in different orders."""

from collections.abc import Callable

import numpy as np

from models.planning.flow.arrays import Flow
from models.planning.flow.greedy import begin, run
from models.planning.shop.heads_tails import Ints
from models.planning.shop.population import MEMBERS, Population
from models.planning.shop.tabu import Shop
from models.planning.shop.tabu import begin as load

LEAST, PATIENCE = 5000, 4
"""The search over orders of jobs ends after `LEAST` iterations, and not before `PATIENCE` times those that its best order took."""
STEPS = 50
"""Iterations from an order drawn to a member: as good as a tabu search makes it, and unlike the others."""
CHUNK = 2_000_000
"""Jobs times operations times iterations between two looks at the clock: some 20 to 50 ms."""


class Permutations(Population):
    """A population of a flow shop, whose members begin as orders of jobs. `chains`: operations of each job; the rest as for any population."""

    def __init__(
        self,
        flow: Flow,
        chains: tuple[tuple[int, ...], ...],
        shop: Shop,
        goal: int,
        seed: int,
        better: Callable[[Ints, int], None],
        is_over: Callable[[], bool],
    ) -> None:
        super().__init__(shop, goal, seed, better, is_over)
        self._flow, self._chains = flow, np.array(chains, np.int32)

    def start(self, order: Ints | None) -> None:
        """Offer a given order, then the one that the search over orders of jobs ends at."""
        if order is not None:
            self._offer(order, load(self._shop, order))
        begin(self._flow, False)
        self._offer_best()
        step = max(1, CHUNK // (len(self._chains) * len(self._shop.order)))
        while (left := self._iterations_left()) > 0 and not self._is_over():
            run(self._flow, int(self._flow.state["iteration"][0]) + min(step, left), self._goal)
            self._offer_best()

    def fill(self, first: Ints) -> None:
        """Improve `first` and orders of jobs until there are enough members."""
        self._members = [self.improve(first)]
        while len(self._members) < MEMBERS and not self._is_over():
            begin(self._flow, True)
            run(self._flow, int(self._flow.state["iteration"][0]) + STEPS, self._goal)
            self._members.append(self.improve(self._best_order()))

    def _iterations_left(self) -> int:
        state = self._flow.state[0]
        most = max(LEAST, PATIENCE * int(state["better_at"]))
        return (most if self.iterations is None else min(most, self.iterations)) - int(state["iteration"])

    def _best_order(self) -> Ints:
        order: Ints = self._chains[self._flow.best].ravel()
        return order

    def _offer_best(self) -> None:
        if int(self._flow.state["best"][0]) < self.best:
            self._offer(self._best_order(), int(self._flow.state["best"][0]))
