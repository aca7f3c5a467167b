"""What the lake tells of machines: their state now and what they counted, from the `lake_*` tables the sync keeps.

The tables are there once the sync has run; before that the answers are empty, which pages show as unknown.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from factolake.mes.core.lake import is_there, rows, utc


@dataclass(frozen=True, slots=True)
class MachineState:
    """What a machine does, since when, in its own word too, and until when that is known."""

    state: str
    state_raw: str
    since_ts: datetime
    known_until_ts: datetime


@dataclass(frozen=True, slots=True)
class Counted:
    """What the machines of a line counted in the latest shift."""

    produced: int
    good: int
    scrap: int


def states(machines: Iterable[str]) -> dict[str, MachineState]:
    """The latest state of each of `machines` that the lake knows."""
    query = "SELECT state, state_raw, from_ts, to_ts FROM lake_machine_state WHERE machine = %s ORDER BY from_ts DESC LIMIT 1"
    found = _latest("lake_machine_state", query, machines)
    return {machine: MachineState(row["state"], row["state_raw"] or "", utc(row["from_ts"]), utc(row["to_ts"])) for machine, row in found.items()}


def counted(equipment: Iterable[str]) -> dict[str, Counted]:
    """What each of `equipment` counted in its latest shift."""
    query = "SELECT pq, gq, sq FROM lake_oee WHERE span = 'shift' AND equipment = %s ORDER BY from_ts DESC LIMIT 1"
    found = _latest("lake_oee", query, equipment)
    return {one: Counted(*(int(row[name] or 0) for name in ("pq", "gq", "sq"))) for one, row in found.items()}


def _latest(table: str, query: str, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The first row of `query` a key: one look into the primary key each, however long the history is."""
    if not is_there(table):
        return {}
    found = ((key, next(rows(query, [key]), None)) for key in keys)
    return {key: row for key, row in found if row is not None}
