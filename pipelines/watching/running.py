"""The watch at work: it reads the spool beside landing, lets the champions judge, and puts what they say into the spool.

Order: what is to be told is in the file of the watch, then in the spool, then out of the file. So wherever it stops, the next start tells it once
more under the same number. What landing has taken away before it was read comes from bronze; what nobody has any more is counted, and nobody waits.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import structlog

from factolake.bus.port import StoredRecord
from factolake.config import Settings, load_plant
from factolake.crash import crash_point
from factolake.domain.clock import Clock
from factolake.domain.plant import PlantModel
from factolake.errors import LogReplaced, TableDamaged, Transient
from factolake.lake.tables import Lake
from factolake.landing.decode import Arrival, decode_batch
from factolake.refusals import system_refusals
from models.registry.catalogue import Models
from pipelines.watching.following import Watch, Words
from pipelines.watching.landed import Landed
from pipelines.watching.peeking import after
from pipelines.watching.scouting import News, Scout
from pipelines.watching.standing import Standing, write_standing
from pipelines.watching.state import MemoryFile, read_memory
from pipelines.watching.tail import AT_ONCE, Hole, Place, Tail

BEGIN_BEFORE = timedelta(minutes=10)
"""A first start reads what landed so long before it: what a machine does may have been told a moment ago."""

REACH = timedelta(hours=1)
"""What landed longer ago is not read again: that is a gap, for a day of readings is no hot path."""

MARGIN = timedelta(minutes=1)
RETRY = timedelta(seconds=1)

KEEP_EVERY = timedelta(seconds=15)
"""So often what nobody waits for is put on the disk. Whoever starts again reads that much once more, and tells what it told under its number."""

_log = structlog.get_logger(__name__)


def folder_of(settings: Settings) -> Path:
    """Where the watch keeps its files."""
    return settings.run_dir / "watch"


@contextmanager
def watching(
    settings: Settings, clock: Clock, stop: threading.Event, *, is_alone: bool = False, models: Models | None = None
) -> Iterator["Watching"]:
    """The watch of an installation after one look for champions; unless `is_alone` a thread goes on looking. Raises ConfigError."""
    plant = load_plant(settings.plant_file)
    scout = Scout(settings, plant, clock, models)
    scout.look()
    if not is_alone:
        threading.Thread(target=scout.run, args=(stop,), daemon=True, name="scout").start()
    process = Watching(settings, plant, clock, scout)
    try:
        yield process
    finally:
        process.close()


class Watching:
    """What one process of the watch holds."""

    def __init__(self, settings: Settings, plant: PlantModel, clock: Clock, scout: Scout) -> None:
        self._settings, self._clock, self._scout = settings, clock, scout
        self._tail = Tail(settings.spool_file, settings.spool.max_mib << 20, clock)
        self._landed = Landed(Lake(settings.lake_root))
        self._watch = Watch(plant, folder_of(settings) / "minutes", round(clock.now().timestamp() * 1_000_000))
        self._file = folder_of(settings) / "memory.json"
        self._memory = MemoryFile(self._file)
        self._place: Place | None = None
        self._since = clock.now() - BEGIN_BEFORE
        self._served: News | None = None
        self._kept = 0
        self._kept_ts: datetime | None = None
        self._retry_at: datetime | None = None
        self._restore()

    def run(self, stop: threading.Event, *, once: bool = False) -> None:
        """One step after the other until `stop`; with `once` until all that is in the log was read. What a retry can help is tried again."""
        trouble = ""
        while not stop.is_set():
            try:
                with system_refusals():
                    is_behind = self.step()
                trouble = ""
            except Transient as error:
                if once:
                    raise
                if str(error) != trouble:
                    trouble = str(error)
                    _log.warning("the watch waits", cause=trouble)
                stop.wait(RETRY.total_seconds())
                continue
            if once and not is_behind:
                break
            if not is_behind:
                stop.wait(self._settings.watch.poll_ms / 1000)
        if self._place is not None:
            self._keep(self._place)

    def step(self) -> bool:
        """Read what is new, judge, tell; whether more waits already. Raises what the spool raises."""
        self._scout.check()
        self._renew()
        if not self._scout.news.servings:
            return False
        now = self._clock.now()
        page = self._tail.after(self._place or Place("", 0))
        if page.is_new_log and self._place is not None:
            _log.warning("another spool is there; reading goes on from its beginning", log_id=page.place.log_id)
        for hole in page.holes:
            self._fill(hole, now)
        if page.records:
            self._take(page.records, Arrival(page.place.log_id, now))
        self._place, self._since = page.place, now
        is_behind = len(page.records) == AT_ONCE
        if not is_behind and not page.holes:
            self._watch.passed(now)
        self._tell(page.place, now)
        return is_behind

    def _take(self, records: Sequence[StoredRecord], arrival: Arrival) -> None:
        """A full page may be of a backfill: what changes nothing any more is passed over before it is decoded."""
        if len(records) == AT_ONCE:
            fresh = after(records, self._watch.floor_us)
            self._watch.passed_over += len(records) - len(fresh)
            records = fresh
        if records:
            self._watch.take(decode_batch(records, arrival).readings)

    def close(self) -> None:
        """Let go of the spool."""
        self._tail.close()

    def _restore(self) -> None:
        try:
            memory = read_memory(self._file)
        except ValueError as error:
            _log.error(f"{self._file} cannot be read, the watch begins anew: {error}")
            return
        if memory is not None:
            self._watch.restore(memory)
            self._place, self._since, self._kept = memory.place, memory.saved_ts, len(memory.waiting)

    def _renew(self) -> None:
        news = self._scout.news
        if news is not self._served:
            self._watch.past = news.past
            self._served = news
            begun = self._watch.serve(news.servings, self._words)
            if begun and self._place is not None:
                self._catch_up(begun, self._place)

    def _catch_up(self, begun: frozenset[str], place: Place) -> None:
        """Machines that get their first model while others are watched: what silver knows of them is some seconds old, so the last minutes follow."""
        try:
            messages, _ = self._landed.readings(Hole(place.log_id, 1, place.offset), self._clock.now() - BEGIN_BEFORE)
        except TableDamaged as error:
            _log.error("bronze cannot be read, which has what was before", cause=str(error))
        else:
            self._watch.take(messages, begun)

    def _fill(self, hole: Hole, now: datetime) -> None:
        """What landing took away first. Where that was too long ago, or is nowhere, it is a gap."""
        if now - self._since <= REACH:
            try:
                messages, is_whole = self._landed.readings(hole, self._since - MARGIN)
            except TableDamaged as error:
                _log.error("bronze cannot be read, which has what the spool no longer has", cause=str(error))
            else:
                if is_whole:
                    self._watch.take(messages)
                    return
        self._watch.missed += hole.records
        _log.warning("records were gone before they were read; open minutes begin anew", first=hole.first, last=hole.last, records=hole.records)
        self._watch.forget(self._words())

    def _words(self) -> Words:
        try:
            return self._landed.words(self._clock.now())
        except TableDamaged as error:
            _log.error("silver cannot be read; what machines do is not known until they say it", cause=str(error))
            return {}

    def _tell(self, place: Place, now: datetime) -> None:
        """Events into the file, then into the log; where the log takes none they wait, and the others go on."""
        crash_point("watch.judged")
        if len(self._watch.waiting) > self._kept:
            # Waiting for the disk twice more would be most of the way from a reading to its alert. Where the power fails just now, the alert is told
            # again under another number, and gold knows it by its alert_id.
            self._keep(place, is_hurried=True)
        elif self._watch.has_news and self._is_time_to_keep(now):
            self._keep(place)
        crash_point("watch.kept")
        if not self._watch.waiting or (self._retry_at is not None and now < self._retry_at):
            return
        try:
            self._tail.append([told.record(now) for told in self._watch.waiting])
        except (Transient, LogReplaced) as error:
            if self._retry_at is None:
                _log.warning("alerts wait for the spool", events=len(self._watch.waiting), cause=str(error))
                self._keep(place)  # so that `doctor` says it too
            self._retry_at = now + RETRY
            return
        crash_point("watch.told")
        self._retry_at, self._kept = None, 0
        self._watch.told()
        crash_point("watch.done")

    def _is_time_to_keep(self, now: datetime) -> bool:
        """Also where the clock was set back."""
        return self._kept_ts is None or not timedelta(0) <= now - self._kept_ts < KEEP_EVERY

    def _keep(self, place: Place, *, is_hurried: bool = False) -> None:
        self._memory.write(self._watch.memory(place, self._since), is_hurried=is_hurried)
        self._watch.has_news, self._kept = False, len(self._watch.waiting)
        if is_hurried:
            return
        self._kept_ts = self._clock.now()
        says = tuple(one.says for one in self._scout.news.servings.values())
        standing = Standing(self._clock.now(), says, self._watch.figures(), self._watch.troubles(), self._scout.lacks)
        write_standing(self._settings.run_dir, standing)
