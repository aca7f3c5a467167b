"""Rows of silver and of ops.plans, kept as long as their table stays at the same version: a look every few seconds mostly finds nothing new."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from factolake.contracts import TABLES
from factolake.lake.tables import Handle, Lake

Row = dict[str, Any]


@dataclass(slots=True)
class Record:
    """The tables as they were at the last `refresh`."""

    lake: Lake
    _handles: dict[str, Handle] = field(default_factory=dict)
    _held: dict[tuple[str, str | None], tuple[int, list[Row]]] = field(default_factory=dict)
    _asked: set[tuple[str, str | None]] = field(default_factory=set)

    def refresh(self) -> None:
        """Move to the newest versions; what nobody asked for since the last time is forgotten. Raises TableDamaged."""
        self._held = {key: held for key, held in self._held.items() if key in self._asked}
        self._asked.clear()
        for handle in self._handles.values():
            handle.refresh()

    def rows(self, name: str, predicate: str | None = None, *, with_removed: bool = False) -> list[Row]:
        """The rows of `name` (`layer.table`, or a table of silver) where `predicate` (SQL) holds; none before it exists. Not to be changed.

        Rows that FactoMES took away are left out, or not, `with_removed`. Raises TableDamaged.
        """
        handle = self._handle(name)
        if handle is None:
            return []
        is_record = "removed_ts" in handle.table.column_names and not with_removed
        wanted = " AND ".join(filter(None, (predicate and f"({predicate})", "removed_ts IS NULL" if is_record else None))) or None
        self._asked.add((name, wanted))
        version, held = self._held.get((name, wanted), (-1, []))
        if version != handle.version:
            held = handle.read(predicate=wanted).to_pylist()
            self._held[name, wanted] = handle.version, held
        return held

    def _handle(self, name: str) -> Handle | None:
        table = TABLES[name if "." in name else f"silver.{name}"]
        if name not in self._handles and self.lake.exists(table):
            self._handles[name] = self.lake.open(table)
        return self._handles.get(name)


def valid(rows: Iterable[Row], now: datetime) -> list[Row]:
    """Those of `rows` (with `valid_from` and `valid_to`) that hold at `now`."""
    return [row for row in rows if row["valid_from"] <= now and (row["valid_to"] is None or row["valid_to"] > now)]
