"""Rows of the spool's table `records` to stored records, also rows that are damaged."""

import json
import sqlite3
from collections.abc import Mapping
from typing import Any

from factolake.bus.port import Record, StoredRecord

SELECT = "SELECT offset, topic, key, headers, value FROM records"
Row = tuple[Any, ...]


def headers_text(headers: Mapping[str, str]) -> str:
    """Headers as the JSON text that is stored."""
    return json.dumps(dict(headers), separators=(",", ":"))


def as_record(row: Row) -> StoredRecord:
    """One row as a record; what is no text or no JSON is left out of the headers, never raised."""
    offset, topic, key, headers, value = row
    return StoredRecord(int(offset), Record(_text(topic), _text(key), _bytes(value), _headers(headers)))


def salvage(db: sqlite3.Connection, after: int, max_records: int) -> list[Row]:
    """The rows after `after` one by one: a row on a broken page keeps its offset and loses the rest.

    Raises sqlite3.DatabaseError when not even the offsets can be read.
    """
    offsets = db.execute("SELECT offset FROM records WHERE offset > ? ORDER BY offset LIMIT ?", (after, max_records)).fetchall()
    return [_row_or_stub(db, int(offset)) for (offset,) in offsets]


def _row_or_stub(db: sqlite3.Connection, offset: int) -> Row:
    try:
        row: Row = db.execute(f"{SELECT} WHERE offset = ?", (offset,)).fetchone()
        return row
    except sqlite3.DatabaseError:
        return (offset, "records", "", "{}", b"")


def _headers(stored: object) -> dict[str, str]:
    try:
        found = json.loads(_text(stored))
    except ValueError:
        return {}
    return {name: text for name, text in found.items() if isinstance(text, str)} if isinstance(found, dict) else {}


def _text(stored: object) -> str:
    if isinstance(stored, bytes):
        return stored.decode("utf-8", "replace")
    return "" if stored is None else str(stored)


def _bytes(stored: object) -> bytes:
    if isinstance(stored, bytes):
        return stored
    return b"" if stored is None else str(stored).encode("utf-8", "replace")
