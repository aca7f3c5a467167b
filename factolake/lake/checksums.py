"""What is remembered of a table's data files: each one's SHA-256 when it was new, when it was last looked at, and what was found wrong.

One SQLite file a table, `_checksums/files.sqlite` beside its log, so that it is copied, restored and deleted with the table. Readers and
clean-ups of Delta tables pass over names with an underscore. `judged` is the rule; several processes may write the record at once.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from factolake.crash import crash_point
from factolake.errors import CommitConflict, DiskFull, StorageRefused, TableDamaged
from factolake.refusals import system_refusals

MISSING = "missing"
UNREADABLE = "unreadable"
BUSY_S = 10.0
_SCHEMA = "CREATE TABLE IF NOT EXISTS files (name TEXT PRIMARY KEY, sha256 TEXT, looked_at REAL NOT NULL, found TEXT, since REAL) WITHOUT ROWID"
_PUT = "INSERT OR REPLACE INTO files (name, sha256, looked_at, found, since) VALUES (?, ?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class Known:
    """One file: `sha256` when it was first read (None: it never could be), when it was last `looked_at`, what was `found` instead, `since` when.

    `found` is another SHA-256, MISSING or UNREADABLE; None when the file was as recorded.
    """

    sha256: str | None
    looked_at: datetime
    found: str | None = None
    since: datetime | None = None


def judged(before: Known | None, found: str, now: datetime) -> Known:
    """What is known of a file once `found` (its SHA-256, MISSING or UNREADABLE) was seen at `now`. The first SHA-256 is the right one.

    >>> noon = datetime(2026, 11, 25, 12, tzinfo=UTC)
    >>> judged(judged(None, "aa", noon), "ab", noon).found
    'ab'
    >>> judged(judged(None, MISSING, noon), "aa", noon)
    Known(sha256='aa', looked_at=datetime.datetime(2026, 11, 25, 12, 0, tzinfo=datetime.timezone.utc), found=None, since=None)
    """
    right = before.sha256 if before else None
    if right is None and found not in (MISSING, UNREADABLE):
        right = found
    if found == right:
        return Known(right, now)
    return Known(right, now, found, before.since if before and before.since else now)


class Checksums:
    """The record of the table in the folder `table_path`. Its calls raise TableDamaged, DiskFull, StorageRefused and CommitConflict."""

    def __init__(self, table_path: str | Path) -> None:
        self.file = Path(table_path).absolute() / "_checksums" / "files.sqlite"

    def read(self) -> dict[str, Known]:
        """What is known, by file name relative to the table; nothing before the first `note`."""
        if not self.file.exists():
            return {}
        with self._opened("rw") as db:
            return _rows(db)

    def note(self, found: Mapping[str, str], now: datetime, gone: Iterable[str] = ()) -> dict[str, Known]:
        """Judge what was `found` of each file by the record as it is now, write that, drop `gone`; all or nothing. Returns what is known then."""
        with system_refusals():
            self.file.parent.mkdir(exist_ok=True)
        with self._opened("rwc") as db:
            db.execute("BEGIN IMMEDIATE")
            db.execute(_SCHEMA)
            known = _rows(db)
            fresh = {name: judged(known.get(name), seen, now) for name, seen in found.items()}
            db.executemany(_PUT, [_row(name, file) for name, file in fresh.items()])
            db.executemany("DELETE FROM files WHERE name = ?", [(name,) for name in gone])
            crash_point("scrub.noting")
            db.execute("COMMIT")
        left = set(gone)
        return {name: file for name, file in {**known, **fresh}.items() if name not in left}

    @contextmanager
    def _opened(self, mode: str) -> Iterator[sqlite3.Connection]:
        try:
            # Never read-only: what a killed process left half has to be rolled back first.
            with closing(sqlite3.connect(f"{self.file.as_uri()}?mode={mode}", uri=True, timeout=BUSY_S, isolation_level=None)) as db:
                yield db
        except sqlite3.OperationalError as error:
            if "full" in str(error):
                raise DiskFull(f"{self.file}: the disk under the lake is full; free space there, checksums are recorded afterwards") from error
            if "locked" in str(error):
                raise CommitConflict(f"{self.file} has been locked for {BUSY_S:.0f} s; find who holds it and stop it") from error
            raise StorageRefused(f"the system refuses the record of checksums {self.file}: {error}; look at its folder's rights and disk") from error
        except sqlite3.Error as error:
            raise TableDamaged(f"the record of checksums {self.file} cannot be used ({error}); delete it, it is made anew") from error


def _rows(db: sqlite3.Connection) -> dict[str, Known]:
    if not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'files'").fetchone():
        return {}
    rows = db.execute("SELECT name, sha256, looked_at, found, since FROM files")
    return {name: Known(sha256, _time(looked_at), found, None if since is None else _time(since)) for name, sha256, looked_at, found, since in rows}


def _row(name: str, file: Known) -> tuple[str, str | None, float, str | None, float | None]:
    return name, file.sha256, file.looked_at.timestamp(), file.found, file.since.timestamp() if file.since else None


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
