from dataclasses import replace
from itertools import permutations, product
from random import Random

import numpy as np
import pytest

from factolake.domain.job import Job, Link, Machine, Mode, Operation, Placed, Plan, PlanStatus, Problem, Tool, Weights
from factolake.planning.validator import faults
from models.planning import shop
from models.planning.shop.arrays import shop_of
from models.planning.shop.build import Builder
from models.planning.shop.relink import between, distance
from models.planning.shop.tabu import begin, run


def job_shop(seed: int, jobs: int, machines: int, shortest: int = 1) -> Problem:
    """Every job once on every machine, in an order of its own."""
    rng = Random(seed)
    chains = [[(machine, rng.randint(shortest, 20)) for machine in rng.sample(range(machines), machines)] for _ in range(jobs)]
    return of_chains(chains, machines)


def reentrant_shop(seed: int, jobs: int, machines: int) -> Problem:
    """Jobs of any length that come back to machines, also at once, with operations that take no time."""
    rng = Random(seed)
    chains = [[(rng.randrange(machines), rng.randint(0, 9)) for _ in range(rng.randint(1, 2 * machines))] for _ in range(jobs)]
    return of_chains(chains, machines)


def of_chains(chains: list[list[tuple[int, int]]], machines: int) -> Problem:
    operations: list[Operation] = []
    for job, chain in enumerate(chains):
        for place, (machine, duration) in enumerate(chain):
            operations.append(Operation(job, (Mode(machine, duration),), (Link(len(operations) - 1),) if place else ()))
    return Problem(tuple(Job() for _ in chains), tuple(operations), tuple(Machine() for _ in range(machines)))


def solve(problem: Problem, iterations: int = 3000, seed: int = 1, **more: object) -> Plan:
    return shop.search(problem, seconds=None, iterations=iterations, seed=seed, **more)  # type: ignore[arg-type]


def least_makespan(problem: Problem) -> int:
    """By trying every sequence on every machine."""
    on = [[one for one, operation in enumerate(problem.operations) if operation.modes[0].machine == machine] for machine in range(3)]
    return min(makespan_of(problem, sequences) for sequences in product(*(permutations(ones) for ones in on)))


def makespan_of(problem: Problem, sequences: tuple[tuple[int, ...], ...]) -> int:
    """Latest end under given sequences; far too late where they run in a circle."""
    ends: dict[int, int] = {}
    heads = [list(sequence) for sequence in sequences]
    free = [0] * len(heads)
    while any(heads):
        ready = [head for head in heads if head and all(link.operation in ends for link in problem.operations[head[0]].after)]
        if not ready:
            return 1 << 40
        one = ready[0].pop(0)
        mode = problem.operations[one].modes[0]
        free[mode.machine] = max([free[mode.machine], *(ends[link.operation] for link in problem.operations[one].after)]) + mode.duration
        ends[one] = free[mode.machine]
    return max(ends.values())


@pytest.mark.parametrize("seed", range(4))
def test_small_shops_are_solved_to_the_optimum(seed: int) -> None:
    problem = job_shop(seed, 4, 3)
    plan = solve(problem)
    assert plan.objective == least_makespan(problem)
    assert shop.lower_bound(problem) == plan.bound <= plan.objective


@pytest.mark.parametrize("problem", [job_shop(3, 12, 6), job_shop(4, 5, 5, 0), reentrant_shop(5, 15, 4), reentrant_shop(6, 3, 1)])
def test_plans_keep_every_rule(problem: Problem) -> None:
    plan = solve(problem)
    assert faults(problem, plan.schedule) == ()
    assert max(placed.end for placed in plan.schedule) == plan.objective
    assert [placed.operation for placed in plan.schedule] == list(range(len(problem.operations)))


def test_same_seed_and_iterations_give_the_same_plan_and_another_seed_another() -> None:
    problem = job_shop(7, 15, 10)
    plan = solve(problem, 20_000)
    assert solve(problem, 20_000).schedule == plan.schedule
    assert solve(problem, 20_000, seed=2).schedule != plan.schedule


def test_a_plan_at_the_bound_is_optimal_and_ends_the_search() -> None:
    problem = of_chains([[(0, 5), (1, 1)], [(0, 5), (1, 1)]], 2)
    plan = shop.search(problem, seconds=None, iterations=10**12, seed=1)
    assert (plan.status, plan.objective, plan.bound) == (PlanStatus.OPTIMAL, 11, 11)


def test_the_bound_counts_what_must_come_before_and_behind_a_machine() -> None:
    assert shop.lower_bound(of_chains([[(0, 1), (1, 5), (2, 4)], [(0, 2), (1, 5), (2, 3)]], 3)) == 14


def test_each_plan_told_is_better_and_the_last_one_is_the_result() -> None:
    problem = job_shop(8, 15, 10)
    told: list[Plan] = []
    plan = solve(problem, 20_000, tell=told.append)
    objectives = [one.objective for one in told]
    assert objectives == sorted(set(objectives), reverse=True)  # type: ignore[type-var]
    assert [found.objective for found in plan.log][-1] == plan.objective
    assert all(faults(problem, one.schedule) == () for one in told)


def test_a_given_schedule_is_never_made_worse() -> None:
    problem = job_shop(9, 10, 8)
    good = solve(problem, 50_000)
    assert solve(problem, 1, start=good.schedule).objective <= good.objective


@pytest.mark.parametrize("start", [(), (Placed(0, 0, 0, 1),), tuple(Placed(one, 0, 100 - one, 101 - one) for one in range(12))])
def test_a_start_that_is_no_schedule_is_passed_over(start: tuple[Placed, ...]) -> None:
    problem = job_shop(10, 4, 3)
    assert faults(problem, solve(problem, 100, start=start).schedule) == ()


def test_objective_and_bound_bear_the_weight_of_the_makespan() -> None:
    problem = job_shop(11, 4, 3)
    plan, heavy = solve(problem), solve(replace(problem, weights=Weights(makespan=3)))
    assert (heavy.objective, heavy.bound) == (3 * plan.objective, 3 * plan.bound)


def test_nothing_to_do_is_done_at_once() -> None:
    assert solve(Problem((), (), ())).status == PlanStatus.OPTIMAL


def changed(problem: Problem, number: int, **fields: object) -> Problem:
    operations = list(problem.operations)
    operations[number] = replace(operations[number], **fields)
    return replace(problem, operations=tuple(operations))


PLAIN = job_shop(12, 3, 3)
NOT_PLAIN = {
    "two modes": changed(PLAIN, 0, modes=(Mode(0, 1), Mode(1, 1))),
    "tool": changed(replace(PLAIN, tools=(Tool(),)), 0, modes=(Mode(0, 1, tools=(0,)),)),
    "two before one": changed(PLAIN, 2, after=(Link(1), Link(0))),
    "two behind one": changed(PLAIN, 3, after=(Link(1),)),
    "circle": changed(PLAIN, 0, after=(Link(2),)),
    "lag": changed(PLAIN, 1, after=(Link(0, lag=1),)),
    "no wait": changed(PLAIN, 1, after=(Link(0, no_wait=True),)),
    "release": changed(PLAIN, 0, release=1),
    "deadline": changed(PLAIN, 0, deadline=99),
    "calendar": replace(PLAIN, machines=(Machine(windows=((0, 99),)), *PLAIN.machines[1:])),
    "setups": replace(PLAIN, machines=(Machine(setups=0), *PLAIN.machines[1:]), setups=(((0,),),)),
    "buffer": replace(PLAIN, machines=(Machine(buffer=1), *PLAIN.machines[1:])),
    "batch": replace(PLAIN, machines=(Machine(batch=2), *PLAIN.machines[1:])),
    "travel": replace(PLAIN, travel=((0, 1), (1, 0))),
    "frozen work": replace(PLAIN, fixed=(Placed(0, 0, 0, 1),)),
    "horizon": replace(PLAIN, horizon=99),
    "lateness": replace(PLAIN, jobs=(Job(due=1), *PLAIN.jobs[1:]), weights=Weights(tardiness=1)),
    "moves": replace(PLAIN, before=(Placed(0, 0, 0, 1),), weights=Weights(moved=1)),
    "job release": replace(PLAIN, jobs=(Job(release=1), *PLAIN.jobs[1:])),
}


@pytest.mark.parametrize("what", NOT_PLAIN)
def test_anything_beyond_a_plain_shop_does_not_fit(what: str) -> None:
    assert shop.fits(PLAIN)
    assert not shop.fits(NOT_PLAIN[what])
    with pytest.raises(ValueError, match="not a plain job shop"):
        solve(NOT_PLAIN[what])


def test_a_search_without_limits_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one limit"):
        shop.search(PLAIN, seconds=None, iterations=None, seed=1)


@pytest.mark.parametrize("problem", [job_shop(13, 10, 10), reentrant_shop(14, 20, 5)])
def test_times_renewed_move_by_move_equal_those_computed_anew(problem: Problem) -> None:
    moved, fresh = shop_of(problem, 1), shop_of(problem, 1)
    begin(moved, Builder(moved).build(1, 0)[1])
    for stop in range(0, 2000, 50):
        run(moved, stop, 10**9, 0)
        assert begin(fresh, moved.order.copy()) == moved.search["now"][0]
        for name in ("left", "right", "end", "rest"):
            assert np.array_equal(fresh.nodes[name][:-1], moved.nodes[name][:-1])
        assert begin(fresh, moved.best.copy()) == moved.search["best"][0]


def test_a_child_lies_on_a_shortest_path_between_its_parents() -> None:
    problem = job_shop(15, 10, 6)
    arrays = shop_of(problem, 1)
    builder = Builder(arrays)
    one, other = (builder.build(1, 30)[1] for _ in range(2))
    child, rooms = np.zeros_like(one), [np.zeros_like(one) for _ in range(2)]
    between(one, other, 500, 5, arrays.search, child, rooms[0])

    def apart(first: np.ndarray, second: np.ndarray) -> int:
        return int(distance(arrays.nodes, first, second, rooms[0], arrays.last, rooms[1]))

    assert sorted(child) == list(range(60))
    assert 0 < apart(one, child) < apart(one, other)
    assert apart(one, child) + apart(child, other) == apart(one, other) == apart(other, one)
