"""Work shifted to where energy is cheap: as cheap as trying all starts, sequences kept, nothing later, and all of it as the judge wants it."""

import random
from itertools import islice, product

import pytest

from factolake.domain.job import Job, Link, Machine, Material, Mode, Operation, Person, Placed, Problem, Tool
from factolake.planning.validator import faults
from models.planning.exact.energy import InvalidTariff, Tariff, cheaper, energy_cost

HOUR = 4


def small(seed: int) -> tuple[Problem, tuple[Placed, ...], tuple[float, ...], Tariff]:
    """Four operations of two jobs on two machines with a closed time, setups, a person, a tool, and dates; a plan by trying starts in turn."""
    rng = random.Random(seed)
    windows = rng.choice((None, ((0, 7), (9, 30))))
    machines = (Machine(windows=windows, setups=0, family=rng.choice((None, 0))), Machine(location=1, windows=rng.choice((None, ((1, 30),)))))
    operations = []
    for job in range(2):
        for step in range(2):
            machine = rng.randrange(2)
            mode = Mode(machine, rng.randint(1, 4), rng.choice(((), (0,))), rng.choice(((), (0,))))
            after = (Link(len(operations) - 1, rng.choice((0, 0, -1)), no_wait=rng.random() < 0.2),) if step else ()
            operations.append(Operation(job, (mode,), after, family=rng.randrange(2), is_splittable=rng.random() < 0.6))
    problem = Problem(
        (Job(due=rng.choice((None, 14))), Job(due=rng.choice((None, 17)))),
        tuple(operations),
        machines,
        people=(Person(skills=frozenset((0,)), windows=rng.choice((None, ((0, 12), (13, 30))))),),
        tools=(Tool(windows=rng.choice((None, ((0, 25),)))),),
        skills=("a",),
        setups=(((0, 1), (2, 0)),),
        travel=((0, 1), (1, 0)),
    )
    prices = [rng.choice((0.1, 0.2, 0.4, -0.1)) for _ in range(6)]
    return problem, first(problem), (rng.choice((0.0, 3.0)), 5.0), Tariff.by_hours(prices, -rng.randrange(HOUR), HOUR)


def ends(problem: Problem, number: int) -> list[Placed]:
    """All starts and ends of an operation that are right by themselves."""
    mode = problem.operations[number].modes[0]
    people = (0,) * len(mode.skills)
    alone = [Placed(number, 0, start, start + mode.duration + pause, people) for start in range(18) for pause in (0, 1, 2)]
    return [one for one in alone if one.end <= 20 and {fault.rule.value for fault in faults(problem, (one,))} <= {"placed", "setup"}]


def first(problem: Problem) -> tuple[Placed, ...]:
    """A plan that ends late and does all but its last operation early, so that there is time to shift work in; none among the first ones: empty."""
    *early, late = (ends(problem, number) for number in range(len(problem.operations)))
    plans = product(late[::-1], *early)
    return next(((*plan[1:], plan[0]) for plan in islice(plans, 5000) if not faults(problem, (*plan[1:], plan[0]))), ())


def order(problem: Problem, plan: tuple[Placed, ...]) -> list[list[int]]:
    """Who comes after whom on each machine, with the person and the tool."""
    in_turn = sorted(plan, key=lambda one: (one.start, one.end, one.operation))
    modes = {one.operation: problem.operations[one.operation].modes[0] for one in plan}
    return [
        *([one.operation for one in in_turn if modes[one.operation].machine == machine] for machine in range(2)),
        [one.operation for one in in_turn if one.people],
        [one.operation for one in in_turn if modes[one.operation].tools],
    ]


def cheapest(problem: Problem, schedule: tuple[Placed, ...], power: tuple[float, ...], tariff: Tariff) -> float:
    """The least cost of all plans in the same order that make nothing later."""
    latest = max(one.end for one in schedule)
    jobs = {job: max(one.end for one in schedule if problem.operations[one.operation].job == job) for job in range(2)}
    allowed = []
    for number, operation in enumerate(problem.operations):
        due = problem.jobs[operation.job].due
        last = latest if due is None else min(latest, max(due, jobs[operation.job]))
        allowed.append([(energy_cost(problem, (one,), power, tariff, hour=HOUR), one) for one in ends(problem, number) if one.end <= last])
    plans = sorted(product(*allowed), key=lambda each: sum(cost for cost, _ in each))
    wanted = order(problem, schedule)
    for each in plans:
        plan = tuple(one for _, one in each)
        if order(problem, plan) == wanted and not faults(problem, plan):
            return sum(cost for cost, _ in each)
    raise AssertionError("the plan itself is one of them")


@pytest.mark.parametrize("seed", [3, 4, 5, 9, 11, 16, 22, 28])
def test_it_is_as_cheap_as_trying_all_starts(seed: int) -> None:
    problem, schedule, power, tariff = small(seed)
    assert schedule
    found = cheaper(problem, schedule, power, tariff, hour=HOUR)
    assert faults(problem, found.schedule) == () and order(problem, found.schedule) == order(problem, schedule)
    assert found.cost == pytest.approx(energy_cost(problem, found.schedule, power, tariff, hour=HOUR))
    assert found.cost == pytest.approx(cheapest(problem, schedule, power, tariff), abs=1e-9) and found.cost < found.before


def test_batches_stay_together_and_what_is_fixed_waits_or_takes_material_comes_no_earlier() -> None:
    machines = (Machine(batch=2), Machine(buffer=1), Machine())
    modes = [(Mode(0, 2),), (Mode(0, 3),), (Mode(1, 2),), (Mode(2, 2),), (Mode(2, 1),), (Mode(2, 1),)]
    operations = [Operation(job, mode, needs=((0, 1),) if job == 4 else ()) for job, mode in enumerate(modes)]
    operations[2] = Operation(2, (Mode(1, 2),), after=(Link(5),))
    schedule = (Placed(0, 0, 1, 4), Placed(1, 0, 1, 4), Placed(2, 0, 4, 6), Placed(3, 0, 3, 5), Placed(4, 0, 6, 7), Placed(5, 0, 1, 2))
    material = (Material(arrivals=((0, 5),)),)
    problem = Problem(tuple(Job() for _ in modes), tuple(operations), machines, materials=material, fixed=(schedule[3],))
    cheap_late = cheaper(problem, schedule, (1.0, 1.0, 1.0), Tariff(((0, 3.0), (3, 1.0))), hour=1)
    assert faults(problem, cheap_late.schedule) == ()
    assert cheap_late.shifted == (0, 1) and cheap_late.before - cheap_late.cost == pytest.approx(
        4.0
    )  # two of three units are 2 cheaper, once for both
    assert cheap_late.schedule[0].start == cheap_late.schedule[1].start
    assert cheap_late.says.endswith("2 operations start at another time and no order is later")
    kept = cheaper(problem, schedule, (0.0, 0.0, 1.0), Tariff(((0, 1.0), (3, 3.0))), hour=1)
    assert kept.shifted == () and "no other start is cheaper" in kept.says


def test_a_plan_that_ends_late_shifts_no_order_past_its_due_date_or_its_end() -> None:
    operations = tuple(Operation(job, (Mode(job, 2),)) for job in range(3))
    jobs = (Job(due=1), Job(due=6), Job())
    problem = Problem(jobs, operations, (Machine(), Machine(), Machine()))
    schedule = (Placed(0, 0, 1, 3), Placed(1, 0, 0, 2), Placed(2, 0, 8, 10))
    found = cheaper(problem, schedule, (1.0, 1.0, 1.0), Tariff(((-5, 2.0), (4, 1.0), (9, 5.0))), hour=1)
    assert [one.start for one in found.schedule[:2]] == [1, 4] and 4 <= found.schedule[2].start <= 7


def test_a_tariff_or_power_that_cannot_be_is_refused_with_the_value() -> None:
    for steps in ((), ((3, 1.0),), ((0, 1.0), (0, 2.0))):
        with pytest.raises(InvalidTariff, match="steps of the tariff begin at"):
            Tariff(steps)
    problem = Problem((Job(),), (Operation(0, (Mode(0, 1),)),), (Machine(),))
    with pytest.raises(InvalidTariff, match="there are 1 machines"):
        cheaper(problem, (Placed(0, 0, 0, 1),), (1.0, 2.0), Tariff(((0, 1.0),)))
    assert Tariff.by_hours((1.0, 1.0, 2.0), began=-1, hour=2).changes == (3,)
    assert Tariff.by_hours((1.0, 2.0), hour=2).between(1, 5) == 1.0 + 2.0 + 2.0 + 2.0
