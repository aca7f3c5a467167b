"""What the lake tells of machines: their state now, what they counted, what their signals did, from the `lake_*` tables the sync keeps.

The tables are there once the sync has run; before that the answers are empty, which pages show as unknown.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from factolake.mes.core.lake import is_there, rows, stamp, utc
from factolake.mes.pages.shift_chart import Hour, Interval, Shift
from factolake.mes.pages.trend_chart import Point


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


def latest_shift(line: str) -> Shift | None:
    """The latest shift of the line that the lake knows, and how far; None before there is one."""
    if not is_there("lake_oee"):
        return None
    query = "SELECT shift, from_ts, to_ts, as_of FROM lake_oee WHERE span = 'shift' AND equipment = %s ORDER BY from_ts DESC LIMIT 1"
    found = next(rows(query, [line]), None)
    if found is None:
        return None
    start, end = utc(found["from_ts"]), utc(found["to_ts"])
    return Shift(str(found["shift"] or ""), start, end, max(start, min(end, utc(found["as_of"]))))


def hours(machine: str, shift: Shift) -> list[Hour]:
    """What the machine counted in each UTC hour of the shift; an hour that the shift's ends cut counts whole."""
    first = shift.from_ts.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    wanted = [f"{first + timedelta(hours=n):%Y-%m-%dT%H:%MZ}" for n in range(1 + int((shift.to_ts - first) / timedelta(hours=1)))]
    columns = "from_ts, gq, pq, pbt_us, ideal_us"
    query = f"SELECT {columns} FROM lake_oee WHERE span = 'hour' AND equipment = %s AND period >= %s AND period <= %s ORDER BY period"
    found = rows(query, [machine, wanted[0], wanted[-1]])
    return [
        Hour(
            utc(row["from_ts"]), int(row["gq"] or 0), int(row["pq"] or 0), (row["pbt_us"] or 0) / 1e6,
            None if row["ideal_us"] is None else row["ideal_us"] / 1e6,
        )
        for row in found
        if utc(row["from_ts"]) < shift.to_ts
    ]  # fmt: skip


def intervals(machine: str, shift: Shift) -> list[Interval]:
    """The states of the machine in the shift; the first one may have begun before it."""
    if not is_there("lake_machine_state"):
        return []
    columns = "SELECT from_ts, to_ts, state FROM lake_machine_state WHERE machine = %s"
    start, end = stamp(shift.from_ts), stamp(shift.to_ts)
    before = rows(f"{columns} AND from_ts <= %s ORDER BY from_ts DESC LIMIT 1", [machine, start])
    inside = rows(f"{columns} AND from_ts > %s AND from_ts < %s ORDER BY from_ts", [machine, start, end])
    return [Interval(utc(row["from_ts"]), utc(row["to_ts"]), row["state"]) for row in (*before, *inside)]


def trend(alert_id: str) -> dict[str, list[Point]] | None:
    """What the first signals of an alert did, by signal and in order of time; None while the sync has brought no trends at all."""
    if not is_there("lake_alert_trend"):
        return None
    found: dict[str, list[Point]] = {}
    for row in rows("SELECT signal, window_ts, mean, low, high FROM lake_alert_trend WHERE alert_id = %s ORDER BY signal, window_ts", [alert_id]):
        found.setdefault(row["signal"], []).append(Point(utc(row["window_ts"]), row["mean"], row["low"], row["high"]))
    return found


def _latest(table: str, query: str, keys: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The first row of `query` a key: one look into the primary key each, however long the history is."""
    if not is_there(table):
        return {}
    found = ((key, next(rows(query, [key]), None)) for key in keys)
    return {key: row for key, row in found if row is not None}
