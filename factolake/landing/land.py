"""One trigger of landing: records of the log to bronze, exactly once, then let the log forget them.

Order within a trigger: dead letters, events with the gaps and losses they declare, captures, and readings last, always, even when empty; each
table is on disk before the next one commits, and the log forgets only what is on disk. So wherever it stops, the next start goes on from
the position in bronze.readings and every other table drops what it has already.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

import pyarrow as pa
import pyarrow.compute as pc
import structlog

from factolake.bus.port import LogReader, StoredRecord
from factolake.config.settings import LandingSettings
from factolake.contracts.bronze import DEAD_LETTER, EVENTS, READINGS, WAVEFORMS
from factolake.contracts.formats.arrow import arrow_schema
from factolake.contracts.ops import CLOCK, GAPS, LOSSES
from factolake.contracts.table import Table
from factolake.crash import crash_point
from factolake.domain.clock import Clock
from factolake.errors import LogReplaced
from factolake.lake.positions import log_position
from factolake.landing.bronze import REFUSALS, BronzeTables, refused_rows
from factolake.landing.captures import repeats_position, unheld
from factolake.landing.declared import gaps_of, log_gap, log_source, losses_of
from factolake.landing.decode import Arrival, Batch, after, dead_letters, decode_batch, split_faults, values_in
from factolake.refusals import refusal

CLOCK_POSITION = "clock/minutes"
READ_RECORDS = 512

_log = structlog.get_logger(__name__)


def sent_position(log_id: str) -> str:
    """The app id under which bronze.readings carries how many values the log has handed out, all in all."""
    return f"sent/{log_id}"


@dataclass(frozen=True, slots=True)
class StepResult:
    """What one trigger did: records taken, rows landed, dead letters made, the offset reached, and whether more waits already."""

    records: int
    rows: int
    dead_letters: int
    through: int
    more: bool


class Landing:
    """Landing of one log into the tables of `tables`; `clock` gives ingest_ts and the minutes of ops.clock."""

    def __init__(self, reader: LogReader, tables: BronzeTables, settings: LandingSettings, clock: Clock) -> None:
        self._reader = reader
        self._tables = tables
        self._settings = settings
        self._clock = clock
        self._app_id = log_position(reader.log_id)

    @property
    def position(self) -> int:
        """Offset up to which the log is landed; 0 for a log not seen before."""
        return self._tables.handle(READINGS).position(self._app_id) or 0

    def start(self) -> None:
        """Check that the log goes on where the lake stands, and let it forget what is landed and on disk.

        Raises LogReplaced, after recording the gap, when the log ends below the position.
        """
        position, last = self.position, self._reader.last_offset()
        if last < position:
            self._record_gap_once(f"the log ends at offset {last}, below the landed {position}")
            raise LogReplaced(
                f"the log {self._reader.log_id} ends at offset {last}, but the lake has landed it through {position}: it was set back, for example "
                "restored from a copy; move the spool file away (a new one is made and landed from its start), then start again"
            )
        if position:
            self._reader.release(position)

    def step(self) -> StepResult:
        """One trigger. Nothing new commits nothing, except one row of ops.clock a minute.

        Raises what the log and the tables raise; after that `tables.refresh` and another step go on rightly.
        """
        self.tick()
        position = self.position
        stored, more = self._take(position)
        if not stored:
            return StepResult(0, 0, 0, position, False)
        crash_point("land.read")
        missing = self._missing(position, stored)
        batch = decode_batch(stored, Arrival(self._reader.log_id, self._clock.now()))
        self._land_rest(batch, stored)
        crash_point("land.before_readings")
        rows = self._land_readings(batch, missing, stored)
        crash_point("land.synced")
        self._reader.release(batch.through)
        crash_point("land.released")
        return StepResult(len(stored), rows + batch.events.num_rows + batch.waveforms.num_rows, batch.dead_letter.num_rows, batch.through, more)

    def record_replaced(self) -> None:
        """Open a gap because the log was taken away while it was read: what it held beyond the position is nowhere else."""
        self._record_gap_once(f"the log was removed or replaced while open, what it held beyond offset {self.position} did not land")

    def tick(self) -> None:
        """Write this minute to ops.clock if it is new."""
        minute = int(self._clock.now().timestamp()) // 60
        handle = self._tables.handle(CLOCK)
        if minute <= (handle.position(CLOCK_POSITION) or 0):
            return
        stamp = datetime.fromtimestamp(minute * 60, UTC)
        row = pa.Table.from_pylist([{"tick_ts": stamp, "tick_date": stamp.date()}], schema=arrow_schema(CLOCK))
        self._tables.commit(CLOCK, row, {CLOCK_POSITION: minute})

    def _take(self, position: int) -> tuple[list[StoredRecord], bool]:
        taken: list[StoredRecord] = []
        values = 0
        while values < self._settings.max_rows:
            page = self._reader.read(taken[-1].offset if taken else position, READ_RECORDS)
            for one in page:
                taken.append(one)
                values += values_in(one)
                if values >= self._settings.max_rows:
                    return taken, True
            if len(page) < READ_RECORDS:
                break
        return taken, False

    def _missing(self, position: int, stored: Sequence[StoredRecord]) -> int:
        """How many records between `position` and the last of `stored` the log no longer has; recorded in ops.gaps before anything is landed."""
        offsets = [position, *(one.offset for one in stored)]
        holes = [(before + 1, offset - 1) for before, offset in pairwise(offsets) if offset > before + 1]
        known = self._tables.handle(GAPS).position(self._app_id + "/missing") or 0
        for first, last in holes:
            if last > known:
                self._record_hole(max(first, known + 1), last)
        return sum(last - first + 1 for first, last in holes)

    def _record_hole(self, first: int, last: int) -> None:
        now = self._clock.now()
        cause = f"offsets {first} to {last} were deleted from the log before they were landed"
        gap = log_gap(self._reader.log_id, cause, last - first + 1, self._last_tick(now), now)
        self._tables.commit(GAPS, gap, {self._app_id + "/missing": last})
        _log.error("records missing from the log", log_id=self._reader.log_id, from_offset=first, to_offset=last)

    def _last_tick(self, now: datetime) -> datetime:
        ticks = self._tables.handle(CLOCK).read(["tick_ts"])
        newest = pc.max(ticks.column("tick_ts")).as_py()
        return now if newest is None else min(now, newest)

    def _land_rest(self, batch: Batch, stored: Sequence[StoredRecord]) -> None:
        if batch.dead_letter.num_rows:
            self._tables.land(DEAD_LETTER, batch.dead_letter, self._app_id, batch.through)
            _log.warning("dead letters", rows=batch.dead_letter.num_rows, first=batch.dead_letter.column("detail")[0].as_py())
        crash_point("land.dead_letter.committed")
        if batch.events.num_rows:
            self._land_declared(batch)
            self._land_or_set_aside(EVENTS, batch.events, stored)
        crash_point("land.events.committed")
        if batch.waveforms.num_rows:
            self._land_captures(batch, stored)
        crash_point("land.waveforms.committed")

    def _land_captures(self, batch: Batch, stored: Sequence[StoredRecord]) -> None:
        """Those the table lacks; how many it has already is counted in the same commit, so that the books balance."""
        handle, repeats_id = self._tables.handle(WAVEFORMS), repeats_position(self._reader.log_id)
        fresh = after(batch.waveforms, handle.position(self._app_id))
        lacking = unheld(fresh, handle)
        repeats = fresh.num_rows - lacking.num_rows
        also = {repeats_id: (handle.position(repeats_id) or 0) + repeats} if repeats else {}
        self._land_or_set_aside(WAVEFORMS, lacking, stored, also)

    def _land_declared(self, batch: Batch) -> None:
        """Gaps and losses, each judged by its own table's position, so that a repeat with other borders adds none twice."""
        for table in (GAPS, LOSSES):
            position = self._tables.handle(table).position(self._app_id) or 0
            fresh = batch.events.filter(pc.greater(batch.events.column("log_offset"), position))
            rows = gaps_of(fresh, self._clock.now()) if table is GAPS else losses_of(fresh)
            if rows.num_rows:
                self._tables.commit(table, rows, {self._app_id: batch.through})

    def _land_readings(self, batch: Batch, missing: int, stored: Sequence[StoredRecord]) -> int:
        sent_id = sent_position(self._reader.log_id)
        sent = self._tables.handle(READINGS).position(sent_id) or 0
        total = sent + batch.sent + missing
        landed = self._land_or_set_aside(READINGS, batch.readings, stored, {sent_id: total} if total > sent else {})
        crash_point("land.readings.committed")
        return landed

    def _land_or_set_aside(self, table: Table, rows: pa.Table, stored: Sequence[StoredRecord], also: Mapping[str, int] | None = None) -> int:
        """Land `rows`; when the table format refuses some of them, those become dead letters and the others land. Returns rows landed."""
        through = stored[-1].offset
        try:
            return self._tables.land(table, rows, self._app_id, through, also) or 0
        except REFUSALS as error:
            self._tables.refresh()
            if refusal(error) is not None:
                raise  # no row is to blame for a system that refuses files
            bad = refused_rows(table, rows)
            if not bad:
                raise
        good, letters = split_faults(table, rows, bad, {one.offset: one for one in stored}, "refused")
        aside = dead_letters(letters, Arrival(self._reader.log_id, self._clock.now()))
        # A position of its own: the batch's other dead letters have been committed already, and these must be counted once too.
        self._tables.land(DEAD_LETTER, aside, f"{self._app_id}/refused/{table.short_name}", through)
        _log.warning("rows refused by the table format", table=table.name, rows=len(bad), first=bad[0].detail)
        return self._tables.land(table, good, self._app_id, through, also) or 0

    def _record_gap_once(self, cause: str) -> None:
        handle = self._tables.handle(GAPS)
        known = handle.read(["source_id", "cause"]).to_pylist()
        if {"source_id": log_source(self._reader.log_id), "cause": cause} in known:
            return
        now = self._clock.now()
        self._tables.commit(GAPS, log_gap(self._reader.log_id, cause, None, self._last_tick(now), now), {})
        _log.error(cause, log_id=self._reader.log_id)
