"""Records to the rows of bronze: decode, split off what breaks the contract, add where each row came from. Pure: no table, no clock."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from factolake.bus.codec import MESSAGE_SCHEMAS, decode
from factolake.bus.port import EVENTS_SCHEMA, READINGS_SCHEMA, StoredRecord
from factolake.contracts.bronze import DEAD_LETTER, EVENT_MESSAGE, EVENTS, READING_MESSAGE, READINGS
from factolake.contracts.formats.arrow import arrow_schema
from factolake.contracts.table import Column, Table
from factolake.errors import UndecodableRecord
from factolake.landing.captures import parted, read_captures
from factolake.landing.fault import Fault

BRONZE_OF = {READINGS_SCHEMA: READINGS, EVENTS_SCHEMA: EVENTS}
_MESSAGE_OF = {READINGS.name: READING_MESSAGE, EVENTS.name: EVENT_MESSAGE}
_SCHEMA_OF = {READINGS.name: READINGS_SCHEMA, EVENTS.name: EVENTS_SCHEMA}
WHOLE_RECORD = -1


@dataclass(frozen=True, slots=True)
class Arrival:
    """Where a batch comes from and when it is landed: the log, and landing's time (UTC)."""

    log_id: str
    ingest_ts: datetime


@dataclass(frozen=True, slots=True)
class Batch:
    """Decoded records, exactly in bronze's columns. `sent` is how many values their senders say they hold; `through` the last offset."""

    readings: pa.Table
    events: pa.Table
    waveforms: pa.Table
    dead_letter: pa.Table
    sent: int
    through: int


def decode_batch(stored: Sequence[StoredRecord], arrival: Arrival) -> Batch:
    """The rows of `stored` (at least one record): what cannot be decoded, breaks the contract or is no capture is a dead letter."""
    parts: dict[str, list[tuple[StoredRecord, pa.Table]]] = {READINGS.name: [], EVENTS.name: []}
    dead: list[dict[str, object]] = []
    for one in stored:
        try:
            schema, rows = decode(one.record)
        except UndecodableRecord as error:
            dead.append(_letter(one, WHOLE_RECORD, one.record.value, error.reason, error.detail, values_in(one)))
            continue
        parts[BRONZE_OF[schema].name].append((one, rows))
    landed, records = {}, {one.offset: one for one in stored}
    for table in (READINGS, EVENTS):
        rows = _rows_of(table, parts[table.name], arrival)
        landed[table.name], letters = split_faults(table, rows, faults(_MESSAGE_OF[table.name], rows), records)
        dead += letters
    events, captures = parted(landed[EVENTS.name])
    waveforms, bad = read_captures(captures)
    dead += split_faults(EVENTS, captures, bad, records, "capture")[1]
    sent = sum(values_in(one) for one in stored)
    return Batch(landed[READINGS.name], events, waveforms, dead_letters(dead, arrival), sent, stored[-1].offset)


def values_in(stored: StoredRecord) -> int:
    """How many values the sender says the record holds; 1 when it does not say a number."""
    count = stored.record.headers.get("count", "")
    return int(count) if count.isascii() and count.isdigit() and len(count) < 10 else 1


def faults(columns: tuple[Column, ...], rows: pa.Table) -> list[Fault]:
    """The rows of `rows` that break their columns' contract (null, bounds, closed set), with the first thing wrong of each.

    `rows` are whole records in order of `log_offset`.
    """
    found: dict[int, str] = {}
    for column in columns:
        values = rows.column(column.name)
        for bad, says in _checks(column, values):
            for row in np.flatnonzero(bad.to_numpy(zero_copy_only=False)):
                found.setdefault(int(row), f"{column.name} is {values[int(row)].as_py()!r:.80}; {says}")
    offsets = rows.column("log_offset").to_numpy() if found else np.empty(0)
    return [Fault(row, row - int(np.searchsorted(offsets, offsets[row])), detail) for row, detail in sorted(found.items())]


def split_faults(
    table: Table, rows: pa.Table, bad: Sequence[Fault], records: dict[int, StoredRecord], reason: str = "contract"
) -> tuple[pa.Table, list[dict[str, object]]]:
    """`rows` without the bad ones, and a dead letter for each of those, carrying the row as a record of its own (a capture: its record)."""
    if not bad:
        return rows, []
    letters = []
    for fault in bad:
        row = rows.slice(fault.row, 1)
        one = records[row.column("log_offset")[0].as_py()]
        payload = _packed(_SCHEMA_OF[table.name], row) if table.name in _SCHEMA_OF else one.record.value
        letters.append(_letter(one, fault.place, payload, reason, fault.detail, 1))
    keep = np.ones(rows.num_rows, dtype=bool)
    keep[[fault.row for fault in bad]] = False
    return rows.filter(pa.array(keep)), letters


def dead_letters(letters: Sequence[dict[str, object]], arrival: Arrival) -> pa.Table:
    """`letters` as rows of bronze.dead_letter."""
    landed = {"log_id": arrival.log_id, "ingest_ts": arrival.ingest_ts, "ingest_date": arrival.ingest_ts.date()}
    return pa.Table.from_pylist([{**letter, **landed} for letter in letters], schema=arrow_schema(DEAD_LETTER))


def after(rows: pa.Table, offset: int | None) -> pa.Table:
    """Those of `rows` whose record lies beyond `offset`."""
    if offset is None or not rows.num_rows:
        return rows
    return rows.filter(pc.greater(rows.column("log_offset"), offset))


def _rows_of(table: Table, parts: Sequence[tuple[StoredRecord, pa.Table]], arrival: Arrival) -> pa.Table:
    schema = arrow_schema(table)
    if not parts:
        return schema.empty_table()
    message = pa.concat_tables([rows for _, rows in parts]).combine_chunks()
    count = message.num_rows
    offsets = np.repeat([one.offset for one, _ in parts], [rows.num_rows for _, rows in parts])
    landed = {
        "log_id": pa.repeat(arrival.log_id, count),
        "log_offset": pa.array(offsets, pa.int64()),
        "ingest_ts": pa.repeat(pa.scalar(arrival.ingest_ts, schema.field("ingest_ts").type), count),
        "ingest_date": pa.repeat(pa.scalar(arrival.ingest_ts.date(), pa.date32()), count),
    }
    return pa.table([landed[name] if name in landed else message.column(name) for name in schema.names], schema=schema)


def _checks(column: Column, values: pa.ChunkedArray) -> list[tuple[pa.ChunkedArray, str]]:
    checks: list[tuple[pa.ChunkedArray, str]] = []
    if not column.nullable and values.null_count:
        checks.append((pc.is_null(values), "the contract allows no null"))
    if column.values is not None:
        strange = pc.invert(pc.is_in(values, value_set=pa.array([*column.values, None] if column.nullable else column.values, values.type)))
        checks.append((strange, f"the contract allows {', '.join(column.values)}"))
    if column.low is not None or column.high is not None:
        span = pc.min_max(values).as_py()
        if span["min"] is not None and column.low is not None and span["min"] < column.low:
            checks.append((pc.fill_null(pc.less(values, int(column.low)), False), f"the contract allows no less than {column.low:.0f}"))
        if span["max"] is not None and column.high is not None and span["max"] > column.high:
            checks.append((pc.fill_null(pc.greater(values, int(column.high)), False), f"the contract allows no more than {column.high:.0f}"))
    return checks


def _letter(one: StoredRecord, row_idx: int, payload: bytes, reason: str, detail: str, values: int) -> dict[str, object]:
    return {
        "log_offset": one.offset,
        "row_idx": row_idx,
        "topic": one.record.topic,
        "record_key": one.record.key,
        "headers": json.dumps(dict(one.record.headers), sort_keys=True),
        "payload": payload,
        "reason": reason,
        "detail": detail,
        "row_count": values,
    }


def _packed(schema: str, row: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    message = row.select(MESSAGE_SCHEMAS[schema].names)
    with pa.ipc.new_stream(sink, message.schema) as writer:
        writer.write_table(message)
    return bytes(sink.getvalue().to_pybytes())
