"""A small plant run in one process, with room for one bug: what the tests of the judge judge."""

import datetime as dt
import itertools
from pathlib import Path

import pytest

from factolake.bus.spool_bus import Spool
from factolake.config import load_plant
from factolake.config.settings import LandingSettings
from factolake.contracts import silver
from factolake.domain.clock import ManualClock
from factolake.lake.engine import Engine
from factolake.lake.tables import Handle, Lake
from factolake.landing.bronze import BronzeTables
from factolake.landing.land import Landing
from factolake.plant.scenario import load_scenario
from factolake.refine import readings
from factolake.refine.plant_model import record_plant
from factolake.refine.readings import QUARANTINE, READINGS
from factolake.refine.runner import Runner
from factolake.testing.judge import Verdict, judge
from factolake.testing.ledgered_source import LedgeredSource

CONF = Path(__file__).parents[2] / "conf"
MODEL = load_plant(CONF / "plant.toml")
SCENARIO = load_scenario(CONF / "scenarios" / "default.toml", MODEL)
START = dt.datetime(2026, 3, 2, 5, tzinfo=dt.UTC)


class Killed(BaseException):
    """Stands for kill -9: nothing of ours catches it."""


class ReleasesFirst(Landing):
    """Lets the log forget a batch before its readings are committed, and is killed in between."""

    def _land_readings(self, batch, missing, stored):
        self._reader.release(batch.through)
        raise Killed


class ForgetsPosition(Landing):
    """Looks for its position under another name at every start, so it always begins at the log's first record."""

    _starts = itertools.count()

    def __init__(self, *parts):
        super().__init__(*parts)
        self._app_id = f"start-{next(self._starts)}"


class DropsOldest(Spool):
    """Makes room for new records by forgetting the oldest, and tells nobody."""

    def append(self, records):
        last = super().append(records)
        self.release(last - 3)
        return last


class NeverReleased(Spool):
    """A spool as it looks to a landing that is killed each time before it released anything."""

    def release(self, through):
        pass


def without_anti_join(patch: pytest.MonkeyPatch) -> None:
    """Silver no longer looks whether it holds a row already."""
    patch.setattr(readings, "_new", lambda rows, known: rows)


def position_without_rows(patch: pytest.MonkeyPatch) -> None:
    """The refinement's commit carries its position and forgets its rows."""
    whole = Handle.append

    def append(self, data, positions, *, meta=None):
        return whole(self, data.slice(0, 0) if self.table is silver.READINGS else data, positions, meta=meta)

    patch.setattr(Handle, "append", append)


class SmallPlant:
    """Source, spool, landing and the refinement of readings under `home`; every `turn` is a start of all of them."""

    def __init__(self, home: Path, engine: Engine, spool: type[Spool] = Spool) -> None:
        self.home, self.engine, self.lake = home, engine, Lake(home / "lake")
        self.ledger = home / "sent.jsonl"
        self.clock = ManualClock(START + dt.timedelta(minutes=20))
        self.spool = spool(home / "spool.sqlite", 1 << 30, self.clock)
        self.turns = 0

    def turn(self, landing: type[Landing] = Landing, portions: int = 4) -> None:
        """Send `portions`, land them in several batches, refine them."""
        self.turns += 1
        source = LedgeredSource(MODEL, SCENARIO, START, self.spool, self.ledger, epoch=self.turns)
        for _ in range(portions):
            source.send_portion()
        source.close()
        tables = BronzeTables(self.lake, self.home / "run", 50)
        try:
            started = landing(self.spool, tables, LandingSettings(max_rows=250), self.clock)
            started.start()
            while started.step().more:
                pass
        except Killed:
            pass
        finally:
            tables.close()
        self.refine()

    def refine(self) -> None:
        """Bring silver and quarantine up to bronze."""
        record_plant(self.lake, MODEL, self.clock)
        runner = Runner(self.lake, self.engine, MODEL, self.clock)
        for refinement in (QUARANTINE, READINGS):
            runner.run(refinement)
            runner.settle(refinement)

    def judged(self) -> Verdict:
        """The judge's word on all turns."""
        return judge(self.lake, self.ledger)
