"""A plant as a problem: what is planned, what stands, what is left out, and the rows that come back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factolake.domain.job import Link, Mode, Placed
from factolake.domain.order import OperationState, OrderState
from factolake.planning.building import Rules, built, current, entries
from factolake.planning.situation import Alternative, Order, OrderOperation, Peg, PlantTool, Situation, Span, Stock, Worker, WorkUnit
from factolake.planning.validator import Rule, faults
from factolake.planning.ways import alternatives

NOW = datetime(2026, 11, 26, 13, 0, tzinfo=UTC)
DAY = ((NOW - timedelta(hours=2), NOW + timedelta(hours=22)),)


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def span(start: float, end: float) -> Span:
    return (at(start), at(end))


def step(name: str, equipment: str = "M1", **more: object) -> OrderOperation:
    order, number = name.split(".")
    return OrderOperation(name, order, int(number), equipment, **({"planned_run_s": 60.0} | more))


def plant(*operations: OrderOperation, **more: object) -> Situation:
    orders = tuple(Order(name, "L1", f"material of {name}", 10) for name in sorted({o.order_id for o in operations}))
    machines = (WorkUnit("M1", "L1", DAY), WorkUnit("M2", "L1", DAY))
    return Situation(**({"now_ts": NOW, "orders": orders, "operations": operations, "machines": machines} | more))


def test_an_operation_takes_what_is_left_of_it_by_count() -> None:
    made = built(plant(step("A.10", good=3.0, scrap=1.0)))
    again = built(plant(step("A.10", good=3.0, scrap=1.0)), Rules(is_scrap_made_again=True))
    assert made.problem.operations[0].modes == (Mode(0, 6 * 60),)
    assert again.problem.operations[0].modes == (Mode(0, 7 * 60),)


def test_times_count_from_the_first_whole_second() -> None:
    made = built(plant(step("A.10"), now_ts=NOW - timedelta(microseconds=1)))
    assert (made.moment(0), made.moment(90)) == (NOW, at(1.5))


def test_steps_follow_each_other_and_ended_ones_are_aside() -> None:
    ended = step("A.10", state=OperationState.COMPLETED, actual_end_ts=at(-5))
    cancelled = step("A.20", "M2", state=OperationState.CANCELLED)
    made = built(plant(ended, cancelled, step("A.30"), step("A.40", "M2")))
    assert [operation.name for operation in made.problem.operations] == ["A.30", "A.40"]
    assert [operation.after for operation in made.problem.operations] == [(), (Link(0),)]


def test_what_comes_after_ended_work_waits_for_its_way() -> None:
    ended = step("A.10", "M1", state=OperationState.COMPLETED, actual_end_ts=at(-1))
    made = built(plant(ended, step("A.20", "M2"), transports={("M1", "M2"): 300.0}))
    assert made.problem.operations[0].release == 240
    assert made.problem.travel == ((0, 300, 0), (0, 0, 0), (0, 0, 0))


def test_a_step_that_overlaps_begins_with_the_first_part_and_ends_after_the_last() -> None:
    quick = built(plant(step("A.10"), step("A.20", "M2", overlaps=True, planned_run_s=30.0))).problem
    slow = built(plant(step("A.10"), step("A.20", "M2", overlaps=True, planned_run_s=90.0))).problem
    assert quick.operations[1].after == (Link(0, -270),), "ends one part of 30 s after the 600 s before it"
    assert slow.operations[1].after == (Link(0, -540),), "begins one part of 60 s after the beginning of the one before"


def test_of_parts_that_are_on_their_way_already_the_next_step_begins_at_once() -> None:
    first = step("A.10", state=OperationState.RUNNING, actual_start_ts=at(-5), good=2.0)
    problem = built(plant(first, step("A.20", "M2", overlaps=True, planned_run_s=90.0))).problem
    assert (problem.fixed, problem.operations[1].after) == ((Placed(0, 0, 0, 480),), (Link(0, -480),))


def test_parts_of_work_that_stands_come_while_it_works_and_not_in_its_pauses() -> None:
    """A.10 works for 2 of its 8 minutes, pauses for 20 and works for 6 more; A.20 takes 8 and begins when 7 of those are left."""
    first = step("A.10", state=OperationState.RUNNING, actual_start_ts=at(-5), good=2.0)
    machines = (WorkUnit("M1", "L1", (span(0, 2), span(22, 90))), WorkUnit("M2", "L1", DAY))
    problem = built(plant(first, step("A.20", "M2", overlaps=True, good=2.0), machines=machines)).problem
    assert problem.fixed == (Placed(0, 0, 0, 28 * 60),)
    assert problem.operations[1].after == (Link(0, (1 - 28) * 60),)


def test_running_work_stands_for_the_rest_of_it_and_resumes_when_its_machine_opens() -> None:
    running = step("A.10", state=OperationState.RUNNING, actual_start_ts=at(-5), good=4.0)
    closed = replace(plant(running), machines=(WorkUnit("M1", "L1", (span(-60, 0), span(15, 60))),))
    assert built(plant(running)).problem.fixed == (Placed(0, 0, 0, 360),)
    assert built(closed).problem.fixed == (Placed(0, 0, 900, 900 + 360),)


def test_running_work_keeps_its_machine_until_its_planned_end() -> None:
    running = step("A.10", state=OperationState.RUNNING, actual_start_ts=at(-5), good=9.0, planned_end_ts=at(5))
    assert built(plant(running)).problem.fixed == (Placed(0, 0, 0, 300),)


def test_work_on_a_machine_that_is_down_goes_on_after_the_repair() -> None:
    running = step("A.10", state=OperationState.RUNNING, actual_start_ts=at(-5), good=4.0)
    down = WorkUnit("M1", "L1", DAY, down_since_ts=at(-1), repaired_ts=at(30))
    made = built(replace(plant(running), machines=(down,)))
    assert made.problem.machines[0].windows == ((1800, 22 * 3600),)
    assert made.problem.fixed == (Placed(0, 0, 1800, 1800 + 360),)


@pytest.mark.parametrize("estimate", [None, at(-1)])
def test_a_repair_nobody_estimates_is_assumed_and_told(estimate: datetime | None) -> None:
    down = WorkUnit("M1", "L1", DAY, down_since_ts=at(-90), repaired_ts=estimate)
    made = built(replace(plant(step("A.10")), machines=(down,), repair_s=1200.0))
    assert made.problem.machines[0].windows == ((1200, 22 * 3600),)
    assert made.notes == ("M1 is down and nobody says until when; it is taken to be so for 20 minutes from now",)


def test_a_running_step_that_is_fed_part_by_part_ends_after_what_feeds_it() -> None:
    first = step("A.10", state=OperationState.RUNNING, actual_start_ts=at(-5), good=2.0)
    second = step("A.20", "M2", state=OperationState.RUNNING, actual_start_ts=at(-4), good=1.0, overlaps=True, planned_run_s=30.0)
    assert built(plant(first, second)).problem.fixed == (Placed(0, 0, 0, 480), Placed(1, 0, 0, 510))


def test_a_running_step_ends_after_interrupted_work_that_feeds_it() -> None:
    first = step("A.10", state=OperationState.SUSPENDED, actual_start_ts=at(-5), good=2.0, waits_until_ts=at(30))
    second = step("A.20", "M2", state=OperationState.RUNNING, actual_start_ts=at(-4), good=1.0, overlaps=True, planned_run_s=30.0)
    assert built(plant(first, second)).problem.fixed == (Placed(1, 0, 0, 1800 + 480 + 30),)


def test_what_is_planned_soon_is_frozen_as_it_is_and_the_rest_is_free() -> None:
    soon = step("A.10", planned_start_ts=at(5), planned_end_ts=at(20))
    later = step("B.10", planned_start_ts=at(20), planned_end_ts=at(30))
    made = built(plant(soon, later))
    assert made.problem.fixed == (Placed(0, 0, 300, 1200),)
    assert made.problem.before == (Placed(0, 0, 300, 1200), Placed(1, 0, 1200, 1800))


def test_what_should_have_begun_already_stands_in_its_order_at_the_beginning() -> None:
    late = [step(f"{name}.10", planned_start_ts=at(start), planned_end_ts=at(start + 10)) for name, start in (("A", -20), ("B", -30), ("C", 60))]
    made = built(plant(*late))
    assert made.problem.before == (Placed(0, 0, 1, 2), Placed(1, 0, 0, 1), Placed(2, 0, 3600, 4200))
    assert current(made)[:2] == (Placed(0, 0, -1200, -600), Placed(1, 0, -1800, -1200))


def test_frozen_work_moves_where_it_cannot_stand() -> None:
    soon = step("A.20", "M2", planned_start_ts=at(5), planned_end_ts=at(15))
    after_free = built(plant(step("A.10"), soon))
    on_broken = built(replace(plant(soon), machines=(WorkUnit("M2", "L1", DAY, down_since_ts=at(-1), repaired_ts=at(2)),)))
    twice = built(plant(step("A.10", planned_start_ts=at(5), planned_end_ts=at(15)), step("B.10", planned_start_ts=at(10), planned_end_ts=at(20))))
    assert (after_free.problem.fixed, on_broken.problem.fixed) == ((), ())
    assert twice.problem.fixed == (Placed(0, 0, 300, 900),)


def test_of_two_that_run_on_one_machine_the_other_is_free_and_named() -> None:
    one, two = (step(name, state=OperationState.RUNNING, actual_start_ts=at(-5)) for name in ("A.10", "B.10"))
    made = built(plant(one, two))
    assert made.problem.fixed == (Placed(0, 0, 0, 600),)
    assert made.notes == ("operation B.10 is running at M1, which runs another one; suspend one of them",)


def test_running_work_holds_its_people_and_goes_on_without_them_where_there_are_none() -> None:
    running = step("A.10", state=OperationState.RUNNING, actual_start_ts=at(-5), good=4.0, skills=("laser",))
    ann, bo = Worker("bo", frozenset(), DAY), Worker("ann", frozenset({"laser"}), DAY)
    assert built(plant(running, workers=(ann, bo))).problem.fixed == (Placed(0, 0, 0, 360, (1,)),)
    alone = built(plant(running, workers=(ann,)))
    assert alone.problem.fixed == (Placed(0, 0, 0, 360),)
    assert alone.notes == ("operation A.10 runs at M1 without the people or tools that it asks for",)


def test_an_order_that_may_begin_later_and_work_that_waits_for_a_repair_are_released_then() -> None:
    waits = step("B.10", "M2", state=OperationState.SUSPENDED, actual_start_ts=at(-9), waits_until_ts=at(7))
    situation = plant(step("A.10"), waits)
    made = built(replace(situation, orders=(replace(situation.orders[0], earliest_ts=at(40)), situation.orders[1])))
    assert [operation.release for operation in made.problem.operations] == [2400, 420]


def test_setups_are_those_told_or_the_planned_ones_and_none_for_the_same_family() -> None:
    operations = (step("A.10", planned_setup_s=120.0), step("B.10", planned_setup_s=300.0))
    made = built(replace(plant(*operations, setups={("M1", "material of A", "material of B"): 45.0}))).problem
    assert made.setups == (((0, 45), (120, 0)),)
    assert [machine.setups for machine in made.machines] == [0, None]


def test_a_machine_is_set_up_for_what_runs_on_it_else_for_what_is_said() -> None:
    running = step("A.10", state=OperationState.RUNNING, actual_start_ts=at(-5))
    machines = tuple(WorkUnit(name, "L1", DAY, family="material of B") for name in ("M1", "M2"))
    assert [machine.family for machine in built(plant(running, step("B.10"), machines=machines)).problem.machines] == [0, 1]


def test_tools_of_a_class_are_ways_to_do_the_work() -> None:
    tools = (PlantTool("T1", "drill", "M2"), PlantTool("T2", "drill"), PlantTool("T3", "mould"))
    problem = built(plant(step("A.10", tool_classes=("drill",)), tools=tools, transports={("M2", "M1"): 60.0})).problem
    assert [mode.tools for mode in problem.operations[0].modes] == [(0,), (1,)]
    assert [tool.location for tool in problem.tools] == [1, 2, 2]


def test_an_alternative_may_be_faster_and_begun_work_stays() -> None:
    other = (Alternative("M2", planned_run_s=30.0),)
    free = built(plant(step("A.10", alternatives=other))).problem.operations[0]
    begun = built(plant(step("A.10", alternatives=other, state=OperationState.SUSPENDED, actual_start_ts=at(-9)))).problem.operations[0]
    assert free.modes == (Mode(0, 600), Mode(1, 300))
    assert begun.modes == (Mode(0, 600),)


def test_times_elsewhere_are_the_routings_and_the_operations_own_where_it_says_the_same_of_both_machines() -> None:
    routing = (Alternative("M1", 60.0, 300.0), (Alternative("M2", 90.0), Alternative("M3", None, 0.0)))
    assert alternatives("M1", *routing) == (Alternative("M2", 90.0), Alternative("M3", None, 0.0))
    assert alternatives("M2", *routing) == (Alternative("M1", 60.0), Alternative("M3", 60.0, 0.0))
    assert alternatives("M9", *routing) == ()


def test_needs_are_whole_units_and_begun_work_has_taken_its_own() -> None:
    begun = step("A.10", state=OperationState.SUSPENDED, actual_start_ts=at(-9), good=5.0, needs={"steel": 1.0}, taken={"steel": 5.0})
    fresh = step("B.10", needs={"steel": 0.25, "water": 1.0})
    stock = Stock("steel", 6.0, ((at(30), 4.0), (at(-30), 7.0)))
    made = built(plant(begun, fresh, stocks=(stock,)))
    assert made.problem.materials[0].arrivals == ((0, 10), (1800, 40)), "in tenths, without the 5 that A.10 still takes"
    assert [operation.needs for operation in made.problem.operations] == [(), ((0, 25),)]
    assert made.notes == ("7 of steel should have come already and are not counted; say when they come, or book them in",)


def test_work_for_which_there_never_is_material_enough_is_left_out_and_the_rest_is_planned() -> None:
    """Of 20 the rush order takes 10, what is planned 5 of what is left; the third lacks 1, and what comes after it waits too."""
    steel = {"needs": {"steel": 1.0}}
    orders = (Order("A", "L1", "m", 6), Order("B", "L1", "m", 5), Order("C", "L1", "m", 10, priority=1), Order("D", "L1", "m", 1))
    work = (step("A.10", **steel), step("A.20"), step("B.10", planned_start_ts=at(90), planned_end_ts=at(95), **steel), step("C.10", **steel))
    stocks = (Stock("steel", 12.0, ((at(30), 8.0),), is_all=True),)
    made = built(replace(plant(*work, step("D.10", needs={"copper": 9.0}), stocks=stocks), orders=orders))
    assert [(one.operation_id, one.says) for one in made.refused] == [
        ("A.10", "operation A.10 needs 6 of steel, and of what is there and is to come 5 is left for it; say when more comes"),
        ("A.20", "operation A.20 comes after A.10, which is not planned; see there"),
    ]
    assert [operation.operation_id for operation in made.operations] == ["B.10", "C.10", "D.10"]
    late = built(plant(step("A.10", **steel), stocks=(Stock("steel", 0.0, ((at(22 * 60 - 5), 99.0),), is_all=True),)))
    assert "A.10 waits for steel until Fri 27 Nov 10:55 UTC, too late for the time looked at" in late.refused[0].says


def test_another_machine_may_take_other_skills_and_is_used_where_somebody_holds_them() -> None:
    workers = (Worker("anna", frozenset({"laser"}), DAY),)
    work = step("A.10", skills=("laser",), alternatives=(Alternative("M2", 30.0, skills=()),))
    both, alone = built(plant(work, workers=workers)).problem, built(plant(work)).problem
    assert both.operations[0].modes == (Mode(0, 600, (0,)), Mode(1, 300))
    assert alone.operations[0].modes == (Mode(1, 300),)


def test_late_orders_are_due_at_once_and_a_higher_priority_weighs_more() -> None:
    orders = (Order("A", "L1", "m", 1, due_ts=at(-10), priority=3), Order("B", "L1", "m", 1, due_ts=at(10), priority=-3))
    made = built(replace(plant(step("A.10"), step("B.10")), orders=orders))
    assert [(job.due, job.weight) for job in made.problem.jobs] == [(0, 4), (600, 1)]
    assert made.due == (-600, 600)


@pytest.mark.parametrize(
    ("operation", "missing"),
    [
        (step("A.10", planned_run_s=None), "has no planned run time"),
        (step("A.10", "M9"), "M9, which is no machine"),
        (step("A.10", "M3"), "M3 without a calendar"),
        (step("A.10", "M4"), "M4, never open from now on"),
        (step("A.10", planned_run_s=36000.0), "needs 100.0 h at M1, open for 22.0 h"),
        (step("A.10", skills=("laser",)), "skill laser, and nobody"),
        (step("A.10", skills=("paint", "paint")), "needs 2 people with skill paint and 1 are planned"),
        (step("A.10", tool_classes=("drill",)), "1 of tool class drill and 0 can be used"),
        (step("A.10", tool_classes=("mould",)), "1 of tool class mould and 0 can be used"),
        (step("A.10", state=OperationState.HELD), "while operation A.10 is held"),
        (
            OrderOperation("A.10", "Z", 10, "M1", planned_run_s=1.0, planned_start_ts=at(30), planned_end_ts=at(40)),
            "order Z, which is not in the situation",
        ),
    ],
)
def test_what_is_missing_is_named_and_takes_what_comes_after_along(operation: OrderOperation, missing: str) -> None:
    machines = (*plant().machines, WorkUnit("M3", "L1", None), WorkUnit("M4", "L1", ()))
    follower = replace(step("A.20"), order_id=operation.order_id)
    situation = replace(plant(operation, follower, step("B.10")), machines=machines, tools=(PlantTool("T1", "drill", spans=()),))
    situation = replace(situation, workers=(Worker("ann", frozenset({"paint"}), DAY),))
    made = built(replace(situation, orders=tuple(order for order in situation.orders if order.order_id != "Z")))
    assert [operation.name for operation in made.problem.operations] == ["B.10"]
    assert [one.operation_id for one in made.refused] == ["A.10", "A.20"]
    assert missing in made.refused[0].says


def test_what_runs_stands_although_work_before_it_is_left_out() -> None:
    running = step("A.20", "M2", state=OperationState.RUNNING, actual_start_ts=at(-5))
    made = built(plant(step("A.10", planned_run_s=None), running, step("A.30")))
    assert made.problem.fixed == (Placed(0, 0, 0, 600),)
    assert [one.operation_id for one in made.refused] == ["A.10", "A.30"]


def test_what_is_left_out_keeps_its_place_in_the_schedule() -> None:
    held = step("A.10", planned_start_ts=at(60), planned_end_ts=at(70))
    situation = plant(held, step("B.10"))
    orders = (replace(situation.orders[0], state=OrderState.HELD), situation.orders[1])
    made = built(replace(situation, orders=orders))
    assert made.problem.fixed == (Placed(0, 0, 3600, 4200),)
    assert entries(made, (*made.problem.fixed, Placed(1, 0, 0, 600)))[0].operation_id == "B.10"


def test_a_second_is_a_move_and_less_is_none() -> None:
    made = built(plant(step("A.10", planned_start_ts=at(30) + timedelta(milliseconds=400), planned_end_ts=at(40))))
    assert entries(made, (Placed(0, 0, 1800, 2400),)) == ()
    assert len(entries(made, (Placed(0, 0, 1800, 2401),))) == 1


def test_rows_name_what_moves_and_what_is_new_and_nothing_else() -> None:
    stays = step("A.10", planned_start_ts=at(30), planned_end_ts=at(40))
    moves = step("B.10", planned_start_ts=at(20), planned_end_ts=at(30))
    made = built(plant(stays, moves, step("C.10", "M2")))
    rows = entries(made, (Placed(0, 0, 1800, 2400), Placed(1, 0, 2400, 3000), Placed(2, 0, 60, 660)), {"B.10": "because"})
    assert [(row.line, row.operation_id, row.machine, row.planned_start_ts, row.planned_end_ts, row.why) for row in rows] == [
        ("L1", "C.10", "M2", at(1), at(11), ""),
        ("L1", "B.10", "M1", at(40), at(50), "because"),
    ]


moments = st.integers(-120, 240)


@st.composite
def situations(draw: st.DrawFn) -> Situation:
    """A plant of two machines in any state, its schedule as wrong as people make it."""
    operations = []
    for order in "ABC":
        for number in (10, 20):
            start = draw(st.none() | moments)
            begun = draw(st.none() | st.integers(-120, -1))
            state = draw(st.sampled_from(OperationState))
            operations.append(
                step(
                    f"{order}.{number}",
                    draw(st.sampled_from(["M1", "M2"])),
                    state=state,
                    planned_run_s=draw(st.none() | st.sampled_from([1.0, 37.5, 200.0])),
                    planned_setup_s=draw(st.sampled_from([0.0, 300.0])),
                    overlaps=draw(st.booleans()),
                    good=float(draw(st.integers(0, 12))),
                    planned_start_ts=None if start is None else at(start),
                    planned_end_ts=None if start is None else at(start + draw(st.integers(1, 90))),
                    actual_start_ts=None if begun is None else at(begun),
                    skills=draw(st.sampled_from([(), ("laser",)])),
                    tool_classes=draw(st.sampled_from([(), ("drill",)])),
                    needs=draw(st.sampled_from([{}, {"steel": 0.3}])),
                    pegs=draw(st.sampled_from([(), *((Peg("steel", 1.0, other),) for other in "ABC" if other > order)])),
                )
            )
    edges = sorted(draw(st.sets(moments, min_size=2, max_size=6)))
    windows = tuple(span(a, b) for a, b in zip(edges[::2], edges[1::2], strict=False))
    down = draw(st.none() | st.just(at(-5)))
    machines = (WorkUnit("M1", "L1", DAY, down_since_ts=down, repaired_ts=draw(st.none() | st.just(at(40)))), WorkUnit("M2", "L1", windows))
    return plant(
        *operations,
        machines=machines,
        workers=(Worker("ann", frozenset({"laser"}), windows),),
        tools=(PlantTool("T1", "drill", "M2"),),
        stocks=(Stock("steel", draw(st.integers(0, 9)), ((at(20), 5.0),)),),
        transports=draw(st.sampled_from([{}, {("M1", "M2"): 90.0}])),
        frozen_s=float(draw(st.sampled_from([0, 900, 7200]))),
    )


@settings(max_examples=80, deadline=None)
@given(situations())
def test_what_stands_breaks_no_rule_and_every_open_operation_is_planned_or_named(situation: Situation) -> None:
    made = built(situation)
    assert [fault for fault in faults(made.problem, made.problem.fixed) if fault.rule is not Rule.PLACED] == []
    fixed = {placed.operation for placed in made.problem.fixed}
    assert all(link.operation in fixed for number in fixed for link in made.problem.operations[number].after), "nothing that stands waits for others"
    ended = {OperationState.COMPLETED, OperationState.CANCELLED}
    stand = {made.operations[placed.operation].operation_id for placed in made.problem.fixed}
    named = {one.operation_id for one in made.refused}
    assert stand >= {operation.operation_id for operation in made.operations} & named
    planned = {operation.operation_id for operation in made.operations} - (named & stand)
    assert planned | named == {operation.operation_id for operation in situation.operations if operation.state not in ended}
    assert not planned & named
    assert all(operation.modes for operation in made.problem.operations)


@settings(max_examples=40, deadline=None)
@given(situations())
def test_a_plan_that_changes_nothing_has_no_rows(situation: Situation) -> None:
    made = built(situation)
    as_it_is = []
    for number, operation in enumerate(made.operations):
        if operation.planned_start_ts is not None and operation.planned_end_ts is not None:
            mode = next(
                (n for n, m in enumerate(made.problem.operations[number].modes) if situation.machines[m.machine].equipment == operation.equipment)
            )
            start, end = ((moment - NOW) // timedelta(seconds=1) for moment in (operation.planned_start_ts, operation.planned_end_ts))
            as_it_is.append(Placed(number, mode, start, end))
    assert entries(made, tuple(as_it_is)) == ()
