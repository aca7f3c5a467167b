"""The programme of record: as good as CP-SAT on small shops, right where HiGHS's presolve is wrong, and never worse than the plan it polishes."""

import random

import pytest
from small_shops import in_turn, shop

from factolake.domain.job import Job, Link, Machine, Mode, Operation, Placed, Problem, Weights
from factolake.planning import validator
from models.planning import cpsat, exact
from models.planning.exact.polishing import polish, polish_window


def small(seed: int) -> Problem:
    """Three jobs of two or three steps on three machines, with modes, setups, travel, windows, dates and now and then fixed work."""
    rng = random.Random(seed)
    operations: list[Operation] = []
    for job in range(3):
        for step in range(rng.choice((2, 3))):
            machines = rng.sample(range(3), rng.choice((1, 1, 2)))
            modes = tuple(Mode(machine, rng.randint(1, 6)) for machine in machines)
            after = (Link(len(operations) - 1, rng.choice((0, 0, 2)), no_wait=rng.random() < 0.15),) if step else ()
            deadline = rng.choice((None, None, None, 25))
            operations.append(Operation(job, modes, after, family=rng.randrange(2), release=rng.choice((0, 0, 3)), deadline=deadline))
    windows = ((0, 8), (10, 19), (22, 60)) if rng.random() < 0.3 else None
    return Problem(
        tuple(Job(due=rng.randint(6, 14), weight=rng.randint(1, 3)) for _ in range(3)),
        tuple(operations),
        (Machine(setups=0, family=0), Machine(location=1, setups=0), Machine(windows=windows)),
        setups=(((0, 2), (1, 0)),),
        travel=((0, rng.choice((0, 2))), (1, 0)),
        fixed=(Placed(0, 0, 3, 3 + operations[0].modes[0].duration),) if rng.random() < 0.2 and windows is None else (),
        weights=Weights(1, rng.choice((0, 3))),
    )


@pytest.mark.parametrize("seed", range(10))
def test_its_optimum_is_that_of_cp_sat(seed: int) -> None:
    problem = small(seed)
    assert exact.fits(problem)
    plan = exact.search(problem, seconds=30.0, iterations=None, seed=seed)
    other = cpsat.search(problem, seconds=30.0, iterations=None, seed=seed)
    assert (plan.status, plan.objective) == (other.status, other.objective)
    if plan.schedule:
        assert validator.faults(problem, plan.schedule) == ()
        assert validator.cost(problem, plan.schedule).objective == plan.objective == plan.bound


def test_a_plan_to_begin_with_is_never_made_worse_and_the_node_limit_ends_the_search() -> None:
    problem = shop(5, 5, 3)
    start = in_turn(problem)
    plan = exact.search(problem, seconds=None, iterations=1, seed=0, start=start)
    assert plan.objective is not None and plan.objective <= max(placed.end for placed in start)
    assert validator.faults(problem, plan.schedule) == ()


def test_polishing_windows_only_makes_a_plan_better() -> None:
    problem = shop(9, 8, 5)
    start = in_turn(problem)
    told: list[int] = []
    plan = polish(problem, start, seconds=None, windows=4, seed=1, tell=lambda better: told.append(better.objective or 0))
    assert told and told == sorted(told, reverse=True)
    assert plan.objective == told[-1] < max(placed.end for placed in start)
    assert validator.faults(problem, plan.schedule) == ()


def test_a_window_that_is_best_already_stays_as_it_is() -> None:
    problem = shop(3, 3, 2)
    best = cpsat.search(problem, seconds=20.0, iterations=None, seed=0).schedule
    assert polish_window(problem, best, range(5), seconds=5.0, seed=0) == best


def test_what_it_does_not_know_it_leaves_to_others() -> None:
    problem = shop(2, 2, 1)
    batches = Problem(problem.jobs, problem.operations, (Machine(batch=2), Machine()))
    shortcut = Problem(problem.jobs, problem.operations, (Machine(setups=0), Machine()), setups=(((0, 9, 1), (1, 0, 1), (1, 1, 0)),))
    moved = Problem(problem.jobs, problem.operations, problem.machines, weights=Weights(1, moved=1))
    assert not any(exact.fits(one) for one in (batches, shortcut, moved))
    assert exact.fits(problem)
