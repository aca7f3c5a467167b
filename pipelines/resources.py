"""What assets and jobs are given: the lake of this installation, a runner in its turn, checks and the sync.

Heavy libraries are imported when they are needed, so that Dagster's pages come up without them.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import dagster as dg

from factolake.config import Settings, load_plant, load_settings
from factolake.contracts.table import Table
from factolake.domain.calendar import plant_zone
from factolake.domain.clock import Clock, SystemClock

if TYPE_CHECKING:
    from factolake.lake.tables import Lake
    from factolake.mes.sync.run import SyncResult
    from factolake.refine.runner import Runner
    from pipelines.checks import CheckResult
    from pipelines.planning.look import Looker
    from pipelines.signals.drifting import MachineDrift
    from pipelines.signals.score import Scoring
    from pipelines.signals.train import Trained

CHECKED_DAYS = 2
"""Of tables that hold every reading, only the newest days are checked; the rest was checked when it was new."""

_ALL_READINGS = frozenset({"bronze.readings", "bronze.events", "silver.readings"})


class LakeResource(dg.ConfigurableResource[None]):
    """The installation: `home` is its data folder and `plant_file` its plant; empty means what the settings say.

    `turn_wait_s` is how long to wait for the refinery loop to finish its pass over the tables.
    """

    home: str = ""
    plant_file: str = ""
    turn_wait_s: float = 120.0

    def settings(self) -> Settings:
        """The settings with this resource's own values put in."""
        given = {"home": self.home, "plant_file": self.plant_file}
        settings = load_settings()
        return Settings.model_validate({**settings.model_dump(), **{key: value for key, value in given.items() if value}})

    def clock(self) -> Clock:
        """The machine's clock."""
        return SystemClock()

    def lake(self) -> "Lake":
        """The tables."""
        from factolake.lake.tables import Lake

        return Lake(self.settings().lake_root)

    def version(self, table: Table) -> int | None:
        """Delta version of `table`; None before it exists."""
        lake = self.lake()
        return lake.open(table).version if lake.exists(table) else None

    def days(self, start: datetime, end: datetime) -> tuple[date, date]:
        """First and last production day of a partition window [start, end)."""
        zone = plant_zone(load_plant(self.settings().plant_file).time_zone)
        return start.astimezone(zone).date(), (end.astimezone(zone) - timedelta(microseconds=1)).date()

    @contextmanager
    def turn(self) -> Iterator[bool]:
        """Hold the right to write the refined tables; False when nobody let go of it within `turn_wait_s`."""
        from pipelines.turn import table_turn

        deadline = time.monotonic() + self.turn_wait_s
        with table_turn(self.settings().run_dir, lambda: time.monotonic() >= deadline) as is_mine:
            yield is_mine

    @contextmanager
    def runner(self) -> Iterator["Runner | None"]:
        """A runner with a running engine, in our turn; None when it is another's for longer than `turn_wait_s`."""
        from factolake.lake.engine import engine
        from factolake.refine.plant_model import record_plant
        from factolake.refine.runner import Runner
        from pipelines.checks import judge

        settings = self.settings()
        model = load_plant(settings.plant_file)
        with self.turn() as is_mine:
            if not is_mine:
                yield None
                return
            with engine(settings.engine) as running:
                record_plant(self.lake(), model, self.clock())
                yield Runner(self.lake(), running, model, self.clock(), checks=judge)

    def check(self, table: Table) -> "list[CheckResult]":
        """Every contract check of `table`; none before it exists."""
        from factolake.contracts import TABLES
        from factolake.lake.sql import query
        from pipelines.checks import run_checks

        lake = self.lake()
        existing = {name for name, other in TABLES.items() if lake.exists(other)}
        if table.name not in existing:
            return []
        day = table.partition_by[0] if table.name in _ALL_READINGS else None
        where = f'"{day}" > (SELECT max("{day}") FROM {table.name}) - {CHECKED_DAYS}' if day else None
        return run_checks(lambda sql: query(lake, sql), table, where=where, tables=existing)

    def looker(self) -> "Looker":
        """What looks at the lines and plans them. Raises ConfigError, MissingDependency."""
        from pipelines.planning.look import looker

        return looker(self.settings(), self.clock())

    def scoring(self) -> "Scoring":
        """What scores machines with their champions. Raises ConfigError."""
        from pipelines.signals.score import scoring_of

        return scoring_of(self.settings(), self.clock())

    def train_signals(self, days: int, by: str) -> "tuple[list[Trained], dict[str, str]]":
        """A challenger a machine from the last `days` whole days; of those that cannot learn, why. Raises what lake and registry raise."""
        from pipelines.signals.reading import learnable
        from pipelines.signals.span import Days
        from pipelines.signals.train import trainer_of

        trainer = trainer_of(self.settings(), self.clock())
        return trainer.train_all(list(learnable(trainer.plant)), Days.before(self.clock().now().date(), days), by)

    def input_drift(self, days: int) -> "list[MachineDrift]":
        """How the last `days` whole days of each machine compare with its champion's training. Raises what lake and registry raise."""
        from pipelines.signals.drifting import drifting_of
        from pipelines.signals.reading import learnable
        from pipelines.signals.span import Days

        looking = drifting_of(self.settings())
        return looking.look(list(learnable(looking.plant)), Days.before(self.clock().now().date(), days))

    def sync_step(self) -> "SyncResult":
        """One step of the MES sync."""
        from factolake.mes.sync.run import Sync

        sync = Sync(self.lake(), self.settings().mes_url, self.clock())
        try:
            return sync.step()
        finally:
            sync.close()
