"""What the planner reads of materials and of other machines: what limits a line, what other lines take, where else a step may be done."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from planned_line import LINE, M1, M2, PlannedLine, later

from factolake.planning.explaining import late_orders
from factolake.planning.situation import Alternative, OrderOperation, Peg, PegKind, Situation, Stock
from pipelines.planning.causes import Cause, causes
from pipelines.planning.reading import situation_of
from pipelines.planning.record import Record

STEEL = {"material_id": "STEEL", "quantity": Decimal(100), "state": "expected"}


@pytest.fixture
def line(tmp_path: Path) -> PlannedLine:
    """Two orders; their first step takes two pieces of steel an item, of which 150 lie in two lots and 70 under inspection."""
    made = PlannedLine(tmp_path)
    made.two_orders()
    made.put("bill_items", {"item_id": 1, "material_id": "GBX-200", "component_id": "STEEL", "step_number": 10, "quantity": Decimal(2)})
    for lot, remaining, status in (("S-1", 90, "unrestricted"), ("S-2", 60, "unrestricted"), ("S-3", 70, "quality_inspection")):
        made.put("lots", {"lot_id": lot, "material_id": "STEEL", "status": status, "remaining": Decimal(remaining)})
    return made


def read(line: PlannedLine) -> Situation:
    return situation_of(Record(line.lake), line.plant, LINE, line.clock.now(), line.settings)


def operation(line: PlannedLine, name: str) -> OrderOperation:
    return next(one for one in read(line).operations if one.operation_id == name)


def test_what_deliveries_are_known_of_is_a_limit(line: PlannedLine) -> None:
    assert read(line).stocks == () and operation(line, "PO-2.10").needs == {}
    line.put("deliveries", {**STEEL, "delivery_id": "D-1", "expected_ts": later(-5), "received": Decimal(40)})
    line.put("deliveries", {**STEEL, "delivery_id": "D-2", "expected_ts": later(30)})
    line.put("deliveries", {**STEEL, "delivery_id": "D-3", "expected_ts": later(20), "state": "cancelled"})
    assert read(line).stocks == (Stock("STEEL", 150.0, ((later(-5), 60.0), (later(30), 100.0)), is_all=True),)
    assert (operation(line, "PO-2.10").needs, operation(line, "PO-2.20").needs) == ({"STEEL": 2.0}, {})


def test_what_running_work_was_given_and_what_other_lines_take_by_their_plans_is_known(line: PlannedLine) -> None:
    line.put("deliveries", {**STEEL, "delivery_id": "D-2", "expected_ts": later(30)})
    for number, quantity in ((1, 50), (2, -10)):
        used = {"consumption_id": number, "operation_id": "PO-1.10", "lot_id": "S-1", "quantity": Decimal(quantity)}
        line.put("consumption", used)
    line.order("PO-9", line="L2", quantity=Decimal(90))
    line.operation("PO-9", 10, "L2-M1", 20)
    assert operation(line, "PO-1.10").taken == {"STEEL": 40.0}
    (stock,) = read(line).stocks
    assert (stock.on_hand, stock.arrivals) == (0.0, ((later(30), 70.0),)), "150 less the 180 that PO-9 takes in 20 minutes, of 100 more"


def housings(line: PlannedLine) -> None:
    """PO-5 makes 20 housings at the second machine; each piece of PO-2 takes one at its first step, and 45 are there, none for PO-1."""
    line.put("bill_items", {"item_id": 2, "material_id": "PUMP", "component_id": "HOUSING", "step_number": 10, "quantity": Decimal(1)})
    line.put("lots", {"lot_id": "H-1", "material_id": "HOUSING", "status": "unrestricted", "remaining": Decimal(45)})
    line.order("PO-2", due_min=130, material_id="PUMP")
    line.order("PO-5", material_id="HOUSING", quantity=Decimal(20))
    line.operation("PO-5", 10, M2, 65, 20, planned_run_s=150.0)


def test_what_an_order_of_the_line_makes_is_waited_for_and_the_reason_names_it(line: PlannedLine) -> None:
    housings(line)
    assert operation(line, "PO-2.10").pegs == (Peg("HOUSING", 15.0, "PO-5"),)
    assert read(line).stocks == (Stock("HOUSING", 45.0, is_all=True),)
    late = next(causes(Record(line.lake), line.plant, read(line), LINE, line.settings))
    assert (late.trigger, late.why) == ("material_late", "HOUSING is late, not there until 13:25 (PO-2.10 lacks 15 of it)")
    tried = line.planner().plan_line(LINE, Cause("request", "anna asks for it"))
    assert tried is not None and tried.made is not None and tried.plan is not None and tried.is_published
    placed = {tried.made.operations[one.operation].operation_id: one for one in tried.plan.schedule}
    assert placed["PO-2.10"].start >= placed["PO-5.10"].end, "it takes what PO-5 makes"
    (order,) = late_orders(tried.made, tried.plan.schedule)
    assert order.order_id == "PO-2"
    assert "PO-2.10 waits for 15 of HOUSING from order PO-5, which PO-5.10 makes at L1-M2 until 12:50" in [one.says for one in order.reasons]


def test_what_it_reported_is_in_stock_and_a_circle_is_told_in_the_plan(line: PlannedLine) -> None:
    housings(line)
    line.put("lots", {"lot_id": "H-2", "material_id": "HOUSING", "status": "unrestricted", "remaining": Decimal(8)})
    line.operation("PO-5", 10, M2, -20, 50, planned_run_s=150.0, state="running", actual_start_ts=later(-20), good=Decimal(8))
    assert operation(line, "PO-2.10").pegs == (Peg("HOUSING", 7.0, "PO-5"),)
    line.put("bill_items", {"item_id": 3, "material_id": "HOUSING", "component_id": "PUMP", "step_number": 10, "quantity": Decimal(1)})
    line.operation("PO-5", 10, M2, 65, 20, planned_run_s=150.0)
    tried = line.planner().plan_line(LINE, Cause("request", "anna asks for it"))
    assert tried is not None
    assert tried.status in ("optimal", "feasible")
    assert "20 of PUMP for PO-5.10 come from order PO-2, which itself waits for them, and are taken to be there" in tried.told


def test_what_another_line_makes_comes_at_its_planned_end_and_without_one_nobody_knows(line: PlannedLine) -> None:
    housings(line)
    line.put("orders", {"order_id": "PO-5", "material_id": "HOUSING", "line": "L2", "state": "released", "quantity": Decimal(20)})
    assert read(line).stocks == (Stock("HOUSING", 45.0, ((later(85), 20.0),), is_all=True, makers=((later(85), "PO-5"),)),)
    assert operation(line, "PO-2.10").pegs == ()
    line.operation("PO-5", 10, M2)
    assert operation(line, "PO-2.10").pegs == (Peg("HOUSING", 15.0, "PO-5", PegKind.UNDATED),)
    line.put("orders", {"order_id": "PO-5", "material_id": "HOUSING", "line": LINE, "state": "planned", "quantity": Decimal(20)})
    assert operation(line, "PO-2.10").pegs == (Peg("HOUSING", 15.0, "PO-5", PegKind.UNDATED),), "no plan moves what is not released"


def test_where_else_a_step_may_be_done_is_read_from_its_routing_as_it_is_now(line: PlannedLine) -> None:
    step = {"material_id": "GBX-200", "equipment": M1, "planned_run_s": 60.0, "planned_setup_s": 300.0}
    line.put("routing_steps", {**step, "step_id": 1, "number": 10}, {**step, "step_id": 2, "number": 20, "equipment": "L1-M4"})
    other = {"material_id": "GBX-200", "step_number": 10, "equipment": M2, "planned_run_s": 90.0}
    line.put("routing_alternatives", {**other, "alternative_id": 1}, {**other, "alternative_id": 2, "equipment": "L1-M3", "valid_to": later(-1)})
    line.put("routing_alternatives", {**other, "alternative_id": 3, "step_number": 20})
    line.put("skill_requirements", {"requirement_id": 1, "skill_id": "laser", "equipment": M2})
    assert operation(line, "PO-2.10").alternatives == (Alternative(M2, 90.0, None, ("laser",)),)
    assert operation(line, "PO-2.20").alternatives == (Alternative("L1-M4", 60.0, skills=()),), "it stands at the alternative"
    assert operation(line, "PO-2.20").skills == ("laser",)
