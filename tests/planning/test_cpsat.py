"""CP-SAT against the judge: on tiny problems of all kinds its optimum is that of trying every schedule, and none exists where it says so."""

import random
from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest

from factolake.domain.job import (
    Job,
    Link,
    Machine,
    Material,
    Mode,
    Operation,
    Person,
    Placed,
    Plan,
    PlanStatus,
    Problem,
    Tool,
    Weights,
    Window,
)
from factolake.planning import validator
from models.planning import cpsat
from models.planning.bounds import lower_bound

HORIZON = 9


def tiny(seed: int) -> Problem:
    """Three operations with about every second kind of limit, ended by 9: small enough to try all schedules."""
    rng = random.Random(seed)

    def windows() -> tuple[Window, ...] | None:
        return rng.choice((None, ((0, 4), (6, 12)), ((1, 3), (4, 9)), ((0, 2), (3, 5), (6, 9))))

    def mode() -> Mode:
        return Mode(
            rng.randrange(2),
            rng.choice((1, 2, 2, 3)),
            skills=rng.choice(((), (), (0,), (0, 1))) if has_people else (),
            tools=rng.choice(((), (0,))) if has_tools else (),
        )

    has_people, has_tools = rng.random() < 0.5, rng.random() < 0.4
    travel = rng.choice((((0, 0), (0, 0)), ((0, 2), (1, 0))))
    operations = []
    for number in range(3):
        after = (Link(rng.randrange(number), rng.choice((0, 0, 1)), no_wait=rng.random() < 0.2),) if number and rng.random() < 0.6 else ()
        operations.append(
            Operation(
                rng.randrange(2),
                tuple(mode() for _ in range(rng.choice((1, 1, 2)))),
                after,
                family=rng.randrange(2),
                release=rng.choice((0, 0, 2)),
                deadline=rng.choice((None, None, 7)),
                is_splittable=rng.random() < 0.4,
                needs=((0, 1),) if rng.random() < 0.3 else (),
            )
        )
    machines = tuple(
        Machine(
            windows=windows(),
            location=number,
            setups=rng.choice((None, 0)),
            family=rng.choice((None, 0)),
            buffer=rng.choice((None, None, 0)),
            batch=rng.choice((1, 1, 2)),
        )
        for number in range(2)
    )
    people = (Person(skills=frozenset({0, 1}), windows=windows()), Person(skills=frozenset({0}), windows=windows()))
    problem = Problem(
        (Job(due=3, weight=2), Job(release=rng.choice((0, 1)), due=5)),
        tuple(operations),
        machines,
        people,
        (Tool(windows=rng.choice((None, ((0, 6),), ((2, 9),)))),),
        (Material(arrivals=((0, 1), (3, 2))),),
        ("milling", "lifting"),
        setups=(((0, 2), (1, 0)),),
        travel=travel,
        horizon=HORIZON,
        weights=Weights(1, rng.choice((0, 2)), rng.choice((0, 1)), rng.choice((0, 3))),
    )
    if rng.random() < 0.5:
        before = tuple(Placed(number, 0, 3 * number, 3 * number + operation.modes[0].duration) for number, operation in enumerate(operations))
        problem = replace(problem, before=before)
    return problem


def places(problem: Problem, number: int) -> list[Placed]:
    """Everywhere that an operation could stand, whatever the others do; longer ones too, for work that pauses and batches."""
    operation = problem.operations[number]
    found = []
    for place, mode in enumerate(operation.modes):
        for start in range(max(operation.release, problem.jobs[operation.job].release), HORIZON + 1):
            for end in range(start + mode.duration, HORIZON + 1):
                if end > start + mode.duration and not operation.is_splittable and problem.machines[mode.machine].batch == 1:
                    break
                for people in product(range(2), repeat=len(mode.skills)):
                    found.append(Placed(number, place, start, end, people))
    longest = 3
    alone = replace(problem, operations=tuple(replace(one, after=(), needs=()) for one in problem.operations))
    kinds = {validator.Rule.PLACED, validator.Rule.DURATION, validator.Rule.SETUP}

    def could_stand(placed: Placed) -> bool:
        machine = problem.machines[operation.modes[placed.mode].machine]
        rules = {fault.rule for fault in validator.faults(alone, (placed,))}
        return rules <= (kinds if machine.batch > 1 and placed.end - placed.start <= longest + 5 else kinds - {validator.Rule.DURATION})

    return [placed for placed in found if could_stand(placed)]


def schedules(problem: Problem) -> Iterator[tuple[Placed, ...]]:
    everywhere = [places(problem, number) for number in range(len(problem.operations))]
    for first, second in product(everywhere[0], everywhere[1]):
        pair = {fault.rule for fault in validator.faults(problem, (first, second))}
        if pair <= {validator.Rule.PLACED, validator.Rule.DURATION, validator.Rule.SETUP, validator.Rule.TOOL_BUSY}:
            for third in everywhere[2]:
                yield first, second, third


def best_of_all(problem: Problem) -> int | None:
    """The least objective of all schedules without faults, None where there is none."""
    costs = ((validator.cost(problem, schedule).objective, schedule) for schedule in schedules(problem))
    best: int | None = None
    for objective, schedule in costs:
        if (best is None or objective < best) and not validator.faults(problem, schedule):
            best = objective
    return best


def solved(problem: Problem, **more: object) -> Plan:
    given: dict[str, object] = {"seconds": 20.0, "iterations": None, "seed": 1, **more}
    return cpsat.search(problem, **given)  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(12))
def test_its_optimum_is_that_of_trying_every_schedule(seed: int) -> None:
    problem = tiny(seed)
    plan, best = solved(problem), best_of_all(problem)
    if best is None:
        assert plan.status is PlanStatus.INFEASIBLE
        return
    assert plan.status is PlanStatus.OPTIMAL
    assert validator.faults(problem, plan.schedule) == ()
    assert validator.cost(problem, plan.schedule).objective == best == plan.bound
    assert lower_bound(problem) <= best


def line(jobs: int, machines: int, seed: int) -> Problem:
    rng = random.Random(seed)
    operations: list[Operation] = []
    for job in range(jobs):
        for step, machine in enumerate(rng.sample(range(machines), machines)):
            operations.append(Operation(job, (Mode(machine, rng.randint(1, 20)),), (Link(len(operations) - 1),) if step else ()))
    return Problem(tuple(Job() for _ in range(jobs)), tuple(operations), tuple(Machine() for _ in range(machines)))


def test_a_seed_and_a_number_of_conflicts_give_one_plan() -> None:
    problem = line(8, 6, 1)
    first, second = (solved(problem, seconds=None, iterations=300, seed=5) for _ in range(2))
    assert first.schedule == second.schedule != ()
    assert (first.objective, first.bound) == (second.objective, second.bound)


def test_better_plans_and_bounds_are_told_as_they_come() -> None:
    problem = line(6, 6, 2)
    told: list[Plan] = []
    plan = solved(problem, tell=told.append)
    plans = [one.objective for one in told if one.schedule]
    assert plans == sorted(plans, reverse=True) and plans[-1] == plan.objective
    assert all(one.bound is None or plan.objective is None or one.bound <= plan.objective for one in told)


def test_it_begins_with_the_plan_it_is_given() -> None:
    problem = line(10, 8, 3)
    best = solved(problem, seconds=5.0).schedule
    told: list[Plan] = []
    solved(problem, seconds=3.0, start=best, tell=told.append)
    assert next(one.objective for one in told if one.schedule) == max(placed.end for placed in best)


def test_moving_costs_what_the_judge_says_it_costs() -> None:
    problem = line(4, 3, 4)
    then = solved(problem).schedule
    late = replace(problem.operations[0], release=30)
    now = replace(problem, operations=(late, *problem.operations[1:]), before=then, weights=Weights(1, moved=1))
    plan = solved(now)
    assert plan.objective == validator.cost(now, plan.schedule).objective
    free = solved(replace(now, weights=Weights(1)))
    assert validator.cost(now, plan.schedule).moved <= validator.cost(now, free.schedule).moved


def test_work_that_pauses_leaves_its_machine_when_it_closes_and_goes_on_when_it_opens() -> None:
    machine = Machine(windows=((0, 5), (8, 20)))
    problem = Problem((Job(),), (Operation(0, (Mode(0, 7),), is_splittable=True), Operation(0, (Mode(0, 3),))), (machine,))
    plan = solved(problem)
    assert (plan.status, plan.objective) == (PlanStatus.OPTIMAL, 13)
    assert validator.faults(problem, plan.schedule) == ()
