"""Rows into CSV and XLSX that a spreadsheet opens as what they are: numbers as numbers, text as text. No cell becomes a formula.

A text that a spreadsheet would run (it begins, after blanks, with = + - @, a tab, a line end or NUL) gets a ' in front, as people write it there.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import IO

from openpyxl import Workbook
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

from factolake.mes.core.record import JsonValue
from factolake.mes.core.refusals import Invalid

XLSX_ROWS_MAX = 100_000
"""A workbook is made whole before it is sent; more rows come as CSV, which streams."""
_RUN = frozenset("=+-@\t\r\n\0＝＋－＠")
_CELL_LENGTH_MAX = 32_767
_CUT = " [cut here: the CSV has all of it]"
_LINES_A_CHUNK = 500
Row = Mapping[str, JsonValue]


def safe(value: JsonValue, *, is_number: bool = False) -> str:
    """The value for a cell of a CSV; `is_number` says that the column holds nothing but numbers.

    >>> safe("=1+1"), safe("-5", is_number=True), safe("-5"), safe(None), safe(True)
    ("'=1+1", '-5', "'-5", '', 'true')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value)
    if is_number or isinstance(value, (int, float)):
        return text
    return f"'{text}" if {text[:1], text.lstrip()[:1]} & _RUN else text


def csv_of(columns: Sequence[str], numbers: frozenset[str], rows: Iterable[Row]) -> Iterator[bytes]:
    """UTF-8 with a mark, so that spreadsheets know it, commas and CR LF; some hundred rows at a time. `numbers` are the columns of numbers."""
    page = io.StringIO()
    writer = csv.writer(page, lineterminator="\r\n")
    page.write("\ufeff")
    writer.writerow(columns)
    for count, row in enumerate(rows, start=1):
        writer.writerow([safe(row[name], is_number=name in numbers) for name in columns])
        if count % _LINES_A_CHUNK == 0:
            yield page.getvalue().encode()
            page.seek(0)
            page.truncate()
    yield page.getvalue().encode()


def write_xlsx(file: IO[bytes], columns: Sequence[str], numbers: frozenset[str], rows: Iterable[Row]) -> None:
    """A workbook with one sheet into `file`. Raises Invalid for more than `XLSX_ROWS_MAX` rows."""
    book = Workbook(write_only=True)
    sheet = book.create_sheet("rows")
    try:
        sheet.append(list(columns))
        for count, row in enumerate(rows, start=1):
            if count > XLSX_ROWS_MAX:
                raise Invalid(f"there are more than {XLSX_ROWS_MAX} rows; take the CSV or ask for fewer with a filter")
            sheet.append([_cell(row[name], is_number=name in numbers) for name in columns])
    finally:
        sheet.close()
    book.save(file)


def _cell(value: JsonValue, *, is_number: bool) -> JsonValue | Decimal:
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if is_number:
        return Decimal(value)
    lines = safe(value).replace("\r\n", "\n").replace("\r", "\n")  # XML would make them so anyhow
    text = ILLEGAL_CHARACTERS_RE.sub("\ufffd", lines)
    return text if len(text) <= _CELL_LENGTH_MAX else text[: _CELL_LENGTH_MAX - len(_CUT)] + _CUT
