"""From gold to the MES: each feed's news since its bookmark, applied in one transaction and then read back. And FactoMES's outbox to the spool.

Reads Delta through delta-rs alone. Whatever fails, the bookmark stays where the rows are: a repeat changes nothing, and nothing is left out.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy import make_url

from factolake.bus.port import LogWriter
from factolake.bus.spool_bus import Spool
from factolake.config.settings import Settings
from factolake.domain.clock import Clock
from factolake.errors import CommitConflict, DiskFull, SourceUnavailable, SpoolFull, StorageRefused, TableDamaged
from factolake.lake.tables import Handle, Lake
from factolake.mes.sync.batch import Batch, change_batch, snapshot_batch
from factolake.mes.sync.folded import folded_changes, folded_snapshot
from factolake.mes.sync.outbox import Outbox
from factolake.mes.sync.schema import connect
from factolake.mes.sync.store import Applied, Bookmark, Store
from factolake.mes.sync.targets import FEEDS, Feed
from factolake.mes.sync.trends import Trends

RETRY_FIRST_S = 0.5
RETRY_LAST_S = 30.0
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class FeedResult:
    """What one step did for one feed; `mismatched` rows read back differently and were written again."""

    feed: str
    target: str
    from_version: int
    to_version: int
    applied: Applied
    mismatched: int


@dataclass(frozen=True, slots=True)
class SyncResult:
    """What one step did; feeds without news are left out. `sent` are events of FactoMES's outbox."""

    feeds: tuple[FeedResult, ...]
    sent: int = 0

    @property
    def written(self) -> int:
        """Rows written to the MES."""
        return sum(result.applied.written for result in self.feeds)

    @property
    def dead_letters(self) -> int:
        """Rows the MES refused."""
        return sum(result.applied.dead_letters for result in self.feeds)

    @property
    def mismatched(self) -> int:
        """Rows that read back differently."""
        return sum(result.mismatched for result in self.feeds)


class Sync:
    """The sync of one lake into one MES database."""

    def __init__(self, lake: Lake, engine_url: str, clock: Clock, log: LogWriter | None = None) -> None:
        _make_folder(engine_url)
        self._lake, self._clock = lake, clock
        self._engine = connect(engine_url)
        self._store = Store(self._engine)
        self._outbox, self._log = Outbox(self._engine), log
        self._trends = Trends(lake, self._engine)
        self._is_prepared = False

    def step(self) -> SyncResult:
        """Bring every feed to the present of its lake table, and what FactoMES changed to the log, if there is one.

        Raises SourceUnavailable when the MES does not answer.
        """
        try:
            if not self._is_prepared:
                self._prepare()
            results = [self._feed(feed) for feed in FEEDS if self._lake.exists(feed.source)]
            sent = self._drain()
            self._trends.step(self._clock.now())
        except SourceUnavailable:
            # It may come back as another database: look at its tables again first.
            self._is_prepared = False
            raise
        return SyncResult(tuple(result for result in results if result is not None), sent)

    def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()

    def _drain(self) -> int:
        if self._log is None:
            return 0
        try:
            return self._outbox.drain(self._log, self._clock.now())
        except (SpoolFull, DiskFull, StorageRefused, CommitConflict) as error:
            _log.warning("the outbox waits", cause=str(error))
            return 0

    def _prepare(self) -> None:
        for name in self._store.prepare():
            _log.warning("mes table made anew", table=name, cause="its columns are no longer those of the contract")
        self._is_prepared = True

    def _feed(self, feed: Feed) -> FeedResult | None:
        handle = self._lake.open(feed.source)
        mark = self._store.bookmark(feed)
        is_new_table = mark is None or mark.history != handle.history
        if mark is not None and not is_new_table and mark.version >= handle.version:
            missed = self._verify_missed(feed, handle, mark)
            return FeedResult(feed.source.name, feed.target.name, mark.version, mark.version, Applied(), missed) if missed else None
        since = -1 if mark is None or is_new_table else mark.version
        batch = read_batch(feed, handle, since, handle.version)
        applied = self._store.apply(batch, self._clock.now())
        if applied.superseded:
            return None
        if mark is not None and not is_new_table and mark.verified_version != mark.version:
            batch = read_batch(feed, handle, _verified(mark), handle.version)
        mismatched = self._store.verify(batch, self._clock.now())
        return FeedResult(feed.source.name, feed.target.name, batch.from_version, batch.to_version, applied, mismatched)

    def _verify_missed(self, feed: Feed, handle: Handle, mark: Bookmark) -> int:
        """Read back what a sync committed and did not live to compare."""
        if mark.verified_version == mark.version:
            return 0
        return self._store.verify(read_batch(feed, handle, _verified(mark), mark.version), self._clock.now())


def _verified(mark: Bookmark) -> int:
    return -1 if mark.verified_version is None else mark.verified_version


def read_batch(feed: Feed, handle: Handle, since: int, through: int) -> Batch:
    """The news of `feed` in (since, through]; the whole table when `since` is -1 or the change feed has a hole."""
    if since >= 0:
        try:
            if feed.fold is not None:
                return folded_changes(feed, feed.fold, handle, since, through)
            changes = handle.changes(since + 1, through, feed.source.column_names)
            return change_batch(feed, handle.history, since, through, changes)
        except TableDamaged as error:
            _log.warning("change feed has a hole, the whole table is compared", feed=feed.source.name, since=since, cause=str(error))
    if feed.fold is not None:
        return folded_snapshot(feed, feed.fold, handle, through)
    return snapshot_batch(feed, handle.history, through, handle.read(version=through))


def run_sync(
    settings: Settings, clock: Clock, stop: threading.Event, *, once: bool = False, on_step: Callable[[SyncResult], None] | None = None
) -> None:
    """Sync until `stop`; with `once` until nothing waits in the outbox, and a failure is raised instead of retried.

    While the MES is down the wait between tries doubles from 0.5 s to 30 s; the lake keeps everything meanwhile.
    """
    spool = Spool(settings.spool_file, settings.spool.max_mib << 20, clock)
    sync = Sync(Lake(settings.lake_root), settings.mes_url, clock, spool)
    wait_s = RETRY_FIRST_S
    try:
        while not stop.is_set():
            try:
                result = sync.step()
            except SourceUnavailable as error:
                if once:
                    raise
                _log.warning("mes down", cause=str(error), retry_in_s=wait_s)
                stop.wait(wait_s)
                wait_s = min(wait_s * 2, RETRY_LAST_S)
                continue
            wait_s = RETRY_FIRST_S
            _tell(result)
            if on_step is not None:
                on_step(result)
            if once and result.sent == 0:
                return
            if once:
                continue  # more may wait than one step takes
            stop.wait(settings.mes.interval_s)
    finally:
        sync.close()
        spool.close()


def _tell(result: SyncResult) -> None:
    if result.sent:
        _log.info("outbox sent", events=result.sent)
    for feed in result.feeds:
        counts = {"written": feed.applied.written, "deleted": feed.applied.deleted, "dead_letters": feed.applied.dead_letters}
        say = _log.warning if feed.applied.dead_letters or feed.mismatched else _log.info
        say("mes synced", feed=feed.feed, target=feed.target, version=feed.to_version, mismatched=feed.mismatched, **counts)


def _make_folder(url: str) -> None:
    database = make_url(url).database
    if make_url(url).get_backend_name() == "sqlite" and database and database != ":memory:":
        Path(database).parent.mkdir(parents=True, exist_ok=True)
