"""Windows of a plan made best by HiGHS: some operations are free, all others keep machine and order, and the plan never gets worse.

Times float: what is kept moves with what becomes free, so a window may gain time for everything behind it.
"""

import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from itertools import count

from factolake.domain.job import Found, Placed, Plan, PlanStatus, Problem, makespan
from models.planning.exact.model import build
from models.planning.exact.solving import begin_from, objective, run, schedule_of

# A window holds about so many free operations and gets so long
FREE = 14
WINDOW_S = 3.0

__all__ = ["polish", "polish_window", "schedule_of"]


def polish(
    problem: Problem,
    start: tuple[Placed, ...],
    *,
    seconds: float | None,
    windows: int | None,
    seed: int,
    tell: Callable[[Plan], None] | None = None,
) -> Plan:
    """`start`, or a better plan: `windows` of it in turn, slices of time and pairs of machines, within `seconds` of CPU."""
    rng = random.Random(f"polish {seed}")
    began, cpu_began = time.monotonic(), time.process_time()
    best, log = start, []
    for number in count():
        left = None if seconds is None else seconds - (time.process_time() - cpu_began)
        if (windows is not None and number >= windows) or (left is not None and left < 0.2):
            break
        free = _slice(best, rng) if number % 2 else _machines(problem, best, rng)
        better = polish_window(problem, best, free, seconds=WINDOW_S if left is None else min(WINDOW_S, left), seed=seed)
        if objective(problem, better) < objective(problem, best):
            best = better
            log.append(Found(round(time.monotonic() - began, 3), round(time.process_time() - cpu_began, 3), objective(problem, best), "exact"))
            if tell is not None:
                tell(Plan(PlanStatus.FEASIBLE, objective(problem, best), None, best, tuple(log)))
    return Plan(PlanStatus.FEASIBLE, objective(problem, best), None, best, tuple(log))


def polish_window(
    problem: Problem, start: tuple[Placed, ...], free: Iterable[int], *, seconds: float | None, seed: int, nodes: int | None = None
) -> tuple[Placed, ...]:
    """The plan with the operations of `free` placed anew, if that is better; `start` as it is otherwise."""
    loose = set(free) - {placed.operation for placed in problem.fixed}
    kept = tuple(placed for placed in start if placed.operation not in loose)
    weights = problem.weights
    # Without dates a better plan ends no later, which makes every big-M as small as can be
    horizon = makespan(start) if weights.makespan and not weights.tardiness else None
    shop = build(problem, horizon, kept)
    begin_from(shop, problem, start)
    _, schedule, _ = run(shop, problem, seconds, seed, nodes)
    return schedule if schedule and objective(problem, schedule) < objective(problem, start) else start


def _slice(schedule: tuple[Placed, ...], rng: random.Random) -> list[int]:
    """Operations that run one after another in time, beginning anywhere."""
    order = sorted(schedule, key=lambda placed: (placed.start, placed.operation))
    at = rng.randrange(max(1, len(order) - FREE + 1))
    return [placed.operation for placed in order[at : at + FREE]]


def _machines(problem: Problem, schedule: tuple[Placed, ...], rng: random.Random) -> list[int]:
    """A stretch of two machines."""
    by_machine: dict[int, list[Placed]] = defaultdict(list)
    for placed in schedule:
        by_machine[problem.operations[placed.operation].modes[placed.mode].machine].append(placed)
    chosen = rng.sample(sorted(by_machine), min(2, len(by_machine)))
    free = []
    for machine in chosen:
        there = sorted(by_machine[machine], key=lambda placed: placed.start)
        at = rng.randrange(max(1, len(there) - FREE // 2 + 1))
        free += [placed.operation for placed in there[at : at + FREE // 2]]
    return free
