"""What FactoMES does by itself, each job as often as it is due; one that fails is told and tried again, and never keeps the others."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from django.db import close_old_connections
from django.db.utils import InterfaceError, OperationalError

from factolake.domain.clock import Clock
from factolake.errors import FactoLakeError

TICK_S = 0.5
_log = structlog.get_logger(__name__)
Turn = Callable[[datetime], object]


@dataclass(slots=True)
class Job:
    """One job: `turn(now)` every `every_s` seconds."""

    name: str
    every_s: float
    turn: Turn
    due_ts: datetime | None = None


JOBS: dict[str, Job] = {}
"""Every job by its name; filled when the apps' `jobs` modules are loaded."""


def job(name: str, every_s: float, turn: Turn) -> None:
    """Declare a job. Raises ValueError when the name is taken."""
    if name in JOBS:
        raise ValueError(f"job {name} is declared twice")
    JOBS[name] = Job(name, every_s, turn)


def step(now: datetime) -> list[str]:
    """Do what is due at `now`; returns the names of those that failed, each told in the log."""
    failed = []
    for one in JOBS.values():
        if one.due_ts is not None and now < one.due_ts <= now + timedelta(seconds=one.every_s):
            continue  # a due time further off is from before the clock was set back
        one.due_ts = now + timedelta(seconds=one.every_s)
        close_old_connections()
        try:
            one.turn(now)
        except (OperationalError, InterfaceError, FactoLakeError, OSError) as error:
            _log.warning("job failed", job=one.name, cause=str(error), retry_in_s=one.every_s)
            failed.append(one.name)
        except Exception:  # a fault in one job is told with its place and does not keep the others
            _log.exception("job failed", job=one.name, retry_in_s=one.every_s)
            failed.append(one.name)
    return failed


def run_jobs(clock: Clock, stop: threading.Event, *, once: bool = False) -> None:
    """Do the jobs until `stop`; with `once` each of them a single time."""
    while not stop.is_set():
        step(clock.now())
        if once:
            return
        stop.wait(TICK_S)
