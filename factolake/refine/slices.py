"""Slices as conditions and as rows: how a refinement says which part of its output, and which rows of its inputs, it means."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column
from pyspark.sql import functions as F

from factolake.contracts.formats.sql import literal
from factolake.contracts.table import Table
from factolake.lake.tables import Handle
from factolake.refine.refinement import Refinement, Slice

MOST_LISTED = 200
"""Hours in one condition; more are given by their bounds."""


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
        fixed = [f"{name} = {literal(value)}" for name, value in zip(time_first[:-1], key, strict=True)]
        listed = f"{time_first[-1]} IN ({', '.join(sorted({literal(value) for value in members}))})"
        parts.append("(" + " AND ".join([*_partition_hint(table, dict(zip(time_first, key, strict=False))), *fixed, listed]) + ")")
    return " OR ".join(parts) if parts else "false"


def _partition_hint(table: Table, fixed: Mapping[str, object]) -> list[str]:
    hour = fixed.get("hour_ts")
    return [f"day = DATE '{hour:%Y-%m-%d}'"] if "day" in table.partition_by and isinstance(hour, datetime) else []


def hour_rows(slices: frozenset[Slice], *, before: int = 0, after: int = 0) -> Column:
    """Condition for rows of the slices' machines in their hours, widened by whole hours on both sides."""
    hours: set[datetime] = set()
    for _, hour in slices:
        assert isinstance(hour, datetime)
        hours |= {hour + timedelta(hours=step) for step in range(-before, after + 1)}
    return in_days("day", {hour.date() for hour in hours}) & of_machines(slices) & in_hours(hours)


def same_messages(rows: pa.Table) -> Column:
    """Messages of the epochs of `rows`, from the first to the last number among them."""
    first, last = pc.min_max(rows["seq"]).as_py().values()
    return F.col("epoch").isin(*pc.unique(rows["epoch"]).to_pylist()) & F.col("seq").between(first, last)


def in_hours(hours: set[datetime]) -> Column:
    """Condition on `hour_ts` for `hours`; for very many, for all from the first to the last."""
    if len(hours) > MOST_LISTED:
        return F.col("hour_ts").between(min(hours), max(hours))
    return F.col("hour_ts").isin(*sorted(hours))


def in_days(column: str, days: set[date]) -> Column:
    """Condition on the date `column`."""
    return F.col(column).isin(*sorted(days))


def of_machines(slices: frozenset[Slice]) -> Column:
    """Condition for the machines of slices that begin with one."""
    return F.col("machine").isin(*sorted({str(machine) for machine, *_ in slices}))


def rows_of(data: pa.Table, table: Table, slices: Iterable[Slice]) -> pa.Table:
    """The rows of `data` that belong to `slices`."""
    names, rows = list(table.slice_by), list(slices)
    columns = [pa.array([row[i] for row in rows], data.schema.field(name).type) for i, name in enumerate(names)]
    return data.join(pa.table(columns, names), keys=names, join_type="left semi").select(list(table.column_names)).cast(data.schema)


def days_of(table: Table, row: Slice) -> set[str]:
    """UTC dates (ISO) whose readings a slice may need; a production day begins and ends somewhere in the days around it."""
    values = dict(zip(table.slice_by, row, strict=True))
    if isinstance(hour := values.get("hour_ts"), datetime):
        return {hour.date().isoformat()}
    day, around = values.get("from_day"), 0
    if day is None:
        day, around = values.get("production_day"), 1
    return {(day + timedelta(days=step)).isoformat() for step in range(-around, around + 1)} if isinstance(day, date) else set()


def frozen_slices(refinement: Refinement, slices: Iterable[Slice], open_input: Callable[[Table], Handle]) -> set[Slice]:
    """Those of `slices` that need readings an input has forgotten: made anew, they would lose what they tell."""
    inputs = [open_input(feed.table) for feed in refinement.inputs if feed.table.retention_days is not None]
    return {row for row in slices if any(handle.has_forgotten(day) for day in days_of(refinement.output, row) for handle in inputs)}


def age(row: Slice) -> tuple[str, ...]:
    """Sort key: oldest slice first."""
    stamps = sorted(str(value) for value in row if isinstance(value, (datetime, date)))
    return (*stamps, *(str(value) for value in row))
