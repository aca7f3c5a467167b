"""Whose turn it is to write the refined tables: the refinery loop takes it for a pass, a Dagster run for its work, never both at once."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from factolake.errors import LeaseHeld
from factolake.lake.leases import Lease

POLL_S = 0.05


@contextmanager
def table_turn(run_dir: Path, give_up: Callable[[], bool]) -> Iterator[bool]:
    """Wait for the turn and hold it; gives False, without it, once `give_up` says so. The turn ends with the process, however it dies."""
    lease = Lease(run_dir / "tables.lease")
    is_mine = False
    while not is_mine:
        try:
            lease.acquire()
            is_mine = True
        except LeaseHeld:
            if give_up():
                break
            time.sleep(POLL_S)
    try:
        yield is_mine
    finally:
        lease.release()
