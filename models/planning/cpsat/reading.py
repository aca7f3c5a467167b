"""From a solution of CP-SAT to a schedule, and from a schedule to a hint."""

from collections import defaultdict
from collections.abc import Callable

from ortools.sat.python import cp_model

from factolake.domain.job import Placed
from models.planning.cpsat.machines import OUTSIDE
from models.planning.cpsat.model import Model


def schedule(model: Model, value: Callable[[cp_model.IntVar], int]) -> tuple[Placed, ...]:
    """The schedule of a solution, in the order of operations."""
    placed = []
    for number, step in enumerate(model.steps):
        mode = next(run.mode for run in step.runs if value(run.present))
        slots = model.people.get((number, mode), [])
        people = tuple(next(person for person, does in slot.items() if value(does)) for slot in slots)
        placed.append(Placed(number, mode, value(step.start), value(step.end), people))
    return tuple(placed)


def hint(model: Model, start: tuple[Placed, ...]) -> None:
    """Begin from a schedule. What it says nothing of is left to the solver; a wrong one does no harm."""
    cp = model.cp
    by_machine: dict[int, list[Placed]] = defaultdict(list)
    for placed in start:
        step = model.steps[placed.operation]
        cp.add_hint(step.start, placed.start)
        cp.add_hint(step.end, placed.end)
        cp.add_hint(step.span, placed.end - placed.start)
        for run in step.runs if len(step.runs) > 1 else ():
            cp.add_hint(run.present, run.mode == placed.mode)
        for slot, who in zip(model.people.get((placed.operation, placed.mode), []), placed.people, strict=False):
            for person, does in slot.items():
                cp.add_hint(does, person == who)
        by_machine[step.runs[placed.mode].machine].append(placed)
    _hint_axes(model, {placed.operation: placed for placed in start})
    for machine, arcs in model.arcs.items():
        order = [placed.operation for placed in sorted(by_machine[machine], key=lambda one: (one.start, one.end, one.operation))]
        behind = set(zip([OUTSIDE, *order], order, strict=False))
        for pair, literals in arcs.items():
            if len(literals) == 1:
                cp.add_hint(literals[0], pair in behind)


def _hint_axes(model: Model, start: dict[int, Placed]) -> None:
    for axis in model.axes:
        placed = start.get(axis.run.operation)
        is_there = placed is not None and placed.mode == axis.run.mode
        windows, before = model.problem.machines[axis.run.machine].windows or (), 0
        for number, (opens, closes) in enumerate(windows[: len(axis.starts)]):
            begins_here = placed is not None and is_there and opens <= placed.start < closes
            model.cp.add_hint(axis.starts[number], begins_here)
            if placed is not None and begins_here:
                model.cp.add_hint(axis.at, before + placed.start - opens)
            if axis.ends:
                model.cp.add_hint(axis.ends[number], placed is not None and is_there and opens < placed.end <= closes)
            before += closes - opens
