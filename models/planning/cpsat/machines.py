"""Machines in CP-SAT: one at a time, sequences as circuits where a setup or a moved operation depends on who is before whom, batches by a leader."""

from collections import defaultdict

from ortools.sat.python import cp_model

from factolake.domain.job import Problem
from models.planning.cpsat.model import Model, Run

OUTSIDE = -1
"""The place before the first operation of a machine and behind its last, as an operation's number in `Model.arcs`."""


def machines_with_setups(problem: Problem) -> frozenset[int]:
    """Machines whose matrix holds any time at all."""
    busy = [any(time for row in matrix for time in row) for matrix in problem.setups]
    return frozenset(number for number, machine in enumerate(problem.machines) if machine.setups is not None and busy[machine.setups])


def machines_to_remember(problem: Problem) -> frozenset[int]:
    """Machines where it costs something to put an operation behind another one than before."""
    if not problem.weights.moved:
        return frozenset()
    fixed = {placed.operation for placed in problem.fixed}
    there = (placed for placed in problem.before if placed.operation not in fixed)
    return frozenset(problem.operations[placed.operation].modes[placed.mode].machine for placed in there)


def add_machines(model: Model) -> None:
    """Nothing overlaps on a machine, and setups are kept."""
    with_setups, to_remember = machines_with_setups(model.problem), machines_to_remember(model.problem)
    for machine in range(len(model.problem.machines)):
        runs = model.runs_on(machine)
        if not runs:
            continue
        there = [run.present for run in runs]
        if model.problem.machines[machine].batch > 1:
            there = _add_batches(model, machine, runs)
        model.cp.add_no_overlap([model.interval(run, literal) for run, literal in zip(runs, there, strict=True)])
        if machine in with_setups or machine in to_remember:
            _add_circuit(model, machine, runs, there, with_setups=machine in with_setups)


def _add_circuit(model: Model, machine: int, runs: list[Run], there: list[cp_model.IntVar], *, with_setups: bool) -> None:
    """The sequence of a machine as a circuit through those that are there; each arc bears its setup."""
    cp, problem = model.cp, model.problem
    matrix = problem.setups[problem.machines[machine].setups or 0] if with_setups else None
    begins = problem.machines[machine].family
    families = [problem.operations[run.operation].family for run in runs]
    arcs: list[tuple[int, int, cp_model.LiteralT]] = [(0, 0, _none_of(model, there))]
    kept = model.arcs.setdefault(machine, {})
    for place, run in enumerate(runs):
        first, last = cp.new_bool_var(""), cp.new_bool_var("")
        arcs += [(0, place + 1, first), (place + 1, 0, last), (place + 1, place + 1, ~there[place])]
        kept.setdefault((OUTSIDE, run.operation), []).append(first)
        time = 0 if matrix is None or begins is None else matrix[begins][families[place]]
        _add_setup(model, first, None, run, time)
        for other, behind in enumerate(runs):
            if other == place or behind.operation == run.operation:
                continue
            follows = cp.new_bool_var("")
            arcs.append((place + 1, other + 1, follows))
            kept.setdefault((run.operation, behind.operation), []).append(follows)
            time = 0 if matrix is None else matrix[families[place]][families[other]]
            _add_setup(model, follows, run, behind, time)
            cp.add(model.steps[behind.operation].start >= model.steps[run.operation].end).only_enforce_if(follows)
    cp.add_circuit(arcs)


def _add_setup(model: Model, arc: cp_model.IntVar, before: Run | None, run: Run, time: int) -> None:
    """Where `run` follows directly, the setup fits between, in open time."""
    if not time:
        return
    assert run.open_start is not None and (before is None or before.open_start is not None)
    since: cp_model.LinearExpr | int = 0 if before is None or before.open_start is None else before.open_start + before.size
    model.cp.add(run.open_start >= since + time).only_enforce_if(arc)
    model.setup_cost.append((arc, time))


def _none_of(model: Model, literals: list[cp_model.IntVar]) -> cp_model.IntVar:
    none = model.cp.new_bool_var("")
    model.cp.add_bool_or([none, *literals])
    for literal in literals:
        model.cp.add_implication(none, ~literal)
    return none


def _add_batches(model: Model, machine: int, runs: list[Run]) -> list[cp_model.IntVar]:
    """Each run joins a leader of its family, the first of its batch in `runs` (itself, perhaps). Returns by run whether it leads."""
    cp, problem = model.cp, model.problem
    by_family: dict[int, list[int]] = defaultdict(list)
    for place, run in enumerate(runs):
        by_family[problem.operations[run.operation].family].append(place)
    leads: list[cp_model.IntVar] = [run.present for run in runs]
    for members in by_family.values():
        joins: dict[tuple[int, int], cp_model.IntVar] = {}
        for at, place in enumerate(members):
            for leader in members[: at + 1]:
                joins[place, leader] = cp.new_bool_var("")
            cp.add(sum(joins[place, leader] for leader in members[: at + 1]) == runs[place].present)
            leads[place] = joins[place, place]
        model.joins.setdefault(machine, []).extend((runs[place], runs[leader], literal) for (place, leader), literal in joins.items())
        for at, leader in enumerate(members):
            _add_batch(model, machine, runs, leader, [(place, joins[place, leader]) for place in members[at:]])
    return leads


def _add_batch(model: Model, machine: int, runs: list[Run], leader: int, joins: list[tuple[int, cp_model.IntVar]]) -> None:
    """A batch: no more than fit, all from the leader's start to its end, as long as the longest of them."""
    cp, head = model.cp, model.steps[runs[leader].operation]
    leads = joins[0][1]
    cp.add(sum(literal for _, literal in joins) <= model.problem.machines[machine].batch)
    longest = cp.new_int_var(0, max(runs[place].duration for place, _ in joins), "")
    cp.add_max_equality(longest, [runs[place].duration * literal for place, literal in joins])
    for place, literal in joins:
        step = model.steps[runs[place].operation]
        cp.add_implication(literal, leads)
        cp.add(step.start == head.start).only_enforce_if(literal)
        cp.add(step.end == head.end).only_enforce_if(literal)
        cp.add(runs[place].size == longest).only_enforce_if(literal)
