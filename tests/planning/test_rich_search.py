"""The search for all constraints: what it gives keeps every rule, costs what it says, is no better than the bound, and comes again by its seed."""

from dataclasses import replace

import pytest
from breakdowns import breakdown
from planted import planted

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
)
from factolake.planning.validator import cost, faults, moved_operations
from models.planning import rich
from models.planning.bounds import lower_bound

MIXED = Weights(makespan=1, tardiness=2, setup=1, moved=3)


def judged(problem: Problem, plan: Plan) -> Plan:
    assert faults(problem, plan.schedule) == ()
    assert plan.objective == cost(problem, plan.schedule).objective
    assert plan.bound is None or plan.bound <= plan.objective
    return plan


def searched(problem: Problem, iterations: int = 400, seed: int = 1, start: tuple[Placed, ...] = ()) -> Plan:
    return judged(problem, rich.search(problem, iterations=iterations, seed=seed, start=start))


def shop(*operations: Operation, machines: int = 1, **rest: object) -> Problem:
    jobs = 1 + max(operation.job for operation in operations)
    given = {"jobs": tuple(Job() for _ in range(jobs)), "machines": tuple(Machine() for _ in range(machines)), **rest}
    return Problem(operations=operations, **given)  # type: ignore[arg-type]


def on(machine: int, duration: int, **rest: object) -> Operation:
    return Operation(0, (Mode(machine, duration),), **rest)  # type: ignore[arg-type]


def test_small_problems_with_all_constraints_that_have_a_plan_get_one() -> None:
    problems = [planted(seed, 5, 3, 4, MIXED).problem for seed in range(30)]
    plans = [rich.search(problem, iterations=1500, seed=1) for problem in problems]
    found = [judged(problem, plan) for problem, plan in zip(problems, plans, strict=True) if plan.schedule]
    assert len(found) >= 28


@pytest.mark.parametrize("seed", range(4))
def test_a_plan_of_every_rule_that_gives_one_keeps_all_rules(seed: int) -> None:
    problem = planted(seed, 6, 4, 4, MIXED).problem
    for plan in rich.rules(problem).values():
        judged(problem, plan)


def test_the_same_seed_and_iterations_give_the_same_plan() -> None:
    problem = planted(3, 10, 4, 4, MIXED).problem
    first, second = (searched(problem, seed=7) for _ in range(2))
    assert first.schedule == second.schedule


def test_plans_that_are_told_become_better_and_the_last_one_is_given() -> None:
    problem = planted(5, 10, 4, 4, MIXED).problem
    told: list[Plan] = []
    plan = rich.search(problem, iterations=1000, seed=1, tell=told.append)
    objectives = [judged(problem, one).objective for one in told]
    assert objectives == sorted(objectives, reverse=True) and len(set(objectives)) == len(objectives)
    assert objectives[-1] == plan.objective


def test_work_that_pauses_goes_on_when_the_machine_opens_and_other_work_waits_for_a_window() -> None:
    machine = (Machine(windows=((0, 10), (20, 40))),)
    pausing = searched(replace(shop(on(0, 15, is_splittable=True)), machines=machine))
    whole = searched(replace(shop(on(0, 15)), machines=machine))
    assert (pausing.schedule[0].start, pausing.schedule[0].end) == (0, 25)
    assert (whole.schedule[0].start, whole.schedule[0].end) == (20, 35)


def test_work_that_cannot_wait_moves_what_comes_before_it() -> None:
    busy = Placed(2, 0, 0, 12)
    problem = shop(on(0, 4), on(1, 5, after=(Link(0, no_wait=True),)), on(1, 12), machines=2, fixed=(busy,))
    plan = searched(problem)
    assert [(placed.start, placed.end) for placed in plan.schedule[:2]] == [(8, 12), (12, 17)]


def test_a_buffer_without_room_keeps_jobs_on_their_way_from_coming_early() -> None:
    problem = shop(on(0, 2), on(1, 9), on(0, 2), on(1, 9, after=(Link(2),)), machines=2)
    problem = replace(problem, operations=(*problem.operations[:1], replace(problem.operations[1], after=(Link(0),)), *problem.operations[2:]))
    problem = replace(problem, machines=(Machine(), Machine(buffer=0)))
    starts = {placed.operation: placed.start for placed in searched(problem).schedule}
    assert sorted((starts[1] - starts[0], starts[3] - starts[2])) == [2, 2]


def test_operations_of_one_family_share_a_batch() -> None:
    problem = replace(shop(on(0, 9), on(0, 7), on(0, 9)), machines=(Machine(batch=3),))
    assert cost(problem, searched(problem).schedule).makespan == 9


def test_two_skills_need_two_people_even_where_one_has_both() -> None:
    operation = Operation(0, (Mode(0, 5, skills=(0, 1)),))
    people = (Person("both", frozenset({0, 1})), Person("first", frozenset({0}), ((10, 20),)))
    plan = searched(shop(operation, people=people, skills=("a", "b")))
    assert plan.schedule[0] == Placed(0, 0, 10, 15, (1, 0))


def test_a_tool_travels_and_material_has_to_have_come() -> None:
    operation = Operation(0, (Mode(0, 5, tools=(0,)),), needs=((0, 3),))
    problem = shop(operation, tools=(Tool(location=1),), materials=(Material(arrivals=((0, 2), (4, 1))),), travel=((0, 7), (7, 0)))
    assert searched(problem).schedule[0].start == 7
    assert searched(replace(problem, travel=((0, 1), (1, 0)))).schedule[0].start == 4


def test_without_any_plan_the_answer_is_unknown_and_not_an_error() -> None:
    problem = shop(on(0, 5, deadline=4))
    assert rich.search(problem, iterations=50, seed=1).status is PlanStatus.UNKNOWN


def test_neither_seconds_nor_iterations_is_refused() -> None:
    with pytest.raises(ValueError, match="give one of them"):
        rich.search(shop(on(0, 1)))


def test_setups_decide_the_order_where_they_cost() -> None:
    matrix = ((0, 50), (50, 0))
    operations = tuple(Operation(job, (Mode(0, 5),), family=job % 2) for job in range(6))
    problem = shop(*operations, setups=(matrix,), weights=Weights(1, 0, 1, 0))
    problem = replace(problem, machines=(Machine(setups=0),))
    plan = searched(problem)
    assert cost(problem, plan.schedule).setup == 50
    assert plan.status is PlanStatus.OPTIMAL


def right_shift(problem: Problem) -> Plan:
    return judged(problem, rich.search(problem, iterations=0))


def price(plan: Plan) -> int:
    assert plan.objective is not None
    return plan.objective


@pytest.mark.parametrize("seed", range(1, 6))
def test_a_right_shift_keeps_every_machine_and_sequence_and_no_repair_is_dearer(seed: int) -> None:
    problem = breakdown(seed, jobs=12, machines=4, steps=5).problem
    plain = right_shift(problem)
    assert moved_operations(problem, plain.schedule) == ()
    for weights in (problem.weights, Weights(makespan=1, moved=100)):
        weighed = replace(problem, weights=weights)
        assert price(searched(weighed, 300)) <= price(right_shift(weighed))


def test_a_repair_moves_operations_where_that_pays_and_no_more_than_that() -> None:
    problems = [breakdown(seed, jobs=12, machines=4, steps=5, weights=Weights(20, 0, 0, 20)).problem for seed in range(1, 6)]
    plans = [searched(problem, 1500) for problem in problems]
    shifted = [right_shift(problem) for problem in problems]
    assert sum(map(price, plans)) < 0.98 * sum(map(price, shifted))
    moved = sum(len(moved_operations(problem, plan.schedule)) for problem, plan in zip(problems, plans, strict=True))
    assert moved < 0.3 * sum(len(problem.before) for problem in problems)


@pytest.mark.parametrize(("price_of_a_move", "moved", "makespan"), [(2, (), 28), (1, (2, 3), 25)])
def test_a_gap_that_a_breakdown_opens_is_filled_only_where_that_pays(price_of_a_move: int, moved: tuple[int, ...], makespan: int) -> None:
    problem = shop(on(0, 5), on(0, 5), on(1, 5, after=(Link(0), Link(1))), on(1, 3), machines=2, weights=Weights(1, 0, 0, price_of_a_move))
    before = (Placed(0, 0, 0, 5), Placed(1, 0, 5, 10), Placed(2, 0, 10, 15), Placed(3, 0, 15, 18))
    problem = replace(problem, machines=(Machine(windows=((10, 100),)), Machine()), before=before)
    plan = searched(problem, 600)
    assert moved_operations(problem, plan.schedule) == moved
    assert cost(problem, plan.schedule).makespan == makespan


def test_a_right_shift_goes_before_frozen_work_where_it_fits_and_behind_it_where_not() -> None:
    problem = shop(on(0, 5), on(0, 5), on(0, 5), weights=Weights(1, 0, 0, 5))
    before = (Placed(0, 0, 20, 25), Placed(1, 0, 0, 5), Placed(2, 0, 5, 10))
    problem = replace(problem, fixed=(Placed(0, 0, 20, 25),), before=before)
    assert [placed.start for placed in right_shift(problem).schedule] == [20, 0, 5]
    late = replace(problem, machines=(Machine(windows=((12, 100),)),))
    assert [placed.start for placed in right_shift(late).schedule] == [20, 12, 25]


@pytest.mark.parametrize("seed", range(6))
def test_a_repair_under_all_constraints_keeps_all_rules_and_is_no_dearer_than_the_plan_there_was(seed: int) -> None:
    case = planted(seed, 6, 4, 4, MIXED)
    problem = replace(case.problem, before=case.schedule, fixed=())
    assert price(searched(problem, 200)) <= cost(problem, case.schedule).objective


@pytest.mark.parametrize("seed", range(6))
def test_the_bound_is_not_above_the_plan_that_was_planted(seed: int) -> None:
    case = planted(seed, 12, 5, 5, MIXED)
    assert 0 < rich.lower_bound(case.problem) <= cost(case.problem, case.schedule).objective


@pytest.mark.parametrize(("deadline", "earliest"), [(None, 53), (40, 55)])
def test_the_bound_knows_that_somebody_takes_what_comes_last(deadline: int | None, earliest: int) -> None:
    takes = {"needs": ((0, 1),)}
    problem = shop(on(0, 5, **takes), on(1, 3, deadline=deadline, **takes), machines=2, materials=(Material(arrivals=((0, 1), (50, 1))),))
    assert rich.lower_bound(problem) == lower_bound(problem) == searched(problem).objective == earliest
