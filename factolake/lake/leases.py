"""Leases: one writer per table or part. An OS lock on a file, and in the file an epoch that grows with every owner.

The lock ends with the process, however it dies. The epoch goes into every commit, so that an owner that was paused while its lock file
was lost or replaced is refused when it wakes.
"""

import fcntl
import json
import os
from pathlib import Path
from types import TracebackType

from factolake.errors import LeaseHeld


class Lease:
    """The right to write one table or run one part, held by this process between `acquire` and `release`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None
        self._epoch = 0

    @property
    def epoch(self) -> int:
        """Number of this ownership, from 1; larger than that of every owner before. Raises LeaseHeld when it is not acquired."""
        if self._fd is None:
            raise LeaseHeld(f"{self.path}: the lease is not acquired by this process; acquire it before committing")
        return self._epoch

    def acquire(self, above: int = 0) -> "Lease":
        """Take the lease or raise LeaseHeld naming the owner's pid.

        `above` is the largest epoch found in the tables, so that a lost lock file does not start again below them.
        """
        if self._fd is not None:
            return self
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = _content(fd).get("pid", "unknown")
            os.close(fd)
            raise LeaseHeld(
                f"{self.path.stem} is already run by process {pid} (lock {self.path}); stop that one first, or leave it running"
            ) from None
        self._fd = fd
        self._epoch = 0
        self.raise_above(max(_content(fd).get("epoch", 0), above))
        return self

    def raise_above(self, epoch: int) -> None:
        """Make this ownership's number larger than `epoch`, and remember it; nothing happens if it is. Raises LeaseHeld when not acquired."""
        if self._fd is None:
            raise LeaseHeld(f"{self.path}: the lease is not acquired by this process; acquire it first")
        if self._epoch > epoch:
            return
        self._epoch = epoch + 1
        text = json.dumps({"pid": os.getpid(), "epoch": self._epoch}).encode()
        os.pwrite(self._fd, text, 0)
        os.ftruncate(self._fd, len(text))
        os.fsync(self._fd)

    def release(self) -> None:
        """Give the lease back; nothing happens if it is not held."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def __enter__(self) -> "Lease":
        return self.acquire()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.release()


def _content(fd: int) -> dict[str, int]:
    try:
        content = json.loads(os.pread(fd, 4096, 0) or b"{}")
    except ValueError:
        return {}
    return {key: value for key, value in content.items() if isinstance(value, int)} if isinstance(content, dict) else {}
