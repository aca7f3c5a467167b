"""Documents of the ERP with odd rows and at odd moments: texts of every kind, over REST, quantities of nothing, others at work, things that end."""

from typing import Any

import pytest
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from erp_rows import an_order, bring, faults, materials
from record_plant import LINE, M1, M2, NOW, Api, do

from factolake.mes.core.refusals import Stale
from factolake.mes.exchange.applying import part
from factolake.mes.exchange.models import ErpImport
from factolake.mes.exchange.proceed import proceed_once
from factolake.mes.production.models import BillItem, Delivery, MaterialDefinition, Order, RoutingAlternative

pytestmark = pytest.mark.usefixtures("record")


NAUGHTY = [
    "=1+1",
    "'; DROP TABLE production_order;--",
    "<script>alert(1)</script>",
    "‮rtl",
    "Ω≈ç√",
    "NULL",
    "田中さん",
    "👩‍🔧",
    "%s {0} $x \\",
    "\x7f\x01",
    " x ",
]


def test_any_text_is_kept_as_it_is() -> None:
    rows = [{"material_id": f"M{place}", "description": text} for place, text in enumerate(NAUGHTY)]
    assert bring("materials", rows) == (len(NAUGHTY), 0, 0, 0)
    assert [MaterialDefinition.objects.get(pk=f"M{place}").description for place in range(len(NAUGHTY))] == NAUGHTY
    assert bring("materials", [{"material_id": text, "description": "a\0b\ud800"} for text in NAUGHTY]) == (0, 0, 0, len(NAUGHTY))


def test_a_row_that_no_database_holds_fails_no_other() -> None:
    assert bring("materials", "material_id,description\nA,x\0y\nB,z\n", format="csv") == (1, 0, 0, 1)
    assert faults() == [(2, "description", "'description' holds a NUL or half a character, which nobody can store; send it without")]


def test_a_document_comes_over_rest_and_its_answer_is_read_there() -> None:
    api = Api("erp")
    made = api.post(
        "/erp-imports", {"kind": "materials", "format": "csv", "source_system": "erp", "document": "material_id\nG\nG\n"}, Idempotency_Key="k"
    )
    assert (made.status_code, made.json()["imported"], made.json()["errors"]) == (201, 1, 1)
    number = made.json()["id"]
    assert [row["message"] for row in api.all(f"/erp-import-rows?erp_import_id={number}")] == ["G is in row 2 already; send it once"]
    assert [row["outcomes"] for row in api.all(f"/erp-import-parts?erp_import_id={number}")] == ["2 imported, 3 error"]
    bad = api.post("/erp-imports", {"kind": "materials", "format": "csv", "source_system": "erp", "document": "id\nG\n"})
    assert (bad.status_code, bad.json()["title"]) == (422, "Invalid")
    large = "material_id,description\n" + "".join(f"M{number},{'x' * 240}\n" for number in range(11_000))  # more than Django's own 2.5 MiB
    taken = api.post("/erp-imports", {"kind": "materials", "format": "csv", "source_system": "erp", "document": large})
    assert (taken.status_code, taken.json()["rows"], taken.json()["state"], taken.json()["imported"]) == (201, 11_000, "running", part.PART_ROWS)


@pytest.mark.parametrize(
    "bad",
    [
        '{"a\\ud800b": 1}',
        '{"a\\u0000b": 1}',
        '{"' + "x" * 300 + '": 1, "' + "x" * 300 + '": 2}',
        '{"material_id": "\\ud800"}, {"material_id": "\\ud800"}',
    ],
)
def test_a_row_whose_names_no_database_holds_fails_no_other(bad: str) -> None:
    assert bring("materials", f'[{{"material_id": "A"}}, {bad}]')[0] == 1
    assert all(len(field) <= 120 and message for _, field, message in faults())


def test_a_quantity_that_its_base_unit_makes_nothing_is_an_error_of_its_row() -> None:
    materials("G", base_unit="CEL")
    assert bring("orders", [an_order("PO-1", quantity="273.15", unit="KEL"), an_order("PO-2")]) == (1, 0, 0, 1)
    assert faults() == [(1, "quantity", "273.15 KEL of G are 0 CEL; send more than 0")]


def test_one_step_written_in_two_ways_is_one_step() -> None:
    materials("A", "B")
    rows = [{"material_id": "A", "component_id": "B", "step_number": number, "quantity": 1} for number in (10, "010", "10.0", "+10", 20)]
    assert bring("bills", rows) == (2, 0, 0, 3)
    assert faults()[0] == (2, "material_id", "A B 10 is in row 1 already; send it once")
    assert sorted(BillItem.objects.values_list("step_number", flat=True)) == [10, 20]


def test_an_order_of_which_more_was_made_than_asked_still_changes() -> None:
    materials("G")
    bring("orders", [an_order(release=True)])
    do("operator", "operation.start", "PO-1.10")
    do("operator", "operation.report", "PO-1.10", good=12)
    assert bring("orders", [an_order(priority=5)]) == (0, 1, 0, 0)
    assert Order.objects.get().priority == 5
    assert bring("orders", [an_order(quantity=11)]) == (0, 0, 0, 1)


def test_the_machine_does_not_count_again_what_people_reported() -> None:
    materials("G")
    bring("orders", [an_order(release=True)])
    do("operator", "operation.start", "PO-1.10")
    report = do("operator", "operation.report", "PO-1.10", good=4)["id"]
    assert bring("orders", [an_order(counted_by="machine")]) == (0, 0, 0, 1)
    assert faults()[0][:2] == (1, "counted_by")
    do("operator", "production.reverse", str(report), reason="the machine counts")
    assert bring("orders", [an_order(counted_by="machine")]) == (0, 1, 0, 0)


def test_a_document_that_fails_keeps_nobody_elses_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(part, "PART_ROWS", 1)
    materials("A")
    bring("materials", [{"material_id": one} for one in ("B", "C")])
    bring("bills", [{"material_id": "A", "component_id": "B", "step_number": number, "quantity": 1} for number in (10, 20)])
    for fault in (ZeroDivisionError("a fault of ours"), Stale("changed meanwhile")):

        def fails(*_: Any, fault: Exception = fault) -> Any:
            raise fault

        monkeypatch.setitem(part.APPLIERS, "materials", fails)
        bring("bills", [{"material_id": "A", "component_id": "B", "step_number": number, "quantity": 1} for number in (30, 40)])
        while proceed_once(NOW):
            pass
        assert list(ErpImport.objects.filter(state="running").values_list("kind", flat=True)) == ["materials"]


@pytest.mark.postgres
@pytest.mark.parametrize("record", ["postgresql"], indirect=True)
def test_documents_lock_no_row_against_those_that_point_at_it() -> None:
    with CaptureQueriesContext(connection) as seen:
        materials("A", "G")
        bring("bills", [{"material_id": "G", "component_id": "A", "step_number": 10, "quantity": 1}])
        bring("routings", [{"material_id": "G", "number": 10, "equipment_id": M1}])
        bring("orders", [an_order()])
        with override_settings(FACTOMES_INCUMBENT="erp"):
            bring("progress", [{"order_id": "PO-1", "number": 10, "good": 1}])
    locks = [query["sql"] for query in seen.captured_queries if "FOR NO KEY UPDATE" in query["sql"]]
    assert any("production_order" in sql for sql in locks)
    assert not [query["sql"] for query in seen.captured_queries if "FOR UPDATE" in query["sql"] and "audit_" not in query["sql"]]


def test_where_else_a_step_can_be_done_is_known_from_its_alternatives() -> None:
    materials("G")
    bring("routings", [{"material_id": "G", "number": 10, "equipment_id": M1, "planned_run_s": 24}])
    other = {"material_id": "G", "step_number": 10, "equipment_id": M2}
    assert bring("alternatives", "material_id;step_number;equipment_id;planned_run_s\nG;10;L1-M2;30,5\n", format="csv") == (1, 0, 0, 0)
    assert bring("alternatives", [other]) == (0, 1, 0, 0)
    assert bring("alternatives", [{**other, "step_number": 20}, {**other, "equipment_id": M1}]) == (0, 0, 0, 2)
    assert faults() == [
        (1, "step_number", "there is no routing step G 20; send it first"),
        (2, "equipment_id", f"step 10 of G is done at {M1} anyway; name another"),
    ]
    assert bring("alternatives", [{**other, "ended": True}]) == (0, 1, 0, 0)
    assert list(RoutingAlternative.objects.order_by("pk").values_list("planned_run_s", flat=True)) == [30.5, None]
    assert not RoutingAlternative.objects.filter(valid_to=None).exists()


def test_a_delivery_moves_and_ends_as_the_erp_says_but_what_has_come_has_come() -> None:
    materials("S", base_unit="KGM")
    row = {"delivery_id": "4500-10", "material_id": "S", "quantity": 500, "expected_ts": "2026-03-04T06:00:00Z"}
    second = {**row, "delivery_id": "4500-20"}
    assert bring("deliveries", [{**row, "quantity": 500000, "unit": "GRM"}, second]) == (2, 0, 0, 0)
    assert bring("deliveries", [{**row, "expected_ts": "2026-03-06T06:00:00Z"}, {**second, "state": "cancelled"}]) == (0, 2, 0, 0)
    do("operator", "lot.create", lot_id="S-1", material_id="S", quantity=500, delivery_id="4500-10", equipment_id=LINE)
    assert bring("deliveries", [row, {**second, "state": "expected"}]) == (0, 0, 1, 1)
    assert faults() == [(2, "state", "delivery 4500-20 is cancelled; send what comes after all under another id")]
    assert bring("deliveries", [{**row, "delivery_id": "4500-30"}], "planner", "sap") == (1, 0, 0, 0)
    assert bring("deliveries", [{**row, "delivery_id": "4500-30"}]) == (0, 0, 0, 1)
    held = Delivery.objects.order_by("pk").values_list("pk", "state", "quantity", "expected_ts__day")
    assert list(held) == [("4500-10", "received", 500, 6), ("4500-20", "cancelled", 500, 4), ("4500-30", "expected", 500, 4)]
