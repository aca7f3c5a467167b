"""An order's life: planned, released, worked on, reported, completed. Illegal steps are refused and change nothing."""

from datetime import timedelta
from decimal import Decimal

import pytest
from record_plant import LINE, M1, M2, M3, NOW, do, order

from factolake.mes.core.refusals import Invalid
from factolake.mes.production import models
from factolake.mes.production.models import BillItem, MaterialDefinition, Operation, Order, Production

pytestmark = pytest.mark.usefixtures("record")


def state(model: str, key: str) -> str:
    return str(getattr(models, model).objects.get(pk=key).state)


def test_an_order_runs_from_plan_to_close() -> None:
    operation = order("PO-1", quantity=10)
    do("operator", "operation.start", operation)
    assert state("Order", "PO-1") == "running"
    do("operator", "operation.report", operation, good=8, scrap=2, cause_id="leak")
    do("operator", "operation.complete", operation)
    assert state("Order", "PO-1") == "completed"
    done = Operation.objects.get(pk=operation)
    assert (done.state, done.good, done.scrap) == ("completed", 8, 2)
    do("planner", "order.close", "PO-1")
    assert state("Order", "PO-1") == "closed"


def test_operations_follow_the_routing_one_after_the_other() -> None:
    do("planner", "material.create", material_id="G-200")
    for number, machine in ((10, M1), (20, M2)):
        do("engineer", "routing_step.create", material_id="G-200", number=number, equipment_id=machine, planned_run_s=24.0)
    do("planner", "order.create", order_id="PO-2", material_id="G-200", quantity=5, line_id=LINE)
    do("planner", "order.release", "PO-2")
    assert (state("Operation", "PO-2.10"), state("Operation", "PO-2.20")) == ("ready", "waiting")
    with pytest.raises(Exception, match=r"operation PO-2\.20 is waiting and cannot become running; allowed now: cancelled, held, ready"):
        do("operator", "operation.start", "PO-2.20")
    do("operator", "operation.start", "PO-2.10")
    do("operator", "operation.complete", "PO-2.10")
    assert state("Operation", "PO-2.20") == "ready"
    assert state("Order", "PO-2") == "running"


def test_a_machine_works_on_one_operation_at_a_time() -> None:
    do("planner", "material.create", material_id="G-200")
    do("engineer", "routing_step.create", material_id="G-200", number=10, equipment_id=M1)
    first, second = order("PO-3", material="G-200"), order("PO-4", material="G-200")
    do("operator", "operation.start", first)
    with pytest.raises(Exception, match=r"L1-M1 is at work on PO-3\.10; suspend or complete that first"):
        do("operator", "operation.start", second)
    do("operator", "operation.suspend", first)
    do("operator", "operation.start", second)


def test_a_hold_stops_the_work_and_gives_it_back_suspended() -> None:
    operation = order()
    do("operator", "operation.start", operation)
    do("quality", "order.hold", "PO-1", reason="wrong steel")
    assert (state("Order", "PO-1"), state("Operation", operation)) == ("held", "held")
    with pytest.raises(Exception, match=r"PO-1\.10 is held"):
        do("operator", "operation.report", operation, good=1)
    do("quality", "order.resume", "PO-1")
    assert (state("Order", "PO-1"), state("Operation", operation)) == ("running", "suspended")
    do("operator", "operation.start", operation)


def test_an_order_that_has_begun_is_not_cancelled() -> None:
    operation = order()
    do("operator", "operation.start", operation)
    with pytest.raises(Exception, match="order PO-1 is running and cannot become cancelled"):
        do("planner", "order.cancel", "PO-1", reason="not needed")
    order("PO-2")
    do("planner", "order.cancel", "PO-2", reason="not needed")
    assert (state("Order", "PO-2"), state("Operation", "PO-2.10")) == ("cancelled", "cancelled")


def test_a_wrong_report_is_reversed_once_and_both_stay() -> None:
    operation = order()
    do("operator", "operation.start", operation)
    report = do("operator", "operation.report", operation, good="5.5", lot_id="LOT-1")
    do("operator", "production.reverse", str(report["id"]), reason="typed the wrong number")
    assert Operation.objects.get(pk=operation).good == 0
    assert sorted(Production.objects.values_list("good", flat=True)) == [Decimal("-5.5"), Decimal("5.5")]
    with pytest.raises(Exception, match="was reversed already"):
        do("operator", "production.reverse", str(report["id"]), reason="again")


def test_scrap_takes_a_reason_and_an_empty_report_is_none() -> None:
    operation = order()
    do("operator", "operation.start", operation)
    with pytest.raises(Exception, match="scrap and rework take a reason: give cause_id"):
        do("operator", "operation.report", operation, scrap=1)
    with pytest.raises(Exception, match="is empty"):
        do("operator", "operation.report", operation)
    with pytest.raises(Exception, match="there is no reason with reason_id 'mechanical'"):
        do("operator", "operation.report", operation, scrap=1, cause_id="mechanical")  # a reason of stops


def test_a_second_order_of_the_same_id_is_refused() -> None:
    order()
    with pytest.raises(Exception, match="order PO-1 cannot be made: one with this key is there already"):
        do("planner", "order.create", order_id="PO-1", material_id="G-100", quantity=1, line_id=LINE)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"quantity": 0}, "quantity"),
        ({"quantity": "NaN"}, "quantity"),
        ({"quantity": "1e20"}, "quantity"),
        ({"order_id": " x"}, "order_id"),
        ({"order_id": ""}, "order_id"),
        ({"line_id": "L9"}, "there is no equipment L9"),
        ({"material_id": "none"}, "there is no material with material_id 'none'"),
        ({"due_ts": "2026-03-02T06:00:00"}, "due_ts"),
        ({"quantitty": 1}, "quantitty"),
    ],
)
def test_what_cannot_be_an_order_is_one_sentence(values: dict[str, object], said: str) -> None:
    do("planner", "material.create", material_id="G-100")
    with pytest.raises(Exception, match=said):
        do("planner", "order.create", **{"order_id": "PO-1", "material_id": "G-100", "quantity": 1, "line_id": LINE, **values})


def test_an_order_is_edited_by_its_owner_until_it_is_done() -> None:
    operation = order()
    edited = do("planner", "order.edit", "PO-1", quantity="7.5", due_ts="2026-03-09T12:00:00Z", priority=3)
    assert (edited["quantity"], edited["due_ts"], edited["priority"]) == ("7.5", "2026-03-09T12:00:00Z", 3)
    edited = do("planner", "order.edit", "PO-1", due_ts=None)
    assert (edited["quantity"], edited["due_ts"], edited["priority"]) == ("7.5", None, 3)
    do("operator", "operation.start", operation)
    do("operator", "operation.complete", operation)
    with pytest.raises(Exception, match="order PO-1 is completed; make a new order for what is still to be made"):
        do("planner", "order.edit", "PO-1", quantity=8)


def test_quantity_and_due_date_of_the_erp_are_the_erps() -> None:
    order()
    Order.objects.update(source_system="erp")
    for values in ({"quantity": 8}, {"due_ts": "2026-03-09T12:00:00Z"}, {"due_ts": None}):
        with pytest.raises(Exception, match="order PO-1 belongs to erp; change it there, and it comes from there"):
            do("planner", "order.edit", "PO-1", **values)
    assert do("planner", "order.edit", "PO-1", priority=5)["priority"] == 5
    assert do("erp", "order.edit", "PO-1", approval="its task", quantity=8)["quantity"] == "8"
    Order.objects.update(source_system="another")
    with pytest.raises(Exception, match="belongs to another"):
        do("erp", "order.edit", "PO-1", approval="its task", quantity=9)


def part(material: str, component: str, quantity: object = 1) -> dict[str, object]:
    for one in (material, component):
        if not MaterialDefinition.objects.filter(pk=one).exists():
            do("planner", "material.create", material_id=one)
    return do("engineer", "bill_item.create", material_id=material, component_id=component, step_number=10, quantity=quantity)


def test_a_new_quantity_in_a_bill_ends_the_one_before() -> None:
    first, second = part("GEARBOX", "GEAR", 2), part("GEARBOX", "GEAR", 3)
    ended = BillItem.objects.get(pk=first["id"])
    assert (ended.quantity, ended.valid_to) == (2, BillItem.objects.get(pk=second["id"]).valid_from)
    assert BillItem.objects.get(valid_to=None).quantity == 3


def test_a_material_is_no_part_of_itself() -> None:
    part("GEARBOX", "GEAR")
    part("GEAR", "STEEL")
    for material, component in (("STEEL", "GEARBOX"), ("GEAR", "GEARBOX"), ("STEEL", "STEEL")):
        with pytest.raises(Exception, match=f"material {component} is made of {material} and cannot be a part of it"):
            part(material, component)
    BillItem.objects.filter(component_id="STEEL").update(valid_to=NOW)
    part("STEEL", "GEARBOX")


def test_the_bill_of_an_erp_material_is_the_erps() -> None:
    part("GEARBOX", "GEAR")
    MaterialDefinition.objects.filter(pk="GEARBOX").update(source_system="erp")
    with pytest.raises(Exception, match="material GEARBOX belongs to erp"):
        part("GEARBOX", "GEAR", 2)


def _line_of(steps: int, *, overlaps: bool) -> list[str]:
    do("planner", "material.create", material_id="G-F")
    for place in range(steps):
        do("planner", "routing_step.create", material_id="G-F", number=10 * (place + 1), equipment_id=(M1, M2, M3)[place], overlaps=overlaps)
    do("planner", "order.create", order_id="PO-F", material_id="G-F", quantity=5, line_id=LINE)
    do("planner", "order.release", "PO-F")
    return [f"PO-F.{10 * (place + 1)}" for place in range(steps)]


def _states() -> list[str]:
    return list(Operation.objects.filter(order_id="PO-F").order_by("number").values_list("state", flat=True))


def test_where_parts_move_on_one_by_one_the_next_operation_may_begin_while_the_one_before_runs() -> None:
    operations = _line_of(3, overlaps=True)
    assert _states() == ["ready", "waiting", "waiting"]
    do("operator", "operation.start", operations[0])
    assert _states() == ["running", "ready", "waiting"]
    do("operator", "operation.start", operations[1])
    do("operator", "operation.complete", operations[0])
    assert _states() == ["completed", "running", "ready"]


def test_where_they_do_not_the_next_operation_waits_until_the_one_before_is_completed() -> None:
    operations = _line_of(2, overlaps=False)
    do("operator", "operation.start", operations[0])
    assert _states() == ["running", "waiting"]
    do("operator", "operation.complete", operations[0])
    assert _states() == ["completed", "ready"]


def test_a_step_told_late_has_the_time_it_happened_at_and_no_time_that_cannot_be() -> None:
    operation = order()
    began, now = NOW + timedelta(minutes=5), NOW + timedelta(hours=2)
    do("operator", "operation.start", operation, at=now, at_ts=began.isoformat())
    with pytest.raises(Invalid, match="cannot have ended"):
        do("operator", "operation.complete", operation, at=now, at_ts=NOW.isoformat())
    with pytest.raises(Invalid, match="still to come"):
        do("operator", "operation.complete", operation, at=now, at_ts=(now + timedelta(seconds=1)).isoformat())
    done = do("operator", "operation.complete", operation, at=now, at_ts=(began + timedelta(minutes=30)).isoformat())
    assert (done["actual_start_ts"], done["actual_end_ts"]) == ("2026-03-02T07:05:00Z", "2026-03-02T07:35:00Z")


def test_an_order_is_for_no_less_than_is_made_of_it() -> None:
    operation = order()
    do("operator", "operation.start", operation)
    do("operator", "operation.report", operation, good=50)
    with pytest.raises(Exception, match="50 of order PO-1 are made; it cannot be for 10 any more"):
        do("planner", "order.edit", "PO-1", quantity=10)
    assert do("planner", "order.edit", "PO-1", quantity=50)["quantity"] == "50"
    do("operator", "operation.report", operation, good=2)
    assert do("planner", "order.edit", "PO-1", quantity=50, priority=2)["priority"] == 2  # as it is already: more was made than asked
