"""Search for plain flow shops: proven optima of small ones, orders of jobs as good as the best permutation, bounds that hold, one seed one plan."""

import itertools
import random

import numpy as np
import pytest

from factolake.domain.job import Job, Link, Machine, Mode, Operation, Problem
from factolake.planning import validator
from models.planning import flow
from models.planning.flow.arrays import flow_of
from models.planning.flow.greedy import begin, run
from models.planning.flow.insertion import put_best


def flow_shop(jobs: int, machines: int, seed: int, way: tuple[int, ...] = (), least: int = 0) -> Problem:
    """Every job over all machines in one order (`way`, else 0, 1, 2 ...), with durations from `least` to 20 by chance."""
    rng, way = random.Random(seed), way or tuple(range(machines))
    operations = tuple(
        Operation(job, (Mode(way[place], rng.randint(least, 20)),), (Link(job * machines + place - 1),) if place else ())
        for job in range(jobs)
        for place in range(machines)
    )
    return Problem((Job(),) * jobs, operations, (Machine(),) * machines)


def latest(problem: Problem, orders: tuple[tuple[int, ...], ...]) -> int:
    """Latest end where each machine works in its order of jobs, machines as the jobs meet them; a circle of them counts as never."""
    machines = len(problem.machines)
    ends: dict[tuple[int, int], int] = {}
    while len(ends) < len(problem.operations):
        known = len(ends)
        for machine, order in enumerate(orders):
            free = 0
            for job in order:
                before = ends.get((job, machine - 1)) if machine else 0
                if before is None:
                    break
                free = ends[job, machine] = max(free, before) + problem.operations[job * machines + machine].modes[0].duration
        if len(ends) == known:
            return 1 << 60
    return max(ends.values())


@pytest.mark.parametrize("seed", range(4))
def test_a_small_flow_shop_is_solved_best_and_its_bound_holds(seed: int) -> None:
    problem = flow_shop(3, 4, seed)
    orders = tuple(itertools.permutations(range(3)))
    best = min(latest(problem, machines) for machines in itertools.product(orders, repeat=4))
    plan = flow.search(problem, seconds=None, iterations=300, seed=seed)
    assert plan.objective == best and plan.bound is not None and flow.lower_bound(problem) <= plan.bound <= best
    assert validator.faults(problem, plan.schedule) == ()


@pytest.mark.parametrize("seed", range(3))
def test_no_order_of_jobs_the_same_on_all_machines_is_better(seed: int) -> None:
    problem = flow_shop(6, 5, seed, least=1)
    best = min(latest(problem, (order,) * 5) for order in itertools.permutations(range(6)))
    shop = flow_of(problem, seed)
    begin(shop, False)
    run(shop, 200, 0)
    assert shop.state["best"][0] == best == latest(problem, (tuple(shop.best.tolist()),) * 5)
    plan = flow.search(problem, seconds=None, iterations=200, seed=seed)
    assert plan.objective is not None and plan.objective <= best


def test_a_job_is_put_where_the_order_ends_first() -> None:
    problem = flow_shop(7, 4, 1)
    shop = flow_of(problem, 1)
    shop.work[:6] = before = np.array([4, 1, 6, 0, 3, 5])
    put_best(shop, 6, 2)
    ends = [latest(problem, (tuple(np.insert(before, place, 2).tolist()),) * 4) for place in range(7)]
    assert shop.state["makespan"][0] == min(ends) == latest(problem, (tuple(shop.work.tolist()),) * 4)


def test_flow_shops_alone_fit() -> None:
    assert flow.fits(flow_shop(3, 3, 1, way=(2, 0, 1)))
    other_way = flow_shop(2, 3, 1).operations + tuple(
        Operation(2, (Mode(machine, 1),), (Link(5 + place),) if place else ()) for place, machine in enumerate((1, 0, 2))
    )
    assert not flow.fits(Problem((Job(),) * 3, other_way, (Machine(),) * 3))
    assert not flow.fits(flow_shop(1, 3, 1)) and not flow.fits(flow_shop(3, 2, 1, way=(0, 0)))
    assert not flow.fits(Problem((), (), ()))


def test_one_seed_gives_one_plan_and_a_start_is_not_made_worse() -> None:
    problem = flow_shop(12, 6, 5, way=(3, 1, 0, 5, 4, 2))
    first, again = (flow.search(problem, seconds=None, iterations=150, seed=8) for _ in range(2))
    assert first.schedule == again.schedule
    later = flow.search(problem, seconds=None, iterations=1, seed=9, start=first.schedule)
    assert later.objective is not None and first.objective is not None and later.objective <= first.objective
    assert validator.faults(problem, later.schedule) == ()
    with pytest.raises(ValueError, match="give at least one limit"):
        flow.search(problem, seconds=None, iterations=None, seed=0)
