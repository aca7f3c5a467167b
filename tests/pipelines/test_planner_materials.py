"""What the planner reads of materials and of other machines: what limits a line, what other lines take, where else a step may be done."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from planned_line import LINE, M1, M2, NOW, PlannedLine, later

from factolake.planning.situation import Alternative, OrderOperation, Situation, Stock
from pipelines.planning.materials import free
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


def test_only_what_deliveries_are_known_of_and_nobody_makes_here_is_a_limit(line: PlannedLine) -> None:
    assert read(line).stocks == () and operation(line, "PO-2.10").needs == {}
    line.put("deliveries", {**STEEL, "delivery_id": "D-1", "expected_ts": later(-5), "received": Decimal(40)})
    line.put("deliveries", {**STEEL, "delivery_id": "D-2", "expected_ts": later(30)})
    line.put("deliveries", {**STEEL, "delivery_id": "D-3", "expected_ts": later(20), "state": "cancelled"})
    assert read(line).stocks == (Stock("STEEL", 150.0, ((later(-5), 60.0), (later(30), 100.0)), is_all=True),)
    assert (operation(line, "PO-2.10").needs, operation(line, "PO-2.20").needs) == ({"STEEL": 2.0}, {})
    line.order("PO-8", material_id="STEEL", state="planned", line="L2")
    assert read(line).stocks == ()


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


def test_what_others_take_later_is_kept_for_them() -> None:
    def at(hours: float) -> object:
        return NOW + timedelta(hours=hours)

    arrivals = [(NOW, 10.0), (NOW + timedelta(hours=2), 20.0)]
    assert free(arrivals, []) == arrivals
    assert free(arrivals, [(NOW + timedelta(hours=1), 4.0)]) == [(NOW, 6.0), (at(2), 20.0)]
    assert free(arrivals, [(NOW + timedelta(hours=3), 25.0)]) == [(NOW, 5.0)]
    assert free(arrivals, [(NOW, 99.0)]) == [(NOW, 0.0)]


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
