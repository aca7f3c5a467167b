"""The search: begin at the best of the plan given, the plan before and those of the dispatching rules, then anneal as long as there is time."""

import time
from collections.abc import Callable, Iterator

import numpy as np

from factolake.domain.job import Found, Placed, Plan, PlanStatus, Problem
from models.planning.rich.annealing import Kept, anneal, is_better, stand_at
from models.planning.rich.arrays import DEADLINE, FAR, PENALTY, Data, Ints, to_arrays
from models.planning.rich.bound import lower_bound
from models.planning.rich.construct import LATEST, RULES, dispatch, latest_starts, mean_times, work_left
from models.planning.rich.decoder import BROKEN, COST
from models.planning.rich.decoder import LATEST as END_OF_ALL
from models.planning.rich.placing import APPENDS
from models.planning.rich.space import Space, new_space, set_order, take_over, to_schedule
from models.planning.rich.state import START

CHUNK = 200
BY = "rich"
# Temperatures at the beginning and the end, in mean rises.
HOT, COLD = 0.3, 0.003
# A repair begins colder, to leave the plan there was for little: from 0.3 on it moved up to a third more; from 0.02 on it could stay where it was.
HOT_REPAIR = 0.1
# A first plan is looked for in as many coolings, for one over all of the time comes to a plan near its end at best.
FIRST_PLAN_IN = 8
# So many temperatures above the best plan the search has lost its way, and goes back to it.
STRAY = 20


class Best:
    """The best plan met, and who hears of better ones."""

    def __init__(self, data: Data, space: Space, tell: Callable[[Plan], None] | None) -> None:
        self.data, self.tell = data, tell
        self.bound: int | None = None
        self.appends = 0
        self.kept = Kept(np.full(6, 1 << 60, np.int64), space.base.flat.copy(), space.order.copy(), space.modes.copy())
        self.log: list[Found] = []
        self.began, self.cpu_began = time.monotonic(), time.process_time()
        self._told = self.kept.costs.copy()

    def meet(self, space: Space) -> None:
        """Take the plan that the space stands at, where it is better."""
        if is_better(space.costs, self.kept.costs):
            self.take(space)

    def take(self, space: Space) -> None:
        """Take the plan that the space stands at."""
        self.appends = int(space.ask[APPENDS])
        for mine, its in zip(self.kept, (space.costs, space.base.flat, space.order, space.modes), strict=True):
            mine[:] = its

    def report(self, space: Space) -> None:
        """Log and tell the best plan, where it is a plan and better than the last one told."""
        if self.kept.costs[BROKEN] or not is_better(self.kept.costs, self._told):
            return
        self._told[:] = self.kept.costs
        self.log.append(Found(time.monotonic() - self.began, self.cpu_s, int(self.kept.costs[COST]), BY))
        if self.tell is not None:
            self.tell(self.plan(space))

    def is_optimal(self) -> bool:
        """Whether the best plan is one, and costs no more than the bound."""
        return not self.kept.costs[BROKEN] and self.bound is not None and bool(self.kept.costs[COST] <= self.bound)

    @property
    def cpu_s(self) -> float:
        """CPU seconds since the search began."""
        return time.process_time() - self.cpu_began

    def plan(self, space: Space) -> Plan:
        """The best plan; without one that keeps every rule, a plan of status UNKNOWN."""
        if self.kept.costs[BROKEN]:
            return Plan(PlanStatus.UNKNOWN, bound=self.bound, log=tuple(self.log))
        space.state.flat[:] = self.kept.flat
        objective = int(self.kept.costs[COST])
        status = PlanStatus.OPTIMAL if self.is_optimal() else PlanStatus.FEASIBLE
        return Plan(status, objective, self.bound, to_schedule(self.data, space.state), tuple(self.log))


def search(
    problem: Problem,
    *,
    seconds: float | None = None,
    iterations: int | None = None,
    seed: int = 0,
    start: tuple[Placed, ...] = (),
    tell: Callable[[Plan], None] | None = None,
    threads: int = 1,
) -> Plan:
    """A plan for any problem. `seconds`: CPU seconds; `iterations`: changes tried; whichever is over first (one of them must be given).

    `start`: a plan to begin with, to whose order and machines it keeps where the rules let it; with 0 iterations that is all that is done, or that of
    the plan before, or of the rules where there is neither. Where moved operations cost (a repair), machines do one after the other what they did in
    these plans, without filling gaps: the plain right shift; no plan that is given is dearer.
    The same seed and iterations give the same plan. `threads` is not used: the search is one thread. UNKNOWN where no plan was found that keeps every
    rule; a problem whose links form a ring raises ValueError.
    """
    if seconds is None and iterations is None:
        raise ValueError("search has neither seconds nor iterations; give one of them")
    data = to_arrays(problem)
    space = new_space(problem, data, seed)
    best = Best(data, space, tell)
    for _ in _starts(problem, data, space, start, iterations != 0):
        best.meet(space)
        best.report(space)
    best.bound = lower_bound(problem)
    if len(space.order) and iterations != 0:
        _anneal_all(problem, data, space, best, seconds, iterations)
    return best.plan(space)


def _starts(problem: Problem, data: Data, space: Space, start: tuple[Placed, ...], has_more: bool) -> Iterator[None]:
    """Stand at each plan that a search may begin at, one after the other."""
    ways = (1, 0) if _is_repair(problem) else (0,)
    for placed in filter(None, (start, problem.before)):
        for space.ask[APPENDS] in ways:
            take_over(data, space, placed)
            stand_at(data, space, 0)
            yield
            if not has_more and not space.costs[BROKEN]:
                return
        if not has_more:
            return
    space.ask[APPENDS] = 0
    for _ in _by_rules(data, space):
        yield


def _by_rules(data: Data, space: Space) -> Iterator[str]:
    """Stand at the plan of each dispatching rule, one after the other; its name. LATEST, only with deadlines, aims at the earliest end so far."""
    left, means, goal = work_left(data), mean_times(data), FAR
    for rule, name in enumerate(RULES):
        if rule == LATEST and data.operations[:-1, DEADLINE].min(initial=FAR) == FAR:
            continue
        dispatch(data, space, rule, latest_starts(data, goal) if rule == LATEST else left, means)
        space.modes[:] = space.new_modes
        set_order(data, space, _places(space.new_order, len(space.modes)))
        stand_at(data, space, 0)
        goal = min(goal, int(space.costs[END_OF_ALL]))
        yield name


def _is_repair(problem: Problem) -> bool:
    return bool(problem.before) and problem.weights.moved > 0


def _places(order: Ints, size: int) -> Ints:
    places = np.full(size, -1, np.int64)
    places[order] = np.arange(len(order))
    return places


def _anneal_all(problem: Problem, data: Data, space: Space, best: Best, seconds: float | None, iterations: int | None) -> None:
    """Anneal from the best plan met. The temperature falls from HOT to COLD times the mean rise of the changes that make the plan worse.

    While no plan keeps every rule it falls again and again, `FIRST_PLAN_IN` times in all; then once, over all that is left.
    """
    hot = HOT_REPAIR if _is_repair(problem) else HOT
    _stand_in_sequence(problem, data, space, best)
    rises = np.zeros(2)
    done, share, began, heat = 0, 0.0, 0.0, 1e-9
    while share < 1.0 and not best.is_optimal():
        rounds = CHUNK if iterations is None else min(CHUNK, iterations - done)
        anneal(data, space, rounds, heat, best.kept, rises)
        best.report(space)
        done += rounds
        share = max(done / iterations if iterations else 0.0, best.cpu_s / seconds if seconds else 0.0)
        if best.kept.costs[BROKEN]:
            began, cooled = share, share * FIRST_PLAN_IN % 1.0
        else:
            cooled = (share - began) / max(1e-9, 1.0 - began)
        heat = max(1e-9, hot * (COLD / hot) ** cooled * rises[0] / max(1.0, rises[1]))
        rises *= 0.9
        goal = best.kept.costs[COST] + data.sizes[PENALTY] * best.kept.costs[BROKEN]
        if _sort_by_start(data, space) > goal + STRAY * heat:
            space.new_order[:], space.new_modes[:] = best.kept.order, best.kept.modes
            stand_at(data, space, 0)


def _stand_in_sequence(problem: Problem, data: Data, space: Space, best: Best) -> None:
    """Stand at the best plan met. Where moved operations cost, its machines are to do one after the other what they do in it, without filling gaps.

    So only what a change moves is moved, and what a repair keeps are sequences. Plans that would be dearer so are left as they are.
    """
    if _is_repair(problem) and not best.appends:
        space.ask[APPENDS] = 1
        space.modes[:] = best.kept.modes
        space.state.flat[:] = best.kept.flat
        set_order(data, space, space.state.operations[:, START])
        stand_at(data, space, 0)
        if not is_better(best.kept.costs, space.costs):
            best.take(space)
    space.ask[APPENDS] = best.appends
    space.new_order[:], space.new_modes[:] = best.kept.order, best.kept.modes
    stand_at(data, space, 0)


def _sort_by_start(data: Data, space: Space) -> int:
    """Order by the starts of the plan, which gives the moves their sense again, unless the plan then becomes dearer; what it costs."""
    order, cost_before = space.order.copy(), stand_at(data, space, 0)
    set_order(data, space, space.base.operations[:, START])
    cost_after = stand_at(data, space, 0)
    if cost_after <= cost_before:
        return cost_after
    space.new_order[:] = order
    return stand_at(data, space, 0)


def rules(problem: Problem) -> dict[str, Plan]:
    """The plan of each dispatching rule by name (see construct), those alone that keep every rule of the problem."""
    data = to_arrays(problem)
    space = new_space(problem, data, 0)
    found = {}
    for name in _by_rules(data, space):
        best = Best(data, space, None)
        best.meet(space)
        if not best.kept.costs[BROKEN]:
            found[name] = best.plan(space)
    return found
