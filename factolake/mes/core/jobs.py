"""What FactoMES does by itself, each job as often as it is due; one that fails is told and tried again, and never keeps the others.

A job that talks to somebody outside, who may take ten seconds to say nothing, runs in a thread of its own: danger is told on in time all the same.
"""

import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import close_old_connections, connections
from django.db.utils import InterfaceError, OperationalError

from factolake.domain.clock import Clock
from factolake.errors import FactoLakeError

TICK_S, END_S = 0.5, 12.0
_log = structlog.get_logger(__name__)
Turn = Callable[[datetime], object]


@dataclass(slots=True)
class Job:
    """One job: `turn(now)` every `every_s` seconds; `outside` says that it talks to programs that may keep it waiting."""

    name: str
    every_s: float
    turn: Turn
    outside: bool = False
    due_ts: datetime | None = None


JOBS: dict[str, Job] = {}
"""Every job by its name; filled when the apps' `jobs` modules are loaded."""


def job(name: str, every_s: float, turn: Turn, *, outside: bool = False) -> None:
    """Declare a job. Raises ValueError when the name is taken."""
    if name in JOBS:
        raise ValueError(f"job {name} is declared twice")
    JOBS[name] = Job(name, every_s, turn, outside)


def step(now: datetime, wanted: Collection[Job] | None = None) -> list[str]:
    """Do what is due at `now` of `wanted` (None: of all); returns the names of those that failed, each told in the log."""
    failed = []
    for one in JOBS.values() if wanted is None else wanted:
        if one.due_ts is not None and now < one.due_ts <= now + timedelta(seconds=one.every_s):
            continue  # a due time further off is from before the clock was set back
        one.due_ts = now + timedelta(seconds=one.every_s)
        try:
            close_old_connections()
            one.turn(now)
        except (OperationalError, InterfaceError, FactoLakeError, OSError) as error:
            _log.warning("job failed", job=one.name, cause=str(error), retry_in_s=one.every_s)
            failed.append(one.name)
        except Exception:  # a fault in one job is told with its place and does not keep the others
            _log.exception("job failed", job=one.name, retry_in_s=one.every_s)
            failed.append(one.name)
    return failed


def run_jobs(clock: Clock, stop: threading.Event, *, once: bool = False) -> None:
    """Do the jobs until `stop`; with `once` each of them a single time, one after the other."""
    if once:
        step(clock.now())
        return
    apart = [[one] for one in JOBS.values() if one.outside]
    threads = [threading.Thread(target=_repeat, args=(clock, stop, wanted), name=wanted[0].name, daemon=True) for wanted in apart]
    for thread in threads:
        thread.start()
    _repeat(clock, stop, [one for one in JOBS.values() if not one.outside])
    last = time.monotonic() + END_S
    for thread in threads:
        thread.join(max(0.0, last - time.monotonic()))  # one that still waits for an answer then is cut off, as by a crash: it asks again


def _repeat(clock: Clock, stop: threading.Event, wanted: Collection[Job]) -> None:
    try:
        while not stop.is_set():
            step(clock.now(), wanted)
            stop.wait(TICK_S)
    finally:
        connections.close_all()
