"""HiGHS behind Pyomo, with what experience taught: presolve off, one thread, whole numbers made whole again.

HiGHS's presolve has called solvable shops infeasible (ft06 with all ends below 68, whose best is 55), so it stays off, and INFEASIBLE is said only
where a second seed says so as well.
"""

import math
import time
from collections.abc import Callable

import pyomo.environ as pyo
from pyomo.contrib.appsi.base import TerminationCondition
from pyomo.contrib.appsi.solvers import Highs

from factolake.domain.job import Found, Placed, Plan, PlanStatus, Problem, makespan
from models.planning.exact.model import build


def solver(seconds: float | None, seed: int, nodes: int | None = None, gap: float = 0.5) -> Highs:
    """HiGHS ready to solve, with `nodes` of its tree at most. `gap`: how far the objective may be from the bound (whole ones: below 1)."""
    highs = Highs()
    highs.config.time_limit = seconds
    highs.config.load_solution = False
    highs.config.warmstart = True
    highs.config.mip_gap = 0.0
    highs.highs_options = {"presolve": "off", "random_seed": seed, "threads": 1, "mip_abs_gap": gap}
    if nodes is not None:
        highs.highs_options["mip_max_nodes"] = nodes
    return highs


def objective(problem: Problem, schedule: tuple[Placed, ...]) -> int:
    """Makespan and tardiness by the weights; the only costs that the programme knows."""
    ends: dict[int, int] = {}
    for placed in schedule:
        job = problem.operations[placed.operation].job
        ends[job] = max(placed.end, ends.get(job, 0))
    jobs = problem.jobs
    late = sum(jobs[job].weight * max(0, end - due) for job, end in ends.items() if (due := jobs[job].due) is not None)
    return problem.weights.makespan * makespan(schedule) + problem.weights.tardiness * late


def solve_whole(
    problem: Problem,
    *,
    seconds: float | None,
    nodes: int | None,
    seed: int,
    start: tuple[Placed, ...] = (),
    tell: Callable[[Plan], None] | None = None,
) -> Plan:
    """The best plan of the whole programme, with HiGHS's bound."""
    began, cpu_began = time.monotonic(), time.process_time()
    shop = build(problem)
    if start:
        begin_from(shop, problem, start)
    status, schedule, bound = run(shop, problem, _left(seconds, cpu_began), seed, nodes)
    if status is PlanStatus.INFEASIBLE:
        second, schedule, bound = run(build(problem), problem, _left(seconds, cpu_began), seed + 1, nodes)
        if second is PlanStatus.INFEASIBLE:
            return Plan(PlanStatus.INFEASIBLE)
        status = second
    if not schedule:
        return Plan(PlanStatus.UNKNOWN, bound=bound)
    cost = objective(problem, schedule)
    found = Found(round(time.monotonic() - began, 3), round(time.process_time() - cpu_began, 3), cost, "exact")
    plan = Plan(PlanStatus.OPTIMAL if bound is not None and cost <= bound else PlanStatus.FEASIBLE, cost, bound, schedule, (found,))
    if tell is not None:
        tell(plan)
    return plan


def _left(seconds: float | None, cpu_began: float) -> float | None:
    return None if seconds is None else max(0.1, seconds - (time.process_time() - cpu_began))


def run(
    shop: pyo.ConcreteModel, problem: Problem, seconds: float | None, seed: int, nodes: int | None = None
) -> tuple[PlanStatus, tuple[Placed, ...], int | None]:
    """Solve a programme: what came out, its schedule, and the least whole objective that HiGHS's bound allows."""
    highs = solver(seconds, seed, nodes)
    result = highs.solve(shop)
    if result.termination_condition is TerminationCondition.infeasible:
        return PlanStatus.INFEASIBLE, (), None
    value = result.best_objective_bound
    bound = max(0, math.ceil(value - 1e-6)) if value is not None and math.isfinite(value) else None
    if result.best_feasible_objective is None:
        return PlanStatus.UNKNOWN, (), bound
    result.solution_loader.load_vars()
    return PlanStatus.FEASIBLE, schedule_of(shop, problem), bound


def schedule_of(shop: pyo.ConcreteModel, problem: Problem) -> tuple[Placed, ...]:
    """The solved programme as a schedule. Starts are whole in every corner of the programme; what HiGHS leaves off them is rounding."""
    placed = []
    for number, operation in enumerate(problem.operations):
        mode = max(range(len(operation.modes)), key=lambda place: pyo.value(shop.on[number, place]))
        begins = round(pyo.value(shop.start[number]))
        placed.append(Placed(number, mode, begins, begins + operation.modes[mode].duration))
    return tuple(placed)


def begin_from(shop: pyo.ConcreteModel, problem: Problem, start: tuple[Placed, ...]) -> None:
    """Give the programme a schedule to begin with."""
    at = {placed.operation: placed for placed in start}
    for number, placed in at.items():
        shop.start[number].set_value(placed.start, skip_validation=True)
        for place, mode in enumerate(problem.operations[number].modes):
            shop.on[number, place].set_value(int(place == placed.mode))
            for window, (opens, closes) in enumerate(problem.machines[mode.machine].windows or ()):
                shop.inside[number, place, window].set_value(int(place == placed.mode and opens <= placed.start < closes))
    for one, other in shop.first:
        shop.first[one, other].set_value(int((at[one].start, at[one].end, one) < (at[other].start, at[other].end, other)))
    shop.latest.set_value(makespan(start), skip_validation=True)
    for job in shop.late:
        ends = [placed.end for placed in start if problem.operations[placed.operation].job == job]
        shop.late[job].set_value(max(0, max(ends) - (problem.jobs[job].due or 0)), skip_validation=True)
