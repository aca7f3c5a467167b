"""Retention: rows older than their table's contract keeps them go, a whole partition a turn where the table has them.

Age is the time in the contract's `kept_since` column, when the layer took a row up; not event time, which in a recorded day lies years
back on the first evening. A clock that leapt forward must not empty a lake: nothing goes before landing has lived for days by that clock.
What was made from rows that went is frozen by the runner, and counted by the ledger.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import structlog

from factolake.contracts import ops
from factolake.contracts.table import Table
from factolake.crash import crash_point
from factolake.lake.durable import make_durable
from factolake.lake.tables import Handle, Lake
from factolake.lake.upkeep import Tidied

SETTLED_DAYS, SETTLED_WITHIN = 5, timedelta(days=14)
"""Landing must have ticked on this many of the days before now."""
ROW_SLACK = timedelta(days=1)
"""A table without partitions is rewritten to lose rows, so that waits until its oldest row is this much too old."""

_NEVER, _UNKNOWN = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Old:
    """Rows a contract no longer keeps: a SQL condition, and the partition they are the whole of (None in a table without partitions)."""

    predicate: str
    partition: str | None


def forget_old(lake: Lake, handle: Handle, now: datetime, done: Tidied) -> int:
    """After an upkeep turn that tidied (`done`): delete what the contract no longer keeps; returns how many rows went.

    Nothing goes while a consumer is far behind, or by a clock that landing has not lived by for days. Raises DiskFull, TableDamaged.
    """
    table = handle.table
    if table.retention_days is None or done.checkpoint is None or done.alarm is not None:
        return 0
    old = oldest_due(table, handle.spans(table.kept_since), now - timedelta(days=table.retention_days))
    if old is None or not is_settled(lake, now):
        return 0
    rows = handle.forget(old.predicate, old.partition, _by_log(handle, old.predicate) if table.layer == "bronze" else {})
    if rows is None:
        return 0
    crash_point("retention.forgot")
    make_durable(handle.path, handle.version)
    log.info("old rows deleted", table=table.name, kept_days=table.retention_days, partition=old.partition, rows=rows)
    return rows


def oldest_due(table: Table, spans: pa.Table, horizon: datetime) -> Old | None:
    """The oldest partition all of whose files are known to hold nothing from `horizon` on; of a table without partitions, its old rows.

    `spans` has one row a file: `partition` (a date), `oldest` and `newest` time (null where the file does not say).
    """
    if not table.partition_by:
        oldest = pc.min(spans["oldest"]).as_py()
        is_due = oldest is not None and oldest < horizon - ROW_SLACK
        return Old(f"{table.kept_since} < '{horizon.isoformat()}'", None) if is_due else None
    newest: dict[date, datetime] = {}
    for row in spans.to_pylist():
        newest[row["partition"]] = max(newest.get(row["partition"], _NEVER), row["newest"] or _UNKNOWN)
    day = min((day for day, stamp in newest.items() if stamp < horizon), default=None)
    return None if day is None else Old(f"{table.partition_by[0]} = DATE '{day.isoformat()}'", day.isoformat())


def is_settled(lake: Lake, now: datetime) -> bool:
    """Whether landing has been alive on enough of the last days, by its own ticks, to believe that it is `now`."""
    if not lake.exists(ops.CLOCK):
        return False
    since = now - SETTLED_WITHIN
    ticks = lake.open(ops.CLOCK).read(columns=["tick_ts", "tick_date"], predicate=f"tick_ts >= '{since.isoformat()}'")
    lived = ticks.filter(pc.less_equal(ticks["tick_ts"], pa.scalar(now, ticks["tick_ts"].type)))
    return int(pc.count_distinct(lived["tick_date"]).as_py()) >= SETTLED_DAYS


def _by_log(handle: Handle, predicate: str) -> Counter[str]:
    """How many rows of each log `predicate` holds for; of bronze.dead_letter, how many values its records were said to hold."""
    weight = [name for name in ("row_count",) if name in handle.table.column_names]
    counts: Counter[str] = Counter()
    for batch in handle.batches(["log_id", *weight], predicate):
        rows = pa.table([batch["log_id"].cast(pa.string()), batch[weight[0]] if weight else pa.repeat(1, batch.num_rows)], ["log_id", "weight"])
        for row in rows.group_by("log_id").aggregate([("weight", "sum")]).to_pylist():
            counts[row["log_id"]] += row["weight_sum"]
    return counts
