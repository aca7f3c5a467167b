"""Many rows written at once are what they would be one by one: their own values, keys that nobody else has, one audit, all or nothing."""

import json
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from record_plant import LINE, M1, NOW, Api, do, order

from factolake.mes.audit.models import AuditEntry
from factolake.mes.core.call import Call, locked
from factolake.mes.core.refusals import Conflict
from factolake.mes.people.models import Person
from factolake.mes.production.models import Lot, MaterialDefinition, Operation, Order, Production
from factolake.mes.quality.models import Covered, Hold, HoldItem

pytestmark = pytest.mark.usefixtures("record")
MANY = 600


def call() -> Call:
    return Call(Person.objects.get(pk="planner"), NOW + timedelta(days=1), "command")


def lots(count: int, **values: object) -> list[Lot]:
    MaterialDefinition.objects.get_or_create(pk="STEEL", defaults={"changed_ts": NOW})
    same = {"material_id": "STEEL", "quantity": 5, "remaining": 4, "made_ts": NOW, "changed_ts": NOW, "place_path": "acme/bremen/assembly/L1"}
    Lot.objects.bulk_create(Lot(lot_id=f"S-{number:04d}", **{**same, **values}) for number in range(count))
    return list(Lot.objects.filter(material_id="STEEL").order_by("pk"))


def test_each_of_many_rows_gets_its_own_values_of_every_kind() -> None:
    first, second, third = lots(3, supplier_lot="H-1")
    made = order()
    when = NOW + timedelta(hours=3, microseconds=7)
    wanted = {"remaining": Decimal("1.2345"), "pallet": "P-ß'\"", "made_by_id": made, "made_ts": when}
    with transaction.atomic():
        asked = call()
        assert asked.change_many([(first, wanted), (second, {"pallet": "P-2"}), (third, {"supplier_lot": "H-1"})]) == 2
    stored = {lot.pk: lot for lot in Lot.objects.all()}
    assert {name: getattr(stored["S-0000"], name) for name in wanted} == wanted
    assert (stored["S-0001"].pallet, stored["S-0001"].remaining, stored["S-0001"].made_by_id) == ("P-2", 4, None)
    assert [stored[f"S-000{n}"].version for n in range(3)] == [2, 2, 1]
    assert [stored[f"S-000{n}"].changed_ts for n in range(3)] == [asked.at_ts, asked.at_ts, NOW]
    told = asked.audited()
    assert [row["id"] for row in told] == ["S-0000", "S-0001"]
    assert {name: told[1][side][name] for side in ("before", "after") for name in ("pallet", "version")} == {"pallet": "P-2", "version": 2}


def test_a_value_is_taken_back_to_none_in_many_rows() -> None:
    operation = Operation.objects.get(pk=order())
    with transaction.atomic():
        call().change_many([(operation, {"planned_start_ts": NOW, "planned_run_s": 2.5, "sequence": 3, "overlaps": True})])
    stored = Operation.objects.get(pk=operation.pk)
    assert (stored.planned_start_ts, stored.planned_run_s, stored.sequence, stored.overlaps) == (NOW, 2.5, 3, True)
    with transaction.atomic():
        call().change_many([(stored, {"planned_start_ts": None, "planned_run_s": None, "sequence": None, "overlaps": False})])
    again = Operation.objects.get(pk=operation.pk)
    assert (again.planned_start_ts, again.planned_run_s, again.sequence, again.overlaps, again.version) == (None, None, None, False, stored.version)


def test_many_rows_of_which_one_cannot_be_stay_as_they_were() -> None:
    order("PO-1")
    order("PO-2")
    with pytest.raises(Conflict, match="2 rows of order cannot be stored"), transaction.atomic():
        call().change_many((Order.objects.get(pk=key), {"quantity": quantity}) for key, quantity in (("PO-1", 7), ("PO-2", -1)))
    assert set(Order.objects.values_list("quantity", flat=True)) == {100}


def test_rows_made_at_once_get_keys_that_nobody_else_has() -> None:
    asked, held = call(), lots(4)
    hold = Hold.objects.create(lot=held[0], why="hardness", placed_by=asked.actor, placed_ts=NOW, changed_ts=NOW)
    same = {"hold": hold, "covered": Covered.DIRECT.value, "returns_to": "unrestricted", "changed_ts": NOW}
    before = HoldItem.objects.create(lot=held[0], **same)
    with transaction.atomic():
        asked.create_many([HoldItem(lot=lot, **same) for lot in held[1:3]])
    after = HoldItem.objects.create(lot=held[3], **same)
    numbers = dict(HoldItem.objects.values_list("lot_id", "pk"))
    assert [numbers[lot.pk] for lot in held] == sorted(set(numbers.values())) == list(range(before.pk, after.pk + 1))
    assert [change.object_id for change in asked.changes] == [str(numbers[lot.pk]) for lot in held[1:3]]


def test_a_hold_over_many_lots_blocks_and_frees_each_and_audits_each() -> None:
    lots(MANY)
    held = do("quality", "hold.create", equipment_id=LINE, reason="hardness")
    assert Lot.objects.filter(status="blocked").count() == HoldItem.objects.filter(hold=held["id"]).count() == MANY
    do("quality", "hold.release", str(held["id"]), approval="proposal 1", reason="measured again")
    assert Lot.objects.filter(status="unrestricted", version=3).count() == MANY
    steps = (("blocked", "unrestricted"), ("unrestricted", "blocked"))
    for entry, (before, after) in zip(AuditEntry.objects.order_by("-number")[:2], steps, strict=True):
        told = {row["id"]: row for row in json.loads(entry.changes) if row["noun"] == "lot"}
        assert len(told) == MANY
        assert (told["S-0599"]["before"]["status"], told["S-0599"]["after"]["status"]) == (before, after)


def test_a_row_that_is_held_knows_its_owner_and_its_place() -> None:
    key = order()
    with transaction.atomic():
        operation = locked(Operation, key)
        with CaptureQueriesContext(connection) as asked:
            assert operation is not None
            assert (operation.order.pk, operation.place) == ("PO-1", "acme/bremen/assembly/L1")
    assert not asked.captured_queries


def test_a_report_asks_the_database_a_bounded_number_of_times() -> None:
    do("planner", "material.create", material_id="G-100")
    do("engineer", "routing_step.create", material_id="G-100", number=10, equipment_id=M1)
    operation = order()
    do("operator", "operation.start", operation)
    client = Api("operator")
    assert client.post(f"/operations/{operation}/report", {"good": 1, "lot_id": "LOT-1"}).status_code == 200
    with CaptureQueriesContext(connection) as asked:
        assert client.post(f"/operations/{operation}/report", {"good": 1, "lot_id": "LOT-1"}).status_code == 200
    assert len(asked) <= 28  # 34 cost a quarter more CPU
    assert (Production.objects.count(), Lot.objects.get(pk="LOT-1").quantity) == (2, 2)
