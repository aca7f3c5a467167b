"""How far a demo is on its way from the plant to gold, in shares a progress bar can show."""

import datetime as dt
from dataclasses import dataclass

from factolake.contracts import bronze, gold
from factolake.contracts.table import Table
from factolake.domain.clock import SystemClock
from factolake.lake.sql import query
from factolake.lake.tables import Lake
from pipelines.observe import read_document, spool_facts, table_facts
from pipelines.refinery_progress import read_progress
from pipelines.workspace import PLANT_STATE, SHIFT_HOURS, Workspace


@dataclass(frozen=True, slots=True)
class Sight:
    """One look: shares 0..1 of the way, records waiting in the spool, whether the recording is played, whether nothing waits anywhere."""

    landed: float
    refined: float
    waiting: int
    recording_done: bool
    at_rest: bool


def look(workspace: Workspace, lake: Lake) -> Sight:
    """How far things are now. Reads small files, the spool's counters and the tables' newest versions."""
    settings = workspace.settings
    spool = spool_facts(settings, SystemClock())
    waiting = spool.last_offset - (spool.landed_offset or 0) if spool else 0
    seen = bool(spool and spool.last_offset) and waiting == 0 and read_progress(settings.run_dir) is not None
    at_rest = seen and all(table.waiting_since is None for table in table_facts(settings))
    told = read_document(settings.run_dir / PLANT_STATE)
    done = bool(told.get("done"))
    landed = _reached(lake, bronze.READINGS, "max(source_ts)")
    refined = _reached(lake, gold.OEE_HOUR, "max(hour_ts) + interval 1 hour")
    return Sight(_share(workspace, landed), _share(workspace, refined), waiting, done, at_rest)


def shares(sight: Sight) -> tuple[tuple[str, str, float], ...]:
    """Key, label and share of each stretch of the way."""
    return (("bronze", f"plant to bronze ({sight.waiting} records in the spool)", sight.landed), ("gold", "bronze to gold", sight.refined))


def _reached(lake: Lake, table: Table, expression: str) -> object:
    return query(lake, f"select {expression} as ts from {table.name}").to_pylist()[0]["ts"] if lake.exists(table) else None


def _share(workspace: Workspace, reached: object) -> float:
    if not isinstance(reached, dt.datetime):
        return 0.0
    since = (reached.replace(tzinfo=reached.tzinfo or dt.UTC) - workspace.shift_start).total_seconds()
    return min(max(since / (SHIFT_HOURS * 3600), 0.0), 1.0)
