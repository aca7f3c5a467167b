"""Documents of the ERP into the record: every row is answered, one bad row fails no other, and what the ERP does not own it does not change."""

import json
from decimal import Decimal

import pytest
from django.test import override_settings
from erp_rows import COUNTS, an_order, bring, faults, materials
from record_plant import LINE, M1, M2, NOW, Api, do

from factolake.mes.audit.models import AuditEntry
from factolake.mes.core.call import Call
from factolake.mes.core.models import OutboxEvent
from factolake.mes.equipment.models import Equipment
from factolake.mes.exchange.applying import part
from factolake.mes.exchange.models import ErpImport, ErpImportPart, ErpImportRow
from factolake.mes.exchange.proceed import proceed_once
from factolake.mes.people.models import Grant, Person
from factolake.mes.production.models import BillItem, MaterialDefinition, Operation, Order, RoutingStep

pytestmark = pytest.mark.usefixtures("record")


def test_every_row_is_answered_and_the_bad_one_fails_no_other() -> None:
    materials("G")
    document = "order_id,material_id,quantity,line_id\nPO-1,G,1,L1\nPO-2,G,2.5,L1\nPO-3,NONE,3,L1\nPO-4,G,-4,L1\nPO-5,G,5,L1\n"
    assert bring("orders", document, format="csv") == (3, 0, 0, 2)
    assert faults() == [
        (4, "material_id", "there is no material NONE; send it first"),
        (5, "quantity", "Input should be greater than 0, not '-4'"),
    ]
    assert ErpImportPart.objects.latest("pk").outcomes == "2-3 imported, 4-5 error, 6 imported"
    assert json.loads(ErpImportRow.objects.latest("pk").content)["order_id"] == "PO-4"
    assert sorted(Order.objects.values_list("order_id", "quantity", "source_system", "state")) == [
        ("PO-1", Decimal(1), "erp", "planned"), ("PO-2", Decimal("2.5"), "erp", "planned"), ("PO-5", Decimal(5), "erp", "planned"),
    ]  # fmt: skip
    assert Operation.objects.filter(order_id="PO-1").get().operation_id == "PO-1.10"


def test_the_same_document_twice_changes_nothing() -> None:
    materials("G", "S")
    documents = {
        "materials": [{"material_id": "G", "description": "gear"}, {"material_id": "S"}],
        "bills": [{"material_id": "G", "component_id": "S", "step_number": 10, "quantity": "0.25"}],
        "routings": [{"material_id": "G", "number": 10, "equipment_id": M1, "planned_run_s": 24.5}],
        "alternatives": [{"material_id": "G", "step_number": 10, "equipment_id": M2, "planned_run_s": 30}],
        "deliveries": [{"delivery_id": "4500-10", "material_id": "S", "quantity": 500, "expected_ts": "2026-03-04T06:00:00Z"}],
        "orders": [an_order(due_ts="2026-03-05T12:00:00+01:00", operations=[{"number": 10}, {"number": 20, "equipment_id": M2}])],
        "operations": [{"order_id": "PO-1", "number": 20, "description": "weld"}],
    }
    first = {kind: bring(kind, rows) for kind, rows in documents.items()}
    assert first == {
        "materials": (0, 1, 1, 0), "bills": (1, 0, 0, 0), "routings": (1, 0, 0, 0), "alternatives": (1, 0, 0, 0), "deliveries": (1, 0, 0, 0),
        "orders": (1, 0, 0, 0), "operations": (0, 1, 0, 0),
    }  # fmt: skip
    changed = OutboxEvent.objects.exclude(kind__startswith="mes.erp_import").count()
    assert {kind: bring(kind, rows)[2] for kind, rows in documents.items()} == {kind: len(rows) for kind, rows in documents.items()}
    assert OutboxEvent.objects.exclude(kind__startswith="mes.erp_import").count() == changed


def test_a_document_is_applied_in_parts_and_each_row_of_it_goes_to_the_lake(monkeypatch: pytest.MonkeyPatch) -> None:
    materials("G")
    monkeypatch.setattr(part, "PART_ROWS", 3)
    before = AuditEntry.objects.count()
    rows = [an_order(f"PO-{number}") for number in range(6)] + [an_order("PO-6", line_id="L9"), an_order("PO-0")]
    assert bring("orders", rows) == (3, 0, 0, 0)
    assert ErpImport.objects.latest("pk").state == "running"
    moves = [proceed_once(NOW) for _ in range(3)]
    assert moves == [True, True, False]
    done = ErpImport.objects.latest("pk")
    assert (done.state, done.rows, *(getattr(done, name) for name in COUNTS)) == ("done", 8, 6, 0, 0, 2)
    assert faults() == [(7, "line_id", "there is no equipment L9; send it first"), (8, "order_id", "PO-0 is in row 1 already; send it once")]
    assert [one.outcomes for one in done.parts.order_by("number")] == ["1-3 imported", "4-6 imported", "7-8 error"]
    assert not done.parts.exclude(content="").exists()
    assert OutboxEvent.objects.filter(kind="mes.order").count() == OutboxEvent.objects.filter(kind="mes.operation").count() == 6
    entries = list(AuditEntry.objects.order_by("number")[before:])
    assert [(entry.action, entry.actor, entry.via) for entry in entries[1:]] == [("erp_import.proceed", "erp", "import")] * 2
    assert "PO-0" not in entries[0].payload
    assert {"made": 3, "noun": "order"}.items() <= next(one for one in json.loads(entries[0].changes) if one["noun"] == "order").items()


def test_a_document_whose_bringer_may_not_any_more_keeps_nobody_elses_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part, "PART_ROWS", 1)
    bring("materials", [{"material_id": "A"}, {"material_id": "B"}], "planner", "sap")
    bring("materials", [{"material_id": "C"}, {"material_id": "D"}])
    Grant.objects.filter(person_id="planner").delete()
    assert [proceed_once(NOW) for _ in range(2)] == [True, False]
    assert set(MaterialDefinition.objects.values_list("pk", flat=True)) == {"A", "C", "D"}
    do("engineer", "erp_import.proceed", str(ErpImport.objects.get(source_system="sap").pk))
    assert MaterialDefinition.objects.filter(pk="B").exists()


def test_the_digest_in_the_audit_is_that_of_the_rows_in_the_outbox() -> None:
    import hashlib

    materials("G")
    bring("orders", [an_order("PO-1"), an_order("PO-2")])
    rows = [json.loads(text)["row"] for text in OutboxEvent.objects.filter(kind="mes.order").order_by("id").values_list("payload", flat=True)]
    lines = "".join(json.dumps(row, sort_keys=True) + "\n" for row in rows)
    audited = next(one for one in json.loads(AuditEntry.objects.latest("number").changes) if one["noun"] == "order")
    assert audited == {"noun": "order", "made": 2, "sha256": hashlib.sha256(lines.encode()).hexdigest()}


def test_rows_written_together_that_are_there_already_are_one_conflict() -> None:
    materials("G")
    call = Call(Person.objects.get(pk="erp"), NOW)
    with pytest.raises(Exception, match="2 rows of material cannot be stored: one with this key is there already"):
        call.create_many([MaterialDefinition(material_id=one) for one in ("NEW", "G")])
    assert call.changes == []
    assert MaterialDefinition.objects.count() == 1


def test_what_the_erp_owns_it_may_change_and_the_audit_has_both_values() -> None:
    materials("G")
    bring("orders", [an_order(release=True)])
    do("operator", "operation.start", "PO-1.10")
    assert bring("orders", [an_order(quantity=12, due_ts="2026-03-09T12:00:00Z", customer="ACME", priority=3)]) == (0, 1, 0, 0)
    held = Order.objects.get(pk="PO-1")
    assert (held.quantity, held.customer, held.priority, held.state) == (Decimal(12), "ACME", 3, "running")
    change = next(one for one in json.loads(AuditEntry.objects.latest("number").changes) if one["noun"] == "order")
    assert (change["before"]["quantity"], change["after"]["quantity"]) == ("10", "12")
    assert bring("orders", [an_order(quantity=12)]) == (0, 0, 1, 0)  # fields that are not given stay


def test_what_was_begun_keeps_what_it_was_begun_with() -> None:
    materials("G", "S")
    bring("orders", [an_order(release=True)])
    do("operator", "operation.start", "PO-1.10")
    do("operator", "operation.report", "PO-1.10", good=5)
    for values, field, said in (
        ({"material_id": "S"}, "material_id", "order PO-1 is for G; cancel it and send a new one for S"),
        ({"line_id": M1}, "line_id", "order PO-1 is running and its line cannot change to L1-M1; only a planned order's can"),
        ({"quantity": 4}, "quantity", "5 of order PO-1 are made; it cannot be for 4 any more"),
        ({"operations": [{"number": 10, "description": "x"}]}, "operations.0.description", "operation PO-1.10 is running; it changes no more"),
        ({"operations": [{"number": 30}]}, "operations.0.number", "order PO-1 is running and gets no operation 30; only a planned order's can"),
    ):
        assert bring("orders", [an_order(**values)]) == (0, 0, 0, 1)
        assert faults() == [(1, field, said)]


def test_a_finished_order_changes_no_more_and_the_schedule_stays_the_planners() -> None:
    materials("G")
    step = {"number": 10, "equipment_id": M1, "planned_run_s": 24}
    bring("orders", [an_order(release=True, operations=[step])])
    Operation.objects.filter(pk="PO-1.10").update(equipment=M2, planned_run_s=30)
    assert bring("orders", [an_order(operations=[step])]) == (0, 0, 1, 0), "its time at M1 is none of M2"
    do("planner", "order.cancel", "PO-1", reason="not wanted")
    assert bring("orders", [an_order(priority=9)]) == (0, 0, 0, 1)
    assert faults() == [(1, "priority", "order PO-1 is cancelled; nothing of it changes any more")]
    assert bring("orders", [an_order()]) == (0, 0, 1, 0)


def test_a_planned_order_moves_to_another_line_with_the_operations_that_are_there() -> None:
    materials("G")
    bring("orders", [an_order(operations=[{"number": 10}, {"number": 20, "equipment_id": M2}])])
    assert bring("orders", [an_order(line_id=M1, release=True, operations=[{"number": 5}])]) == (0, 1, 0, 0)
    there = Operation.objects.filter(order_id="PO-1").order_by("number").values_list("number", "equipment_id", "state")
    assert list(there) == [(5, M1, "ready"), (10, M1, "waiting"), (20, M2, "waiting")]
    assert Order.objects.get(pk="PO-1").state == "released"


def test_operations_come_from_the_routing_as_it_is_now_and_the_old_one_stays_in_the_record() -> None:
    materials("G")
    step = {"material_id": "G", "number": 10, "equipment_id": M1, "planned_run_s": 24}
    bring("routings", [step, {**step, "number": 20, "equipment_id": M2}])
    assert bring("routings", [{**step, "planned_run_s": 20}, {**step, "number": 20, "ended": True}]) == (0, 2, 0, 0)
    bring("orders", [an_order()])
    assert list(Operation.objects.values_list("number", "planned_run_s")) == [(10, 20.0)]
    assert RoutingStep.objects.filter(valid_to=None).count() == 1
    assert RoutingStep.objects.exclude(valid_to=None).count() == 2


def test_bills_refuse_circles_and_strangers() -> None:
    materials("A", "B", "C")
    item = {"step_number": 10, "quantity": 1}
    rows = [
        {"material_id": "A", "component_id": "B", **item},
        {"material_id": "B", "component_id": "C", **item},
        {"material_id": "C", "component_id": "A", **item},
        {"material_id": "A", "component_id": "A", **item},
        {"material_id": "A", "component_id": "NONE", **item},
    ]
    assert bring("bills", rows) == (2, 0, 0, 3)
    said = [message for _, _, message in faults()]
    assert said[0] == "material A is made of C and cannot be a part of it"
    assert BillItem.objects.count() == 2


def test_units_are_converted_exactly_or_refused() -> None:
    materials("G", base_unit="KGM")
    rows = [
        an_order("PO-1", quantity="2500", unit="GRM"),
        an_order("PO-2", quantity="1", unit="C62"),
        an_order("PO-3", quantity="0.0001", unit="GRM"),
        an_order("PO-4", unit="kg"),
        an_order("PO-5", unit="KGM"),
    ]
    assert bring("orders", rows) == (2, 0, 0, 3)
    assert Order.objects.get(pk="PO-1").quantity == Decimal("2.5")
    assert [(number, field) for number, field, _ in faults()] == [(2, "unit"), (3, "quantity"), (4, "unit")]
    assert "cannot be converted to KGM (mass); quantities of G are in KGM" in faults()[0][2]
    assert bring("materials", [{"material_id": "G", "base_unit": "GRM"}]) == (0, 0, 0, 1)
    assert faults()[0][2] == "quantities of G are recorded in KGM; a new unit takes a new material"


def test_each_system_keeps_what_is_its_own() -> None:
    do("engineer", "material.create", material_id="OURS")
    materials("G", "OURS")
    assert MaterialDefinition.objects.get(pk="OURS").source_system == "erp"  # nobody's before: the ERP takes it over
    do("planner", "order.create", order_id="PO-1", material_id="G", quantity=1, line_id=LINE)
    assert bring("orders", [an_order(quantity=2)]) == (0, 0, 0, 1)
    assert faults()[0][2] == "order PO-1 is owned by FactoMES, not by erp; take another number"
    assert bring("materials", [{"material_id": "G", "description": "x"}], "planner", "other") == (0, 0, 0, 1)
    assert bring("orders", [an_order("PO-2")], "planner", "other") == (1, 0, 0, 0)  # of the ERP's material
    assert bring("operations", [{"order_id": "PO-2", "number": 10, "description": "x"}, {"order_id": "PO-9", "number": 1}]) == (0, 0, 0, 2)


def test_the_erp_needs_no_approval_for_its_own_an_agent_does_and_nobody_brings_for_another() -> None:
    document = json.dumps([{"material_id": "G"}])
    asked = {"kind": "materials", "format": "json", "document": document}
    with pytest.raises(Exception, match="service erp brings documents of its own only; source_system is 'sap'"):
        do("erp", "erp_import.create", **asked, source_system="sap")
    with pytest.raises(Exception, match="propose it"):
        do("agent", "erp_import.create", **asked, source_system="agent")
    with pytest.raises(Exception, match=r"order\.release is of class production: propose it"):
        do("planner", "material.create", material_id="M")
        do("planner", "order.create", order_id="PO-1", material_id="M", quantity=1, line_id=LINE)
        do("erp", "order.release", "PO-1")


def test_a_body_that_is_too_large_is_a_problem_of_the_caller() -> None:
    with override_settings(DATA_UPLOAD_MAX_MEMORY_SIZE=100):
        answer = Api("erp").post("/erp-imports", {"document": "x" * 100})
        assert (answer.status_code, answer.json()["title"]) == (413, "TooBig")
        assert Api(None).post("/erp-imports", {"document": "x" * 100}).status_code == 401


def test_equipment_that_takes_no_work_gets_none() -> None:
    materials("G")
    Equipment.objects.filter(pk=M1).update(is_active=False)
    bring("orders", [an_order(operations=[{"number": 10, "equipment_id": M1}, {"number": 10}])])
    assert faults() == [(1, "operations.0.number", "operation 10 of order PO-1 is there twice; number each once")]
    bring("orders", [an_order(operations=[{"number": 10, "equipment_id": M1}])])
    assert faults() == [(1, "operations.0.equipment_id", "equipment L1-M1 takes no new work; name another")]
