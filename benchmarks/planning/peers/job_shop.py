"""Job shop: one interval for each operation, no-overlap on machines, chains of the jobs, least makespan."""

import time

from ortools.sat.python import cp_model

from factolake.domain.job import Placed, Problem
from peers.running import Answer, solved


def solve_peer(problem: Problem, seconds_cpu: float, workers: int, seed: int) -> Answer:
    began = time.process_time()
    model = cp_model.CpModel()
    horizon = sum(operation.modes[0].duration for operation in problem.operations)
    starts, ends = [], []
    machines: list[list[cp_model.IntervalVar]] = [[] for _ in problem.machines]
    for operation in problem.operations:
        mode = operation.modes[0]
        start = model.new_int_var(0, horizon, "")
        starts.append(start)
        ends.append(start + mode.duration)
        machines[mode.machine].append(model.new_fixed_size_interval_var(start, mode.duration, ""))
    for number, operation in enumerate(problem.operations):
        for link in operation.after:
            model.add(starts[number] >= ends[link.operation])
    for intervals in machines:
        model.add_no_overlap(intervals)
    makespan = model.new_int_var(0, horizon, "")
    for end in ends:
        model.add(makespan >= end)
    model.minimize(makespan)
    solver, has_one, bound = solved(model, began, seconds_cpu, workers, seed)
    if not has_one:
        return None, bound, ()
    at = [solver.value(start) for start in starts]
    placed = tuple(Placed(number, 0, begins, begins + problem.operations[number].modes[0].duration) for number, begins in enumerate(at))
    return round(solver.objective_value), bound, placed
