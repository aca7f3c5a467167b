"""Which lake tables the MES sees, and under which names: a feed brings one lake table to one `lake_*` table.

Both OEE tables meet in `lake_oee`; `span` tells shifts from hours and `period` is the shift or hour in words, the same for the same row.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pyarrow as pa

from factolake.contracts.gold import FACTORS, KNOWLEDGE_LAG, LOSSES, OEE_HOUR, OEE_SHIFT, QUANTITIES, SCHEDULE, TIME_ELEMENTS
from factolake.contracts.gold_alerts import ALERTS
from factolake.contracts.ops import PLANS
from factolake.contracts.silver import COUNTS, DOWNTIME, MACHINE_STATES
from factolake.contracts.table import Column, Table, Type, as_of
from factolake.mes.sync.order_counts import KINDS, order_counts

Value = object
"""A cell of a row: text, number, truth value, date, time or None."""
Row = dict[str, Value]


@dataclass(frozen=True, slots=True)
class MesTable:
    """One table of the MES database that mirrors the lake; `doc` becomes its comment, `found_by` an index beside the key's."""

    name: str
    doc: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    found_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fold:
    """How whole slices of a lake table become fewer MES rows: `rows` of them from its `columns`; both have the slice's columns."""

    columns: tuple[str, ...]
    rows: Callable[[pa.Table], Iterable[Row]]


@dataclass(frozen=True, slots=True)
class Feed:
    """One lake table on its way to one MES table.

    `share` are the column values that tell this feed's rows from those of other feeds in the same MES table;
    `project` makes a MES row of a lake row; a feed with a `fold` brings sums instead.
    """

    source: Table
    target: MesTable
    project: Callable[[Row], Row]
    share: Mapping[str, str] = field(default_factory=dict)
    fold: Fold | None = None

    def key_of(self, row: Row) -> tuple[Value, ...]:
        """The key of a MES row."""
        return tuple(row[name] for name in self.target.key)


_SHARED = (*TIME_ELEMENTS, *QUANTITIES, *FACTORS, as_of())
LAKE_OEE = MesTable(
    "lake_oee",
    "OEE of machines per hour and of machines and lines per shift.",
    (
        Column("span", Type.STRING, "What the row covers.", nullable=False, values=("shift", "hour")),
        Column("equipment", Type.STRING, "Machine id, or line id for the line's row.", nullable=False),
        Column("period", Type.STRING, "The shift (`2026-03-02 early`) or the UTC hour (`2026-03-02T05:00Z`).", nullable=False),
        Column("line", Type.STRING, "Production line.", nullable=False),
        Column("equipment_level", Type.STRING, "ISA-95 level.", nullable=False, values=("WorkUnit", "ProductionLine")),
        Column("production_day", Type.DATE, "Day the shift began, plant time; null for hours."),
        Column("shift", Type.STRING, "Shift name; null for hours."),
        Column("from_ts", Type.TIMESTAMP, "Start, inclusive (UTC).", nullable=False),
        Column("to_ts", Type.TIMESTAMP, "End, exclusive (UTC).", nullable=False),
        Column("is_complete", Type.BOOL, "Whether the shift has ended as far as the data tells; null for hours."),
        *_SHARED,
    ),
    key=("span", "equipment", "period"),
)


def _shift(row: Row) -> Row:
    return {**row, "span": "shift", "period": f"{row['production_day']} {row['shift']}"}


def _hour(row: Row) -> Row:
    start = row["hour_ts"]
    assert isinstance(start, datetime)
    span: Row = {"from_ts": start, "to_ts": start + timedelta(hours=1), "production_day": None, "shift": None, "is_complete": None}
    names: Row = {"span": "hour", "equipment": row["machine"], "equipment_level": "WorkUnit", "period": f"{start.astimezone(UTC):%Y-%m-%dT%H:%MZ}"}
    return {**row, **span, **names}


def _mirror(source: Table, name: str, found_by: tuple[str, ...] = ()) -> Feed:
    target = MesTable(name, f"One row is {source.grain}.", source.columns, source.key, found_by)
    return Feed(source, target, lambda row: row)


def _count(name: str) -> Column:
    return Column(name, Type.INT64, f"Parts that the machine's {name} counter counted; null: it counted none or has no such counter.", low=0)


LAKE_ORDER_COUNT = MesTable(
    "lake_order_count",
    "What the counters of one machine counted in one UTC hour while one order was on it.",
    (
        Column("machine", Type.STRING, "Machine (ISA-95 work unit).", nullable=False),
        Column("order_id", Type.STRING, "Order as the machine names it; empty: none.", nullable=False),
        Column("hour_ts", Type.TIMESTAMP, "Start of the hour (UTC).", nullable=False),
        *map(_count, KINDS),
        Column("last_ts", Type.TIMESTAMP, "When the last of them was counted (UTC).", nullable=False),
        as_of(),
    ),
    key=("machine", "order_id", "hour_ts"),
)
_STEP = ("machine", "hour_ts", "order_id", "counts", "parts", "to_ts", "as_of")

FEEDS = (
    Feed(OEE_SHIFT, LAKE_OEE, _shift, {"span": "shift"}),
    Feed(OEE_HOUR, LAKE_OEE, _hour, {"span": "hour"}),
    _mirror(MACHINE_STATES, "lake_machine_state"),
    _mirror(DOWNTIME, "lake_downtime"),
    Feed(COUNTS, LAKE_ORDER_COUNT, lambda row: row, fold=Fold(_STEP, order_counts)),
    _mirror(LOSSES, "lake_losses"),
    _mirror(KNOWLEDGE_LAG, "lake_knowledge_lag"),
    _mirror(SCHEDULE, "lake_schedule", found_by=("line", "as_of")),
    _mirror(PLANS, "lake_plan", found_by=("line", "started_ts")),
    _mirror(ALERTS, "lake_alert"),
)
"""Everything the sync brings, in the order it is brought."""
