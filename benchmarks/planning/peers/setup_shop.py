"""Flexible shop with setup times: the flexible model, and on each machine a circuit whose arcs bear the setup from one operation to the next."""

import time

from ortools.sat.python import cp_model

from factolake.domain.job import Placed, Problem
from peers.running import Answer, solved

Uses = list[tuple[int, cp_model.IntVar, cp_model.IntervalVar]]


def solve_peer(problem: Problem, seconds_cpu: float, workers: int, seed: int) -> Answer:
    began = time.process_time()
    model = cp_model.CpModel()
    longest_setup = max((time for matrix in problem.setups for row in matrix for time in row), default=0)
    horizon = sum(max(mode.duration for mode in operation.modes) + longest_setup for operation in problem.operations)
    machines: list[Uses] = [[] for _ in problem.machines]
    starts, ends, chosen = [], [], []
    for number, operation in enumerate(problem.operations):
        start, end = model.new_int_var(0, horizon, ""), model.new_int_var(0, horizon, "")
        literals = []
        for mode in operation.modes:
            literal = model.new_bool_var("")
            interval = model.new_optional_interval_var(start, mode.duration, end, literal, "")
            machines[mode.machine].append((number, literal, interval))
            literals.append(literal)
        model.add_exactly_one(literals)
        starts.append(start)
        ends.append(end)
        chosen.append(literals)
    for number, operation in enumerate(problem.operations):
        for link in operation.after:
            model.add(starts[number] >= ends[link.operation])
    for machine, uses in enumerate(machines):
        model.add_no_overlap([interval for _, _, interval in uses])
        _add_circuit(model, problem, machine, uses, starts, ends)
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


def _add_circuit(
    model: cp_model.CpModel, problem: Problem, machine: int, uses: Uses, starts: list[cp_model.IntVar], ends: list[cp_model.IntVar]
) -> None:
    """Node 0 is before the first and after the last; who is not on the machine loops to itself."""
    setups = problem.machines[machine].setups
    if setups is None or not uses:
        return
    matrix, family = problem.setups[setups], problem.machines[machine].family
    nobody = model.new_bool_var("")
    arcs: list[tuple[int, int, cp_model.IntVar]] = [(0, 0, nobody)]
    for place, (number, literal, _) in enumerate(uses, start=1):
        wanted = problem.operations[number].family
        is_first = model.new_bool_var("")
        arcs += [(0, place, is_first), (place, 0, model.new_bool_var("")), (place, place, ~literal)]
        model.add_implication(nobody, ~literal)
        if family is not None:
            model.add(starts[number] >= matrix[family][wanted]).only_enforce_if(is_first)
        for other, (after, _, _) in enumerate(uses, start=1):
            if other != place:
                follows = model.new_bool_var("")
                arcs.append((place, other, follows))
                setup = matrix[wanted][problem.operations[after].family]
                model.add(starts[after] >= ends[number] + setup).only_enforce_if(follows)
    model.add_circuit(arcs)
