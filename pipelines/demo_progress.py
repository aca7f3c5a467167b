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

GATEWAY_SLACK = dt.timedelta(seconds=2)
"""What the plant has sent is in the spool after this: the gateway packs a record at least every 200 ms."""


@dataclass(frozen=True, slots=True)
class Sight:
    """One look at `now`: shares 0..1 of the way, records waiting in the spool and since when, whether the recording is played.

    `pass_ended` is when the refinery last finished a pass; `at_rest` says that nothing waits anywhere.
    """

    now: dt.datetime
    landed: float
    refined: float
    waiting: int
    waiting_since: dt.datetime
    pass_ended: dt.datetime | None
    recording_done: bool
    at_rest: bool


class RecordingWatch:
    """Tells when a played recording has arrived in gold, although heartbeats of the living connection keep flowing.

    Everything received until shortly after its end must be landed; then two refinery passes must end: the second began after that.
    """

    def __init__(self) -> None:
        self._done_at: dt.datetime | None = None
        self._landed_at: dt.datetime | None = None
        self._passes: set[dt.datetime] = set()

    def arrived(self, sight: Sight) -> bool:
        """Look once more; true from the look on that finds it arrived."""
        if sight.recording_done and self._done_at is None:
            self._done_at = sight.now
        if self._done_at and self._landed_at is None and sight.waiting_since > self._done_at + GATEWAY_SLACK:
            self._landed_at = sight.now
        if self._landed_at and sight.pass_ended and sight.pass_ended > self._landed_at:
            self._passes.add(sight.pass_ended)
        return len(self._passes) >= 2


def look(workspace: Workspace, lake: Lake) -> Sight:
    """How far things are now. Reads small files, the spool's counters and the tables' newest versions."""
    settings, now = workspace.settings, SystemClock().now()
    spool = spool_facts(settings, SystemClock())
    waiting = spool.last_offset - (spool.landed_offset or 0) if spool else 0
    progress = read_progress(settings.run_dir)
    seen = bool(spool and spool.last_offset) and waiting == 0 and progress is not None
    at_rest = seen and all(table.waiting_since is None for table in table_facts(settings))
    told = read_document(settings.run_dir / PLANT_STATE)
    done = bool(told.get("done"))
    landed = _reached(lake, bronze.READINGS, "max(source_ts)")
    refined = _reached(lake, gold.OEE_HOUR, "max(hour_ts) + interval 1 hour")
    return Sight(
        now=now,
        landed=_share(workspace, landed),
        refined=_share(workspace, refined),
        waiting=waiting,
        waiting_since=now - dt.timedelta(seconds=spool.oldest_age_s) if spool and waiting else now,
        pass_ended=progress.written if progress else None,
        recording_done=done,
        at_rest=at_rest,
    )


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
