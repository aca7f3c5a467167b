"""A machine breaks down while an accepted plan runs: the problem that is left, by the plant's rules for repairs.

Finished work is gone from the problem: what came after it may not start before it had ended. Work that runs on healthy machines is fixed with what
remains of it, from 0, the moment of the breakdown. The interrupted operation has its remaining part still to do: on its own machine once that is
repaired, or on its other one. Everything else may move and is in `before` where the accepted plan had it.
"""

from dataclasses import dataclass, replace
from random import Random

from placing import ruled_plan

from factolake.domain.job import Job, Link, Machine, Mode, Operation, Placed, Problem, Weights, Window

DAY, OPEN = 1440, 1320
REPAIR_WEIGHTS = Weights(makespan=20, tardiness=0, setup=0, moved=1)


@dataclass(frozen=True, slots=True)
class Breakdown:
    """The repair problem, and what it was made of.

    `machine` stands still for `lasts` from 0 on; `interrupted` is the operation that it was at. `numbers`: the operation of the `original` problem
    that each operation is; the `accepted` plan of that one broke at `at`.
    """

    problem: Problem
    machine: int
    lasts: int
    interrupted: int
    numbers: tuple[int, ...]
    original: Problem
    accepted: tuple[Placed, ...]
    at: int


def breakdown(seed: int, jobs: int = 100, machines: int = 20, steps: int = 10, weights: Weights = REPAIR_WEIGHTS) -> Breakdown:
    """A case of `jobs` x `steps` operations (1,000) on `machines` machines, in minutes; one that works then breaks down in the plan's first sixth.

    The plan is made by the rule that who has most work left goes first; it is 2 to 8 % longer than the busiest machines need.
    """
    rng = Random(f"breakdown {seed} {jobs} {machines} {steps}")
    original = _shop(rng, jobs, machines, steps)
    accepted = ruled_plan(original, rng, _work_left(original).__getitem__)
    end = max(placed.end for placed in accepted)
    # It breaks down while it works, not at night: work that pauses then could not be said to start at 0.
    broken = rng.choice([placed for placed in accepted if end // 20 < placed.end and placed.start < end // 6])
    machine = original.operations[broken.operation].modes[broken.mode].machine
    at = rng.choice([time for time in range(broken.start, broken.end) if time % DAY < OPEN])
    return _left(original, accepted, machine, at, rng.randint(60, 600), weights)


def _work_left(problem: Problem) -> list[int]:
    """Minus the work that a job has left from each operation on: who has most of it goes first."""
    left = [0] * len(problem.operations)
    for number in range(len(left) - 1, -1, -1):
        operation = problem.operations[number]
        later = left[number + 1] if number + 1 < len(left) and problem.operations[number + 1].job == operation.job else 0
        left[number] = later - min(mode.duration for mode in operation.modes)
    return left


def _shop(rng: Random, jobs: int, machines: int, steps: int) -> Problem:
    """Jobs over machines of which each has a sister that does some of the same a little slower; the first two have the most work."""
    operations: list[Operation] = []
    shares = [1.15 if machine < 2 else 1.0 for machine in range(machines)]
    for job in range(jobs):
        for step in range(steps):
            machine, duration = rng.choices(range(machines), shares)[0], rng.randint(20, 120)
            modes = [Mode(machine, duration)]
            if machines > 1 and rng.random() < 0.4:
                modes.append(Mode(machine ^ 1 if machine ^ 1 < machines else machine - 1, round(duration * rng.uniform(1.0, 1.3))))
            operations.append(Operation(job, tuple(modes), (Link(len(operations) - 1),) if step else (), is_splittable=rng.random() < 0.5))
    days = 5 + jobs * steps * 100 // machines // 1000
    windows = tuple((day * DAY, day * DAY + OPEN) for day in range(days))
    return Problem(
        tuple(Job(f"J{job}") for job in range(jobs)), tuple(operations), tuple(Machine(f"M{number}", windows) for number in range(machines))
    )


def _left(original: Problem, accepted: tuple[Placed, ...], machine: int, at: int, lasts: int, weights: Weights) -> Breakdown:
    kept = [placed for placed in accepted if placed.end > at]
    new = {placed.operation: number for number, placed in enumerate(kept)}
    operations, fixed, before, interrupted = [], [], [], -1
    for number, placed in enumerate(kept):
        operation = original.operations[placed.operation]
        mode = operation.modes[placed.mode]
        ended = [accepted[link.operation].end for link in operation.after if link.operation not in new]
        after = tuple(replace(link, operation=new[link.operation]) for link in operation.after if link.operation in new)
        release = max([operation.release - at, 0, *(end - at for end in ended)])
        modes, place = operation.modes, placed.mode
        if placed.start < at:
            modes = _remaining(original, operation.modes, placed, at)
            if mode.machine == machine:
                interrupted = number
            else:
                modes, place = (modes[placed.mode],), 0
                fixed.append(Placed(number, 0, 0, placed.end - at))
        operations.append(replace(operation, modes=modes, after=after, release=release))
        before.append(Placed(number, place, max(0, placed.start - at), placed.end - at, placed.people))
    machines = tuple(replace(one, windows=_from(one.windows, at, lasts if number == machine else 0)) for number, one in enumerate(original.machines))
    problem = Problem(original.jobs, tuple(operations), machines, fixed=tuple(fixed), before=tuple(before), weights=weights, setups=original.setups)
    return Breakdown(problem, machine, lasts, interrupted, tuple(placed.operation for placed in kept), original, accepted, at)


def _remaining(original: Problem, modes: tuple[Mode, ...], placed: Placed, at: int) -> tuple[Mode, ...]:
    """What remains of an operation at `at`, in each of its modes by the share that is not done."""
    windows = original.machines[modes[placed.mode].machine].windows or ((0, placed.end),)
    left = sum(max(0, min(closes, placed.end) - max(opens, at)) for opens, closes in windows)
    whole = modes[placed.mode].duration
    return tuple(replace(mode, duration=-(-mode.duration * left // whole)) for mode in modes)


def _from(windows: tuple[Window, ...] | None, at: int, lasts: int) -> tuple[Window, ...]:
    """`windows` seen from `at`, without what lies before `lasts`."""
    given = windows if windows is not None else ((0, 1 << 30),)
    return tuple((max(opens - at, lasts), closes - at) for opens, closes in given if closes - at > lasts)
