"""Rules that an operation keeps by itself: placed once, in a mode there is, for its duration in open time, within its limits, where it is fixed."""

from collections import Counter
from collections.abc import Iterator

from factolake.domain.job import Placed, Problem
from factolake.planning.judging.scene import Fault, Rule, Run, Scene, named, operation_named


def placement_faults(problem: Problem, schedule: tuple[Placed, ...]) -> Iterator[Fault]:
    """Every operation stands in the schedule once, in one of its modes."""
    times = Counter(placed.operation for placed in schedule)
    size = len(problem.operations)
    for number in range(size):
        if times[number] != 1:
            yield Fault(Rule.PLACED, (number,), f"{operation_named(problem, number)} is placed {times[number]} times; it has to be once")
    for number in sorted(number for number in times if not 0 <= number < size):
        yield Fault(Rule.PLACED, (number,), f"operation {number} is placed and the problem has {size} operations, from 0")
    for placed in schedule:
        modes = len(problem.operations[placed.operation].modes) if 0 <= placed.operation < size else 0
        if modes and not 0 <= placed.mode < modes:
            says = f"{operation_named(problem, placed.operation)} is in mode {placed.mode} and has {modes}, from 0"
            yield Fault(Rule.MODE, (placed.operation,), says)
        if not modes and 0 <= placed.operation < size:
            yield Fault(Rule.MODE, (placed.operation,), f"{operation_named(problem, placed.operation)} is placed and has no mode at all")


def duration_faults(scene: Scene) -> Iterator[Fault]:
    """Each run takes as long as the longest of its operations, in open time: one window, or several where all of it may pause."""
    for number, runs in enumerate(scene.runs):
        for run in runs:
            yield from _run_faults(scene, number, run)


def _run_faults(scene: Scene, machine: int, run: Run) -> Iterator[Fault]:
    problem, open_time = scene.problem, scene.open_times[machine]
    duration = max(scene.mode(operation).duration for operation in run.operations)
    pauses = all(problem.operations[operation].is_splittable for operation in run.operations)
    who = operation_named(problem, run.operations[0])
    where = named("machine", machine, problem.machines[machine].name)
    window = open_time.window_at(run.start)
    if window is None:
        yield Fault(Rule.CALENDAR, run.operations, f"{who} starts at {run.start} while {where} is closed")
        return
    end = open_time.end_of(run.start, duration) if pauses else run.start + duration
    if end is None:
        says = f"{who} starts at {run.start} and {where} has less than the {duration} of open time left that it takes"
        yield Fault(Rule.CALENDAR, run.operations, says)
    elif end != run.end:
        yield Fault(Rule.DURATION, run.operations, f"{who} goes from {run.start} to {run.end}; on {where} it takes {duration} and ends at {end}")
    elif not pauses and end > window[1]:
        says = f"{who} goes from {run.start} to {end} and cannot pause, while {where} closes at {window[1]}"
        yield Fault(Rule.CALENDAR, run.operations, says)


def limit_faults(scene: Scene) -> Iterator[Fault]:
    """Not before 0 and the releases of job and operation, ended by the deadline and the horizon."""
    problem = scene.problem
    for number, placed in scene.placed.items():
        operation = problem.operations[number]
        release = max(operation.release, problem.jobs[operation.job].release, 0)
        if placed.start < release:
            says = f"{operation_named(problem, number)} starts at {placed.start}, before its release at {release}"
            yield Fault(Rule.RELEASE, (number,), says)
        if operation.deadline is not None and placed.end > operation.deadline:
            says = f"{operation_named(problem, number)} ends at {placed.end}, after its deadline at {operation.deadline}"
            yield Fault(Rule.DEADLINE, (number,), says)
        if problem.horizon is not None and placed.end > problem.horizon:
            says = f"{operation_named(problem, number)} ends at {placed.end}, after the horizon at {problem.horizon}"
            yield Fault(Rule.HORIZON, (number,), says)


def fixed_faults(scene: Scene) -> Iterator[Fault]:
    """Running and frozen work stands exactly as it is given."""
    for fixed in scene.problem.fixed:
        placed = scene.placed.get(fixed.operation)
        if placed is not None and placed != fixed:
            says = f"{operation_named(scene.problem, fixed.operation)} is fixed as {_standing(fixed)} and stands as {_standing(placed)}"
            yield Fault(Rule.FIXED, (fixed.operation,), says)


def _standing(placed: Placed) -> str:
    by = f" by {', '.join(map(str, placed.people))}" if placed.people else ""
    return f"mode {placed.mode} from {placed.start} to {placed.end}{by}"
