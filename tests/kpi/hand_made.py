"""Silver rows and plants written by hand, as the input of one KPI transform."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa

from factolake.contracts import bronze, silver
from factolake.contracts.formats.arrow import arrow_schema
from factolake.contracts.formats.spark import to_frame
from factolake.contracts.table import Table, Type
from factolake.domain.calendar import Calendar, PlannedStop, PlantCalendar, plant_zone
from factolake.domain.equipment import Line, Machine, Nameplate, Source
from factolake.domain.plant import PlantModel
from factolake.domain.signals import Counter, Counts, Signal, SignalKind
from factolake.refine.plant_frames import plant_frames
from factolake.refine.refinement import HOUR, Inputs, Refinement, Slice

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)
Row = dict[str, object]
_BLANKS: Mapping[Type, object] = {
    Type.STRING: "",
    Type.INT32: 0,
    Type.INT64: 0,
    Type.BOOL: False,
    Type.QUANTITY: Decimal(0),
    Type.FLOAT64: 0.0,
    Type.TIMESTAMP: BEGINNING,
    Type.DATE: BEGINNING.date(),
}


def a_plant(
    *,
    line: str = "L1",
    machines: Sequence[str] = ("M1",),
    counters: Sequence[str] = ("total", "good", "scrap"),
    plates: Sequence[Nameplate] = (),
    calendar: Calendar | None = None,
    stops: Sequence[PlannedStop] = (),
    zone: str = "UTC",
    min_coverage: float = 0.8,
    convention: str = "iso22400",
    bottleneck: str | None = None,
    has_order: bool = True,
    short_stop_s: float = 300.0,
) -> PlantModel:
    """One line of alike machines in flow order on one live source."""
    signals = [Signal("s", f"{m}.{c}", m, f"{c}_count", SignalKind.COUNTER, counter=Counter(Counts(c))) for m in machines for c in counters]
    units = {m: Machine(m, m, line, "s", "factolake", True, has_order, False, 30.0, short_stop_s) for m in machines}
    whole = Line(line, "Line", "acme", "site", "area", bottleneck or machines[0], tuple(machines))
    calendars = {calendar.scope: calendar} if calendar else {}
    return PlantModel(
        "acme", "site", zone, min_coverage, convention, {line: whole}, units, {"s": Source("s", "opcua", "opc.tcp://x", "urn:x")},
        tuple(signals), tuple(plates), PlantCalendar(plant_zone(zone), calendars, tuple(stops)), {},
    )  # fmt: skip


def plate(product: str, seconds: float, *, machine: str = "M1", since: datetime = BEGINNING) -> Nameplate:
    """Planned run time of `product`, valid from `since` on."""
    return Nameplate(machine, product, round(seconds * 1_000_000), since)


def state(machine: str, from_ts: datetime, to_ts: datetime, state: str, *, order: str | None = "O1", product: str | None = "P") -> list[Row]:
    """A stretch, cut at UTC hours as silver.state_hours is."""
    rows: list[Row] = []
    begin = from_ts
    while begin < to_ts:
        hour = begin.replace(minute=0, second=0, microsecond=0)
        end = min(to_ts, hour + HOUR)
        rows.append(
            {
                "machine": machine, "hour_ts": hour, "day": hour.date(), "from_ts": begin, "to_ts": end, "state": state, "state_raw": state,
                "state_since": from_ts, "unknown_reason": "no_evidence" if state == "unknown" else None, "order_id": order, "product_id": product,
            }
        )  # fmt: skip
        begin = end
    return rows


def count(machine: str, at: datetime, counts: str, parts: int, *, product: str | None = "P", event: str = "step", timed: bool = True) -> Row:
    """A counter step that ended `at`."""
    hour = at.replace(minute=0, second=0, microsecond=0)
    return {
        "machine": machine, "hour_ts": hour, "day": hour.date(), "signal": f"{counts}_count", "counts": counts, "from_ts": at - timedelta(seconds=1),
        "to_ts": at, "parts": parts, "event": event, "in_effectiveness": timed, "order_id": "O1", "product_id": product, "raw_to": parts,
    }  # fmt: skip


def table_of(table: Table, rows: Sequence[Row]) -> pa.Table:
    """`rows` in the schema of `table`; columns not given are null, or blank where null is not allowed."""
    schema = arrow_schema(table)
    arrays = []
    for column, field in zip(table.columns, schema, strict=True):
        blank = None if column.nullable else _BLANKS[column.type]
        arrays.append(pa.array([row.get(column.name, blank) for row in rows], field.type))
    return pa.table(arrays, schema=schema)


TABLES = (silver.STATE_HOURS, silver.COUNTS, silver.READINGS, silver.DOWNTIME, bronze.EVENTS)


def make(spark: SparkSession, refinement: Refinement, model: PlantModel, slices: Sequence[Slice], rows: Mapping[str, Sequence[Row]]) -> list[Row]:
    """The rows `refinement` makes for `slices`; `rows` by table short name. Each frame holds what the refinement asks for, no more."""
    frames = {}
    for feed in refinement.inputs:
        table = table_of(feed.table, rows.get(feed.table.short_name, ()))
        frames[feed.table.name] = to_frame(spark, table).where(feed.rows(frozenset(slices)))
    schema = arrow_schema(refinement.output)
    names = refinement.output.slice_by
    columns = [pa.array([row[i] for row in slices], schema.field(name).type) for i, name in enumerate(names)]
    inputs = Inputs(spark, frames, to_frame(spark, pa.table(columns, names=list(names))), plant_frames(spark, model), BEGINNING, frozenset(slices))
    made = refinement.transform(inputs).toArrow()
    assert made.column_names == [name for name in refinement.output.column_names if name != "as_of"]
    return sorted(made.to_pylist(), key=lambda row: str([row[name] for name in refinement.output.key]))
