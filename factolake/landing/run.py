"""The landing process: open spool and tables, one trigger after the other, tidy in between, and end cleanly when asked."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import structlog

from factolake.bus.spool_bus import Spool
from factolake.config.settings import LandingSettings, Settings
from factolake.contracts.bronze import DEAD_LETTER, EVENTS, READINGS, WAVEFORMS
from factolake.contracts.ops import CLOCK
from factolake.domain.clock import Clock, is_due
from factolake.errors import LogReplaced, SourceUnavailable, Transient
from factolake.lake.retention import forget_old
from factolake.lake.scrub import scrub_turn
from factolake.lake.tables import Lake
from factolake.lake.upkeep import Upkeep, oldest_needed
from factolake.landing import ledger
from factolake.landing.bronze import LANDED, BronzeTables
from factolake.landing.land import Landing
from factolake.refusals import require_writable, system_refusals

TENDED = (READINGS, EVENTS, WAVEFORMS, DEAD_LETTER, CLOCK)
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0

_log = structlog.get_logger(__name__)


def run_landing(settings: Settings, clock: Clock, stop: threading.Event, *, once: bool = False) -> None:
    """Land the spool of `settings` until `stop` is set (one more trigger follows); with `once` until nothing waits, then return.

    What a retry can help (a full or read-only disk, no spool yet) is said in one sentence and tried again with growing pauses, except with `once`.
    Raises LeaseHeld when another landing runs, LogReplaced when the spool was set back, TableDamaged.
    """
    pause = FIRST_PAUSE_S
    while True:
        try:
            with system_refusals(), _opened(settings, clock) as landing:
                landing.run(stop, once=once)
            return
        except Transient as error:
            if once or stop.is_set():
                raise
            _log.error(str(error), retry_in_s=pause)
        if stop.wait(pause):
            return
        pause = min(2 * pause, LONGEST_PAUSE_S)


@contextmanager
def _opened(settings: Settings, clock: Clock) -> Iterator["_Process"]:
    require_writable(settings.lake_root)
    tables = BronzeTables(Lake(settings.lake_root), settings.run_dir, settings.landing.reopen_every_commits)
    try:
        for name, dropped in tables.repaired.items():
            _log.warning("commits that never reached the disk were dropped; the spool still holds their rows", table=name, versions=dropped)
        spool = Spool(settings.spool_file, settings.spool.max_mib << 20, clock, writer=False)
        try:
            yield _Process(spool, tables, settings, clock)
        finally:
            spool.close()
    finally:
        tables.close()


class _Process:
    """What one landing process holds between opening and closing."""

    def __init__(self, spool: Spool, tables: BronzeTables, settings: Settings, clock: Clock) -> None:
        self._spool = spool
        self._tables = tables
        self._settings = settings.landing
        self._clock = clock
        self._chores = Chores(tables, settings.landing)
        self._landing = Landing(spool, tables, settings.landing, clock)

    def run(self, stop: threading.Event, *, once: bool) -> None:
        self._landing.start()
        while True:
            asked_to_end = stop.is_set()
            try:
                result = self._landing.step()
            except LogReplaced as error:
                # Whoever took the file away made a new one, which begins at its own start.
                self._landing.record_replaced()
                raise SourceUnavailable(f"{error}; opening the new one") from error
            if result.records:
                _log.debug("landed", records=result.records, rows=result.rows, through=result.through)
            if asked_to_end or (once and not result.more):
                ledger.check(self._tables, self._spool, self._clock.now())
                return
            self._chores.step(self._clock.now(), self._spool)
            if not result.more:
                stop.wait(self._settings.trigger_ms / 1000)


class Chores:
    """What landing does between triggers: merge, checkpoint, forget, scrub, and balance the books; each when it is due."""

    def __init__(self, tables: BronzeTables, settings: LandingSettings) -> None:
        self._tables = tables
        self._ledger_every = timedelta(seconds=settings.ledger_every_s)
        self._balanced_at: datetime | None = None
        self._scrub_every_s = settings.scrub_every_s
        self._scrub_pause = timedelta(seconds=settings.compact_every_s / len(LANDED))
        self._scrubbed_at: datetime | None = None
        self._scrubs = 0
        self._upkeep = {table: Upkeep(tables.handle(table), settings.compact_every_s, settings.checkpoint_every_s) for table in TENDED}

    def step(self, now: datetime, spool: Spool) -> None:
        """Do what is due at `now`."""
        for table, upkeep in self._upkeep.items():
            merge, tidy = upkeep.due(now)
            if merge or tidy:
                done = upkeep.step(now, oldest_needed(self._tables.lake, table) if tidy else None)
                if done.alarm:
                    _log.error(done.alarm)
                forget_old(self._tables.lake, self._tables.handle(table), now, done)
        self._scrub(now)
        self._balanced_at = self._balanced_at or now
        if is_due(self._balanced_at, now, self._ledger_every):
            self._balanced_at = now
            row = ledger.check(self._tables, spool, now)
            if row["difference"]:
                _log.error("the books of the log do not balance", **row)

    def _scrub(self, now: datetime) -> None:
        """One table a turn, each as often as small files are merged."""
        if not is_due(self._scrubbed_at, now, self._scrub_pause):
            return
        table = LANDED[self._scrubs % len(LANDED)]
        self._scrubbed_at, self._scrubs = now, self._scrubs + 1
        scrub_turn(self._tables.lake, table, now, self._scrub_every_s)
