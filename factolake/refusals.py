"""What the operating system refuses, in our error tree: a full or read-only disk, a missing right, too many open files.

Python tells it by number, delta-rs and DuckDB only in their text: `(os error 30)`, `Os { code: 30, ... }`.
"""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from factolake.errors import DiskFull, FactoLakeError, StorageRefused

_NUMBER = re.compile(r"os error (\d+)|Os \{ code: (\d+)")
_PATH = re.compile(r"(/.+?)(?=#\d|: [A-Z]|\s+Error:|\s*\x1b|\s*$)", re.MULTILINE)
_REMEDIES = {
    errno.EROFS: "mount it writable",
    errno.EACCES: "give this user the right to write there",
    errno.EPERM: "give this user the right to write there",
    errno.EMFILE: "raise the limit of open files (ulimit -n)",
    errno.ENFILE: "raise the system's limit of open files, or find who holds them",
    errno.EIO: "look at the disk and at the system's log",
    errno.EDQUOT: "make room in this user's quota",
}


@contextmanager
def system_refusals() -> Iterator[None]:
    """Turn what the system refuses inside the block into DiskFull or StorageRefused; everything else passes through."""
    try:
        yield
    except FactoLakeError:
        raise
    except Exception as error:
        refused = refusal(error)
        if refused is None:
            raise
        raise refused from error


def refusal(error: Exception) -> DiskFull | StorageRefused | None:
    """What `error` says that the system refuses; None when it speaks of something else."""
    found = _NUMBER.search(str(error))
    number = getattr(error, "errno", None) or (int(found[1] or found[2]) if found else None)
    path = _PATH.search(str(error))
    where = getattr(error, "filename", None) or (path[1] if path else "a file")
    if number == errno.ENOSPC:
        return DiskFull(f"the disk is full ({where}); free some space and start again")
    return _refused(number, where) if number in _REMEDIES else None


def require_writable(folder: Path) -> None:
    """Raise StorageRefused when `folder`, or the one it is to be made in, cannot be written to.

    To be asked first, because delta-rs prints a panic of its own before it reports a read-only disk.
    """
    there = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    if not os.access(there, os.W_OK | os.X_OK):
        raise _refused(errno.EROFS if os.statvfs(there).f_flag & os.ST_RDONLY else errno.EACCES, there)


def _refused(number: int, where: object) -> StorageRefused:
    return StorageRefused(f"the system refuses {where}: {os.strerror(number)}; {_REMEDIES[number]}, then it goes on")
