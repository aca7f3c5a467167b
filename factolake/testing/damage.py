"""Rows for a table of any contract, and a bit of a data file flipped on purpose: for tests of what finds it."""

import datetime as dt
import random
from decimal import Decimal
from pathlib import Path

import pyarrow as pa

from factolake.contracts.formats.arrow import arrow_schema
from factolake.contracts.table import Column, Table, Type
from factolake.lake.tables import Handle

T0 = dt.datetime(2026, 11, 22, 6, tzinfo=dt.UTC)


def rows(table: Table, start: int, count: int) -> pa.Table:
    """Rows number `start` to `start + count` of `table`; all in one partition, every value by its row's number."""
    made = [{c.name: _value(c, 0 if c.name in table.partition_by else number) for c in table.columns} for number in range(start, start + count)]
    return pa.Table.from_pylist(made, arrow_schema(table))


def _value(column: Column, number: int) -> object:
    if column.values:
        return column.values[number % len(column.values)]
    return {
        Type.STRING: f"word {number}",
        Type.INT32: number,
        Type.INT64: number,
        Type.DECIMAL20: Decimal(number),
        Type.FLOAT64: number + 0.1,
        Type.BOOL: number % 2 == 0,
        Type.TIMESTAMP: T0 + dt.timedelta(minutes=number),
        Type.DATE: T0.date() + dt.timedelta(days=number),
        Type.BINARY: b"%d" % number,
    }[column.type]


def data_files(handle: Handle) -> list[Path]:
    """The data files of the snapshot, by name."""
    return [Path(handle.path, name) for name in sorted(handle.files())]


def flip(file: Path, seed: int) -> bytes:
    """Flip one bit of `file`, which one `seed` says; returns the bytes before."""
    whole, chance = file.read_bytes(), random.Random(seed)
    changed = bytearray(whole)
    changed[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
    file.write_bytes(changed)
    return whole
