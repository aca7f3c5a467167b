"""An operation on a machine that stopped waits, goes on elsewhere or is scrapped; what it made and what is left of it always make the order."""

from datetime import timedelta
from decimal import Decimal

import pytest
from record_plant import M1, M2, M3, do
from schedule_plant import accept, entry, hour, orders, planned, propose

from factolake.mes.core.refusals import Refusal
from factolake.mes.production.genealogy import Way, reach
from factolake.mes.production.models import Lot, Operation, Order
from factolake.mes.production.parts import good_at_end

ON_BOTH, ON_ONE = pytest.mark.usefixtures("record"), pytest.mark.usefixtures("sqlite_record")
"""Tests where the databases could differ: by locks, conditions or bulk writes; and those of rules alone."""


def operation(key: str) -> Operation:
    return Operation.objects.get(pk=key)


def begun(good: int = 30) -> None:
    """PO-1 with some pieces made on the first machine, which stops."""
    orders("PO-1")
    do("operator", "operation.start", "PO-1.10")
    do("operator", "operation.report", "PO-1.10", good=good, lot_id="LOT-1")


def move(key: str, to: str, **more: str) -> str:
    return str(do("planner", "operation.move_rest", key, equipment_id=to, reason="the spindle is broken", **more)["operation_id"])


@ON_ONE
def test_an_interrupted_operation_waits_for_the_repair_and_its_end_moves() -> None:
    begun()
    do("operator", "operation.wait", "PO-1.10", repaired_ts=hour(4).isoformat(), reason="bearing")
    waiting = operation("PO-1.10")
    assert (waiting.state, waiting.waits_until_ts, waiting.planned_end_ts) == ("suspended", hour(4), hour(4.7))
    do("operator", "operation.start", "PO-1.10", at=hour(4))
    assert operation("PO-1.10").waits_until_ts is None
    with pytest.raises(Refusal, match="which has passed"):
        do("operator", "operation.wait", "PO-1.10", repaired_ts=hour(-1).isoformat())


@ON_BOTH
def test_the_rest_goes_on_elsewhere_and_the_parts_make_the_order() -> None:
    begun()
    with pytest.raises(Refusal, match="running at L1-M1, and what runs never moves; suspend it first"):
        move("PO-1.10", M3)
    do("operator", "operation.suspend", "PO-1.10")
    do("engineer", "routing_alternative.create", material_id="G-200", step_number=10, equipment_id=M3, planned_run_s=54.0)
    rest = operation(move("PO-1.10", M3))
    assert (rest.planned_run_s, rest.planned_end_ts - rest.planned_start_ts) == (54.0, timedelta(minutes=63))
    first = operation("PO-1.10")
    assert (first.state, first.quantity, first.good) == ("completed", 30, 30)
    assert (rest.pk, rest.number, rest.part, rest.quantity, rest.state, rest.equipment_id) == ("PO-1.10-1", 10, 1, 70, "ready", M3)
    assert operation("PO-1.20").state == "waiting"
    do("operator", "operation.start", rest.pk)
    do("operator", "operation.report", rest.pk, good=70, lot_id="LOT-1")
    do("operator", "operation.complete", rest.pk)
    assert operation("PO-1.20").state == "ready"
    assert Lot.objects.get(pk="LOT-1").quantity == 100


@ON_ONE
def test_what_went_into_both_parts_is_found_from_the_lot() -> None:
    begun()
    do("planner", "lot.create", lot_id="STEEL-1", material_id="G-200", quantity=50, equipment_id=M1)
    do("planner", "lot.create", lot_id="STEEL-2", material_id="G-200", quantity=50, equipment_id=M1)
    do("operator", "operation.consume", "PO-1.10", lot_id="STEEL-1", quantity=3, into_lot_id="LOT-1")
    do("operator", "operation.suspend", "PO-1.10")
    rest = move("PO-1.10", M3)
    do("operator", "operation.start", rest)
    do("operator", "operation.report", rest, good=70, lot_id="LOT-2")
    do("operator", "operation.consume", rest, lot_id="STEEL-2", quantity=7, into_lot_id="LOT-2")
    do("operator", "operation.consume", rest, lot_id="STEEL-2", quantity=1, into_lot_id="LOT-1")
    assert reach(["STEEL-1"], Way.FORWARD) >= {"LOT-1"}
    assert reach(["LOT-1"], Way.BACKWARD) >= {"STEEL-1", "STEEL-2"}
    assert reach(["LOT-2"], Way.BACKWARD) >= {"STEEL-2"}
    assert Lot.objects.get(pk="STEEL-2").remaining == 42


@ON_ONE
def test_a_rest_can_be_interrupted_again() -> None:
    begun()
    for key, machine in (("PO-1.10", M3), ("PO-1.10-1", M2)):
        if key != "PO-1.10":
            do("operator", "operation.start", key)
            do("operator", "operation.report", key, good=20)
        do("operator", "operation.suspend", key)
        move(key, machine)
    parts = Operation.objects.filter(order="PO-1", number=10).order_by("part")
    assert [(part.pk, part.planned_quantity) for part in parts] == [("PO-1.10", 30), ("PO-1.10-1", 20), ("PO-1.10-2", 50)]


@ON_BOTH
def test_what_left_the_line_is_the_good_of_all_parts_of_the_last_step() -> None:
    begun(100)
    do("operator", "operation.complete", "PO-1.10")
    do("operator", "operation.start", "PO-1.20")
    do("operator", "operation.report", "PO-1.20", good=Decimal("60.5"))
    do("operator", "operation.suspend", "PO-1.20")
    rest = move("PO-1.20", M3)
    do("operator", "operation.start", rest)
    do("operator", "operation.report", rest, good=Decimal("39.5"))
    assert Order.objects.get(pk="PO-1").state == "running"
    do("operator", "operation.complete", rest)
    assert Order.objects.get(pk="PO-1").state == "completed"
    assert good_at_end(Operation.objects.filter(order="PO-1")) == 100


@ON_ONE
def test_an_order_for_more_or_less_is_so_in_its_open_part() -> None:
    begun()
    do("operator", "operation.suspend", "PO-1.10")
    rest = move("PO-1.10", M3)
    for quantity, left in ((120, 90), (25, 0), (100, 70)):
        do("planner", "order.edit", "PO-1", quantity=quantity)
        assert operation(rest).planned_quantity == left
    assert operation("PO-1.10").planned_quantity == 30


@ON_BOTH
def test_the_rest_comes_before_what_was_planned_later_there() -> None:
    begun()
    do("planner", "order.create", order_id="PO-2", material_id="G-200", quantity=10, line_id="L1")
    do("planner", "order.release", "PO-2")
    accept(propose(entry("PO-2.10", M3, 8)))
    do("operator", "operation.suspend", "PO-1.10")
    rest = move("PO-1.10", M3, planned_start_ts=hour(6).isoformat())
    assert planned(rest, "PO-2.10") == [(M3, 1, 6), (M3, 1, 8)]
    do("operator", "operation.start", rest)  # it is the next one, and takes no reason


@pytest.mark.parametrize(
    ("to", "said"), [(M1, "is where it was interrupted"), ("bremen", "bremen is not on line L1"), ("nowhere", "there is no equipment")]
)
@ON_ONE
def test_the_rest_goes_to_another_machine_of_the_line(to: str, said: str) -> None:
    begun()
    do("operator", "operation.suspend", "PO-1.10")
    with pytest.raises(Refusal, match=said):
        move("PO-1.10", to)
    assert Operation.objects.filter(order="PO-1").count() == 2


@ON_ONE
def test_an_operation_that_made_everything_has_no_rest() -> None:
    begun(100)
    do("operator", "operation.suspend", "PO-1.10")
    with pytest.raises(Refusal, match="has made all it was to make; complete it"):
        move("PO-1.10", M3)


@ON_ONE
def test_what_is_in_the_machine_is_scrapped_and_the_operation_ends_short() -> None:
    begun()
    do("operator", "operation.scrap_rest", "PO-1.10", scrap=2, cause_id="assembly", reason="jammed")
    ended = operation("PO-1.10")
    assert (ended.state, ended.good, ended.scrap) == ("completed", 30, 2)
    assert operation("PO-1.20").state == "ready"


@ON_ONE
def test_a_hold_on_an_operation_covers_what_the_rest_of_it_makes() -> None:
    begun()
    do("operator", "operation.suspend", "PO-1.10")
    rest = move("PO-1.10", M3)
    do("operator", "operation.start", rest)
    do("operator", "operation.report", rest, good=5, lot_id="LOT-2")
    do("quality", "hold.create", operation_id="PO-1.10", reason="cracks")
    assert set(Lot.objects.values_list("lot_id", "status")) == {("LOT-1", "blocked"), ("LOT-2", "blocked")}


@ON_ONE
def test_the_erp_hears_of_one_operation_that_ends_with_its_last_part() -> None:
    from factolake.mes.exchange.models import ErpConfirmation

    begun()
    Order.objects.update(source_system="erp")
    do("operator", "operation.suspend", "PO-1.10")
    rest = move("PO-1.10", M3)
    assert set(ErpConfirmation.objects.filter(kind="operation").values_list("is_final", flat=True)) == {False}
    do("operator", "operation.start", rest)
    do("operator", "operation.complete", rest)
    assert ErpConfirmation.objects.filter(kind="operation", is_final=True).count() == 1


@ON_BOTH
def test_a_report_put_right_after_the_rest_has_moved_leaves_the_parts_the_order() -> None:
    orders("PO-1")
    do("operator", "operation.start", "PO-1.10")
    report = do("operator", "operation.report", "PO-1.10", good=60)
    do("operator", "operation.suspend", "PO-1.10")
    rest = move("PO-1.10", M3)
    do("operator", "production.reverse", str(report["id"]), reason="miscounted")
    do("operator", "operation.report", "PO-1.10", good=50)
    assert [operation(key).planned_quantity for key in ("PO-1.10", rest)] == [50, 50]
    do("planner", "order.edit", "PO-1", quantity=120)
    assert [operation(key).planned_quantity for key in ("PO-1.10", rest)] == [50, 70]


@ON_ONE
def test_an_operation_that_is_completed_waits_for_no_repair() -> None:
    begun()
    do("operator", "operation.wait", "PO-1.10", repaired_ts=hour(4).isoformat(), reason="bearing")
    do("operator", "operation.scrap_rest", "PO-1.10", scrap=1, cause_id="leak")
    assert (operation("PO-1.10").state, operation("PO-1.10").waits_until_ts) == ("completed", None)
