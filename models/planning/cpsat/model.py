"""Operations, modes and links as CP-SAT variables: what every other part of the model adds its limits to."""

from dataclasses import dataclass, field

from ortools.sat.python import cp_model

from factolake.domain.job import Operation, Problem

Expression = cp_model.LinearExpr | int


@dataclass(slots=True)
class Run:
    """An operation in one mode: whether it is done so (`present`), and where it lies on the axis of its machine's open time.

    `duration` is the mode's; `size` is how long it takes, which in a batch is the longest of all. `open_start` is None where nobody needs that axis.
    """

    operation: int
    mode: int
    machine: int
    duration: int
    present: cp_model.IntVar
    size: cp_model.IntVar | int
    open_start: cp_model.IntVar | None = None


@dataclass(slots=True)
class Axis:
    """Where a run lies in the windows of its machine: the window of its start and, for work that pauses, that of its end."""

    run: Run
    at: cp_model.IntVar
    starts: list[cp_model.IntVar]
    ends: list[cp_model.IntVar]


@dataclass(slots=True)
class Step:
    """An operation: its start and end, and its runs by mode."""

    start: cp_model.IntVar
    end: cp_model.IntVar
    span: cp_model.IntVar
    runs: list[Run] = field(default_factory=list)


@dataclass(slots=True)
class Model:
    """A problem as a CP-SAT model.

    `people`: by operation and mode, for each skill who might do it. `arcs`: by machine, who follows whom (by operation). `joins`: by machine that
    takes batches, which run is in the batch of which leader. `ready`: when each link of an operation lets it start.
    `setup_cost`: setups with their times.
    """

    problem: Problem
    horizon: int
    cp: cp_model.CpModel
    steps: list[Step] = field(default_factory=list)
    people: dict[tuple[int, int], list[dict[int, cp_model.IntVar]]] = field(default_factory=dict)
    arcs: dict[int, dict[tuple[int, int], list[cp_model.IntVar]]] = field(default_factory=dict)
    setup_cost: list[tuple[cp_model.IntVar, int]] = field(default_factory=list)
    ready: dict[int, list[Expression]] = field(default_factory=dict)
    axes: list[Axis] = field(default_factory=list)
    joins: dict[int, list[tuple[Run, Run, cp_model.IntVar]]] = field(default_factory=dict)

    def runs_on(self, machine: int) -> list[Run]:
        """All runs that may be on a machine, by operation and mode."""
        return [run for step in self.steps for run in step.runs if run.machine == machine]

    def interval(self, run: Run, literal: cp_model.IntVar | None = None) -> cp_model.IntervalVar:
        """From start to end of an operation, there where `literal` (its run, if None) is true."""
        step = self.steps[run.operation]
        pauses = self.problem.operations[run.operation].is_splittable and self.problem.machines[run.machine].windows is not None
        size = step.span if pauses or not isinstance(run.size, int) else run.size
        return self.cp.new_optional_interval_var(step.start, size, step.end, run.present if literal is None else literal, "")


def add_operations(model: Model) -> None:
    """Start, end and modes of every operation, inside its release, deadline and horizon."""
    problem, cp = model.problem, model.cp
    for number, operation in enumerate(problem.operations):
        earliest = max(operation.release, problem.jobs[operation.job].release, 0)
        latest = min(model.horizon, model.horizon if operation.deadline is None else operation.deadline)
        if earliest > latest or not operation.modes:
            cp.add_bool_or([])
            earliest = latest = min(earliest, model.horizon)
        step = Step(
            cp.new_int_var(earliest, latest, f"s{number}"),
            cp.new_int_var(earliest, latest, f"e{number}"),
            cp.new_int_var(0, latest - earliest, f"l{number}"),
        )
        cp.add(step.start + step.span == step.end)
        model.steps.append(step)
        _add_modes(model, number, operation)


def _add_modes(model: Model, number: int, operation: Operation) -> None:
    cp, step = model.cp, model.steps[number]
    for place, mode in enumerate(operation.modes):
        present = cp.new_constant(1) if len(operation.modes) == 1 else cp.new_bool_var(f"p{number}.{place}")
        size: cp_model.IntVar | int = mode.duration
        if model.problem.machines[mode.machine].batch > 1:
            size = cp.new_int_var(mode.duration, max(model.horizon, mode.duration), f"b{number}.{place}")
        step.runs.append(Run(number, place, mode.machine, mode.duration, present, size))
    if len(step.runs) > 1:
        cp.add_exactly_one(run.present for run in step.runs)


def add_links(model: Model) -> None:
    """end + lag + travel <= start, or = where the work cannot wait."""
    for number, operation in enumerate(model.problem.operations):
        step = model.steps[number]
        for link in operation.after:
            ready = model.steps[link.operation].end + link.lag + _way(model, link.operation, number)
            model.ready.setdefault(number, []).append(ready)
            model.cp.add(ready == step.start if link.no_wait else ready <= step.start)


def _way(model: Model, before: int, after: int) -> Expression:
    """Travel from one operation's machine to the other's: a number, or a variable that follows the modes."""
    problem, cp = model.problem, model.cp
    pairs = [
        (first.present, second.present, problem.travel[problem.machines[first.machine].location][problem.machines[second.machine].location])
        for first in model.steps[before].runs
        for second in model.steps[after].runs
    ]
    times = sorted({time for _, _, time in pairs})
    if len(times) < 2:
        return times[0] if times else 0
    way = cp.new_int_var_from_domain(cp_model.Domain.from_values(times), "")
    for first, second, time in pairs:
        cp.add(way == time).only_enforce_if(first, second)
    return way


def add_fixed(model: Model) -> None:
    """Running and frozen work stands where it stands."""
    cp = model.cp
    for placed in model.problem.fixed:
        step = model.steps[placed.operation]
        cp.add(step.start == placed.start)
        cp.add(step.end == placed.end)
        if step.runs:
            cp.add(step.runs[placed.mode].present == 1)
        slots = model.people.get((placed.operation, placed.mode), [])
        if len(slots) != len(placed.people) or any(person not in slot for slot, person in zip(slots, placed.people, strict=False)):
            cp.add_bool_or([])
            continue
        for slot, person in zip(slots, placed.people, strict=True):
            cp.add(slot[person] == 1)
