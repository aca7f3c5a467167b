"""The planner as a part: every few seconds it looks at every line and plans those that need it; between that it tends its own tables."""

import threading
from collections.abc import Callable
from contextlib import suppress

import structlog

from factolake.config import Settings
from factolake.domain.clock import Clock
from factolake.errors import Transient
from pipelines.planning.causes import NIGHTLY, Cause
from pipelines.planning.look import Looker, looker
from pipelines.planning.planner import warm
from pipelines.planning.publishing import OWN_TABLES
from pipelines.tending import Tending, mend

TEND_EVERY = 12
"""Looks between two turns of tending: a minute by default."""
NIGHT_EVERY_S = 30.0
_log = structlog.get_logger(__name__)


def run_planner(settings: Settings, clock: Clock, stop: threading.Event, *, once: bool = False) -> None:
    """Look and plan until `stop`, the night's plans beside all others; with `once` a single look at every line.

    Raises ConfigError, MissingDependency; with `once` what the lake raises too.
    """
    looking = looker(settings, clock)
    mend(looking.planner.lake, OWN_TABLES)
    if once:
        list(looking.look())
        return
    if settings.planner.enabled:
        warm()
    broken: list[BaseException] = []
    night = threading.Thread(target=_night, args=(looker(settings, clock), settings, stop, broken), daemon=True, name="night")
    night.start()  # not waited for at the end: a search may last, and what it was about is seen again
    tending = Tending(looking.planner.lake, settings.landing, clock, OWN_TABLES)
    looks = 0
    while not stop.is_set():
        if broken:
            raise broken[0]
        _look(looking, stop, lambda cause: cause.trigger != NIGHTLY)
        if looks % TEND_EVERY == 0:
            with suppress(Transient):  # the next turn tends
                tending.step()
        looks += 1
        stop.wait(settings.planner.interval_s)


def _night(looking: Looker, settings: Settings, stop: threading.Event, broken: list[BaseException]) -> None:
    """What ends it goes to `broken`, and ends the part: without the nights it would look healthy and plan none of them."""
    try:
        while not stop.is_set():
            _look(looking, stop, lambda cause: cause.trigger == NIGHTLY)
            stop.wait(max(NIGHT_EVERY_S, settings.planner.interval_s))
    except Exception as error:
        broken.append(error)


def _look(looking: Looker, stop: threading.Event, wanted: Callable[[Cause], bool]) -> None:
    try:
        for _ in looking.look(stop.is_set, wanted):
            pass
    except Transient as error:
        _log.warning("the planner waits", cause=str(error))
