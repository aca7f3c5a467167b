"""Maintenance: requests, orders with their five clocks, failure codes, parts and labour, preventive plans, MTTR and MTBF."""

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from record_plant import LINE, M1, NOW, Api, do, order

from factolake.mes.audit.models import AuditEntry
from factolake.mes.maintenance.clocks import Clock, check_clock
from factolake.mes.maintenance.cycles import due_plans
from factolake.mes.maintenance.due import Due, PlanDue, due, next_due
from factolake.mes.maintenance.due_run import turn
from factolake.mes.maintenance.models import FailureCode, MaintenanceKind, MaintenanceOrder, MaintenanceRequest, PreventivePlan
from factolake.mes.maintenance.reliability import Divisor, Failure, reliability
from factolake.mes.maintenance.seed import seed

on_both = pytest.mark.usefixtures("record")
on_sqlite = pytest.mark.usefixtures("sqlite_record")  # what no database can change
DAY = timedelta(days=1)


def hour(hours: float) -> datetime:
    return NOW + timedelta(hours=hours)


def corrective(**more: Any) -> str:
    return str(do("maintenance", "maintenance_order.create", equipment_id=M1, kind="corrective", description="spindle", **more)["id"])


def run_clocks(key: str, *verbs: str) -> None:
    for verb in verbs or ("stop", "call", "arrive", "repair", "prove"):
        do("maintenance", f"maintenance_order.{verb}", key)


@on_both
def test_a_request_becomes_an_order_that_runs_through_its_clocks_to_its_close() -> None:
    seed(NOW)
    asked = do("operator", "maintenance_request.create", equipment_id=M1, description="spindle stands", is_stopped=True)
    made = do("maintenance", "maintenance_request.accept", str(asked["id"]))
    key = str(made["id"])
    assert (made["stopped_ts"], made["called_ts"], made["state"]) == (asked["stopped_ts"], asked["requested_ts"], "open")
    for verb, state in (("arrive", "working"), ("repair", "repaired"), ("prove", "proven")):
        assert do("maintenance", f"maintenance_order.{verb}", key)["state"] == state
    with pytest.raises(Exception, match=r"has no failure mode; diagnose it first, mode\.UNK where nobody knows"):
        do("maintenance", "maintenance_order.close", key)
    codes = {"mode_id": "mode.VIB", "mechanism_id": "mechanism.2.4", "cause_id": "cause.3.4", "detection_id": "detection.8"}
    do("maintenance", "maintenance_order.diagnose", key, **codes, finding="bearing worn")
    do("maintenance", "maintenance_order.close", key)
    done = MaintenanceOrder.objects.get()
    assert (done.mode_id, done.mechanism_id, done.cause_id, done.detection_id) == tuple(codes.values())
    assert (done.state, done.finding, MaintenanceRequest.objects.get().state) == ("closed", "bearing worn", "done")
    with pytest.raises(Exception, match="is closed; what it found stays as it is"):
        do("maintenance", "maintenance_order.diagnose", key, mode_id="mode.NOI")


@on_sqlite
def test_a_code_answers_only_the_question_of_its_kind() -> None:
    assert seed(NOW) == FailureCode.objects.count() > 80
    assert seed(NOW) == 0
    key = corrective()
    with pytest.raises(Exception, match=r"there is no failure_code with code_id 'mechanism\.2\.4'"):
        do("maintenance", "maintenance_order.diagnose", key, mode_id="mechanism.2.4")
    do("maintenance", "maintenance_order.diagnose", key, mode_id="mode.NOI")
    do("maintenance", "maintenance_order.diagnose", key, cause_id="cause.3.3")
    assert (MaintenanceOrder.objects.get().mode_id, MaintenanceOrder.objects.get().cause_id) == ("mode.NOI", "cause.3.3")


@on_sqlite
def test_the_plant_adds_codes_and_offers_some_no_longer() -> None:
    seed(NOW)
    do("engineer", "failure_code.create", kind="mode", code="TBR", name="tool broken")
    do("engineer", "failure_code.edit", "mode.BRD", is_active=False)
    with pytest.raises(Exception, match="one with this key is there already"):
        do("engineer", "failure_code.create", kind="mode", code="TBR", name="again")
    key = corrective()
    with pytest.raises(Exception, match=r"there is no failure_code with code_id 'mode\.BRD'"):
        do("maintenance", "maintenance_order.diagnose", key, mode_id="mode.BRD")
    assert do("maintenance", "maintenance_order.diagnose", key, mode_id="mode.TBR")["mode_id"] == "mode.TBR"


@on_sqlite
def test_clocks_are_set_once_in_order_and_never_in_the_future() -> None:
    key = corrective()
    with pytest.raises(Exception, match="clock stopped comes before called and is not set; set that first"):
        do("maintenance", "maintenance_order.call", key)
    do("operator", "maintenance_order.stop", key, at_ts=hour(1), at=hour(2))
    with pytest.raises(Exception, match=r"clock stopped was set to .* already; each is set once"):
        do("operator", "maintenance_order.stop", key, at=hour(2))
    with pytest.raises(Exception, match=r"called at .* is before .*, when an earlier clock was set"):
        do("operator", "maintenance_order.call", key, at_ts=hour(0.5), at=hour(2))
    with pytest.raises(Exception, match=r"called at .* is still to come"):
        do("operator", "maintenance_order.call", key, at_ts=hour(3), at=hour(2))
    with pytest.raises(Exception, match=r"operator may not maintenance_order\.arrive"):
        do("operator", "maintenance_order.arrive", key)
    do("operator", "maintenance_order.call", key, at_ts=hour(1), at=hour(2))


@on_sqlite
def test_an_order_is_given_up_before_work_begins_and_its_request_is_open_again() -> None:
    asked = do("operator", "maintenance_request.create", equipment_id=M1, description="noise")
    key = str(do("maintenance", "maintenance_request.accept", str(asked["id"]))["id"])
    do("maintenance", "maintenance_order.cancel", key, reason="wrong machine")
    assert MaintenanceRequest.objects.get().state == "open"
    with pytest.raises(Exception, match="is cancelled; its clocks stand still"):
        do("maintenance", "maintenance_order.stop", key)
    other = corrective()
    run_clocks(other, "stop", "call", "arrive")
    with pytest.raises(Exception, match="is working and cannot become cancelled"):
        do("maintenance", "maintenance_order.cancel", other, reason="x")
    with pytest.raises(Exception, match="is of operator; they withdraw it, or maintenance rejects it"):
        do("quality", "maintenance_request.withdraw", str(asked["id"]), reason="x")
    do("operator", "maintenance_request.withdraw", str(asked["id"]), reason="gone")
    with pytest.raises(Exception, match="is withdrawn and cannot become accepted"):
        do("maintenance", "maintenance_request.accept", str(asked["id"]))


@on_both
def test_parts_and_labour_are_booked_on_open_orders_and_reversed_once() -> None:
    key = corrective()
    part = do("maintenance", "maintenance_part.create", order_id=int(key), part_id="6205-2RS", quantity=2)
    work = do("maintenance", "maintenance_labour.create", order_id=int(key), person_id="maintenance", worked_s=5400)
    for noun, row in (("maintenance_part", part), ("maintenance_labour", work)):
        do("maintenance", f"{noun}.reverse", str(row["id"]), reason="wrong order")
        with pytest.raises(Exception, match=f"{noun} {row['id']} is a reversal or was reversed already"):
            do("maintenance", f"{noun}.reverse", str(row["id"]), reason="again")
    found = MaintenanceOrder.objects.get()
    assert (sum(p.quantity for p in found.parts.all()), sum(w.worked_s for w in found.labour.all())) == (0, 0)
    do("maintenance", "maintenance_order.cancel", key, reason="x")
    with pytest.raises(Exception, match="is cancelled; nothing more is booked on it"):
        do("maintenance", "maintenance_part.create", order_id=int(key), part_id="6205-2RS", quantity=1)


def plan(**more: Any) -> str:
    asked = {"plan_id": "PM-1", "equipment_id": M1, "description": "grease"}
    return str(do("engineer", "preventive_plan.create", **{**asked, **more})["plan_id"])


def finish(asked: dict[str, Any], at: datetime, **more: Any) -> None:
    key = str(do("maintenance", "maintenance_request.accept", str(asked["id"]), at=at)["id"])
    for verb in ("arrive", "repair"):
        do("maintenance", f"maintenance_order.{verb}", key, at=at)
    do("maintenance", "maintenance_order.close", key, at=at, **more)


@on_both
def test_a_plan_by_time_asks_once_when_due_and_its_order_sets_when_next() -> None:
    plan(every_days=30, at=NOW)
    with pytest.raises(Exception, match=r"preventive plan PM-1 is due at .* and not yet"):
        do("planner", "preventive_plan.request", "PM-1", at=NOW + 29 * DAY)
    assert (due_plans(NOW + 29 * DAY), due_plans(NOW + 30 * DAY)) == ([], ["PM-1"])
    first, second = (do("planner", "preventive_plan.request", "PM-1", at=NOW + 31 * DAY) for _ in range(2))
    assert (first, MaintenanceRequest.objects.count()) == (second, 1)
    assert due_plans(NOW + 31 * DAY) == []
    finish(first, NOW + 33 * DAY)
    assert PreventivePlan.objects.get().next_due_ts == NOW + 63 * DAY
    assert (due_plans(NOW + 62 * DAY), due_plans(NOW + 63 * DAY)) == ([], ["PM-1"])
    do("engineer", "preventive_plan.end", "PM-1", reason="machine sold")
    assert due_plans(NOW + 99 * DAY) == []


@on_sqlite
def test_what_is_due_asks_by_itself_once() -> None:
    plan(every_days=30, at=NOW)
    plan(plan_id="PM-2", every_days=90, at=NOW)
    assert [turn(NOW + days * DAY) for days in (29, 31, 31, 90)] == [0, 1, 0, 1]
    assert list(MaintenanceRequest.objects.order_by("pk").values_list("plan_id", "requested_by_id")) == [
        ("PM-1", "preventive"),
        ("PM-2", "preventive"),
    ]
    assert AuditEntry.objects.filter(actor="preventive", action="preventive_plan.request").count() == 2


@on_both
def test_a_plan_by_cycles_counts_good_and_scrap_of_its_machine() -> None:
    do("planner", "material.create", material_id="G-100")
    do("engineer", "routing_step.create", material_id="G-100", number=10, equipment_id=M1)
    operation = order()
    do("operator", "operation.start", operation)
    do("operator", "operation.report", operation, good=10)
    plan(every_cycles=100)
    plan(plan_id="PM-2", equipment_id=LINE, every_cycles=100)
    do("operator", "operation.report", operation, good=80, scrap=19, cause_id="leak")
    assert due_plans(NOW) == []
    do("operator", "operation.report", operation, good=1)
    assert due_plans(NOW) == ["PM-1"]
    do("operator", "operation.report", operation, good=7)
    finish(do("agent", "preventive_plan.request", "PM-1"), NOW + DAY)
    assert PreventivePlan.objects.get(pk="PM-1").next_due_cycles == 217


@on_sqlite
def test_a_counter_that_is_given_has_to_be_given() -> None:
    with pytest.raises(Exception, match="goes by a counter that is given: give cycles, its value now"):
        plan(every_cycles=1000, cycles_from="given")
    plan(every_cycles=1000, cycles_from="given", cycles=500)
    with pytest.raises(Exception, match="is due at 1500"):
        do("planner", "preventive_plan.request", "PM-1", cycles=1499)
    asked = do("planner", "preventive_plan.request", "PM-1", cycles=1500)
    with pytest.raises(Exception, match="goes by a counter: give cycles, the value it had when the work was done"):
        finish(asked, NOW + DAY)
    asked = {"id": MaintenanceRequest.objects.get().pk}
    do("maintenance", "maintenance_order.close", str(MaintenanceOrder.objects.get().pk), cycles=1600)
    assert (PreventivePlan.objects.get().next_due_cycles, MaintenanceRequest.objects.get(pk=asked["id"]).state) == (2600, "done")
    for values, said in (({}, "give every_days, every_cycles or both"), ({"every_days": 3, "cycles": 1}, "leave out cycles")):
        with pytest.raises(Exception, match=said):
            plan(plan_id="PM-3", **values)


def test_a_plan_is_due_by_what_comes_first() -> None:
    both = Due(hour(10), Decimal(100))
    plans = [PlanDue("A", M1, both), PlanDue("B", LINE, Due(None, Decimal(100))), PlanDue("C", M1, Due(hour(11), None))]
    assert due(plans, hour(9), {M1: Decimal(99)}) == []
    assert due(plans, hour(9), {M1: Decimal(100)}) == ["A"]
    assert due(plans, hour(11), {}) == ["A", "C"]
    assert next_due(7, Decimal(50), NOW, Decimal(120)) == Due(NOW + 7 * DAY, Decimal(170))
    with pytest.raises(ValueError, match="none were counted"):
        next_due(None, Decimal(50), NOW, None)


def test_mttr_and_mtbf_of_two_failures_in_a_day() -> None:
    r"""
    hours  0    6  8      18 19    24
           │ up │■■│  up  │■ │ up  │     down 3, up 21
    """
    failures = [Failure(hour(6), hour(8)), Failure(hour(18), hour(19))]
    found = reliability(failures, hour(0), hour(24))
    assert (found.mttr_s, found.mtbf_s, found.down_s) == (1.5 * 3600, 10.5 * 3600, 3 * 3600)
    assert reliability(failures, hour(0), hour(24), Divisor.FE_PLUS_1).mtbf_s == 7 * 3600
    assert reliability(failures, hour(0), hour(24), up_s=20 * 3600).mtbf_s == 10 * 3600


def test_without_a_failure_nobody_knows_the_means() -> None:
    for divisor in Divisor:
        found = reliability([], hour(0), hour(24), divisor)
        assert (found.failures, found.mttr_s, found.mtbf_s, found.up_s) == (0, None, None, 86400)


def test_a_failure_counts_where_it_began_and_is_down_where_it_lasted() -> None:
    night = Failure(hour(-2), hour(1))
    found = reliability([night, Failure(hour(23), hour(30))], hour(0), hour(24))
    assert (found.failures, found.down_s, found.mttr_s) == (1, 2 * 3600, 7 * 3600)


@given(st.lists(st.tuples(st.integers(-5, 30), st.integers(1, 8)), max_size=8))
def test_down_time_agrees_with_hours_counted_one_by_one(spans: list[tuple[int, int]]) -> None:
    failures = [Failure(hour(begin), hour(begin + length)) for begin, length in spans]
    down = sum(any(begin <= h < begin + length for begin, length in spans) for h in range(24))
    assert reliability(failures, hour(0), hour(24)).down_s == down * 3600


@given(st.lists(st.tuples(st.sampled_from(list(Clock)), st.integers(0, 10)), max_size=12), st.sampled_from(list(MaintenanceKind)))
def test_clocks_that_were_let_through_go_forward(asked: list[tuple[Clock, int]], kind: MaintenanceKind) -> None:
    known: dict[Clock, datetime | None] = {}
    for clock, at in asked:
        try:
            check_clock(kind, known, clock, hour(at), hour(9))
        except Exception as refusal:
            assert str(refusal)
        else:
            assert clock not in known
            known[clock] = hour(at)
    times = [time for clock in Clock if (time := known.get(clock)) is not None]
    assert all(a <= b for a, b in pairwise(times))
    assert all(time <= hour(9) for time in times)
    if kind is MaintenanceKind.CORRECTIVE:
        assert list(known) == list(Clock)[: len(known)]


@on_both
def test_maintenance_is_asked_over_http() -> None:
    seed(NOW)
    key = corrective()
    for verb, at in (("stop", 6), ("call", 6), ("arrive", 7), ("repair", 8), ("prove", 9)):
        assert Api("maintenance").post(f"/maintenance-orders/{key}/{verb}", {"at_ts": hour(at - 24).isoformat()}).status_code == 200
    assert Api("maintenance").post(f"/maintenance-orders/{key}/diagnose", {"mode_id": "mode.OHE"}).status_code == 200
    asked = f"/equipment/{M1}/reliability?from_ts={hour(-24).strftime('%Y-%m-%dT%H:%M:%SZ')}&to_ts={NOW.strftime('%Y-%m-%dT%H:%M:%SZ')}"
    assert Api("viewer").get(asked).json()["mttr_s"] is None
    assert Api("maintenance").post(f"/maintenance-orders/{key}/close").status_code == 200
    assert Api("viewer").get(asked).json() == {"failures": 1, "down_s": 7200.0, "up_s": 79200.0, "mttr_s": 7200.0, "mtbf_s": 79200.0}
    assert Api("viewer").get(f"{asked}&mtbf_divisor=fe_plus_1").json()["mtbf_s"] == 39600.0
