"""Why a problem has no plan when only a search can tell: the fewest operations that cannot be planned together, and the smallest change that helps.

Only CP-SAT is believed when it says that there is none: HiGHS with presolve has called solvable shops infeasible. Each operation that is left out of
a conflict was left out on proof that the others suffice; each that stays was tried without.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from ortools.sat.python import cp_model

from factolake.domain.job import Conflict, ConflictKind, Placed, Plan, PlanStatus, Problem
from models.planning.cpsat.searching import build
from models.planning.parts import reduced
from models.planning.structural import named, order_named, structural

__all__ = ["conflict", "fits", "is_infeasible", "search"]

# One question to the solver takes this long at most; without an answer the operation stays in the conflict
QUESTION_S = 3.0


@dataclass(frozen=True, slots=True)
class _Change:
    """A limit that can be given up, and what the sentence says then."""

    kind: ConflictKind
    without: Callable[[Problem], Problem]
    says: str


def _always(problem: Problem, *, machines: bool = False, people: bool = False, tools: bool = False) -> Problem:
    return replace(
        problem,
        machines=tuple(replace(one, windows=None) if machines else one for one in problem.machines),
        people=tuple(replace(one, windows=None) if people else one for one in problem.people),
        tools=tuple(replace(one, windows=None) if tools else one for one in problem.tools),
    )


def _all_there(problem: Problem) -> Problem:
    return replace(problem, materials=tuple(replace(one, arrivals=((0, 1 << 40),)) for one in problem.materials))


def _without_limits(problem: Problem) -> Problem:
    return replace(problem, horizon=None, operations=tuple(replace(one, deadline=None) for one in problem.operations))


# In the order in which a plant gives them up
CHANGES = (
    _Change(ConflictKind.FIXED, lambda problem: replace(problem, fixed=()), "let fixed work among them move"),
    _Change(ConflictKind.NO_SKILL, lambda problem: _always(problem, people=True), "have people with their skills there longer"),
    _Change(ConflictKind.NO_MACHINE, lambda problem: _always(problem, machines=True), "open their machines longer"),
    _Change(ConflictKind.NO_TOOL, lambda problem: _always(problem, tools=True), "have their tools there longer"),
    _Change(ConflictKind.NO_MATERIAL, lambda problem: _all_there(problem),
            "have their material earlier"),
    _Change(ConflictKind.TOGETHER, lambda problem: replace(problem, machines=tuple(replace(one, buffer=None) for one in problem.machines)),
            "make more room in front of their machines"),
)  # fmt: skip


def fits(problem: Problem) -> bool:
    """Whether the conflict can be looked for at all."""
    return bool(problem.operations)


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
    """An engine's face for `conflict`: INFEASIBLE with its conflicts, UNKNOWN where the time did not do for a proof."""
    found = conflict(problem, seconds)
    return Plan(PlanStatus.INFEASIBLE if found else PlanStatus.UNKNOWN, conflicts=found)


def conflict(problem: Problem, seconds: float | None) -> tuple[Conflict, ...]:
    """Why there is no plan, each conflict infeasible by itself; empty where that could not be proved within `seconds` of CPU."""
    found = structural(problem)
    if found:
        return found
    until = None if seconds is None else time.process_time() + seconds
    if not is_infeasible(problem, seconds):
        return ()
    kept = _fewest(problem, until)
    part, numbers = reduced(problem, kept)
    kind, says = _sentence(problem, part, numbers)
    return (Conflict(kind, numbers, says),)


def is_infeasible(problem: Problem, seconds: float | None = None) -> bool:
    """Whether it is proved that there is no plan."""
    return bool(structural(problem)) or _answer(problem, seconds) == cp_model.INFEASIBLE


def _answer(problem: Problem, seconds: float | None) -> cp_model.CpSolverStatus:
    model = build(problem, with_objective=False)
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    if seconds is not None:
        solver.parameters.max_time_in_seconds = max(0.05, seconds)
    return solver.solve(model.cp)


def _fewest(problem: Problem, until: float | None) -> list[int]:
    """Deletion filter (Chinneck and Dravnieks, 1991): leave out parts, ever smaller; where the rest is still without a plan, the part is gone."""
    kept = list(range(len(problem.operations)))
    size = len(kept) // 2
    while size >= 1:
        at, has_shrunk = 0, False
        while at < len(kept) and len(kept) > 1:
            left = None if until is None else until - time.process_time()
            if left is not None and left <= 0:
                return kept
            rest = kept[:at] + kept[at + size :]
            if rest and is_infeasible(reduced(problem, rest)[0], QUESTION_S if left is None else min(QUESTION_S, left)):
                kept, has_shrunk = rest, True
            else:
                at += size
        # Setups and ways without shortcuts can need an operation only until another is gone, so the last round is repeated
        size = size if size == 1 and has_shrunk else size // 2
    return kept


def _sentence(problem: Problem, part: Problem, numbers: tuple[int, ...]) -> tuple[ConflictKind, str]:
    who = ", ".join(named(problem, number) for number in numbers[:4]) + (f" and {len(numbers) - 4} more" if len(numbers) > 4 else "")
    cannot = f"{who} cannot be planned together" if len(numbers) > 1 else f"{who} cannot be planned"
    later = _less_late(part)
    if later is not None:
        kind = ConflictKind.TOGETHER if len({problem.operations[number].job for number in numbers}) > 1 else ConflictKind.NO_TIME
        wishes = " and ".join(f"order {order_named(problem, job)} to end {time} later" for job, time in sorted(later.items()))
        return kind, f"{cannot}; allow {wishes}"
    for change in CHANGES:
        if _answer(change.without(part), QUESTION_S) in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return change.kind, f"{cannot}; {change.says}"
    return ConflictKind.TOGETHER, f"{cannot}; plan one of them later"


def _less_late(part: Problem) -> dict[int, int] | None:
    """How much later orders have to be allowed to end, least in all; None where deadlines and horizon are not the reason."""
    limits = {
        number: min(limit for limit in (operation.deadline, part.horizon) if limit is not None)
        for number, operation in enumerate(part.operations)
        if operation.deadline is not None or part.horizon is not None
    }
    if not limits:
        return None
    model = build(_without_limits(part), with_objective=False)
    over: dict[int, cp_model.IntVar] = {}
    for number, limit in limits.items():
        job = part.operations[number].job
        over.setdefault(job, model.cp.new_int_var(0, max(model.horizon - min(limits.values()), 0), ""))
        model.cp.add(over[job] >= model.steps[number].end - limit)
    model.cp.minimize(sum(over.values()))
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.max_time_in_seconds = QUESTION_S
    if solver.solve(model.cp) not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None
    return {job: solver.value(time) for job, time in over.items() if solver.value(time)} or None
