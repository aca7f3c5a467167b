"""What a schedule costs, added up from the schedule alone."""

from dataclasses import dataclass

from factolake.domain.job import Placed, Problem
from factolake.planning.judging.resources import setup_times
from factolake.planning.judging.scene import scene_of


@dataclass(frozen=True, slots=True)
class Cost:
    """Latest end, sum of weight x lateness, setup time, number of moved operations, and all of them by the problem's weights."""

    makespan: int
    tardiness: int
    setup: int
    moved: int
    objective: int


def cost(problem: Problem, schedule: tuple[Placed, ...]) -> Cost:
    """What `schedule` costs by the weights of `problem`; a placement that names no operation or mode of it costs nothing."""
    scene = scene_of(problem, schedule)
    ends: dict[int, int] = {}
    for number, placed in scene.placed.items():
        job = problem.operations[number].job
        ends[job] = max(placed.end, ends.get(job, 0))
    makespan = max(ends.values(), default=0)
    tardiness = 0
    for job, end in ends.items():
        due = problem.jobs[job].due
        tardiness += problem.jobs[job].weight * max(end - due, 0) if due is not None else 0
    setup = sum(time for number in range(len(problem.machines)) for _, _, time in setup_times(scene, number))
    moved = len(moved_operations(problem, schedule))
    weights = problem.weights
    objective = weights.makespan * makespan + weights.tardiness * tardiness + weights.setup * setup + weights.moved * moved
    return Cost(makespan, tardiness, setup, moved, objective)


def moved_operations(problem: Problem, schedule: tuple[Placed, ...]) -> tuple[int, ...]:
    """Operations of the plan before that are now on another machine or directly behind another operation; fixed ones are never among them."""
    fixed = {placed.operation for placed in problem.fixed}
    then, now = _stands(problem, problem.before), _stands(problem, schedule)
    return tuple(sorted(number for number, stand in then.items() if number not in fixed and number in now and now[number] != stand))


def _stands(problem: Problem, schedule: tuple[Placed, ...]) -> dict[int, tuple[int, int | None]]:
    """Machine of each operation, and the operation that is directly before it there (by start, end and number)."""
    stands: dict[int, tuple[int, int | None]] = {}
    last: dict[int, int] = {}
    for number, placed in scene_of(problem, schedule).placed.items():
        machine = problem.operations[number].modes[placed.mode].machine
        stands[number] = (machine, last.get(machine))
        last[machine] = number
    return stands
