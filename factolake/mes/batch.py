"""What a feed has to bring between two Delta versions: the last word on every key, and which keys are gone. Pure."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

import pyarrow as pa

from factolake.mes.targets import Feed, Row, Value

_GONE = frozenset({"delete", "update_preimage"})


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
    table_id: str
    from_version: int
    to_version: int
    upserts: tuple[Upsert, ...]
    deletes: tuple[tuple[tuple[Value, ...], int], ...] = ()

    @property
    def is_snapshot(self) -> bool:
        """Whether the batch is the whole table: rows it does not hold are gone."""
        return self.from_version < 0


def snapshot_batch(feed: Feed, table_id: str, version: int, rows: pa.Table) -> Batch:
    """The whole table at `version`."""
    return Batch(feed, table_id, -1, version, tuple(Upsert(_shape(feed, row), version) for row in rows.to_pylist()))


def change_batch(feed: Feed, table_id: str, from_version: int, to_version: int, changes: pa.Table) -> Batch:
    """The net effect of a change feed (`_change_type`, `_commit_version`) with versions in (from_version, to_version].

    Within one commit a row written wins over the same key removed: a replaced slice is both.
    """
    ordered = sorted(changes.to_pylist(), key=lambda row: (row["_commit_version"], row["_change_type"] not in _GONE))
    last: dict[tuple[Value, ...], tuple[bool, Row, int]] = {}
    for change in ordered:
        row = _shape(feed, change)
        last[feed.key_of(row)] = (change["_change_type"] in _GONE, row, change["_commit_version"])
    upserts = tuple(Upsert(row, version) for gone, row, version in last.values() if not gone)
    deletes = tuple((key, version) for key, (gone, _, version) in last.items() if gone)
    return Batch(feed, table_id, from_version, to_version, upserts, deletes)


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
