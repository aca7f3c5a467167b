"""Lots: made by reports, used by consumptions, moved, shipped, blocked, released; what is blocked, used up or made of itself does not go in."""

from decimal import Decimal

import pytest
from record_plant import LINE, at_once_before_any_commits, do, order

from factolake.mes.production.models import Lot, MaterialDefinition, Shipment

pytestmark = pytest.mark.usefixtures("record")


def lot(key: str) -> object:
    return Lot.objects.get(pk=key)


def steel(lot_id: str = "S-1", quantity: object = 100) -> str:
    if not MaterialDefinition.objects.filter(pk="STEEL").exists():
        do("planner", "material.create", material_id="STEEL", base_unit="KGM")
    do("planner", "lot.create", lot_id=lot_id, material_id="STEEL", quantity=quantity, supplier_lot="H4711", equipment_id=LINE)
    return lot_id


@pytest.fixture
def operation() -> str:
    started = order()
    do("operator", "operation.start", started)
    return started


def test_a_lot_is_used_up_to_what_is_left(operation: str) -> None:
    used = do("operator", "operation.consume", operation, lot_id=steel(), quantity="99.5", into_lot_id="LOT-1")
    assert lot("S-1").remaining == Decimal("0.5")
    with pytest.raises(Exception, match=r"lot S-1 has 0\.5 left, not 1"):
        do("operator", "operation.consume", operation, lot_id="S-1", quantity=1)
    do("operator", "consumption.reverse", str(used["id"]), reason="other lot")
    assert (lot("S-1").remaining, lot("S-1").quantity) == (100, 100)


def test_good_parts_grow_their_lot(operation: str) -> None:
    for good in (3, 4):
        do("operator", "operation.report", operation, good=good, lot_id="LOT-1")
    assert (lot("LOT-1").quantity, lot("LOT-1").remaining, lot("LOT-1").made_by_id) == (7, 7, operation)


def test_a_blocked_lot_is_neither_used_nor_filled(operation: str) -> None:
    steel()
    do("operator", "operation.report", operation, good=1, lot_id="LOT-1")
    for blocked in ("S-1", "LOT-1"):
        do("quality", "hold.create", lot_id=blocked, reason="hardness")
    with pytest.raises(Exception, match="lot S-1 is blocked and cannot be used"):
        do("operator", "operation.consume", operation, lot_id="S-1", quantity=1)
    with pytest.raises(Exception, match="lot LOT-1 is blocked: good parts cannot be confirmed into it"):
        do("operator", "operation.report", operation, good=1, lot_id="LOT-1")


def test_one_person_alone_does_not_release_a_lot(operation: str) -> None:
    do("quality", "hold.create", lot_id=steel(), reason="hardness")
    with pytest.raises(Exception, match=r"lot\.release is of class release_or_money: propose it, and 2 other people approve it"):
        do("quality", "lot.release", "S-1", reason="measured again")
    assert lot("S-1").status == "blocked"


def test_a_lot_does_not_go_into_what_it_is_made_of(operation: str) -> None:
    do("operator", "operation.report", operation, good=5, lot_id="LOT-A")
    do("operator", "operation.report", operation, good=5, lot_id="LOT-B")
    do("operator", "operation.consume", operation, lot_id="LOT-A", quantity=1, into_lot_id="LOT-B")
    with pytest.raises(Exception, match="lot LOT-B is made of lot LOT-A and cannot go into it"):
        do("operator", "operation.consume", operation, lot_id="LOT-B", quantity=1, into_lot_id="LOT-A")
    with pytest.raises(Exception, match="lot LOT-A is made of lot LOT-A"):
        do("operator", "operation.consume", operation, lot_id="LOT-A", quantity=1, into_lot_id="LOT-A")


def test_a_serial_is_one_piece() -> None:
    do("planner", "material.create", material_id="GEARBOX", tracked_by="serial")
    operation = order("PO-9", material="GEARBOX")
    do("operator", "operation.start", operation)
    do("operator", "operation.report", operation, good=1, lot_id="SN-1")
    with pytest.raises(Exception, match="serial SN-1 is one piece and is there already"):
        do("operator", "operation.report", operation, good=1, lot_id="SN-1")


def test_a_report_whose_parts_were_used_cannot_be_reversed(operation: str) -> None:
    report = do("operator", "operation.report", operation, good=5, lot_id="LOT-A")
    do("operator", "operation.consume", operation, lot_id="LOT-A", quantity=4, into_lot_id="LOT-B")
    with pytest.raises(Exception, match="lot LOT-A has 1 left; 5 of it were used already"):
        do("operator", "production.reverse", str(report["id"]), reason="wrong")


def test_a_delivery_that_comes_becomes_lots_and_is_expected_no_more() -> None:
    do("planner", "material.create", material_id="STEEL")
    do("planner", "material.create", material_id="PAINT")
    do("planner", "delivery.create", delivery_id="PUR-7", material_id="STEEL", quantity=10, expected_ts="2026-03-03T06:00:00Z")
    with pytest.raises(Exception, match="delivery PUR-7 is of STEEL, not of PAINT"):
        do("operator", "lot.create", lot_id="P-1", material_id="PAINT", quantity=1, delivery_id="PUR-7", equipment_id=LINE)
    do("operator", "lot.create", lot_id="S-1", material_id="STEEL", quantity=4, delivery_id="PUR-7", equipment_id=LINE)
    assert (lot("S-1").delivery.state, lot("S-1").delivery.left) == ("expected", 6)
    do("planner", "delivery.edit", "PUR-7", expected_ts="2026-03-04T06:00:00Z", quantity=9)
    do("operator", "lot.create", lot_id="S-2", material_id="STEEL", quantity=5, delivery_id="PUR-7", equipment_id=LINE)
    assert (lot("S-2").delivery.state, lot("S-2").delivery.left) == ("received", 0)
    for action, more in (("delivery.edit", {"quantity": 20}), ("delivery.cancel", {"reason": "no need"})):
        with pytest.raises(Exception, match="PUR-7 is received"):
            do("planner", action, "PUR-7", **more)
    with pytest.raises(Exception, match="delivery PUR-7 is received; make a new one"):
        do("operator", "lot.create", lot_id="S-3", material_id="STEEL", quantity=5, delivery_id="PUR-7", equipment_id=LINE)


def test_a_lot_lies_on_one_pallet_at_a_time() -> None:
    steel()
    for pallet in ("P-1", "P-2", ""):
        assert do("operator", "lot.move", "S-1", pallet=pallet)["pallet"] == pallet


def test_a_shipment_takes_what_is_left_to_whom_the_order_is_for_unless_told_otherwise() -> None:
    operation = order("PO-1", customer="Acme", sales_order="SO-7")
    do("operator", "operation.start", operation)
    do("operator", "operation.report", operation, good=5, lot_id="LOT-1")
    do("operator", "lot.move", "LOT-1", pallet="P-1")
    told = do("operator", "lot.ship", "LOT-1", quantity=2, customer="Brand")
    assert (told["customer"], told["sales_order"], told["quantity"], told["pallet"]) == ("Brand", "", "2", "P-1")
    rest = do("operator", "lot.ship", "LOT-1")
    assert (rest["customer"], rest["sales_order"], rest["quantity"], lot("LOT-1").remaining) == ("Acme", "SO-7", "3", 0)
    with pytest.raises(Exception, match="lot LOT-1 has 0 left, not more than 0"):
        do("operator", "lot.ship", "LOT-1")


def test_what_is_blocked_or_not_there_is_not_shipped() -> None:
    steel()
    with pytest.raises(Exception, match="lot S-1 has 100 left, not 101"):
        do("operator", "lot.ship", "S-1", quantity=101, customer="Acme")
    with pytest.raises(Exception, match="lot S-1 was made for no customer; give customer"):
        do("operator", "lot.ship", "S-1")
    do("quality", "hold.create", lot_id="S-1", reason="hardness")
    with pytest.raises(Exception, match="lot S-1 is blocked and cannot be shipped"):
        do("operator", "lot.ship", "S-1", customer="Acme")
    assert not Shipment.objects.exists()


def test_a_wrong_shipment_is_reversed_once_and_both_stay() -> None:
    gone = do("operator", "lot.ship", steel(), quantity=40, customer="Acme")
    do("operator", "shipment.reverse", str(gone["id"]), reason="other lot")
    assert (lot("S-1").remaining, lot("S-1").quantity) == (100, 100)
    assert sorted(Shipment.objects.values_list("quantity", flat=True)) == [-40, 40]
    for shipment in Shipment.objects.all():
        with pytest.raises(Exception, match="is a reversal or was reversed already"):
            do("operator", "shipment.reverse", str(shipment.pk), reason="again")


def test_a_use_and_a_reversal_at_once_both_count() -> None:
    first, second = order("PO-1"), order("PO-2")
    for operation in (first, second):
        do("operator", "operation.start", operation)
    report, _ = (do("operator", "operation.report", first, good=5, lot_id="LOT-1") for _ in range(2))
    at_once_before_any_commits(
        [
            lambda: do("operator", "operation.consume", second, lot_id="LOT-1", quantity=3),
            lambda: do("operator", "production.reverse", str(report["id"]), reason="typed twice"),
        ]
    )
    assert (lot("LOT-1").quantity, lot("LOT-1").remaining) == (5, 2)
