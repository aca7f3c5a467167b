"""Why an order is late, in a chain back to the beginning; what plans come to side by side. Answers computed by hand."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from factolake.domain.job import Placed
from factolake.domain.order import OperationState
from factolake.planning.bounds import BoundKind
from factolake.planning.building import Built, built
from factolake.planning.explaining import late_orders, why_at
from factolake.planning.situation import Order, OrderOperation, PlantTool, Situation, Span, Stock, Worker, WorkUnit
from factolake.planning.validator import faults
from factolake.planning.what_if import kpis, side_by_side

NOW = datetime(2026, 11, 26, 13, 0, tzinfo=UTC)


def at(minutes: float) -> datetime:
    return NOW + timedelta(minutes=minutes)


def span(start: float, end: float) -> Span:
    return (at(start), at(end))


def step(name: str, equipment: str, minutes: float, **more: object) -> OrderOperation:
    order, number = name.split(".")
    return OrderOperation(name, order, int(number), equipment, **({"planned_run_s": minutes * 60} | more))


def plant(*operations: OrderOperation, due: dict[str, float] | None = None, **more: object) -> Situation:
    names = sorted({o.order_id for o in operations})
    orders = tuple(Order(name, "L1", f"of {name}", 1, due_ts=at(due[name]) if due and name in due else None) for name in names)
    machines = (WorkUnit("M1", "L1", (span(-60, 600),)), WorkUnit("M2", "L1", (span(-60, 600),)))
    return Situation(**({"now_ts": NOW, "orders": orders, "operations": operations, "machines": machines} | more))


def placed(made: Built, *where: tuple[str, float, float] | tuple[str, float, float, tuple[int, ...]]) -> tuple[Placed, ...]:
    """Placements in minutes; a schedule that breaks a rule would prove nothing."""
    schedule = tuple(Placed(made.number(one[0]), 0, int(one[1] * 60), int(one[2] * 60), one[3] if len(one) > 3 else ()) for one in where)
    assert faults(made.problem, schedule) == ()
    return schedule


def test_a_late_order_is_followed_back_over_steps_and_machines() -> None:
    made = built(plant(step("A.10", "M1", 30), step("A.20", "M2", 20), step("B.10", "M1", 40), due={"A": 60, "B": 60}))
    schedule = placed(made, ("B.10", 0, 40), ("A.10", 40, 70), ("A.20", 70, 90))
    (late,) = late_orders(made, schedule)
    assert (late.order_id, late.late_s) == ("A", 30 * 60)
    assert late.says == "order A is 30 min late: A.20 ends at 14:30 UTC, and it was due at 14:00 UTC"
    assert [reason.says for reason in late.reasons] == [
        "A.20 waits at M2 for its step before, A.10 at M1, until 14:10 UTC",
        "A.10 waits for M1 behind B.10 until 13:40 UTC",
        "B.10 starts at M1 as soon as it can and takes 40 min",
    ]


def test_orders_that_are_overdue_count_from_their_due_date() -> None:
    made = built(plant(step("A.10", "M1", 30), step("B.10", "M2", 90), due={"A": 10, "B": -60}))
    late = late_orders(made, placed(made, ("A.10", 0, 30), ("B.10", 0, 90)))
    assert [(one.order_id, one.late_s / 60) for one in late] == [("B", 150), ("A", 20)], "the one that costs most first"


def test_a_setup_a_break_and_a_delay_nobody_needs_are_told() -> None:
    machines = (WorkUnit("M1", "L1", (span(0, 60), span(90, 300)), family="of B"), WorkUnit("M2", "L1", (span(0, 300),)))
    setup = built(plant(step("A.10", "M1", 10, planned_setup_s=600.0), machines=machines))
    assert why_at(setup, placed(setup, ("A.10", 10, 20)), "A.10")[0].says == "A.10 waits for M1 to be set up until 13:10 UTC"
    pause = built(plant(step("A.10", "M2", 70), step("A.20", "M1", 10), machines=machines))
    (reason, _) = why_at(pause, placed(pause, ("A.10", 0, 70), ("A.20", 90, 100)), "A.20")
    assert reason.says.endswith("A.10 at M2, until 14:10 UTC, and for M1, outside its shifts until 14:30 UTC")
    idle = why_at(pause, placed(pause, ("A.10", 5, 75), ("A.20", 90, 100)), "A.10")[0]
    assert idle.says == "A.10 starts at M2 as soon as it can and takes 1 h 10 min; it starts at 13:05 UTC, later than it could"


@pytest.mark.parametrize(
    ("more", "situation", "start", "kind", "says"),
    [
        (
            {"needs": {"steel": 2.0}},
            {"stocks": (Stock("steel", 1.0, ((at(25), 1.0),)),)},
            25,
            BoundKind.MATERIAL,
            "waits for steel, which comes at 13:25",
        ),
        (
            {"skills": ("laser",)},
            {"workers": (Worker("ann", frozenset({"laser"}), (span(15, 60),)),)},
            15,
            BoundKind.PERSON,
            "ann, not there until 13:15",
        ),
        (
            {"tool_classes": ("drill",)},
            {"tools": (PlantTool("T1", "drill", spans=(span(35, 60),)),)},
            35,
            BoundKind.TOOL,
            "T1, not there until 13:35",
        ),
        ({"waits_until_ts": at(5), "state": OperationState.SUSPENDED}, {}, 5, BoundKind.RELEASE, "not start before 13:05 UTC: it waits for a repair"),
        (
            {},
            {"machines": (WorkUnit("M1", "L1", (span(0, 90),), down_since_ts=at(-5), repaired_ts=at(45)),)},
            45,
            BoundKind.CALENDAR,
            "M1, down until 13:45",
        ),
    ],
)
def test_what_an_operation_waits_for_has_a_name(more: dict, situation: dict, start: float, kind: BoundKind, says: str) -> None:
    made = built(plant(step("A.10", "M1", 10, **more), **situation))
    people = (0,) if "workers" in situation else ()
    (reason,) = why_at(made, placed(made, ("A.10", start, start + 10, people)), "A.10")
    assert (reason.kind, reason.until) == (kind, start * 60)
    assert says in reason.says


def test_ways_between_machines_and_what_others_took_of_a_material_count() -> None:
    far = built(plant(step("A.10", "M1", 10), step("A.20", "M2", 10), transports={("M1", "M2"): 300.0}))
    assert why_at(far, placed(far, ("A.10", 0, 10), ("A.20", 15, 25)), "A.20")[0].until == 15 * 60
    steel = {"needs": {"steel": 1.0}}
    short = built(plant(step("A.10", "M1", 10, **steel), step("B.10", "M2", 10, **steel), stocks=(Stock("steel", 1.0, ((at(25), 1.0),)),)))
    (reason,) = why_at(short, placed(short, ("A.10", 0, 10), ("B.10", 25, 35)), "B.10")
    assert reason.says == "B.10 waits for steel, which comes at 13:25 UTC"


def test_utilisation_is_of_the_time_that_a_machine_is_open() -> None:
    machines = (WorkUnit("M1", "L1", (span(0, 30), span(60, 300))), WorkUnit("M2", "L1", (span(0, 300),)))
    made = built(plant(step("A.10", "M1", 40), machines=machines))
    assert kpis(made, placed(made, ("A.10", 0, 70))).utilisation == {"M1": 1.0, "M2": 0.0}


def test_a_person_who_is_busy_leads_on_to_what_keeps_them() -> None:
    laser = {"skills": ("laser",)}
    made = built(
        plant(step("A.10", "M1", 10, **laser), step("B.10", "M2", 30, **laser), workers=(Worker("ann", frozenset({"laser"}), (span(-60, 600),)),))
    )
    reasons = why_at(made, placed(made, ("B.10", 0, 30, (0,)), ("A.10", 30, 40, (0,))), "A.10")
    assert [reason.says for reason in reasons] == [
        "A.10 waits for ann, at B.10 until 13:30 UTC",
        "B.10 starts at M2 as soon as it can and takes 30 min",
    ]


def test_the_chain_ends_at_work_that_stands() -> None:
    running = step("A.10", "M1", 30, state=OperationState.RUNNING, actual_start_ts=at(-5))
    made = built(plant(running, step("B.10", "M1", 10)))
    reasons = why_at(made, placed(made, ("A.10", 0, 30), ("B.10", 30, 40)), "B.10")
    assert reasons[-1].says == "A.10 stands from 13:00 UTC to 13:30 UTC: it is running"


def test_times_are_told_in_the_plants_zone_with_the_day_where_it_is_another() -> None:
    made = built(replace(plant(step("A.10", "M1", 10)), zone=ZoneInfo("Europe/Berlin")))
    assert (made.told(0), made.told(13 * 3600)) == ("14:00", "Fri 27 Nov 03:00")


def test_plans_side_by_side() -> None:
    base = plant(step("A.10", "M1", 30), step("A.20", "M2", 20), step("B.10", "M1", 30, planned_setup_s=600.0), due={"A": 40, "B": 50})
    made = built(replace(base, orders=(replace(base.orders[0], priority=2), base.orders[1])))
    first = kpis(made, placed(made, ("A.10", 0, 30), ("A.20", 30, 50), ("B.10", 40, 70)))
    second = kpis(made, placed(made, ("B.10", 0, 30), ("A.10", 30, 60), ("A.20", 60, 80)))
    assert (first.makespan_s, first.late_orders, first.tardiness_min, first.setup_min) == (4200, ("A", "B"), 3 * 10 + 20, 10.0)
    assert (second.makespan_s, second.late_orders, second.tardiness_min, second.setup_min) == (4800, ("A",), 3 * 40, 0.0)
    assert first.utilisation == {"M1": 60 / 70, "M2": 20 / 70}
    lines = {line.name: line for line in side_by_side({"first": first, "second": second})}
    assert lines["makespan"].best == ("first",)
    assert lines["setup"].values == {"first": 10.0, "second": 0.0}
    assert (lines["late orders"].best, lines["moved operations"].best) == (("second",), ())
