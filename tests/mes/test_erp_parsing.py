"""Documents of an ERP into rows: CSV as spreadsheets write it, JSON with its digits, B2MML without anything that XML can hide. No database."""

import json
from typing import Any

import pytest

from factolake.mes.exchange.parsing import FORMS, PARSERS, ParsedRow, RowError
from factolake.mes.exchange.parsing.rows import check

HEADER = "order_id,material_id,quantity,line_id"


def parsed(document: str | bytes, kind: str = "orders", format: str = "csv") -> list[ParsedRow | RowError]:
    raw = document.encode() if isinstance(document, str) else document
    return list(PARSERS[format](raw, FORMS[kind]))


def fault(row: dict[str, Any], kind: str = "orders") -> tuple[str, str]:
    """Field and message of a row that is refused."""
    found = check(ParsedRow(1, row), FORMS[kind])
    assert isinstance(found, RowError), found
    return found.field, found.message


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_csv_is_read_as_spreadsheets_write_it(delimiter: str, mark: str, line_end: str) -> None:
    lines = [HEADER, 'PO-1,"G ""x"", 1",5,L1', "", "PO-2,G,6,L1"]
    if delimiter != ",":
        lines = [line.replace('x"", 1', 'x""; 1' if delimiter == ";" else 'x""\t1').replace(",", delimiter) for line in lines]
    rows = parsed(mark + line_end.join(lines) + line_end)
    assert [row.number for row in rows] == [2, 4]  # the blank line is row 3 of the sheet
    inside = {",": ",", ";": ";", "\t": ""}[delimiter]
    assert rows[0].values["material_id"] == (f'G "x"{inside} 1' if inside else 'G "x"\t1')
    assert rows[1].values == {"order_id": "PO-2", "material_id": "G", "quantity": "6", "line_id": "L1"}


def test_a_decimal_comma_is_read_only_where_semicolons_separate() -> None:
    assert parsed("order_id;material_id;quantity;line_id\nA,1;G;12,5;L1")[0].values == {
        "order_id": "A,1", "material_id": "G", "quantity": "12.5", "line_id": "L1",
    }  # fmt: skip
    row = parsed(f'{HEADER}\nPO-1,G,"1,500",L1')[0]
    assert isinstance(row, ParsedRow)
    assert fault(dict(row.values)) == ("quantity", "a number is written 1234.5, without blanks and thousands separators, not '1,500'")
    assert fault({**row.values, "quantity": "1.500,5"})[0] == "quantity"


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("order_id,material_id,quantity\nPO-1,G,1", "lacks the column 'line_id'"),
        (f"{HEADER},colour\nPO-1,G,1,L1,red", "has a column 'colour'; columns are order_id"),
        (f"{HEADER},order_id\nPO-1,G,1,L1,x", "has the column 'order_id' twice"),
        ("", "lacks the column 'order_id'; it has none"),
        (HEADER.encode() + b"\nPO-1,G\xfcte,1,L1", "not UTF-8: byte 44 is 0xfc; save it as CSV UTF-8"),
        (HEADER.encode("utf-16"), "not UTF-8"),
    ],
)
def test_a_csv_document_that_is_none_is_refused_whole_with_the_reason(document: str | bytes, said: str) -> None:
    with pytest.raises(Exception, match=said):
        parsed(document)


def test_ragged_rows_and_broken_quotes_are_errors_of_their_row() -> None:
    rows = parsed(f'{HEADER}\nPO-1,G,1\nPO-2,G,1,L1,more\nPO-3,"G"x,1,L1\nPO-4,G,1,L1')
    assert [type(row) for row in rows] == [RowError, RowError, RowError, ParsedRow]
    assert [row.number for row in rows] == [2, 3, 4, 5]
    assert isinstance(rows[0], RowError)
    assert rows[0].message == "row 2 has 3 cells and the header 4; quote cells that hold the delimiter"


def test_json_keeps_the_digits_and_answers_for_each_row() -> None:
    rows = parsed(
        '[{"order_id": "A", "quantity": 0.1000}, 7, {"a": 1, "a": 2}, {"quantity": NaN}, {"quantity": 123456789012345678901}]', format="json"
    )
    assert [type(row) for row in rows] == [ParsedRow, RowError, RowError, ParsedRow, ParsedRow]
    assert rows[0].values["quantity"] == "0.1000"
    assert [row.field for row in rows if isinstance(row, RowError)] == ["", "a"]
    assert rows[4].values["quantity"] == "123456789012345678901"


@pytest.mark.parametrize("document", ["", "{}", '"x"', "[1,", "[" * 100_000, "nul", '{"a": 1}', "9" * 5000])
def test_what_is_no_json_array_is_refused_whole(document: str) -> None:
    with pytest.raises(Exception, match=r"the document is (no JSON|a JSON)"):
        parsed(document, format="json")


ORDER = {"order_id": "PO-1", "material_id": "G", "quantity": "1", "line_id": "L1"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("quantity", value) for value in ("NaN", "Infinity", "-inf", "-1", "0", "1e20", "1_000", "１", " 1", "", True, None, [], {}, "0.00001")),
        *(("order_id", value) for value in ("", " x", "a/b", "x" * 65, 5, None, [])),
        *(("due_ts", value) for value in ("20260302", 1772431200, "2026-03-02", "2026-03-02T06:00:00", "2026-02-30T06:00:00Z", "soon")),
        *(("priority", value) for value in ("1.5", "1001", True, "high")),
        *(("counted_by", value) for value in ("nobody", 1)),
        *(("customer", value) for value in ("x" * 121, 1, "a\0b", "\ud800")),
        *(("release", value) for value in ("maybe", 2)),
        ("colour", "red"),
    ],
)  # fmt: skip
def test_a_value_that_cannot_be_names_its_field(field: str, value: object) -> None:
    assert fault({**ORDER, field: value})[0] == field


def test_a_wrong_operation_is_named_by_its_place() -> None:
    operations = [{"number": 10}, {"number": 20, "planned_run_s": "inf"}]
    assert fault({**ORDER, "operations": operations})[0] == "operations.1.planned_run_s"
    assert fault({**ORDER, "operations": [{"number": 10, "description": "\0"}]})[0] == "description"
    assert fault({**ORDER, "operations": "10"})[0] == "operations"


REQUEST = """
<OperationsRequest><ID>{order}</ID><HierarchyScope><EquipmentID>L1</EquipmentID></HierarchyScope><EndTime>2026-03-05T12:00:00Z</EndTime>
<Priority>7</Priority><RequestState>Released</RequestState>
<SegmentRequirement><ID>20</ID><Description>Weld &amp; wash</Description><EarliestStartTime>2026-03-04T06:00:00Z</EarliestStartTime>
<EquipmentRequirement><EquipmentID>L1-M2</EquipmentID></EquipmentRequirement>
<SegmentParameter><ID>planned_run_s</ID><Value><ValueString>24.5</ValueString></Value></SegmentParameter>
<MaterialRequirement><MaterialDefinitionID>STEEL</MaterialDefinitionID><MaterialUse>Consumed</MaterialUse></MaterialRequirement>
<MaterialRequirement><MaterialDefinitionID>G</MaterialDefinitionID><MaterialUse>Produced</MaterialUse>
<Quantity><QuantityString>12.5</QuantityString><DataType>decimal</DataType><UnitOfMeasure>C62</UnitOfMeasure></Quantity></MaterialRequirement>
</SegmentRequirement></OperationsRequest>"""


def schedule(*requests: str, prefix: str = "") -> str:
    inside = "".join(requests)
    return f'{prefix}<OperationsSchedule xmlns="http://www.mesa.org/xml/B2MML"><ID>S</ID>{inside}</OperationsSchedule>'


def test_an_operations_schedule_becomes_orders_with_operations() -> None:
    first, second = parsed(schedule(REQUEST.format(order="PO-1"), REQUEST.format(order="PO-2")), format="b2mml")
    assert (first.number, second.number, second.values["order_id"]) == (1, 2, "PO-2")
    assert first.values == {
        "order_id": "PO-1", "line_id": "L1", "due_ts": "2026-03-05T12:00:00Z", "priority": "7", "release": True,
        "material_id": "G", "quantity": "12.5", "unit": "C62",
        "operations": [{
            "number": "20", "description": "Weld & wash", "equipment_id": "L1-M2", "planned_run_s": "24.5",
            "planned_start_ts": "2026-03-04T06:00:00Z",
        }],
    }  # fmt: skip
    assert isinstance(first, ParsedRow)
    assert not isinstance(check(first, FORMS["orders"]), RowError)


def test_material_definitions_become_materials() -> None:
    definition = """<MaterialDefinition><ID>G</ID><Description>Gear</Description>
        <MaterialDefinitionProperty><ID>base_unit</ID><Value><ValueString>KGM</ValueString></Value></MaterialDefinitionProperty></MaterialDefinition>"""
    rows = parsed(f"<MaterialInformation>{definition}</MaterialInformation>", "materials", "b2mml")
    assert rows[0].values == {"material_id": "G", "description": "Gear", "base_unit": "KGM"}


LAUGHS = '<!DOCTYPE l [<!ENTITY a "ha">' + "".join(f'<!ENTITY {n} "{f"&{p};" * 10}">' for p, n in zip("abcdefgh", "bcdefghi", strict=True)) + "]>"


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (schedule(REQUEST.format(order="&i;"), prefix=LAUGHS), "has a DTD or entities"),
        (schedule(REQUEST.format(order="&x;"), prefix='<!DOCTYPE s [<!ENTITY x SYSTEM "file:///etc/hostname">]>'), "has a DTD or entities"),
        (schedule(prefix='<!DOCTYPE s SYSTEM "http://localhost/x.dtd">'), "has a DTD or entities"),
        ("<a>" * 60 + "</a>" * 60, "nested more than 50 deep"),
        (schedule(REQUEST.format(order="&x;")), "is no XML: undefined entity"),
        ("<OperationsRequest>", "is no XML"),
        ("", "is no XML: no element found"),
        ("PO-1;G;5", "is no XML"),
        ("<OperationsSchedule/>", "has no element OperationsRequest"),
    ],
)
def test_xml_that_hides_something_or_is_none_is_refused_whole(document: str, said: str) -> None:
    with pytest.raises(Exception, match=said):
        parsed(document, format="b2mml")


def test_b2mml_says_what_it_does_not_bring() -> None:
    with pytest.raises(Exception, match="send everything else as CSV or JSON"):
        parsed(schedule(), "bills", "b2mml")


def test_any_text_stays_as_it_is_through_csv_and_json() -> None:
    naughty = [
        "=1+1",
        "'; DROP TABLE x;--",
        "<script>",
        "a\r\nb",
        "‮rtl",
        "Ω≈ç√",
        "\u200b",
        "NULL",
        "\t",
        '"',
        "'",
        "田中さん",
        "👩‍🔧",
        "%s {0} $x",
        "\\",
        "\x7f\x01",
    ]
    for text in naughty:
        quoted = '"' + text.replace('"', '""') + '"'
        assert parsed(f"material_id,description\nM,{quoted}", "materials")[0].values["description"] == text
        assert parsed(json.dumps([{"description": text}]), "materials", "json")[0].values["description"] == text
