"""Flexible job shop: an optional interval for each machine that an operation may go to, exactly one of them, no-overlap, least makespan."""

import time

from ortools.sat.python import cp_model

from factolake.domain.job import Placed, Problem
from peers.running import Answer, solved


def solve_peer(problem: Problem, seconds_cpu: float, workers: int, seed: int) -> Answer:
    began = time.process_time()
    model = cp_model.CpModel()
    horizon = sum(max(mode.duration for mode in operation.modes) for operation in problem.operations)
    machines: list[list[cp_model.IntervalVar]] = [[] for _ in problem.machines]
    starts, ends, chosen = [], [], []
    for operation in problem.operations:
        durations = [mode.duration for mode in operation.modes]
        start, end = model.new_int_var(0, horizon, ""), model.new_int_var(0, horizon, "")
        size = model.new_int_var(min(durations), max(durations), "")
        model.new_interval_var(start, size, end, "")
        literals = []
        for mode in operation.modes:
            literal = model.new_bool_var("")
            machines[mode.machine].append(model.new_optional_interval_var(start, mode.duration, end, literal, ""))
            literals.append(literal)
        model.add_exactly_one(literals)
        starts.append(start)
        ends.append(end)
        chosen.append(literals)
    for number, operation in enumerate(problem.operations):
        for link in operation.after:
            model.add(starts[number] >= ends[link.operation])
    for intervals in machines:
        model.add_no_overlap(intervals)
    makespan = model.new_int_var(0, horizon, "")
    model.add_max_equality(makespan, ends)
    model.minimize(makespan)
    solver, has_one, bound = solved(model, began, seconds_cpu, workers, seed)
    if not has_one:
        return None, bound, ()
    placed = []
    for number, literals in enumerate(chosen):
        mode = next(place for place, literal in enumerate(literals) if solver.value(literal))
        placed.append(Placed(number, mode, solver.value(starts[number]), solver.value(ends[number])))
    return round(solver.objective_value), bound, tuple(placed)
