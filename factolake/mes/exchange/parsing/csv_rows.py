"""CSV: UTF-8 with a header row. The delimiter is found in the header (, ; or tab).

Numbers have a decimal point. In files with ; they may have a decimal comma instead, as spreadsheets write them where ; separates; anywhere else
1,500 could be read two ways and is refused. An empty cell is a field that is not given.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence

from factolake.mes.core.refusals import Invalid
from factolake.mes.exchange.parsing.rows import ParsedRow, RowError, RowForm

_DELIMITERS = ",;\t"
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]+,[0-9]+", re.ASCII)


def parse_csv(document: bytes, form: type[RowForm]) -> Iterator[ParsedRow | RowError]:
    """The rows below the header, numbered as in a spreadsheet (the header is 1). Raises Invalid for what is no CSV or has other columns."""
    text = _decoded(document)
    delimiter = _delimiter(text.partition("\n")[0])
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    header = _header(next(reader, []), form)
    commas = form.NUMBERS if delimiter == ";" else frozenset()
    number = 1
    while True:
        number += 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield RowError(
                number, "", f"row {number} is no CSV: {error}; quote cells that hold quotes or line ends, and double the quotes in them", {}
            )
            continue
        if cells:
            yield _row(number, header, cells, commas)


def _row(number: int, header: Sequence[str], cells: Sequence[str], commas: frozenset[str]) -> ParsedRow | RowError:
    values = {name: cell for name, cell in zip(header, cells, strict=False) if cell != ""}
    if len(cells) != len(header):
        return RowError(number, "", f"row {number} has {len(cells)} cells and the header {len(header)}; quote cells that hold the delimiter", values)
    for name in commas & values.keys():
        if _DECIMAL_COMMA.fullmatch(values[name]):
            values[name] = values[name].replace(",", ".")
    return ParsedRow(number, values)


def _decoded(document: bytes) -> str:
    try:
        return document.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Invalid(f"the document is not UTF-8: byte {error.start} is {document[error.start]:#04x}; save it as CSV UTF-8") from error


def _delimiter(header: str) -> str:
    """The one that is most often in the header; a comma where there is none."""
    return max(_DELIMITERS, key=header.count)


def _header(cells: Sequence[str], form: type[RowForm]) -> list[str]:
    names = [cell.strip().lower() for cell in cells]
    fields = {name: field for name, field in form.model_fields.items() if name != "operations"}
    strangers = [name for name in names if name not in fields]
    missing = [name for name, field in fields.items() if field.is_required() and name not in names]
    if strangers:
        raise Invalid(f"the header has a column {strangers[0][:80]!r}; columns are {', '.join(fields)}")
    if missing:
        raise Invalid(f"the header lacks the column {missing[0]!r}; it has {', '.join(names) or 'none'}")
    if len(set(names)) != len(names):
        raise Invalid(f"the header has the column {next(n for n in names if names.count(n) > 1)!r} twice; name each once")
    return names
