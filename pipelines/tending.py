"""Tending of the refinery's tables between passes: put on disk, merge small files, checkpoint, forget what no reader needs, scrub.

One table a pass, so that no pass grows long by it. Landing tends bronze itself.
"""

from collections.abc import Sequence

import structlog

from factolake.config.settings import LandingSettings
from factolake.contracts import TABLES
from factolake.contracts.table import Table
from factolake.domain.clock import Clock
from factolake.lake.durable import make_durable, repair_tail
from factolake.lake.retention import forget_old
from factolake.lake.scrub import scrub_turn
from factolake.lake.tables import Lake
from factolake.lake.upkeep import Upkeep, oldest_needed

log = structlog.get_logger(__name__)


def tended_tables() -> list[Table]:
    """Every table the refinery writes."""
    return [table for table in TABLES.values() if table.writer.startswith("refine")]


def mend(lake: Lake, tables: Sequence[Table] | None = None) -> None:
    """At start: drop a last commit that a power cut tore of the writer's `tables` (None: the refinery's); its rows are computed again.

    Raises TableDamaged when it cannot be mended.
    """
    for table in tended_tables() if tables is None else tables:
        if lake.exists(table):
            repair_tail(lake.path(table))


class Tending:
    """Takes a writer's `tables` in turn (None: the refinery's). `settings` says how often each is merged, checkpointed and scrubbed."""

    def __init__(self, lake: Lake, settings: LandingSettings, clock: Clock, tables: Sequence[Table] | None = None) -> None:
        self._lake, self._settings, self._clock = lake, settings, clock
        self._tables = tended_tables() if tables is None else list(tables)
        self._upkeeps: dict[str, Upkeep] = {}
        self._turn = 0

    def step(self) -> None:
        """Tend the next table."""
        table = self._tables[self._turn % len(self._tables)]
        self._turn += 1
        if not self._lake.exists(table):
            return
        self._tend(table)
        scrub_turn(self._lake, table, self._clock.now(), self._settings.scrub_every_s)

    def _tend(self, table: Table) -> None:
        handle = self._lake.open(table)
        make_durable(handle.path, handle.version)
        if table.name not in self._upkeeps:
            self._upkeeps[table.name] = Upkeep(handle, self._settings.compact_every_s, self._settings.checkpoint_every_s)
        upkeep, now = self._upkeeps[table.name].on(handle), self._clock.now()
        _, tidies = upkeep.due(now)
        # To ask every reader opens every refined table, which would cost each pass more than all else that an idle one does.
        done = upkeep.step(now, oldest_needed(self._lake, table) if tidies else None)
        if done.alarm:
            log.warning("upkeep", alarm=done.alarm)
        forget_old(self._lake, handle, now, done)
