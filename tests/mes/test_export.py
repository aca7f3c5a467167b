"""Files for spreadsheets: every resource, only what one may see, numbers as numbers, and no text that a spreadsheet would run."""

import csv
import io
from decimal import Decimal
from typing import Any

import pytest
from openpyxl import load_workbook
from record_plant import LINE, Api, do, person

from factolake.domain.action import Role
from factolake.mes.core import sheets
from factolake.mes.core.resource import MAX_LIMIT
from factolake.mes.core.sheets import csv_of, safe, write_xlsx
from factolake.mes.production.models import MaterialDefinition

FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "＝1", '=cmd|" /C calc"!A0', '=HYPERLINK("http://x")']
PLAIN = ["", "a=b", "1-2", "12", "'=1", "Ω≈ç√", "田中さん", "a\r\nb", '"', "a,b;c", "<script>", "<a & b>"]


def read_csv(content: bytes) -> list[list[str]]:
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(io.StringIO(content.decode("utf-8-sig"), newline="")))


def read_xlsx(content: bytes) -> list[tuple[Any, ...]]:
    book = load_workbook(io.BytesIO(content))
    assert all(cell.data_type != "f" for row in book.active.iter_rows() for cell in row)
    return [tuple(cell.value for cell in row) for row in book.active.iter_rows()]


def test_text_that_would_run_is_quoted_and_all_other_stays() -> None:
    assert [safe(text) for text in (*FORMULAS, "\0=1")] == [f"'{text}" for text in (*FORMULAS, "\0=1")]
    assert [safe(text) for text in PLAIN] == PLAIN
    assert [safe("-5", is_number=True), safe(-5), safe(-0.5), safe(None), safe(False)] == ["-5", "-5", "-0.5", "", "false"]


def test_a_file_read_again_has_what_was_written() -> None:
    rows = [{"id": place, "text": text, "quantity": "-1.2500", "at": None} for place, text in enumerate(FORMULAS + PLAIN)]
    columns, numbers = ("id", "text", "quantity", "at"), frozenset({"id", "quantity"})
    written = read_csv(b"".join(csv_of(columns, numbers, rows)))
    assert written[0] == list(columns)
    assert [row[1] for row in written[1:]] == [f"'{text}" for text in FORMULAS] + PLAIN
    assert {row[2] for row in written[1:]} == {"-1.2500"}
    file = io.BytesIO()
    write_xlsx(file, columns, numbers, rows)
    sheet = read_xlsx(file.getvalue())
    assert [(row[0], row[2], row[3]) for row in sheet[1:]] == [(place, -1.25, None) for place in range(len(rows))]
    assert [row[1] or "" for row in sheet[1:]] == [row[1].replace("\r\n", "\n").replace("\r", "\n") for row in written[1:]]


def test_a_workbook_takes_what_it_cannot_hold_as_something_else() -> None:
    file = io.BytesIO()
    write_xlsx(file, ("text",), frozenset(), [{"text": "a\x01b\0c"}, {"text": "x" * 40_000}])
    (_, first, second) = read_xlsx(file.getvalue())
    assert first == ("a�b�c",)
    assert (len(second[0]), second[0][-len(sheets._CUT) :]) == (32_767, sheets._CUT)


def test_more_rows_than_a_workbook_takes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sheets, "XLSX_ROWS_MAX", 2)
    with pytest.raises(Exception, match="more than 2 rows; take the CSV"):
        write_xlsx(io.BytesIO(), ("n",), frozenset({"n"}), [{"n": n} for n in range(3)])


def body(answer: Any) -> bytes:
    assert answer.status_code == 200, answer.content
    return b"".join(answer.streaming_content)


def test_a_collection_is_a_file_with_its_filters_and_all_its_rows(record: str) -> None:
    do("planner", "material.create", material_id="G-100", description="=cmd()")
    MaterialDefinition.objects.bulk_create(
        MaterialDefinition(material_id=f"M-{number:04}", changed_ts=MaterialDefinition.objects.get().changed_ts) for number in range(2 * MAX_LIMIT)
    )
    for number, quantity in enumerate(("12.5", "3")):
        do("planner", "order.create", order_id=f"PO-{number}", material_id="G-100", quantity=quantity, line_id=LINE)
    do("planner", "order.release", "PO-1")
    api = Api("viewer")
    names, *materials = read_csv(body(api.get("/materials.csv")))
    assert len({row[names.index("material_id")] for row in materials}) == 2 * MAX_LIMIT + 1
    assert materials[0][names.index("description")] == "'=cmd()"
    names, *orders = read_csv(body(api.get("/orders.csv?state=released")))
    assert [(row[names.index("order_id")], row[names.index("quantity")]) for row in orders] == [("PO-1", "3")]
    answer = api.get("/orders.xlsx")
    heading, *found = read_xlsx(body(answer))
    assert [row[heading.index("quantity")] for row in found] == [Decimal("12.5"), 3]
    assert answer["Content-Disposition"] == 'attachment; filename="orders.xlsx"'


def test_a_file_has_only_what_one_may_see(sqlite_record: str) -> None:
    do("planner", "material.create", material_id="G-100")
    do("planner", "order.create", order_id="PO-1", material_id="G-100", quantity=1, line_id=LINE)
    person("far", Role.OPERATOR, "acme/bremen/painting")
    assert len(read_csv(body(Api("far").get("/orders.csv")))) == 1
    assert (Api("nobody").get("/orders.csv").status_code, Api(None).get("/orders.xlsx").status_code) == (403, 401)
    assert Api("viewer").get("/orders.csv?colour=red").status_code == 422
    assert Api("viewer").get("/erp-imports.xlsx").status_code == 403
