"""Slices as conditions and as rows: how a refinement says which part of its output it means."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime

import pyarrow as pa

from factolake.contracts.table import Table
from factolake.refine.refinement import Slice, sql_ts


def slice_predicate(table: Table, slices: Iterable[Slice]) -> str:
    """SQL condition for exactly the rows of `slices`, in a form delta-rs can prune by."""
    grouped: dict[tuple[object, ...], list[object]] = {}
    time_first = sorted(table.slice_by, key=lambda name: name in ("hour_ts", "from_day", "production_day"), reverse=True)
    for row in slices:
        values = dict(zip(table.slice_by, row, strict=True))
        key = tuple(values[name] for name in time_first[:-1])
        grouped.setdefault(key, []).append(values[time_first[-1]])
    parts = []
    for key, members in grouped.items():
        fixed = [f"{name} = {_literal(value)}" for name, value in zip(time_first[:-1], key, strict=True)]
        listed = f"{time_first[-1]} IN ({', '.join(sorted({_literal(value) for value in members}))})"
        parts.append("(" + " AND ".join([*_partition_hint(table, dict(zip(time_first, key, strict=False))), *fixed, listed]) + ")")
    return " OR ".join(parts) if parts else "false"


def _partition_hint(table: Table, fixed: Mapping[str, object]) -> list[str]:
    hour = fixed.get("hour_ts")
    return [f"day = DATE '{hour:%Y-%m-%d}'"] if "day" in table.partition_by and isinstance(hour, datetime) else []


def _literal(value: object) -> str:
    if isinstance(value, datetime):
        return sql_ts(value)
    if isinstance(value, date):
        return f"DATE '{value.isoformat()}'"
    return "'" + str(value).replace("'", "''") + "'"


def rows_of(data: pa.Table, table: Table, slices: Iterable[Slice]) -> pa.Table:
    """The rows of `data` that belong to `slices`."""
    names, rows = list(table.slice_by), list(slices)
    columns = [pa.array([row[i] for row in rows], data.schema.field(name).type) for i, name in enumerate(names)]
    return data.join(pa.table(columns, names), keys=names, join_type="left semi").select(list(table.column_names)).cast(data.schema)


def age(row: Slice) -> tuple[str, ...]:
    """Sort key: oldest slice first."""
    stamps = sorted(str(value) for value in row if isinstance(value, (datetime, date)))
    return (*stamps, *(str(value) for value in row))
