"""One at a time: a lock of a folder that ends with the process, however it dies."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from factolake.errors import LeaseHeld

PATIENCE_S = 30.0
_LOOK_S = 0.02


@contextmanager
def alone(folder: Path, patience_s: float = PATIENCE_S) -> Iterator[None]:
    """Wait for the lock and hold it inside the block. Raises LeaseHeld where somebody else holds it for longer than `patience_s`."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "models.lock"
    handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        deadline = time.monotonic() + patience_s
        while not _taken(handle):
            if time.monotonic() > deadline:
                raise LeaseHeld(f"somebody else has changed the models in {folder} for {patience_s:g} s (lock {file}); wait for them and try again")
            time.sleep(_LOOK_S)
        yield
    finally:
        os.close(handle)


def _taken(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
