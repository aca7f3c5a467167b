"""The search for flexible shops: valid plans, best plans of small shops with and without setups, the same plan for the same seed, sound bounds."""

from collections.abc import Iterator
from itertools import permutations, product
from random import Random

import pytest

from factolake.domain.job import Job, Link, Machine, Mode, Operation, Placed, Plan, PlanStatus, Problem, Weights, makespan
from factolake.planning.validator import faults
from models.planning import flexible
from models.planning.flexible import fits, lower_bound, search, warm_up


@pytest.fixture(scope="module", autouse=True)
def _machine_code() -> None:
    warm_up()


def shop(seed: int, jobs: int, steps: int, machines: int, *, families: int = 0, initial: bool = False, releases: bool = False) -> Problem:
    """A drawn shop of one to three modes an operation; with `families`, each machine has its own setups."""
    rng = Random(seed)
    operations = []
    for number in range(jobs * steps):
        chosen = sorted(rng.sample(range(machines), rng.randint(1, min(3, machines))))
        modes = tuple(Mode(machine, rng.randint(1, 20)) for machine in chosen)
        after = (Link(number - 1),) if number % steps else ()
        operations.append(Operation(number // steps, modes, after, rng.randrange(families) if families else 0, rng.randint(0, 20) if releases else 0))
    matrices = tuple(
        tuple(tuple(0 if row == column else rng.randint(1, 12) for column in range(families)) for row in range(families)) for _ in range(machines)
    )
    shop_floor = tuple(Machine(setups=number if families else None, family=0 if initial and families else None) for number in range(machines))
    orders = tuple(Job(release=rng.randint(0, 15) if releases else 0) for _ in range(jobs))
    return Problem(orders, tuple(operations), shop_floor, setups=matrices if families else ())


def orders_of(problem: Problem) -> Iterator[tuple[int, ...]]:
    """Every order of all operations in which chains run forward."""
    jobs = [operation.job for operation in problem.operations]
    for sequence in set(permutations(jobs)):
        rest = {job: iter(problem.operations_of(job)) for job in set(jobs)}
        yield tuple(next(rest[job]) for job in sequence)


def least_end(problem: Problem) -> int:
    """The best latest end, by trying every order of the operations with every choice of modes, each as early as it can be behind those before it."""
    best = 1 << 60
    for chosen in product(*(operation.modes for operation in problem.operations)):
        for order in orders_of(problem):
            best = min(best, latest_end(problem, chosen, order))
    return best


def latest_end(problem: Problem, chosen: tuple[Mode, ...], order: tuple[int, ...]) -> int:
    ends: dict[int, int] = {}
    last: dict[int, int] = {}
    for one in order:
        operation, machine = problem.operations[one], problem.machines[chosen[one].machine]
        before = last.get(chosen[one].machine)
        family = machine.family if before is None else problem.operations[before].family
        setup = 0 if machine.setups is None or family is None else problem.setups[machine.setups][family][operation.family]
        ready = (ends[before] if before is not None else 0) + setup
        start = max([ready, operation.release, problem.jobs[operation.job].release, *(ends[link.operation] for link in operation.after)])
        ends[one], last[chosen[one].machine] = start + chosen[one].duration, one
    return max(ends.values())


@pytest.mark.parametrize("families", [0, 2])
@pytest.mark.parametrize("seed", range(4))
def test_finds_the_best_plan_of_small_shops(seed: int, families: int) -> None:
    problem = shop(seed, 3, 2, 2, families=families, initial=seed % 2 == 0, releases=seed > 1)
    best = least_end(problem)
    plan = search(problem, seconds=None, iterations=2000, seed=1)
    assert not faults(problem, plan.schedule)
    assert plan.objective == makespan(plan.schedule) == best
    assert lower_bound(problem) <= best


@pytest.mark.parametrize("families", [0, 4])
def test_plans_of_larger_shops_keep_every_rule_and_the_bound(families: int) -> None:
    for seed in range(6):
        problem = shop(seed, 12, 6, 6, families=families, initial=True, releases=True)
        plan = search(problem, seconds=None, iterations=1500, seed=seed)
        assert not faults(problem, plan.schedule)
        assert plan.objective == makespan(plan.schedule)
        assert plan.bound is not None
        assert plan.bound <= plan.objective


def test_work_that_takes_no_time_is_placed_without_a_circle() -> None:
    for seed in range(10):
        rng = Random(seed)
        operations = tuple(
            Operation(number // 5, tuple(Mode(machine, rng.choice((0, 0, 3))) for machine in range(2)), (Link(number - 1),) if number % 5 else ())
            for number in range(30)
        )
        problem = Problem((Job(),) * 6, operations, (Machine(),) * 2)
        plan = search(problem, seconds=None, iterations=500, seed=seed)
        assert not faults(problem, plan.schedule)


def test_the_same_seed_and_iterations_give_the_same_plan() -> None:
    problem = shop(5, 10, 5, 5, families=3)
    plans = [search(problem, seconds=None, iterations=30_000, seed=seed) for seed in (7, 7, 8)]
    assert plans[0].schedule == plans[1].schedule
    assert plans[0].schedule != plans[2].schedule


def test_tells_each_better_plan_as_it_comes() -> None:
    told: list[Plan] = []
    plan = search(shop(6, 10, 5, 5, families=3), seconds=None, iterations=3000, seed=1, tell=told.append)
    values = [one.objective for one in told]
    assert len(values) > 1
    assert values == sorted(set(values), reverse=True)  # type: ignore[type-var]
    assert told[-1].schedule == plan.schedule
    assert [found.objective for found in plan.log] == values


def test_goes_on_from_a_given_plan() -> None:
    problem = shop(9, 12, 6, 6, families=3)
    good = search(problem, seconds=None, iterations=20_000, seed=1)
    again = search(problem, seconds=None, iterations=1, seed=2, start=good.schedule)
    assert again.objective is not None
    assert good.objective is not None
    assert again.objective <= good.objective


def test_stops_at_the_bound_and_says_that_the_plan_is_best() -> None:
    operations = tuple(Operation(job, (Mode(0, 4), Mode(1, 4))) for job in range(6))
    plan = search(Problem((Job(),) * 6, operations, (Machine(),) * 2, weights=Weights(makespan=3)), seconds=None, iterations=10**12, seed=1)
    assert (plan.status, plan.objective, plan.bound) == (PlanStatus.OPTIMAL, 36, 36)


def test_the_first_setup_goes_from_what_the_machine_is_set_up_for() -> None:
    operations = (Operation(0, (Mode(0, 5),), family=1),)
    for family, end in ((None, 5), (0, 12), (1, 5)):
        problem = Problem((Job(),), operations, (Machine(setups=0, family=family),), setups=(((0, 7), (7, 0)),))
        assert search(problem, seconds=None, iterations=10, seed=1).schedule == (Placed(0, 0, end - 5, end),)


def test_the_search_stays_a_function_of_the_package_once_its_modules_are_loaded() -> None:
    assert flexible.search is search


def test_an_empty_problem_has_an_empty_plan() -> None:
    assert search(Problem((), (), ()), seconds=1, iterations=None, seed=1) == Plan(PlanStatus.OPTIMAL, 0, 0)


def test_refuses_what_it_does_not_know() -> None:
    plain, job, machine = Operation(0, (Mode(0, 1),)), (Job(),), (Machine(),)
    assert fits(Problem(job, (plain,), machine))
    unknown = (
        Problem(job, (plain,), (Machine(windows=((0, 9),)),)),
        Problem(job, (plain,), (Machine(batch=2),)),
        Problem(job, (plain,), machine, horizon=9),
        Problem(job, (plain,), machine, fixed=(Placed(0, 0, 0, 1),)),
        Problem(job, (Operation(0, (Mode(0, 1, (0,)),)),), machine, skills=("turning",)),
        Problem(job, (Operation(0, (Mode(0, 1),), deadline=3),), machine),
        Problem(job, (Operation(0, ()),), machine),
        Problem(job, (plain, Operation(0, (Mode(0, 1),), (Link(0, lag=1),))), machine),
        Problem(job, (plain, plain, Operation(0, (Mode(0, 1),), (Link(0), Link(1)))), machine),
        Problem(job, (Operation(0, (Mode(0, 1),), (Link(1),)), Operation(0, (Mode(0, 1),), (Link(0),))), machine),
        Problem((Job(due=1),), (plain,), machine, weights=Weights(tardiness=1)),
    )
    assert not any(fits(problem) for problem in unknown)
    with pytest.raises(ValueError, match=r"models\.planning\.rich"):
        search(unknown[0], seconds=1, iterations=None, seed=1)
    with pytest.raises(ValueError, match="give one of them"):
        search(Problem(job, (plain,), machine), seconds=None, iterations=None, seed=1)
