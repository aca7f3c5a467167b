"""What quality scraps of a lot is scrap of the operation that made it: told to the ERP once, and taken back as a whole when it was wrong."""

from decimal import Decimal
from typing import Any

import pytest
from record_plant import LINE, M3, NOW, do, order
from schedule_plant import orders

from factolake.mes.exchange.models import ErpConfirmation
from factolake.mes.production.handover import handover
from factolake.mes.production.models import Lot, Operation, Order, Production
from factolake.mes.quality.models import Hold, Nonconformance

pytestmark = pytest.mark.usefixtures("record")
APPROVED = {"approval": "a" * 32}


def made(good: int = 10) -> None:
    """LOT-1, made by an order of the ERP."""
    operation = order()
    Order.objects.update(source_system="erp")
    do("operator", "operation.start", operation)
    do("operator", "operation.report", operation, good=good, lot_id="LOT-1")


def scrapped(quantity: int | None = None, lot: str = "LOT-1") -> str:
    asked = {} if quantity is None else {"quantity": quantity}
    found = str(do("operator", "nonconformance.create", equipment_id=LINE, lot_id=lot, description="cracked", **asked)["id"])
    do("operator", "defect.create", equipment_id=LINE, cause_id="surface", quantity=1, lot_id=lot, nonconformance_id=int(found))
    do("quality", "nonconformance.contain", found, reason="cracks")
    do("quality", "nonconformance.scrap", found, reason="no use", **APPROVED)
    return found


def told() -> list[tuple[Any, ...]]:
    rows = ErpConfirmation.objects.order_by("pk")
    return [(r.movement or r.kind, int(r.good), int(r.scrap), int(r.quantity), r.cause_id, r.reverses_id is not None) for r in rows]


def sums() -> tuple[Decimal, Decimal, Decimal, Decimal]:
    operation, lot = Operation.objects.get(), Lot.objects.get(pk="LOT-1")
    return operation.good, operation.scrap, lot.quantity, lot.remaining


def test_scrap_of_a_lot_is_confirmed_once_and_its_restoring_takes_it_back() -> None:
    made()
    found = scrapped(4)
    assert sums() == (6, 4, 6, 6)
    assert told() == [
        ("operation", 10, 0, 0, "", False),
        ("101", 0, 0, 10, "", False),
        ("operation", -4, 4, 0, "surface", False),
        ("102", 0, 0, 4, "", False),
    ]
    report = Production.objects.latest("pk")
    assert (report.source_row, report.reported_by_id, report.lot_id) == (f"nonconformance {found}", "quality", "LOT-1")
    with pytest.raises(Exception, match=f"is what FactoMES told of nonconformance {found}; it is put right there"):
        do("operator", "production.reverse", str(report.pk), reason="x")
    with pytest.raises(Exception, match="is of class release_or_money"):
        do("quality", "nonconformance.restore", found, reason="wrong lot")
    do("quality", "nonconformance.restore", found, reason="wrong lot", **APPROVED)
    assert sums() == (10, 0, 10, 10)
    assert told()[4:] == [("operation", 4, -4, 0, "surface", True), ("101", 0, 0, 4, "", True)]
    row = Nonconformance.objects.get()
    assert (row.state, row.disposition, Lot.objects.get().status) == ("contained", "", "blocked")
    with pytest.raises(Exception, match="is contained ; only what was scrapped and is not closed is restored"):
        do("quality", "nonconformance.restore", found, reason="again", **APPROVED)
    do("quality", "nonconformance.scrap", found, reason="it was the right one", **APPROVED)
    assert sums() == (6, 4, 6, 6)
    told_of = handover(Operation.objects.get().equipment, NOW.replace(hour=5), NOW.replace(hour=23))
    assert [one for one in told_of["disagreements"] if one["kind"] in ("in_lots", "unexplained")] == []


def test_a_lot_scrapped_as_a_whole_comes_back_blocked_under_a_hold() -> None:
    made(5)
    found = scrapped()
    assert (sums(), Lot.objects.get().status, Nonconformance.objects.get().quantity) == ((0, 5, 0, 0), "scrapped", 5)
    do("quality", "hold.release", str(Hold.objects.get().pk), reason="scrapped", **APPROVED)
    do("quality", "nonconformance.restore", found, reason="wrong lot", **APPROVED)
    assert (sums(), Lot.objects.get().status) == ((5, 0, 5, 5), "blocked")
    assert [hold.state for hold in Hold.objects.order_by("pk")] == ["released", "open"]
    do("quality", "nonconformance.concede", found, reason="usable", **APPROVED)
    do("quality", "hold.release", str(Hold.objects.latest("pk").pk), reason="usable", **APPROVED)
    assert Lot.objects.get().status == "unrestricted"


def test_a_lot_that_came_into_the_plant_is_scrap_of_no_operation() -> None:
    do("planner", "material.create", material_id="STEEL")
    do("planner", "lot.create", lot_id="S-1", material_id="STEEL", quantity=10, equipment_id=LINE)
    found = scrapped(4, "S-1")
    assert (Lot.objects.get().remaining, Lot.objects.get().quantity, Production.objects.count()) == (6, 10, 0)
    do("quality", "nonconformance.restore", found, reason="wrong lot", **APPROVED)
    assert (Lot.objects.get().remaining, Lot.objects.get().quantity) == (10, 10)
    assert not ErpConfirmation.objects.exists()


def test_a_lot_that_two_parts_made_is_scrap_of_both_and_good_of_both_again() -> None:
    orders("PO-1")
    do("operator", "operation.start", "PO-1.10")
    do("operator", "operation.report", "PO-1.10", good=60, lot_id="LOT-1")
    do("operator", "operation.suspend", "PO-1.10")
    rest = str(do("planner", "operation.move_rest", "PO-1.10", equipment_id=M3, reason="worn")["operation_id"])
    do("operator", "operation.start", rest)
    do("operator", "operation.report", rest, good=40, lot_id="LOT-1")

    def parts() -> list[tuple[int, int, int]]:
        found = Operation.objects.filter(number=10).order_by("part")
        return [(int(part.good), int(part.scrap), int(part.planned_quantity)) for part in found]

    assert parts() == [(60, 0, 60), (40, 0, 40)]
    some = scrapped(50)
    assert parts() == [(50, 10, 50), (0, 40, 50)]
    do("quality", "nonconformance.restore", some, reason="wrong lot", **APPROVED)
    do("quality", "nonconformance.concede", some, reason="usable", **APPROVED)
    assert (parts(), Lot.objects.get().remaining) == ([(60, 0, 60), (40, 0, 40)], 100)
    found = scrapped()
    assert parts() == [(0, 60, 0), (0, 40, 100)]
    assert (Lot.objects.get().remaining, Lot.objects.get().status) == (0, "scrapped")
    do("quality", "nonconformance.restore", found, reason="wrong lot", **APPROVED)
    assert parts() == [(60, 0, 60), (40, 0, 40)]
    assert (Lot.objects.get().quantity, Lot.objects.get().remaining, Lot.objects.get().status) == (100, 100, "blocked")
