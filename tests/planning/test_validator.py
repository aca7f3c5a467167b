"""The judge of plans: for each rule a plan that keeps it, and the same plan with one value changed that breaks exactly that rule."""

from dataclasses import dataclass, replace
from random import Random

import pytest
from generators import breakdown, tardiness_shop
from hypothesis import given
from hypothesis import strategies as st
from placing import random_plan

from factolake.domain.job import Job, Link, Machine, Material, Mode, Operation, Person, Placed, Problem, Tool, Weights, Window
from factolake.planning.judging.open_time import OpenTime
from factolake.planning.validator import Rule, cost, faults, moved_operations


@dataclass(frozen=True)
class Case:
    """A plan that keeps every rule of `problem`, the rule that is broken when `changes` are made to one placement, and what the fault says."""

    problem: Problem
    schedule: tuple[Placed, ...]
    rule: Rule
    number: int
    changes: dict[str, object]
    says: str

    def broken(self) -> tuple[Placed, ...]:
        return tuple(replace(placed, **self.changes) if place == self.number else placed for place, placed in enumerate(self.schedule))


def one(*modes: Mode, **more: object) -> Operation:
    return Operation(0, modes, **more)


def problem(*operations: Operation, machines: tuple[Machine, ...] = (Machine(),), **more: object) -> Problem:
    return Problem((Job("J0"), Job("J1")), operations, machines, **more)


def at(operation: int, start: int, end: int, *people: int, mode: int = 0) -> Placed:
    return Placed(operation, mode, start, end, people)


ALONE = one(Mode(0, 5))
SHIFTS = (Machine("saw", windows=((10, 20), (30, 40))),)
TWO = (Machine(), Machine(location=1))
WAY = ((0, 3), (3, 0))
SETUPS = (((0, 4), (6, 0)),)
TURNER = one(Mode(0, 5, skills=(0,)))
WITH_TOOL = one(Mode(0, 5, tools=(0,)))
PAUSING = one(Mode(0, 12), is_splittable=True)

CASES = {
    "an operation takes its duration": Case(problem(ALONE), (at(0, 3, 8),), Rule.DURATION, 0, {"end": 9}, "takes 5 and ends at 8"),
    "an operation takes no less": Case(problem(ALONE), (at(0, 3, 8),), Rule.DURATION, 0, {"end": 7}, "goes from 3 to 7"),
    "an operation takes what its mode takes": Case(
        problem(one(Mode(0, 5), Mode(0, 6))), (at(0, 0, 5),), Rule.DURATION, 0, {"mode": 1}, "takes 6 and ends at 6"
    ),
    "there is such a mode": Case(problem(ALONE), (at(0, 3, 8),), Rule.MODE, 0, {"mode": 1}, "is in mode 1 and has 1, from 0"),
    "a pausing operation counts open time": Case(
        problem(PAUSING, machines=SHIFTS), (at(0, 15, 37),), Rule.DURATION, 0, {"end": 27}, "takes 12 and ends at 37"
    ),
    "a pausing operation starts in open time": Case(
        problem(PAUSING, machines=SHIFTS), (at(0, 10, 32),), Rule.CALENDAR, 0, {"start": 9}, "starts at 9 while machine 0 (saw) is closed"
    ),
    "there is open time left": Case(
        problem(PAUSING, machines=SHIFTS), (at(0, 18, 40),), Rule.CALENDAR, 0, {"start": 19}, "less than the 12 of open time left"
    ),
    "work that cannot pause stays in one window": Case(
        problem(ALONE, machines=SHIFTS), (at(0, 15, 20),), Rule.CALENDAR, 0, {"start": 16, "end": 21}, "closes at 20"
    ),
    "nothing happens before 0": Case(problem(ALONE), (at(0, 0, 5),), Rule.RELEASE, 0, {"start": -1, "end": 4}, "starts at -1"),
    "an operation waits for its release": Case(
        problem(one(Mode(0, 5), release=7)), (at(0, 7, 12),), Rule.RELEASE, 0, {"start": 6, "end": 11}, "release at 7"
    ),
    "an operation waits for its job's release": Case(
        replace(problem(ALONE), jobs=(Job(release=7),)), (at(0, 7, 12),), Rule.RELEASE, 0, {"start": 6, "end": 11}, "release at 7"
    ),
    "an operation keeps its deadline": Case(
        problem(one(Mode(0, 5), deadline=9)), (at(0, 4, 9),), Rule.DEADLINE, 0, {"start": 5, "end": 10}, "deadline at 9"
    ),
    "nothing ends after the horizon": Case(problem(ALONE, horizon=9), (at(0, 4, 9),), Rule.HORIZON, 0, {"start": 5, "end": 10}, "horizon at 9"),
    "a link with lag and way": Case(
        problem(ALONE, one(Mode(1, 5), after=(Link(0, lag=2),)), machines=TWO, travel=WAY),
        (at(0, 0, 5), at(1, 10, 15)),
        Rule.LINK,
        1,
        {"start": 9, "end": 14},
        "from 10",
    ),
    "work that cannot wait": Case(
        problem(ALONE, one(Mode(1, 5), after=(Link(0, no_wait=True),)), machines=TWO, travel=WAY),
        (at(0, 0, 5), at(1, 8, 13)),
        Rule.LINK,
        1,
        {"start": 9, "end": 14},
        "exactly at 8",
    ),
    "one at a time on a machine": Case(
        problem(ALONE, ALONE), (at(0, 0, 5), at(1, 5, 10)), Rule.MACHINE, 1, {"start": 4, "end": 9}, "before operation 0 of job 0 (J0) ends"
    ),
    "nothing inside another, even without duration": Case(
        problem(ALONE, one(Mode(0, 0))), (at(0, 0, 5), at(1, 5, 5)), Rule.MACHINE, 1, {"start": 3, "end": 3}, "before operation 0"
    ),
    "a batch starts and ends together": Case(
        problem(ALONE, ALONE, machines=(Machine(batch=2),)),
        (at(0, 0, 5), at(1, 0, 5)),
        Rule.BATCH,
        1,
        {"start": 1, "end": 6},
        "starts on machine 0 at 1",
    ),
    "a batch is no larger than the machine takes": Case(
        problem(ALONE, ALONE, ALONE, machines=(Machine(batch=2),)),
        (at(0, 0, 5), at(1, 0, 5), at(2, 5, 10)),
        Rule.BATCH,
        2,
        {"start": 0, "end": 5},
        "3 operations start together",
    ),
    "a batch is of one family": Case(
        problem(ALONE, one(Mode(0, 5), family=1), machines=(Machine(batch=2),)),
        (at(0, 0, 5), at(1, 5, 10)),
        Rule.BATCH,
        1,
        {"start": 0, "end": 5},
        "families 0, 1",
    ),
    "a setup before the first": Case(
        problem(ALONE, machines=(Machine(setups=0, family=1),), setups=SETUPS), (at(0, 6, 11),), Rule.SETUP, 0, {"start": 5, "end": 10}, "takes 6"
    ),
    "a setup between two": Case(
        problem(ALONE, one(Mode(0, 5), family=1), machines=(Machine(setups=0),), setups=SETUPS),
        (at(0, 0, 5), at(1, 9, 14)),
        Rule.SETUP,
        1,
        {"start": 8, "end": 13},
        "3 of open time after 5; the setup takes 4",
    ),
    "a setup takes open time": Case(
        problem(ALONE, one(Mode(0, 5), family=1), machines=(replace(SHIFTS[0], setups=0),), setups=SETUPS),
        (at(0, 12, 17), at(1, 31, 36)),
        Rule.SETUP,
        1,
        {"start": 30, "end": 35},
        "3 of open time after 17",
    ),
    "somebody has to do it": Case(
        problem(TURNER, people=(Person(skills=frozenset({0})),), skills=("turning",)), (at(0, 0, 5, 0),), Rule.PEOPLE, 0, {"people": ()}, "needs 1"
    ),
    "there is such a person": Case(
        problem(TURNER, people=(Person(skills=frozenset({0})),), skills=("turning",)), (at(0, 0, 5, 0),), Rule.PEOPLE, 0, {"people": (1,)}, "person 1"
    ),
    "two skills are two people": Case(
        problem(one(Mode(0, 5, skills=(0, 0))), people=(Person(skills=frozenset({0})),) * 2, skills=("turning",)),
        (at(0, 0, 5, 0, 1),),
        Rule.PEOPLE,
        0,
        {"people": (1, 1)},
        "by 1 people",
    ),
    "who does it can do it": Case(
        problem(TURNER, people=(Person(skills=frozenset({0})), Person("Bo")), skills=("turning",)),
        (at(0, 0, 5, 0),),
        Rule.SKILL,
        0,
        {"people": (1,)},
        "person 1 (Bo) does operation 0 of job 0 (J0) without skill 0 (turning)",
    ),
    "who does it is there": Case(
        problem(TURNER, people=(Person(skills=frozenset({0}), windows=((2, 8),)),), skills=("turning",)),
        (at(0, 3, 8, 0),),
        Rule.PERSON_AWAY,
        0,
        {"start": 4, "end": 9},
        "from 4 to 9",
    ),
    "a person does one thing at a time": Case(
        problem(TURNER, one(Mode(1, 5, skills=(0,))), machines=(Machine(), Machine()), people=(Person(skills=frozenset({0})),), skills=("turning",)),
        (at(0, 0, 5, 0), at(1, 5, 10, 0)),
        Rule.PERSON_BUSY,
        1,
        {"start": 4, "end": 9},
        "before operation 0",
    ),
    "a tool is there in one window": Case(
        problem(WITH_TOOL, tools=(Tool("gauge", windows=((0, 6), (7, 20))),)),
        (at(0, 1, 6),),
        Rule.TOOL_AWAY,
        0,
        {"start": 2, "end": 7},
        "tool 0 (gauge) from 2 to 7",
    ),
    "a tool comes from where it is": Case(
        problem(WITH_TOOL, tools=(Tool(location=1),), travel=WAY), (at(0, 3, 8),), Rule.TOOL_BUSY, 0, {"start": 2, "end": 7}, "arrives at 3"
    ),
    "a tool goes from machine to machine": Case(
        problem(WITH_TOOL, one(Mode(1, 5, tools=(0,))), machines=TWO, tools=(Tool(),), travel=WAY),
        (at(0, 0, 5), at(1, 8, 13)),
        Rule.TOOL_BUSY,
        1,
        {"start": 7, "end": 12},
        "it comes at 8",
    ),
    "material has arrived": Case(
        problem(one(Mode(0, 5), needs=((0, 3),)), materials=(Material("steel", ((0, 2), (7, 1))),)),
        (at(0, 7, 12),),
        Rule.MATERIAL,
        0,
        {"start": 6, "end": 11},
        "3 of material 0 (steel) at 6, 1 more",
    ),
    "a buffer holds no more": Case(
        problem(
            one(Mode(0, 5)),
            Operation(1, (Mode(0, 5),)),
            one(Mode(1, 20), after=(Link(0),)),
            Operation(1, (Mode(1, 5),), after=(Link(1),)),
            machines=(Machine(), Machine(buffer=0)),
        ),
        (at(0, 0, 5), at(1, 20, 25), at(2, 5, 25), at(3, 25, 30)),
        Rule.BUFFER,
        1,
        {"start": 19, "end": 24},
        "1 jobs wait in front of machine 1 at 24",
    ),
    "fixed work stands": Case(
        problem(ALONE, fixed=(at(0, 2, 7),)), (at(0, 2, 7),), Rule.FIXED, 0, {"start": 3, "end": 8}, "fixed as mode 0 from 2 to 7"
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_plan_keeps_a_rule_and_one_value_breaks_exactly_that(case: Case) -> None:
    assert faults(case.problem, case.schedule) == ()
    found = faults(case.problem, case.broken())
    assert {fault.rule for fault in found} == {case.rule}
    assert any(case.says in fault.says for fault in found), found


def test_every_rule_is_broken_somewhere_here() -> None:
    assert set(Rule) - {case.rule for case in CASES.values()} == {Rule.PLACED}, "which has a test of its own"


def test_an_operation_is_placed_once_and_in_a_mode_it_has() -> None:
    shop = problem(ALONE, ALONE)
    rules = [(fault.rule, fault.operations) for fault in faults(shop, (at(0, 0, 5), at(0, 5, 10), at(7, 0, 5)))]
    assert rules == [(Rule.PLACED, (0,)), (Rule.PLACED, (1,)), (Rule.PLACED, (7,))]
    assert [fault.rule for fault in faults(problem(ALONE), (at(0, 0, 5, mode=-1),))] == [Rule.MODE]
    assert [fault.rule for fault in faults(problem(ALONE), ())] == [Rule.PLACED]


def test_the_way_to_a_machine_of_its_own_place_costs_nothing_and_buffers_count_jobs() -> None:
    """Two operations of one job in front of a machine are one job that waits."""
    shop = problem(
        one(Mode(0, 5)),
        one(Mode(1, 5), after=(Link(0),)),
        one(Mode(1, 5), after=(Link(0),)),
        one(Mode(1, 9)),
        machines=(Machine(), Machine(buffer=1)),
    )
    assert faults(shop, (at(0, 0, 5), at(1, 9, 14), at(2, 14, 19), at(3, 0, 9))) == ()


def test_whoever_starts_within_a_long_operation_is_named() -> None:
    shop = problem(one(Mode(0, 50)), ALONE, ALONE)
    found = faults(shop, (at(0, 0, 50), at(1, 10, 15), at(2, 30, 35)))
    assert [(fault.rule, fault.operations) for fault in found] == [(Rule.MACHINE, (0, 1)), (Rule.MACHINE, (0, 2))]


def test_a_person_is_not_needed_while_the_machine_is_closed() -> None:
    shifts = ((10, 20), (30, 40))
    mode = Mode(0, 12, skills=(0,))
    shop = problem(one(mode, is_splittable=True), machines=SHIFTS, people=(Person(skills=frozenset({0}), windows=shifts),), skills=("turning",))
    assert faults(shop, (at(0, 15, 37, 0),)) == ()


def test_a_batch_takes_as_long_as_its_longest_and_pauses_only_where_all_may() -> None:
    def shop(*, is_splittable: bool) -> Problem:
        steps = (one(Mode(0, 8), is_splittable=True), one(Mode(0, 3), is_splittable=is_splittable))
        return problem(*steps, machines=(replace(SHIFTS[0], batch=2),))

    together = (at(0, 15, 33), at(1, 15, 33))
    assert faults(shop(is_splittable=True), together) == ()
    assert {fault.rule for fault in faults(shop(is_splittable=False), together)} == {Rule.DURATION}
    assert faults(shop(is_splittable=False), (at(0, 10, 18), at(1, 10, 18))) == ()


def test_cost_adds_up_from_the_schedule() -> None:
    shop = Problem(
        (Job(due=6, weight=3), Job(due=30, weight=9), Job()),
        (one(Mode(0, 5)), one(Mode(0, 5), family=1), Operation(1, (Mode(0, 5),)), one(Mode(1, 16)), Operation(2, (Mode(1, 2),))),
        (Machine(setups=0, family=0), Machine()),
        setups=SETUPS,
        before=(at(0, 0, 5), at(2, 5, 10), at(1, 14, 19), at(3, 0, 16)),
        weights=Weights(makespan=1, tardiness=10, setup=100, moved=1000),
    )
    schedule = (at(0, 0, 5), at(1, 9, 14), at(2, 20, 25), at(3, 0, 16), at(4, 16, 18))
    assert faults(shop, schedule) == ()
    found = cost(shop, schedule)
    # Job 0 ends at 16, 10 late at weight 3, and job 1 is early; setups 0 -> 1 -> 0; operations 1 and 2 are behind another one than before.
    assert (found.makespan, found.tardiness, found.setup, found.moved) == (25, 30, 10, 2)
    assert found.objective == 25 + 300 + 1000 + 2000
    assert moved_operations(replace(shop, fixed=(schedule[1],)), schedule) == (2,)
    assert cost(shop, ()) == replace(found, makespan=0, tardiness=0, setup=0, moved=0, objective=0)


windows = st.lists(st.integers(0, 40), unique=True, max_size=8).map(lambda times: tuple(pairs(sorted(times))))


def pairs(times: list[int]) -> list[Window]:
    return list(zip(times[::2], times[1::2], strict=False))


@given(st.none() | windows, st.integers(0, 45), st.integers(0, 45), st.integers(0, 20))
def test_open_time_is_what_counting_gives(calendar: tuple[Window, ...] | None, start: int, end: int, duration: int) -> None:
    open_time = OpenTime(calendar)
    start, end = min(start, end), max(start, end)
    is_open = [calendar is None or any(opens <= time < closes for opens, closes in calendar) for time in range(100)]
    assert open_time.between(start, end) == sum(is_open[start:end])
    assert (open_time.window_at(start) is not None) == is_open[start]
    assert [time for opens, closes in open_time.pieces(start, end) for time in range(opens, closes)] == [t for t in range(start, end) if is_open[t]]
    ends = [time for time in range(start, 100) if sum(is_open[start:time]) == duration]
    assert open_time.end_of(start, duration) == (ends[0] if ends else None)


def test_accepted_plans_of_the_generators_are_clean_and_their_repairs_begin_with_what_stands() -> None:
    case = breakdown(3, jobs=12, machines=4, steps=5)
    assert faults(case.original, case.accepted) == ()
    stopped = case.problem.machines[case.machine].windows or ()
    assert min(opens for opens, _ in stopped) >= case.lasts
    alone = replace(case.problem, operations=case.problem.operations, before=())
    assert {fault.rule for fault in faults(alone, case.problem.fixed)} == {Rule.PLACED}
    shop = tardiness_shop(1, jobs=10, machines=3)
    plan = random_plan(shop, Random(1))
    assert faults(shop, plan) == ()
    assert cost(shop, plan).tardiness > 0
    assert 0 < len(shop.before) < len(shop.operations)
