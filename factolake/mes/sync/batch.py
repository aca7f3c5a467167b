"""What a feed has to bring between two Delta versions: the last word on every key, and which keys are gone. Pure."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

import pyarrow as pa
import pyarrow.compute as pc

from factolake.mes.sync.targets import Feed, Row, Value

GONE = ("delete", "update_preimage")
"""Kinds of change in which the row is as it was before."""


@dataclass(frozen=True, slots=True)
class Upsert:
    """A MES row to write and the Delta version it is from."""

    row: Row
    version: int


@dataclass(frozen=True, slots=True)
class Batch:
    """One feed's news from `from_version` (exclusive; -1 is a snapshot of everything) through `to_version`.

    `deletes` are keys with the version that removed them.
    """

    feed: Feed
    history: str
    from_version: int
    to_version: int
    upserts: tuple[Upsert, ...]
    deletes: tuple[tuple[tuple[Value, ...], int], ...] = ()

    @property
    def is_snapshot(self) -> bool:
        """Whether the batch is the whole table: rows it does not hold are gone."""
        return self.from_version < 0


def snapshot_batch(feed: Feed, history: str, version: int, rows: pa.Table) -> Batch:
    """The whole table at `version`."""
    return Batch(feed, history, -1, version, tuple(Upsert(_shape(feed, row), version) for row in rows.to_pylist()))


def change_batch(feed: Feed, history: str, from_version: int, to_version: int, changes: pa.Table) -> Batch:
    """The net effect of a change feed (`_change_type`, `_commit_version`) with versions in (from_version, to_version].

    A slice that was replaced by the same rows, but for `as_of`, is no news: a machine's day is rewritten whole for every new interval.
    """
    upserts: list[Upsert] = []
    gone: dict[tuple[Value, ...], int] = {}
    for change in _net(feed, changes).to_pylist():
        row, version = _shape(feed, change), change["_commit_version_max"]
        if change["sign_sum"] > 0:
            upserts.append(Upsert(row, version))
        else:
            gone[feed.key_of(row)] = version
    written = {feed.key_of(upsert.row) for upsert in upserts}
    deletes = tuple((key, version) for key, version in gone.items() if key not in written)
    return Batch(feed, history, from_version, to_version, tuple(upserts), deletes)


def _net(feed: Feed, changes: pa.Table) -> pa.Table:
    """Rows that were there before and are not after (`sign_sum` -1), or the other way round (+1)."""
    content = [name for name in feed.source.column_names if name != "as_of"]
    sign = pc.if_else(pc.is_in(changes["_change_type"], pa.array(GONE)), -1, 1)
    counted = changes.append_column("sign", sign).group_by(content).aggregate([("sign", "sum"), ("_commit_version", "max"), ("as_of", "max")])
    counted = counted.rename_columns({"as_of_max": "as_of"})
    return counted.filter(pc.not_equal(counted["sign_sum"], 0))


def _shape(feed: Feed, lake_row: Row) -> Row:
    row = feed.project(lake_row)
    return {column.name: row[column.name] for column in feed.target.columns}


def as_json(values: Row | Iterable[Value]) -> str:
    """Values as JSON text, times in ISO 8601; the same values give the same text."""
    plain = values if isinstance(values, dict) else list(values)
    return json.dumps(plain, sort_keys=True, default=_plain)


def _plain(value: object) -> str:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    return str(value)
