"""Gold and silver rows that keep their contract, and the way they get into a lake."""

from datetime import UTC, date, datetime, timedelta

import pyarrow as pa

from factolake.contracts.formats.arrow import arrow_schema
from factolake.contracts.gold import OEE_HOUR, OEE_SHIFT
from factolake.contracts.silver import MACHINE_STATES
from factolake.contracts.table import Table, Type
from factolake.lake.tables import Lake

T0 = datetime(2026, 3, 2, 5, tzinfo=UTC)
HOUR_US = 3_600_000_000


def make_row(table: Table, **given: object) -> dict[str, object]:
    """A row of `table` that keeps its contract: zero, false, T0 or the first allowed word where nothing is given."""
    plain = {Type.STRING: "x", Type.INT32: 1, Type.INT64: 0, Type.FLOAT64: 0.0, Type.BOOL: False, Type.TIMESTAMP: T0, Type.DATE: T0.date()}
    row: dict[str, object] = {c.name: None if c.nullable else (c.values[0] if c.values else plain[c.type]) for c in table.columns}
    assert set(given) <= set(row), set(given) - set(row)
    return {**row, **given}


def shift_row(machine: str = "M1", gq: int = 10, shift: str = "early", **given: object) -> dict[str, object]:
    values = {"equipment": machine, "line": "L1", "production_day": date(2026, 3, 2), "shift": shift, "to_ts": T0 + timedelta(hours=8)}
    counts = {"pq": gq, "gq": gq, "oee": gq / 100, "pbt_us": HOUR_US, "apt_us": HOUR_US}
    return make_row(OEE_SHIFT, **{**values, **counts, **given})


def hour_row(machine: str = "M1", hour: int = 0, **given: object) -> dict[str, object]:
    start = T0 + timedelta(hours=hour)
    return make_row(OEE_HOUR, **{"machine": machine, "line": "L1", "hour_ts": start, "day": start.date(), **given})


def state_row(machine: str, minute: int, state: str = "producing", **given: object) -> dict[str, object]:
    start = T0 + timedelta(minutes=minute)
    values = {"machine": machine, "line": "L1", "from_ts": start, "to_ts": start + timedelta(minutes=1), "state": state, "duration_us": 60_000_000}
    return make_row(MACHINE_STATES, **{**values, "from_day": start.date(), **given})


def rows_of(table: Table, rows: list[dict[str, object]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=arrow_schema(table))


def put(lake: Lake, table: Table, rows: list[dict[str, object]], predicate: str | None = None) -> int:
    """Append `rows`, or put them in place of what `predicate` selects; returns the version."""
    lake.ensure(table)
    handle = lake.open(table)
    return handle.append(rows_of(table, rows), {}) if predicate is None else handle.replace(rows_of(table, rows), predicate, {})
