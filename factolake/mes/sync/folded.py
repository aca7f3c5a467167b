"""Feeds that bring sums: what is in a slice of the lake's table becomes a few rows of the MES. A slice that changed is summed anew as a whole."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, datetime

import pyarrow as pa
import pyarrow.compute as pc

from factolake.lake.tables import Handle
from factolake.mes.sync.batch import GONE, Batch, Upsert
from factolake.mes.sync.targets import Feed, Fold

_LISTED_MAX = 200
_Slice = tuple[str, datetime]
"""Machine and hour."""


def folded_snapshot(feed: Feed, fold: Fold, handle: Handle, version: int) -> Batch:
    """Every slice at `version`, read day by day."""
    days = {day for day in handle.spans("hour_ts")["partition"].to_pylist() if day is not None}
    tables = (handle.read(fold.columns, f"day = DATE '{day}'", version) for day in sorted(days))
    upserts = tuple(Upsert(row, version) for table in tables for row in fold.rows(table))
    return Batch(feed, handle.history, -1, version, upserts)


def folded_changes(feed: Feed, fold: Fold, handle: Handle, since: int, through: int) -> Batch:
    """The slices that versions in (since, through] changed. Raises TableDamaged where the change feed has a hole."""
    net = _net(handle.changes(since + 1, through, fold.columns), fold)
    slices = {(row["machine"], row["hour_ts"]) for row in net.select(["machine", "hour_ts"]).to_pylist()}
    tables = (_inside(handle.read(fold.columns, condition, through), slices) for condition in _conditions(slices))
    upserts = tuple(Upsert(row, through) for table in tables for row in fold.rows(table))
    there = {feed.key_of(upsert.row) for upsert in upserts}
    touched = {feed.key_of(row) for row in fold.rows(net)}
    return Batch(feed, handle.history, since, through, upserts, tuple((key, through) for key in touched - there))


def _net(changes: pa.Table, fold: Fold) -> pa.Table:
    """Rows that came or went; one that was only written anew, which changes its `as_of`, is no news."""
    content = [name for name in fold.columns if name != "as_of"]
    sign = pc.if_else(pc.is_in(changes["_change_type"], pa.array(GONE)), -1, 1)
    counted = changes.append_column("sign", sign).group_by(content).aggregate([("sign", "sum"), ("as_of", "max")])
    return counted.filter(pc.not_equal(counted["sign_sum"], 0)).rename_columns({"as_of_max": "as_of"}).select(list(fold.columns))


def _conditions(slices: set[_Slice]) -> Iterator[str]:
    """SQL conditions that together find the rows of the slices: by day, and few machine-hours one by one."""
    by_day: dict[date, set[_Slice]] = defaultdict(set)
    for machine, hour in slices:
        by_day[hour.date()].add((machine, hour))
    for day, members in sorted(by_day.items()):
        listed = f" AND ({' OR '.join(map(_is_slice, sorted(members)))})" if len(members) <= _LISTED_MAX else ""
        yield f"day = DATE '{day}'{listed}"


def _is_slice(one: _Slice) -> str:
    machine, hour = one[0].replace("'", "''"), f"{one[1]:%Y-%m-%d %H:%M:%S}+00:00"
    return f"(machine = '{machine}' AND hour_ts = TIMESTAMP '{hour}')"


def _inside(rows: pa.Table, slices: Iterable[_Slice]) -> pa.Table:
    schema = pa.schema([rows.schema.field(name) for name in ("machine", "hour_ts")])
    wanted = pa.Table.from_pylist([{"machine": machine, "hour_ts": hour} for machine, hour in slices], schema)
    return rows.join(wanted, keys=schema.names, join_type="inner")
