"""What a plan costs, in CP-SAT: latest end, lateness, setups, operations that moved."""

from collections import defaultdict

from ortools.sat.python import cp_model

from models.planning.cpsat.machines import OUTSIDE
from models.planning.cpsat.model import Expression, Model


def add_objective(model: Model) -> None:
    """The weighted sum of `Problem.weights`."""
    weights, cp = model.problem.weights, model.cp
    parts: list[Expression] = []
    if weights.makespan:
        latest = cp.new_int_var(0, model.horizon, "makespan")
        for step in model.steps:
            cp.add(latest >= step.end)
        parts.append(weights.makespan * latest)
    if weights.tardiness:
        parts += [weights.tardiness * late for late in _lateness(model)]
    if weights.setup:
        parts += [weights.setup * time * arc for arc, time in model.setup_cost]
    if weights.moved:
        parts += [weights.moved * moved for moved in _moved(model)]
    if parts:
        cp.minimize(sum(parts))


def _lateness(model: Model) -> list[Expression]:
    late: list[Expression] = []
    steps = [(operation.job, model.steps[number]) for number, operation in enumerate(model.problem.operations)]
    for number, job in enumerate(model.problem.jobs):
        ends = [step.end for owner, step in steps if owner == number]
        if job.due is None or not job.weight or not ends:
            continue
        over = model.cp.new_int_var(0, max(0, model.horizon - min(job.due, 0)), "")
        for end in ends:
            model.cp.add(over >= end - job.due)
        late.append(job.weight * over)
    return late


def _moved(model: Model) -> list[Expression]:
    """One minus whether an operation is directly behind the same one on the same machine (in a batch: behind the next lower number)."""
    problem = model.problem
    fixed = {placed.operation for placed in problem.fixed}
    last: dict[int, int] = {}
    moved: list[Expression] = []
    for placed in sorted(problem.before, key=lambda one: (one.start, one.end, one.operation)):
        machine = problem.operations[placed.operation].modes[placed.mode].machine
        behind = last.get(machine, OUTSIDE)
        last[machine] = placed.operation
        if placed.operation not in fixed:
            in_batches = machine in model.joins
            moved.append(
                1 - sum(_stays_in_batch(model, machine, behind, placed.operation) if in_batches else _stays(model, machine, behind, placed.operation))
            )
    return moved


def _stays(model: Model, machine: int, behind: int, operation: int) -> list[cp_model.IntVar]:
    return model.arcs.get(machine, {}).get((behind, operation), [])


def _stays_in_batch(model: Model, machine: int, behind: int, operation: int) -> list[cp_model.IntVar]:
    """Literals, one of them at most true, that put `operation` next to `behind`: in one batch, or first of its batch after the last of that one's."""
    cp = model.cp
    batches: dict[int, list[tuple[int, cp_model.IntVar]]] = defaultdict(list)
    for run, head, literal in model.joins[machine]:
        batches[head.operation].append((run.operation, literal))
    if behind == OUTSIDE:
        return _stays(model, machine, OUTSIDE, operation)
    stays = []
    for leader, members in sorted(batches.items()):
        first = [literal for number, literal in members if number == behind]
        if not first:
            continue
        second = [literal for number, literal in members if number == operation]
        follows = _stays(model, machine, leader, operation)
        if second and behind < operation:
            between = [literal for number, literal in members if behind < number < operation]
            stays.append(_all(cp, [first, second], between))
        if follows:
            stays.append(_all(cp, [first, follows], [literal for number, literal in members if number > behind]))
    if stays:
        cp.add_at_most_one(stays)
    return stays


def _all(cp: cp_model.CpModel, some: list[list[cp_model.IntVar]], none: list[cp_model.IntVar]) -> cp_model.IntVar:
    """A literal that is true only where one of each of `some` is and none of `none`."""
    both = cp.new_bool_var("")
    for literals in some:
        cp.add(sum(literals) >= 1).only_enforce_if(both)
    for literal in none:
        cp.add_implication(both, ~literal)
    return both
