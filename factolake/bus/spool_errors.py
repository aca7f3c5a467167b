"""SQLite's errors in the words of the error tree."""

import shutil
import sqlite3
from pathlib import Path

from factolake.errors import CommitConflict, DiskFull, FactoLakeError, SourceUnavailable, TableDamaged

_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT, sqlite3.SQLITE_SCHEMA, sqlite3.SQLITE_ERROR)
_LEFT_ON_FULL_DISK = 1 << 20


def primary_code(error: sqlite3.Error) -> int:
    """SQLite's primary result code of `error`; 1 (SQLITE_ERROR) when it carries none."""
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)) & 0xFF


def spool_error(path: Path, error: sqlite3.DatabaseError) -> FactoLakeError:
    """What `error` means for the spool at `path`: DiskFull, CommitConflict, TableDamaged or SourceUnavailable."""
    code = primary_code(error)
    if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and _free_bytes(path) < _LEFT_ON_FULL_DISK):
        return DiskFull(f"no space is left for the spool {path} ({error}); free space on its disk, appending goes on by itself")
    if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
        return CommitConflict(f"the spool {path} stayed locked by another process ({error}); it is tried again")
    if code in _DAMAGED:
        return TableDamaged(f"the spool {path} cannot be read ({error}); move it away, a new one is made, and records not yet landed are lost")
    return SourceUnavailable(f"the spool {path} cannot be reached ({error}); check that its folder exists and is writable")


def _free_bytes(path: Path) -> int:
    try:
        return shutil.disk_usage(path.parent).free
    except OSError:
        return 1 << 62
