"""A plan without a search and without machine code: for when a search has found none in its time.

What it does not look at (calendars, people, tools, materials, buffers, batches, what is fixed) the judge does: who takes the plan has to ask it.
"""

import heapq
from collections import defaultdict

from factolake.domain.job import Placed, Problem
from models.planning.bounds import link_order, tails_of


def plain_plan(problem: Problem) -> tuple[Placed, ...]:
    """No machine idles while something waits for it; what has the most work behind it goes first, in the mode that seemed to end first.

    Empty where links run in a circle or an operation has no mode.
    """
    order = link_order(problem)
    if len(order) < len(problem.operations) or not all(operation.modes for operation in problem.operations):
        return ()
    return _Dispatch(problem, tails_of(problem, order)).plan()


class _Dispatch:
    """Work as it is given out in time: what will come to each machine, what waits there, and when machines may have something to do."""

    def __init__(self, problem: Problem, tails: list[int]) -> None:
        self._problem, self._tails = problem, tails
        self._free = [0] * len(problem.machines)
        self._family = [machine.family for machine in problem.machines]
        self._coming: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
        self._waiting: dict[int, list[tuple[int, int, int]]] = defaultdict(list)
        self._looks: list[tuple[int, int]] = []
        self._left = [len(operation.after) for operation in problem.operations]
        self._placed: dict[int, Placed] = {}
        self._followers: dict[int, list[int]] = defaultdict(list)
        for number, operation in enumerate(problem.operations):
            for link in operation.after:
                self._followers[link.operation].append(number)

    def plan(self) -> tuple[Placed, ...]:
        """Give out all operations."""
        for number, left in enumerate(self._left):
            if not left:
                self._send(number)
        while self._looks:
            self._look(*heapq.heappop(self._looks))
        return tuple(self._placed[number] for number in range(len(self._left)))

    def _send(self, number: int) -> None:
        """Send an operation, whose turn it is, to the machine where it would end first as things stand."""
        modes = self._problem.operations[number].modes
        ready = [self._ready(number, mode.machine) for mode in modes]
        chosen = min(range(len(modes)), key=lambda mode: max(ready[mode], self._free[modes[mode].machine]) + modes[mode].duration)
        machine = modes[chosen].machine
        heapq.heappush(self._coming[machine], (ready[chosen], number, chosen))
        heapq.heappush(self._looks, (max(ready[chosen], self._free[machine]), machine))

    def _look(self, time: int, machine: int) -> None:
        coming, waiting = self._coming[machine], self._waiting[machine]
        if time < self._free[machine]:
            return  # there is another look once it is free
        while coming and coming[0][0] <= time:
            _, number, mode = heapq.heappop(coming)
            heapq.heappush(waiting, (-self._tails[number], number, mode))
        if not waiting:
            return
        _, number, mode = heapq.heappop(waiting)
        operation = self._problem.operations[number]
        start = max(time, self._free[machine] + self._setup(machine, operation.family))
        end = start + operation.modes[mode].duration
        self._placed[number], self._free[machine], self._family[machine] = Placed(number, mode, start, end), end, operation.family
        heapq.heappush(self._looks, (end, machine))
        for follower in self._followers[number]:
            self._left[follower] -= 1
            if not self._left[follower]:
                self._send(follower)

    def _ready(self, number: int, machine: int) -> int:
        """When an operation may start on a machine for all that comes before it."""
        problem, operation = self._problem, self._problem.operations[number]
        here = problem.machines[machine].location
        time = max(operation.release, problem.jobs[operation.job].release)
        for link in operation.after:
            before = self._placed[link.operation]
            place = problem.machines[problem.operations[link.operation].modes[before.mode].machine].location
            time = max(time, before.end + link.lag + problem.travel[place][here])
        return time

    def _setup(self, number: int, family: int) -> int:
        matrix, before = self._problem.machines[number].setups, self._family[number]
        return 0 if matrix is None or before is None else self._problem.setups[matrix][before][family]
