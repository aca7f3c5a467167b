"""What asks for a new plan, what may become of interrupted work, and why each operation of a new plan moves. Answers computed by hand."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factolake.domain.job import Placed, Plan, PlanStatus, Problem, makespan
from factolake.domain.order import OperationState
from factolake.planning.building import Built, built, current, entries
from factolake.planning.building.seconds import first_open
from factolake.planning.changes import change_report, dependents
from factolake.planning.judging.open_time import OpenTime
from factolake.planning.reacting import ChoiceKind, Event, EventKind, asks, choices, counterfactual, outcomes, wanted
from factolake.planning.shortages import Shortage, shortages
from factolake.planning.situation import Alternative, Order, OrderOperation, Situation, Span, Stock, Worker, WorkUnit
from factolake.planning.validator import Rule, faults

NOW = datetime(2026, 11, 26, 13, 6, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def span(start: float, end: float) -> Span:
    return (at(start), at(end))


def step(name: str, equipment: str, minutes: float, start: float | None = None, **more: object) -> OrderOperation:
    order, number = name.split(".")
    times = {} if start is None else {"planned_start_ts": at(start), "planned_end_ts": at(start + minutes)}
    return OrderOperation(name, order, int(number), equipment, **({"planned_run_s": minutes * 60} | times | more))


def plant(*operations: OrderOperation, due: dict[str, float] | None = None, **more: object) -> Situation:
    names = sorted({o.order_id for o in operations})
    orders = tuple(Order(name, "L1", f"of {name}", 1, due_ts=at(due[name]) if due and name in due else None) for name in names)
    machines = (WorkUnit("M1", "L1", (span(-60, 900),)), WorkUnit("M2", "L1", (span(-60, 900),)))
    return Situation(**({"now_ts": NOW, "orders": orders, "operations": operations, "machines": machines, "frozen_s": 0.0} | more))


def down(situation: Situation, until: float, machine: int = 0) -> Situation:
    units = list(situation.machines)
    units[machine] = replace(units[machine], down_since_ts=at(-1), repaired_ts=at(until))
    return replace(situation, machines=tuple(units))


def earliest_due_first(problem: Problem) -> Plan:
    """A plan without people, tools, setups and materials: orders by due date, each step where it ends first."""
    placed = {one.operation: one for one in problem.fixed}
    free = {
        number: max((one.end for one in placed.values() if _machine(problem, one) == number), default=0) for number in range(len(problem.machines))
    }
    for job in sorted(range(len(problem.jobs)), key=lambda number: (problem.jobs[number].due or 0, number)):
        for number in problem.operations_of(job):
            if number not in placed:
                operation = problem.operations[number]
                ready = max([operation.release, *(placed[link.operation].end + link.lag for link in operation.after)])
                found = []
                for mode, one in enumerate(operation.modes):
                    windows = problem.machines[one.machine].windows or ()
                    start = first_open(windows, max(ready, free[one.machine]))
                    end = None if start is None else OpenTime(windows).end_of(start, one.duration)
                    if start is not None and end is not None:
                        found.append((end, mode, start))
                end, mode, start = min(found)
                placed[number] = Placed(number, mode, start, end)
                free[operation.modes[mode].machine] = end
    schedule = tuple(placed[number] for number in sorted(placed))
    assert faults(problem, schedule) == ()
    return Plan(PlanStatus.FEASIBLE, makespan(schedule), schedule=schedule)


def _machine(problem: Problem, placed: Placed) -> int:
    return problem.operations[placed.operation].modes[placed.mode].machine


def schedule_of(made: Built, *where: tuple[str, float, float], mode: int = 0) -> tuple[Placed, ...]:
    schedule = tuple(Placed(made.number(name), mode, int(start * 60), int(end * 60)) for name, start, end in where)
    assert faults(made.problem, schedule) == ()
    return schedule


@pytest.mark.parametrize(
    ("event", "says"),
    [
        (Event(EventKind.STOP, "L1", "M1", at(-14)), ""),
        (Event(EventKind.STOP, "L1", "M1", at(-15)), "M1 stands still since 12:51 UTC"),
        (Event(EventKind.STOP, "L1", "M1", at(-1), at(30)), "M1 stands still since 13:05 UTC until 13:36 UTC"),
        (Event(EventKind.STOP, "L1", "M1", at(-1), is_breakdown=True), "M1 is broken down since 13:05 UTC"),
        (Event(EventKind.MATERIAL_LATE, "L1", "steel", at(-1), at(90)), "steel is late, not there until 14:36 UTC"),
        (Event(EventKind.MATERIAL_LATE, "L1", "steel", at(-1), at(10)), ""),
        (Event(EventKind.MATERIAL_LATE, "L1", "copper", at(-1)), ""),
        (Event(EventKind.PERSON_ABSENT, "L1", "ann", at(-1), at(120)), "ann is absent until 15:06 UTC"),
        (Event(EventKind.PERSON_ABSENT, "L1", "bo", at(-1)), ""),
        (Event(EventKind.RUSH_ORDER, "L1", "A", at(-1)), "rush order A came in"),
        (Event(EventKind.RUSH_ORDER, "L1", "Z", at(-1)), ""),
        (Event(EventKind.SCRAP, "L1", "A.10", at(-1), planned=2.0, now=2.0), ""),
        (Event(EventKind.SCRAP, "L1", "A.10", at(-1), planned=2.0, now=7.0), "operation A.10 has scrapped 7 where 2 was planned"),
    ],
)
def test_what_asks_for_a_new_plan(event: Event, says: str) -> None:
    workers = (Worker("ann", frozenset({"laser"}), (span(0, 900),)), Worker("bo", frozenset({"paint"}), (span(0, 900),)))
    needed = step("A.10", "M1", 30, start=60, skills=("laser",), needs={"steel": 1.0})
    assert asks(event, plant(needed, workers=workers, stocks=(Stock("steel", 0.0, ()),))) == says


def test_of_each_material_the_first_operation_that_begins_before_it_is_there_is_found() -> None:
    """A.10 still takes 4 of the 10 steel, B.10 all others; C.10 lacks 2 of its 5 until the delivery, and copper never comes."""
    begun = step("A.10", "M1", 9, state=OperationState.SUSPENDED, actual_start_ts=at(-9), needs={"steel": 10.0}, taken={"steel": 6.0})
    wanted = (("B.10", 20, 3.0), ("C.10", 60, 5.0), ("D.10", 80, 10.0))
    planned = [step(name, "M2", 1, start=start, needs={"steel": each}) for name, start, each in wanted]
    copper = step("E.10", "M2", 1, start=100, needs={"copper": 1.0, "water": 9.0})
    stocks = (Stock("steel", 10.0, ((at(90), 99.0), (at(-9), 99.0))), Stock("copper", 0.0), Stock("zinc", 0.0))
    found = shortages(plant(begun, *planned, copper, stocks=stocks))
    assert found == (Shortage("steel", "C.10", 2.0, at(90)), Shortage("copper", "E.10", 1.0, None))
    assert shortages(plant(begun, *planned, stocks=(Stock("steel", 12.0, ((at(80), 10.0),)),))) == ()


def test_a_line_with_an_open_proposal_waits() -> None:
    events = [Event(EventKind.STOP, line, machine, at(-20)) for line, machine in (("L1", "M1"), ("L2", "M7"), ("L2", "M8"), ("L2", "M8"))]
    assert wanted(events, plant(step("A.10", "M1", 1)), {"L1"}) == {
        "L2": ("M7 stands still since 12:46 UTC", "M8 stands still since 12:46 UTC"),
    }


def broken() -> Situation:
    running = step(
        "A.10", "M1", 10, start=-20, quantity=4.0, state=OperationState.RUNNING, actual_start_ts=at(-20), good=1.0, alternatives=(Alternative("M2"),)
    )
    return down(plant(running, step("A.20", "M2", 30, start=20), due={"A": 80}), until=60)


def test_interrupted_work_waits_goes_on_elsewhere_or_is_scrapped() -> None:
    wait, elsewhere, scrap = choices(broken(), "A.10")
    assert wait.says == "A.10 waits at M1 for its repair at 14:06 UTC"
    assert (elsewhere.says, elsewhere.equipment) == ("the rest of A.10 (3) is moved to M2 as A.10-1", "M2")
    assert (scrap.says, scrap.unmade) == ("A.10 ends with the 1 that it made, what is in the machine is scrap, and 3 are not made", 3.0)
    found = {one.choice.kind: one for one in outcomes((wait, elsewhere, scrap), earliest_due_first)}
    assert list(found) == [ChoiceKind.ELSEWHERE, ChoiceKind.WAIT, ChoiceKind.SCRAP], "what leaves something unmade is last, however early it ends"
    ends = {kind: makespan(one.plan.schedule) / 60 for kind, one in found.items()}
    assert ends == {ChoiceKind.WAIT: 60 + 30 + 30, ChoiceKind.ELSEWHERE: 30 + 30, ChoiceKind.SCRAP: 30}
    assert {kind: one.kpis.late_orders for kind, one in found.items() if one.kpis} == {
        ChoiceKind.WAIT: ("A",),
        ChoiceKind.ELSEWHERE: (),
        ChoiceKind.SCRAP: (),
    }
    assert [operation.name for operation in found[ChoiceKind.ELSEWHERE].built.problem.operations] == ["A.10-1", "A.20"]


def test_of_scrapped_work_that_made_nothing_no_step_is_left() -> None:
    running, follower = broken().operations
    _, _, scrap = choices(replace(broken(), operations=(replace(running, good=0.0), follower)), "A.10")
    assert built(scrap.situation).problem.operations == ()


def test_the_rest_goes_to_no_machine_that_is_down_as_well() -> None:
    assert [choice.kind for choice in choices(down(broken(), until=60, machine=1), "A.10")] == [ChoiceKind.WAIT, ChoiceKind.SCRAP]


def test_only_interrupted_work_has_choices() -> None:
    with pytest.raises(ValueError, match=r"A\.20 has not begun on a machine that is down"):
        choices(broken(), "A.20")


def test_each_move_has_a_reason_and_the_plan_one_sentence() -> None:
    situation = plant(
        step("A.10", "M1", 30, start=0),
        step("A.20", "M2", 20, start=30),
        step("B.10", "M1", 20, start=30),
        step("C.10", "M2", 30, start=0),
        step("D.10", "M2", 10),
    )
    made = built(down(situation, until=60))
    after = schedule_of(made, ("A.10", 60, 90), ("A.20", 90, 110), ("B.10", 90, 110), ("C.10", 0, 30), ("D.10", 30, 40))
    report = change_report(made, current(made), after)
    assert report.why == {
        "D.10": "it had no place in the schedule",
        "A.10": "M1 is down until 14:06 UTC",
        "A.20": "its step before, A.10, ends at 14:36 UTC",
        "B.10": "M1 is down until 14:06 UTC",
    }
    assert report.says == "4 of 5 operations moved, because M1 is down until 14:06 UTC (3); it had no place in the schedule (1)"
    assert {row.operation_id: row.why for row in entries(made, after, report.why)} == report.why


def test_what_is_pushed_names_what_pushes_it() -> None:
    situation = plant(step("A.10", "M1", 30, start=0), step("B.10", "M1", 20, start=30), step("C.10", "M1", 10, start=90))
    made = built(down(situation, until=10))
    after = schedule_of(made, ("A.10", 10, 40), ("B.10", 40, 60), ("C.10", 90, 100))
    report = change_report(made, current(made), after)
    assert [(change.operation_id, change.because_of) for change in report.changes] == [("A.10", ""), ("B.10", "A.10")]
    assert report.changes[1].why == "A.10 is at M1 until 13:46 UTC"
    assert report.says == "2 of 3 operations moved, because M1 is down until 13:16 UTC"


def test_a_rush_order_goes_first_and_says_whom_it_would_keep() -> None:
    situation = plant(step("A.10", "M1", 30, start=0), step("B.10", "M1", 20, start=30), due={"A": 200, "B": 40})
    made = built(situation)
    report = change_report(made, current(made), schedule_of(made, ("B.10", 0, 20), ("A.10", 20, 50)))
    assert report.why == {
        "B.10": "order B, due at 13:46 UTC, would be late at its place of before",
        "A.10": "B.10 is at M1 until 13:26 UTC",
    }


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"stocks": (Stock("steel", 0.0, ((at(50), 1.0),)),)}, "steel comes at 13:56 UTC"),
        ({"workers": (Worker("ann", frozenset({"laser"}), (span(50, 99),)),)}, "nobody with skill laser is there from 13:16 UTC to 13:46 UTC"),
        ({"machines": (WorkUnit("M1", "L1", (span(0, 9), span(50, 99))),)}, "M1 is outside its shifts until 13:56 UTC"),
        ({"machines": (WorkUnit("M1", "L1", (span(0, 99),), (span(20, 25),)),)}, "M1 is in a planned stop or maintenance from 13:26 UTC"),
    ],
)
def test_what_keeps_an_operation_from_its_place_has_a_name(more: dict, why: str) -> None:
    needs = {"needs": {"steel": 1.0}} if "stocks" in more else {"skills": ("laser",)} if "workers" in more else {}
    made = built(plant(step("A.10", "M1", 30, start=10, **needs), **more))
    after = (Placed(0, 0, 3000, 4800, (0,) if "workers" in more else ()),)
    assert faults(made.problem, after) == ()
    assert change_report(made, current(made), after).why == {"A.10": why}


def test_what_should_have_begun_and_what_nobody_forces_is_told() -> None:
    situation = plant(
        step("A.10", "M1", 30, start=-5),
        step("B.10", "M1", 30, start=60),
        step("C.10", "M1", 10, start=200, alternatives=(Alternative("M2"),)),
        step("D.10", "M2", 10, start=20),
    )
    made = built(situation)
    after = (Placed(0, 0, 0, 1800), Placed(1, 0, 1800, 3600), Placed(2, 1, 0, 600), Placed(3, 0, 2400, 3000))
    assert faults(made.problem, after) == ()
    assert change_report(made, current(made), after).why == {
        "A.10": "A.10 should have begun at 13:01 UTC and has not",
        "B.10": "M1 is free for it earlier",
        "C.10": "M2 has time for it earlier",
        "D.10": "it lets C.10 go first",
    }


def test_a_release_that_is_later_than_the_place_is_the_reason() -> None:
    waits = step("A.10", "M1", 10, start=-5, state=OperationState.SUSPENDED, waits_until_ts=at(30), actual_start_ts=at(-5))
    made = built(plant(replace(waits, actual_start_ts=None, planned_start_ts=at(5), planned_end_ts=at(15))))
    assert change_report(made, current(made), schedule_of(made, ("A.10", 30, 40))).why == {"A.10": "A.10 may not start before 13:36 UTC"}


def test_a_setup_that_the_schedule_had_no_time_for_is_the_reason() -> None:
    made = built(plant(step("A.10", "M1", 30, start=0), step("B.10", "M1", 10, start=30, planned_setup_s=600.0)))
    report = change_report(made, current(made), schedule_of(made, ("A.10", 0, 30), ("B.10", 40, 50)))
    assert report.why == {"B.10": "M1 is set up for it until 13:46 UTC"}


def test_what_keeps_its_place_in_the_sequence_names_what_is_before_it() -> None:
    situation = plant(step("A.10", "M2", 10, start=0), step("A.20", "M1", 10, start=10), step("B.10", "M1", 10, start=20))
    made = built(down(situation, until=60, machine=1))
    report = change_report(made, current(made), schedule_of(made, ("A.10", 60, 70), ("A.20", 70, 80), ("B.10", 80, 90)))
    assert report.why["B.10"] == "it is behind A.20, at M1 until 14:26 UTC"
    assert report.says == "3 of 3 operations moved, because M2 is down until 14:06 UTC"


def test_rejecting_a_change_takes_along_what_depends_on_it() -> None:
    situation = plant(
        step("A.10", "M1", 30, start=0), step("A.20", "M2", 20, start=30), step("B.10", "M1", 20, start=30), step("C.10", "M2", 10, start=90)
    )
    made = built(situation)
    after = schedule_of(made, ("B.10", 0, 20), ("A.10", 20, 50), ("A.20", 50, 70), ("C.10", 70, 80))
    assert dependents(made, current(made), after, {"C.10"}) == {"C.10"}
    everything = {"A.10", "A.20", "B.10", "C.10"}
    assert dependents(made, current(made), after, {"B.10"}) == everything
    assert dependents(made, current(made), after, {"A.20"}) == everything, "A.20 cannot go back while A.10 is later"


def test_had_the_stop_been_known_three_orders_were_saved() -> None:
    """M1 stops at 13:06, which is known at 13:36: M2 makes four orders of 10 minutes, from 13:06 on or from 13:36 on."""
    other = (Alternative("M2"),)
    orders = [step(f"{name}.10", "M1", 10, start=10 * place, alternatives=other) for place, name in enumerate("ABCD")]
    then = down(plant(*orders, due={"A": 5, "B": 20, "C": 50, "D": 65}), until=240)
    late = replace(then, now_ts=at(30))
    found = counterfactual("the stop", then, late, earliest_due_first)
    assert found is not None
    assert (found.saved, found.lost) == (("B", "C", "D"), ())
    assert found.says == "had the stop been known at 13:06 UTC, three orders saved: B, C, D"
    assert (found.earlier.late_orders, found.later.late_orders) == (("A",), ("A", "B", "C", "D"))
    assert counterfactual("the stop", then, late, lambda problem: Plan(PlanStatus.UNKNOWN)) is None


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["M1", "M2"]), st.integers(1, 40), st.integers(0, 200)), min_size=2, max_size=8),
    st.integers(5, 120),
    st.data(),
)
def test_a_report_names_just_the_rows_and_what_is_left_of_a_plan_breaks_no_rule(
    rows: list[tuple[str, int, int]], until: int, data: st.DataObject
) -> None:
    operations = []
    free = {"M1": 0, "M2": 0}
    for place, (machine, minutes, gap) in enumerate(rows):
        start = max(free[machine], *(free[other] if place % 2 else 0 for other in free)) + gap
        free[machine] = start + minutes
        operations.append(step(f"{'ABCD'[place // 2]}.{10 * (1 + place % 2)}", machine, minutes, start=start))
    made = built(down(plant(*operations, due={"A": 60}), until=until))
    after = earliest_due_first(made.problem).schedule
    report = change_report(made, current(made), after)
    assert [change.operation_id for change in report.changes] == [row.operation_id for row in entries(made, after)]
    assert all(change.why for change in report.changes)
    if not report.changes:
        return
    rejected = data.draw(st.sampled_from([change.operation_id for change in report.changes]))
    gone = {made.number(name) for name in dependents(made, current(made), after, {rejected})}
    then = {placed.operation: placed for placed in current(made)}
    mixed = tuple(then[placed.operation] if placed.operation in gone else placed for placed in after)
    kept = {change.after.operation for change in report.changes} - gone
    assert not [fault for fault in faults(made.problem, mixed) if fault.rule is not Rule.PLACED and kept & set(fault.operations)]


def test_an_accepted_plan_is_the_schedule_and_asks_for_no_change() -> None:
    """The rows of a plan, taken into the record, are what the next problem finds: nothing is left to move."""
    situation = broken()
    plan = earliest_due_first(built(situation).problem)
    rows = {row.operation_id: row for row in entries(built(situation), plan.schedule)}
    assert rows.keys() == {"A.20"}
    taken = tuple(
        replace(o, planned_start_ts=rows[o.operation_id].planned_start_ts, planned_end_ts=rows[o.operation_id].planned_end_ts)
        if o.operation_id in rows
        else o
        for o in situation.operations
    )
    again = built(replace(situation, operations=taken))
    assert entries(again, earliest_due_first(again.problem).schedule) == ()
