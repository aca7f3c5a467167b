"""Small plain shops for the tests of planning, and a plan of each that there always is."""

import random

from factolake.domain.job import Job, Link, Machine, Mode, Operation, Placed, Problem


def shop(jobs: int, machines: int, seed: int) -> Problem:
    """Each job visits each machine once, in an order and with durations (1 to 20) by chance."""
    rng = random.Random(seed)
    operations: list[Operation] = []
    for job in range(jobs):
        for step, machine in enumerate(rng.sample(range(machines), machines)):
            operations.append(Operation(job, (Mode(machine, rng.randint(1, 20)),), (Link(len(operations) - 1),) if step else ()))
    return Problem(tuple(Job() for _ in range(jobs)), tuple(operations), tuple(Machine() for _ in range(machines)))


def in_turn(problem: Problem) -> tuple[Placed, ...]:
    """A plan that does one operation after another."""
    placed, at = [], 0
    for number, operation in enumerate(problem.operations):
        placed.append(Placed(number, 0, at, at + operation.modes[0].duration))
        at = placed[-1].end
    return tuple(placed)
