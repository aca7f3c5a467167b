"""Open time: where an operation may lie in its machine's windows, and the axis on which closed time does not exist.

On that axis work that pauses has its plain length, and a setup takes its plain time; a start at `s` in window k, which opens at `a` after `C` of open
time, lies there at s - a + C. Windows are told apart by one literal each.
"""

from itertools import accumulate

from ortools.sat.python import cp_model

from factolake.domain.job import Window
from models.planning.cpsat.model import Axis, Model, Run


def add_calendars(model: Model, machines_with_axis: frozenset[int]) -> None:
    """Length and windows of every run; the open-time axis for machines in `machines_with_axis` and for work that pauses."""
    for number, step in enumerate(model.steps):
        pauses = model.problem.operations[number].is_splittable
        for run in step.runs:
            windows = model.problem.machines[run.machine].windows
            if windows is None:
                model.cp.add(step.span == run.size).only_enforce_if(run.present)
                run.open_start = step.start
            elif (pauses and run.duration > 0) or run.machine in machines_with_axis or not isinstance(run.size, int):
                _add_axis(model, run, windows, pauses=pauses and run.duration > 0)
            else:
                _add_domain(model, run, windows)


def _add_domain(model: Model, run: Run, windows: tuple[Window, ...]) -> None:
    """Work that cannot pause, where no axis is needed: its start lies where the rest of the window is long enough."""
    step = model.steps[run.operation]
    allowed = [
        [opens, min(closes - run.duration, closes - 1)] for opens, closes in windows if closes - opens >= run.duration and opens <= model.horizon
    ]
    if not allowed:
        model.cp.add(run.present == 0)
        return
    model.cp.add(step.span == run.duration).only_enforce_if(run.present)
    model.cp.add_linear_expression_in_domain(step.start, cp_model.Domain.from_intervals(allowed)).only_enforce_if(run.present)


def _add_axis(model: Model, run: Run, windows: tuple[Window, ...], *, pauses: bool) -> None:
    cp, step = model.cp, model.steps[run.operation]
    before = [0, *accumulate(closes - opens for opens, closes in windows)]
    axis = cp.new_int_var(0, before[-1], "")
    run.open_start = axis
    inside: list[cp_model.IntVar] = []
    ends: list[cp_model.IntVar] = []
    model.axes.append(Axis(run, axis, inside, ends))
    for number, (opens, closes) in enumerate(windows):
        if opens > model.horizon:
            break
        here = cp.new_bool_var("")
        inside.append(here)
        cp.add_linear_constraint(step.start, opens, closes - 1).only_enforce_if(here)
        cp.add(axis == step.start + (before[number] - opens)).only_enforce_if(here)
        if not pauses:
            cp.add(step.end <= closes).only_enforce_if(here)
    cp.add(sum(inside) == run.present)
    if not pauses:
        cp.add(step.span == run.size).only_enforce_if(run.present)
        return
    for number, (opens, closes) in enumerate(windows):
        if opens > model.horizon:
            break
        here = cp.new_bool_var("")
        ends.append(here)
        cp.add(axis + run.size > before[number]).only_enforce_if(here)
        cp.add(axis + run.size <= before[number] + closes - opens).only_enforce_if(here)
        cp.add(step.end == axis + run.size + (opens - before[number])).only_enforce_if(here)
    cp.add(sum(ends) == run.present)
