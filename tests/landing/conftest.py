"""Lakes and landings for the tests of landing."""

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from landing_records import T0

from factolake.bus.port import LogReader
from factolake.config.settings import LandingSettings
from factolake.domain.clock import ManualClock
from factolake.lake.tables import Lake
from factolake.landing.bronze import BronzeTables
from factolake.landing.land import Landing


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(T0 + dt.timedelta(hours=1))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


@pytest.fixture
def tables(lake: Lake, tmp_path: Path) -> Iterator[BronzeTables]:
    opened = BronzeTables(lake, tmp_path / "run", 50)
    yield opened
    opened.close()


@pytest.fixture
def landing(tables: BronzeTables, clock: ManualClock) -> Callable[..., Landing]:
    """A started landing of a log; `max_rows` sets where its batches end."""

    def start(log: LogReader, max_rows: int = 65_536) -> Landing:
        made = Landing(log, tables, LandingSettings(max_rows=max_rows), clock)
        made.start()
        return made

    return start
