"""What was done before, as the history that risks are told from: how long operations really took, how long machines stood."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import numpy as np

from factolake.domain.calendar import SegmentKind
from factolake.domain.plant import PlantModel
from factolake.planning.building.seconds import Seconds
from factolake.planning.judging.open_time import OpenTime
from models.planning.risk import Done, History, Repair
from pipelines.planning.record import Record

HISTORY = timedelta(days=90)
SHORTEST_S = 300.0
"""Shorter stops are no repairs (PLANT.md: below 5 minutes nobody is asked why)."""
FAILED_STATES = ("fault", "stopped")
"""Starved, blocked and waiting machines are not broken; what holds them up is planned where it stands."""
MOST = 3.0
"""An operation that took longer than this many times its plan was left open, not slow."""


def history_of(record: Record, plant: PlantModel, line: str, now: datetime) -> History:
    """Operations and stops of the line in the last 90 days."""
    return History(tuple(_done(record, plant, now)), repairs_of(record, plant, line, now).repairs)


def repairs_of(record: Record, plant: PlantModel, line: str, now: datetime) -> History:
    """Stops of the line's machines alone."""
    stops = record.rows("downtime", f"from_ts >= '{_since(now).isoformat()}' AND NOT is_open AND state IN {FAILED_STATES}")
    found = (Repair(row["machine"], row["duration_us"] / 1e6) for row in stops if row["machine"] in plant.lines[line].machines)
    return History(repairs=tuple(one for one in found if one.seconds >= SHORTEST_S))


def expected_end(history: History, machine: str, since: datetime, now: datetime, share: float) -> datetime | None:
    """When a stop ends, if it goes on as `share` of the repairs that lasted as long as it has by now; None where too few are known."""
    before = history.repair_s(machine)
    left = None if before is None else before.beyond((now - since) / timedelta(seconds=1))
    return None if left is None else now + timedelta(seconds=float(left.at(np.array([share]))[0]))


def _done(record: Record, plant: PlantModel, now: datetime) -> Iterator[Done]:
    """Operations that have ended, by the open time of their machines: a break in the middle of one made it no slower."""
    materials = {row["order_id"]: row["material_id"] for row in record.rows("orders")}
    seconds = Seconds(_since(now) - HISTORY)
    calendars: dict[str, OpenTime] = {}
    for row in record.rows("operations", f"state = 'completed' AND actual_end_ts >= '{_since(now).isoformat()}'"):
        planned_s = row["planned_setup_s"] + (row["planned_run_s"] or 0.0) * float(row["good"] + row["scrap"])
        if row["actual_start_ts"] is None or planned_s <= 0:
            continue
        where, span = row["equipment"], (seconds.before(row["actual_start_ts"]), seconds.at(row["actual_end_ts"]))
        if where not in calendars:
            calendars[where] = _open_time(plant, where, seconds, now)
        took_s = calendars[where].between(*span) or span[1] - span[0]  # all of it outside shifts: by the clock
        if took_s <= MOST * planned_s:
            yield Done(where, materials.get(row["order_id"], ""), planned_s, took_s)


def _open_time(plant: PlantModel, equipment: str, seconds: Seconds, now: datetime) -> OpenTime:
    """When it was open since `seconds` begin; always where it is unknown to the plant or has no calendar."""
    scopes = plant.line_scopes(equipment) if equipment in plant.lines else plant.scopes(equipment) if equipment in plant.machines else ()
    if plant.calendar.calendar_of(scopes) is None:
        return OpenTime(None)
    segments = plant.calendar.segments(scopes, seconds.beginning_ts, now)
    return OpenTime(seconds.windows((segment.from_ts, segment.to_ts) for segment in segments if segment.kind is SegmentKind.BUSY))


def _since(now: datetime) -> datetime:
    """The same moment all day, so that rows that were read once are known."""
    return (now - HISTORY).replace(hour=0, minute=0, second=0, microsecond=0)
