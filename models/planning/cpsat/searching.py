"""One search with CP-SAT: the model built, the solver run within its CPU seconds, solutions and bounds told as they come."""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from ortools.sat.python import cp_model

from factolake.domain.job import Found, Placed, Plan, PlanStatus, Problem
from models.planning.bounds import horizon_of
from models.planning.cpsat import reading
from models.planning.cpsat.calendars import add_calendars
from models.planning.cpsat.machines import add_machines, machines_with_setups
from models.planning.cpsat.model import Model, add_fixed, add_links, add_operations
from models.planning.cpsat.objective import add_objective
from models.planning.cpsat.resources import add_buffers, add_materials, add_people, add_tools

# A better bound is told this often at most: telling is a copy of the whole plan
TELL_BOUND_EVERY_S = 0.5
# The clock may go on this much longer than the CPU, on a machine that does other work
CLOCK_A_CPU_SECOND = 10.0


def build(problem: Problem, *, with_objective: bool = True) -> Model:
    """The whole problem as a model."""
    model = Model(problem, horizon_of(problem), cp_model.CpModel())
    add_operations(model)
    add_calendars(model, machines_with_setups(problem))
    add_machines(model)
    add_people(model)
    add_tools(model)
    add_links(model)
    add_materials(model)
    add_buffers(model)
    add_fixed(model)
    if with_objective:
        add_objective(model)
    return model


@dataclass(slots=True)
class _Talk:
    """What was found so far, for `tell`."""

    model: Model
    tell: Callable[[Plan], None] | None
    began: float = field(default_factory=time.monotonic)
    cpu_began: float = field(default_factory=time.process_time)
    best: Plan = field(default_factory=lambda: Plan(PlanStatus.UNKNOWN))
    log: list[Found] = field(default_factory=list)
    told: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def better(self, objective: int, bound: int | None, schedule: tuple[Placed, ...]) -> None:
        with self.lock:
            if self.best.objective is not None and objective >= self.best.objective:
                return  # several workers may find equally good ones, and which is last is chance
            self.log.append(Found(round(time.monotonic() - self.began, 3), round(time.process_time() - self.cpu_began, 3), objective, "cpsat"))
            self.best = Plan(PlanStatus.FEASIBLE, objective, bound, schedule, tuple(self.log))
            if self.tell is not None:
                self.tell(self.best)

    def bound(self, bound: int) -> None:
        with self.lock:
            now = time.monotonic()
            if self.tell is not None and now - self.told > TELL_BOUND_EVERY_S:
                self.told = now
                self.tell(Plan(self.best.status, self.best.objective, bound, self.best.schedule))


class _Watcher(cp_model.CpSolverSolutionCallback):
    def __init__(self, talk: _Talk) -> None:
        super().__init__()
        self._talk = talk

    def on_solution_callback(self) -> None:
        model = self._talk.model
        objective = round(self.objective_value) if model.cp.has_objective() else 0
        bound = whole(self.best_objective_bound) if model.cp.has_objective() else 0
        self._talk.better(objective, bound, reading.schedule(model, self.value))


def whole(bound: float) -> int:
    """The smallest whole objective that a bound allows; the solver's is a float."""
    return math.ceil(bound - 1e-6)


def run(
    problem: Problem,
    *,
    seconds: float | None,
    iterations: int | None,
    seed: int,
    start: tuple[Placed, ...],
    tell: Callable[[Plan], None] | None,
    threads: int,
) -> Plan:
    """See `models.planning.cpsat.search`."""
    began = time.process_time()
    model = build(problem)
    if start:
        reading.hint(model, start)
    talk = _Talk(model, tell)
    solver = cp_model.CpSolver()
    left = None if seconds is None else max(0.05, seconds - (time.process_time() - began))
    _set(solver, left, iterations, seed, threads)
    solver.best_bound_callback = lambda bound: talk.bound(whole(bound))
    done = threading.Event()
    guard = None if left is None else threading.Thread(target=_guard, args=(solver, time.process_time() + left, done), daemon=True)
    if guard is not None:
        guard.start()
    try:
        status = solver.solve(model.cp, _Watcher(talk))
    finally:
        done.set()
        if guard is not None:
            guard.join()
    return _answer(model, solver, status, talk)


def _set(solver: cp_model.CpSolver, seconds: float | None, iterations: int | None, seed: int, threads: int) -> None:
    parameters = solver.parameters
    parameters.random_seed = seed
    parameters.num_workers = threads if iterations is None else 1  # which of several finds a plan first is chance, interleaved or not
    if seconds is not None:
        parameters.max_time_in_seconds = seconds * CLOCK_A_CPU_SECOND / threads
    if iterations is not None:
        parameters.max_number_of_conflicts = iterations


def _guard(solver: cp_model.CpSolver, until: float, done: threading.Event) -> None:
    """Stop the solver when this process has used its CPU seconds; the solver itself only knows the clock."""
    while not done.wait(0.02):
        if time.process_time() >= until:
            solver.stop_search()


def _answer(model: Model, solver: cp_model.CpSolver, status: cp_model.CpSolverStatus, talk: _Talk) -> Plan:
    if status == cp_model.INFEASIBLE:
        return Plan(PlanStatus.INFEASIBLE)
    if status == cp_model.MODEL_INVALID:
        raise ValueError(f"the constraint model is invalid: {model.cp.validate()}; report it with the problem")
    has_objective = model.cp.has_objective()
    bound = 0 if not has_objective else whole(solver.best_objective_bound)
    known = max(bound, 0)
    if status == cp_model.OPTIMAL:
        best = talk.best
        return Plan(PlanStatus.OPTIMAL, best.objective, best.objective, best.schedule, tuple(talk.log))
    if talk.best.schedule or not model.steps:
        return Plan(PlanStatus.FEASIBLE, talk.best.objective, known, talk.best.schedule, tuple(talk.log))
    return Plan(PlanStatus.UNKNOWN, bound=known)
