"""The embedded log: one SQLite file in WAL mode, fsynced before an append returns, written and read by several processes.

Offsets come from AUTOINCREMENT, so they only grow, also after everything was released. The size limit counts bytes of stored values.
"""

import sqlite3
import threading
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from factolake.bus.port import Depth, Record, StoredRecord
from factolake.bus.spool_errors import primary_code, spool_error
from factolake.bus.spool_rows import SELECT, as_record, headers_text, salvage
from factolake.domain.clock import Clock
from factolake.errors import LogReplaced, SourceUnavailable, SpoolFull, TableDamaged
from factolake.files import sync_to_disk

BUSY_TIMEOUT_S = 30.0
_FREE_PAGES_KEPT = 1024
_VACUUM_PAGES = 2048
_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS totals (id INTEGER PRIMARY KEY CHECK (id = 1), records INTEGER NOT NULL, bytes INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS records (
  offset INTEGER PRIMARY KEY AUTOINCREMENT, put_us INTEGER NOT NULL, size INTEGER NOT NULL, topic TEXT NOT NULL, key TEXT NOT NULL,
  headers TEXT NOT NULL, value BLOB NOT NULL
);
INSERT OR IGNORE INTO totals VALUES (1, 0, 0);
"""


class Spool:
    """A LogWriter and LogReader on the file `path`; safe for several threads, and for several processes with one Spool each.

    `max_bytes` bounds the sum of stored values. With `writer=False` the file must exist already and nothing can be appended.
    Raises SourceUnavailable (no file and not a writer), TableDamaged (the file is no spool or broken) and DiskFull.
    """

    def __init__(self, path: Path, max_bytes: int, clock: Clock, writer: bool = True) -> None:
        self._path, self._max_bytes, self._clock, self._writer = Path(path), max_bytes, clock, writer
        self._lock = threading.Lock()
        self._db, self._log_id, self._inode = self._open()

    @property
    def log_id(self) -> str:
        """Identity of the file opened, made together with it."""
        return self._log_id

    def append(self, records: Sequence[Record]) -> int:
        """Store all of `records` or none; returns the last offset once it is fsynced.

        Raises SpoolFull, DiskFull, CommitConflict (locked for 30 s by another process) and TableDamaged.
        A file that was replaced meanwhile is not written to: the new one at `path` is, under its own log_id.
        """
        if not self._writer:
            raise PermissionError(f"spool {self._path} was opened for reading only; append needs writer=True")
        with self._lock:
            self._follow()
            with self._transaction() as db:
                self._count_in(db, records)
                put_us = round(self._clock.now().timestamp() * 1_000_000)
                rows = [(put_us, len(r.value), r.topic, r.key, headers_text(r.headers), r.value) for r in records]
                db.executemany("INSERT INTO records (put_us, size, topic, key, headers, value) VALUES (?, ?, ?, ?, ?, ?)", rows)
                return _last_offset(db)

    def first_offset(self) -> int:
        """The oldest offset still stored, or last + 1 when empty."""
        with self._lock, self._reading() as db:
            row = db.execute("SELECT min(offset) FROM records").fetchone()
            return int(row[0]) if row[0] is not None else _last_offset(db) + 1

    def last_offset(self) -> int:
        """The newest offset ever given out; 0 for a spool that never held anything."""
        with self._lock, self._reading() as db:
            return _last_offset(db)

    def read(self, after: int, max_records: int) -> list[StoredRecord]:
        """Records with offset > `after`, in order, at most `max_records`.

        A row that is no record any more comes back with the headers and bytes that could be read, so that the reader can set it aside.
        """
        with self._lock, self._reading() as db:
            try:
                rows = db.execute(f"{SELECT} WHERE offset > ? ORDER BY offset LIMIT ?", (after, max_records)).fetchall()
            except sqlite3.DatabaseError as error:
                if primary_code(error) != sqlite3.SQLITE_CORRUPT:
                    raise
                rows = salvage(db, after, max_records)
        return [as_record(row) for row in rows]

    def release(self, through: int) -> None:
        """Forget records up to and including `through` and give the disk space back bit by bit."""
        with self._lock:
            self._check_same_file()
            with self._transaction() as db:
                gone = db.execute("SELECT count(*), coalesce(sum(size), 0) FROM records WHERE offset <= ?", (through,)).fetchone()
                if not gone[0]:
                    return
                db.execute("DELETE FROM records WHERE offset <= ?", (through,))
                db.execute("UPDATE totals SET records = records - ?, bytes = bytes - ?", gone)
            self._shrink()

    def depth(self) -> Depth:
        """How much waits."""
        with self._lock, self._reading() as db:
            records, size = db.execute("SELECT records, bytes FROM totals").fetchone()
            oldest = db.execute("SELECT put_us FROM records ORDER BY offset LIMIT 1").fetchone()
        age = self._clock.now().timestamp() - oldest[0] / 1_000_000 if oldest else 0.0
        return Depth(int(records), int(size), max(0.0, age))

    def close(self) -> None:
        """Close the file; the last process to do so folds the WAL back into it."""
        with self._lock:
            self._db.close()

    def _open(self) -> tuple[sqlite3.Connection, str, int]:
        if not self._writer and not self._path.exists():
            raise SourceUnavailable(f"there is no spool at {self._path} yet; start `factolake edge`, which makes it")
        is_new = not self._path.exists()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        try:
            db = sqlite3.connect(self._path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False)
            db.text_factory = lambda raw: raw.decode("utf-8", "replace")
            db.execute("PRAGMA auto_vacuum = INCREMENTAL")
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            db.execute(f"PRAGMA journal_size_limit = {64 << 20}")
            log_id = self._prepare(db)
        except sqlite3.DatabaseError as error:
            raise spool_error(self._path, error) from error
        if is_new:
            sync_to_disk(self._path.parent)
        return db, log_id, self._path.stat().st_ino

    def _prepare(self, db: sqlite3.Connection) -> str:
        known = db.execute("SELECT count(*) FROM sqlite_master WHERE name IN ('meta', 'totals', 'records')").fetchone()[0]
        strangers = db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0] if not known else 0
        if strangers:
            raise TableDamaged(f"{self._path} is a SQLite file but no spool: it lacks the table records; name another file or move it away")
        if known < 3:
            db.executescript("BEGIN IMMEDIATE;" + _SCHEMA + f"INSERT OR IGNORE INTO meta VALUES ('log_id', '{uuid.uuid4()}'); COMMIT;")
        row = db.execute("SELECT value FROM meta WHERE name = 'log_id'").fetchone()
        if row is None:
            raise TableDamaged(f"spool {self._path} has lost its identity (no log_id in table meta); move the file away, a new one is made")
        return str(row[0])

    def _count_in(self, db: sqlite3.Connection, records: Sequence[Record]) -> None:
        size = sum(len(record.value) for record in records)
        taken = db.execute(
            "UPDATE totals SET records = records + ?, bytes = bytes + ? WHERE bytes + ? <= ?", (len(records), size, size, self._max_bytes)
        )
        if taken.rowcount == 0:
            held = db.execute("SELECT bytes FROM totals").fetchone()[0]
            raise SpoolFull(
                f"spool {self._path} holds {held} bytes and {size} more pass its limit of {self._max_bytes}; start `factolake land` or raise max_mib"
            )

    def _shrink(self) -> None:
        with self._errors():
            free = self._db.execute("PRAGMA freelist_count").fetchone()[0]
            if free > _FREE_PAGES_KEPT:
                pages = min(free - _FREE_PAGES_KEPT, _VACUUM_PAGES)
                self._db.executescript(f"PRAGMA incremental_vacuum({pages});")  # execute() would stop after its first page

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._errors():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection]:
        self._check_same_file()
        with self._errors():
            yield self._db

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            raise spool_error(self._path, error) from error

    def _is_same_file(self) -> bool:
        try:
            return self._path.stat().st_ino == self._inode
        except FileNotFoundError:
            return False

    def _check_same_file(self) -> None:
        if not self._is_same_file():
            raise LogReplaced(
                f"the spool file {self._path} (log {self._log_id}) was removed or replaced while open; restart this part to read the new one"
            )

    def _follow(self) -> None:
        if not self._is_same_file():
            self._db.close()
            self._db, self._log_id, self._inode = self._open()


def _last_offset(db: sqlite3.Connection) -> int:
    row = db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'records'").fetchone()
    return int(row[0]) if row else 0
