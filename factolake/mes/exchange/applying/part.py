"""A document in parts: split when it comes, each part then applied in one transaction. A row that cannot be taken fails no other."""

import json
from collections.abc import Iterable, Iterator, Mapping

from factolake.mes.core.call import Call
from factolake.mes.exchange.applying.deliveries import apply_deliveries
from factolake.mes.exchange.applying.masterdata import apply_alternatives, apply_bills, apply_materials, apply_routings
from factolake.mes.exchange.applying.orders import apply_operations, apply_orders
from factolake.mes.exchange.applying.progress import apply_progress
from factolake.mes.exchange.applying.writes import Applier, Checked, Outcome, Writes
from factolake.mes.exchange.models import ErpImport, ErpImportPart, ErpImportRow, ImportState
from factolake.mes.exchange.parsing import FORMS, ParsedRow, RowError, RowForm
from factolake.mes.exchange.parsing.rows import FIELD_LENGTH, MESSAGE_LENGTH, check, key_of

PART_ROWS = 1000
"""Rows of a part: some tenths of a second, so that the shop's own reports never wait long for the one writer that SQLite has."""
APPLIERS: dict[str, Applier] = {
    "materials": apply_materials,
    "bills": apply_bills,
    "routings": apply_routings,
    "alternatives": apply_alternatives,
    "deliveries": apply_deliveries,
    "orders": apply_orders,
    "operations": apply_operations,
    "progress": apply_progress,
}


def split(rows: Iterable[ParsedRow | RowError], form: type[RowForm]) -> Iterator[ErpImportPart]:
    """Parts of `PART_ROWS` rows, not yet stored. A second row for the same thing is an error: which of the two holds nobody can know."""
    seen: dict[tuple[object, ...], int] = {}
    part: list[ParsedRow | RowError] = []
    number = 0
    for row in rows:
        if isinstance(row, ParsedRow):
            key = key_of(row, form)
            first = seen.setdefault(key, row.number)
            if first != row.number:
                row = RowError.of(row, form.KEY[0], f"{' '.join(map(str, key))[:200]} is in row {first} already; send it once")
        part.append(row)
        if len(part) == PART_ROWS:
            number += 1
            yield _part(number, part)
            part = []
    if part:
        yield _part(number + 1, part)


def apply_part(call: Call, document: ErpImport, part: ErpImportPart) -> None:
    """Apply the rows of the part, write down what became of each, and count them in the document."""
    rows = list(_read(part.content))
    outcomes: dict[int, Outcome] = {}
    faults = [row for row in rows if isinstance(row, RowError)]
    good: list[Checked] = []
    for row in rows:
        if isinstance(row, ParsedRow):
            checked = check(row, FORMS[document.kind])
            faults.append(checked) if isinstance(checked, RowError) else good.append((row, checked))
    writes = Writes()
    for (row, _), result in zip(good, APPLIERS[document.kind](call, document.source_system, good, writes), strict=True):
        if isinstance(result, RowError):
            faults.append(result)
        else:
            outcomes[row.number] = result
    outcomes |= dict.fromkeys((fault.number for fault in faults), Outcome.ERROR)
    writes.store(call)
    call.create_many([_fault(document, fault) for fault in sorted(faults, key=lambda fault: fault.number)])
    call.change(part, content="", outcomes=ranges(outcomes))
    counts = list(outcomes.values())
    state = ImportState.RUNNING if document.parts.filter(outcomes="").exists() else ImportState.DONE
    call.change(
        document,
        imported=document.imported + counts.count(Outcome.IMPORTED),
        updated=document.updated + counts.count(Outcome.UPDATED),
        skipped=document.skipped + counts.count(Outcome.SKIPPED),
        errors=document.errors + counts.count(Outcome.ERROR),
        state=state.value,
    )


def ranges(outcomes: Mapping[int, Outcome]) -> str:
    """Outcomes by row number in words, neighbours together.

    >>> ranges({2: Outcome.IMPORTED, 3: Outcome.IMPORTED, 4: Outcome.ERROR})
    '2-3 imported, 4 error'
    """
    found: list[tuple[int, int, Outcome]] = []
    for number, outcome in sorted(outcomes.items()):
        if found and found[-1][1] == number - 1 and found[-1][2] is outcome:
            found[-1] = (found[-1][0], number, outcome)
        else:
            found.append((number, number, outcome))
    return ", ".join(f"{first if first == last else f'{first}-{last}'} {outcome.value}" for first, last, outcome in found)


def _part(number: int, rows: list[ParsedRow | RowError]) -> ErpImportPart:
    faults = ((row.field, row.message) if isinstance(row, RowError) else ("", "") for row in rows)
    lines = (json.dumps([row.number, row.values, *fault]) for row, fault in zip(rows, faults, strict=True))
    return ErpImportPart(number=number, first_row=rows[0].number, last_row=rows[-1].number, content="\n".join(lines))


def _read(content: str) -> Iterator[ParsedRow | RowError]:
    for line in content.split("\n"):
        number, values, field, message = json.loads(line)
        yield RowError(number, field, message, values) if message else ParsedRow(number, values)


def _fault(document: ErpImport, fault: RowError) -> ErpImportRow:
    field, message = (_storable(text) for text in (fault.field, fault.message))
    content = json.dumps(fault.values)
    return ErpImportRow(erp_import=document, number=fault.number, field=field[:FIELD_LENGTH], message=message[:MESSAGE_LENGTH], content=content)


def _storable(text: str) -> str:
    """The text with what no database takes, half a character and NUL, written out: names of fields and of things come as the document has them."""
    return text.replace("\0", "\\0").encode("utf-8", "backslashreplace").decode()
