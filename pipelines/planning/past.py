"""What was done before, as the history that risks are told from: how long operations really took, how long machines stood."""

from datetime import datetime, timedelta

import numpy as np

from factolake.domain.plant import PlantModel
from models.planning.risk import Done, History, Repair, Spread
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
    return History(tuple(_done(record, now)), repairs_of(record, plant, line, now).repairs)


def repairs_of(record: Record, plant: PlantModel, line: str, now: datetime) -> History:
    """Stops of the line's machines alone."""
    stops = record.rows("downtime", f"from_ts >= '{_since(now).isoformat()}' AND NOT is_open AND state IN {FAILED_STATES}")
    found = (Repair(row["machine"], row["duration_us"] / 1e6) for row in stops if row["machine"] in plant.lines[line].machines)
    return History(repairs=tuple(one for one in found if one.seconds >= SHORTEST_S))


def expected_end(history: History, machine: str, since: datetime, now: datetime, share: float) -> datetime | None:
    """When a stop ends, if it goes on as `share` of the repairs that lasted as long as it has by now; None where too few are known."""
    before = history.repair_s(machine)
    lasted_s = (now - since) / timedelta(seconds=1)
    longer = Spread(tuple(seconds for seconds in before.values if seconds > lasted_s), before.source) if before is not None else None
    return since + timedelta(seconds=float(longer.at(np.array([share]))[0])) if longer is not None and longer.values else None


def _done(record: Record, now: datetime) -> list[Done]:
    materials = {row["order_id"]: row["material_id"] for row in record.rows("orders")}
    found = []
    for row in record.rows("operations", f"state = 'completed' AND actual_end_ts >= '{_since(now).isoformat()}'"):
        planned_s = row["planned_setup_s"] + (row["planned_run_s"] or 0.0) * float(row["good"] + row["scrap"])
        if row["actual_start_ts"] is not None and planned_s > 0:
            took_s = (row["actual_end_ts"] - row["actual_start_ts"]) / timedelta(seconds=1)
            found.append(Done(row["equipment"], materials.get(row["order_id"], ""), planned_s, took_s))
    return [one for one in found if one.actual_s <= MOST * one.planned_s]


def _since(now: datetime) -> datetime:
    """The same moment all day, so that rows that were read once are known."""
    return (now - HISTORY).replace(hour=0, minute=0, second=0, microsecond=0)
