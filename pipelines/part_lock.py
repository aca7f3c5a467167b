"""Who runs which part of an installation: an OS lock per part, so that a second start is refused and a dead process is seen as dead.

The lock goes with the process, however it ends; the file's text (pid, since) is only for people and `doctor`.
"""

import contextlib
import fcntl
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TextIO

from factolake.domain.clock import Clock
from factolake.errors import LeaseHeld


@dataclass(frozen=True, slots=True)
class Holder:
    """The process that runs a part; `since` is when it took the lock (UTC)."""

    pid: int
    since: datetime | None


def lock_file(run_dir: Path, part: str) -> Path:
    """Where the lock of `part` is."""
    return run_dir / "parts" / f"{part}.lock"


@contextlib.contextmanager
def part_lock(run_dir: Path, part: str, clock: Clock) -> Iterator[None]:
    """Hold the lock of `part` inside the block. Raises LeaseHeld naming the process that has it."""
    path = lock_file(run_dir, part)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+", encoding="utf-8") as file:
        if not _take(file):
            owner = _read(path)
            who = f"process {owner.pid}" if owner else "an unknown process"
            raise LeaseHeld(f"'{part}' already runs on {run_dir.parent} ({who}); stop it first, or name another FACTOLAKE_HOME")
        file.truncate(0)
        file.write(json.dumps({"pid": os.getpid(), "since": clock.now().isoformat()}))
        file.flush()
        yield


def holder(run_dir: Path, part: str) -> Holder | None:
    """The living process that runs `part`, or None."""
    path = lock_file(run_dir, part)
    try:
        with path.open("r", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return None
    except BlockingIOError:
        return _read(path) or Holder(0, None)
    return None


def _take(file: TextIO) -> bool:
    # `holder` takes the lock for an instant to look: a start must not be refused because somebody looked.
    for _ in range(5):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.05)
        else:
            return True
    return False


def _read(path: Path) -> Holder | None:
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return Holder(int(told["pid"]), datetime.fromisoformat(told["since"]))
    except (OSError, ValueError, KeyError, TypeError):
        # Read between truncate and write, or by hand: the lock itself is what counts.
        return None
