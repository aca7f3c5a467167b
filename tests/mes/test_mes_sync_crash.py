"""The sync killed at its crash points, and the loop around a database that comes and goes."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from mes_rows import put, shift_row

from factolake.config.settings import MesSettings, Settings
from factolake.contracts.gold import OEE_SHIFT
from factolake.domain.clock import ManualClock
from factolake.errors import SourceUnavailable
from factolake.lake.tables import Lake
from factolake.mes.sync.run import Sync, SyncResult, run_sync
from factolake.mes.sync.schema import BOOKMARKS, TABLES, connect

ONE_STEP = """
import sys
from pathlib import Path
from factolake.domain.clock import SystemClock
from factolake.lake.tables import Lake
from factolake.mes.sync.run import Sync
Sync(Lake(Path(sys.argv[1])), sys.argv[2], SystemClock()).step()
"""


def killed_step(lake: Lake, url: str, point: str) -> None:
    """One sync step in a process of its own that dies at `point`."""
    run = subprocess.run([sys.executable, "-c", ONE_STEP, str(lake.root), url], env={**os.environ, "FACTOLAKE_CRASH": point}, timeout=60, check=False)
    assert run.returncode == -signal.SIGKILL


def state(url: str) -> tuple[dict[str, int], list[tuple[int, int | None]]]:
    engine = connect(url)
    with engine.begin() as connection:
        table = TABLES["lake_oee"]
        rows = {row.equipment: row.gq for row in connection.execute(sa.select(table.c.equipment, table.c.gq))}
        marks = [(row.version, row.verified_version) for row in connection.execute(sa.select(BOOKMARKS))]
    engine.dispose()
    return rows, marks


@pytest.fixture
def synced(lake: Lake, mes_url: str, clock: ManualClock) -> int:
    """A MES that holds M1 = 1 while the lake already says M1 = 2, M2 = 2; returns the version the MES is at."""
    version = put(lake, OEE_SHIFT, [shift_row("M1", 1)])
    sync = Sync(lake, mes_url, clock)
    sync.step()
    sync.close()
    put(lake, OEE_SHIFT, [shift_row("M1", 2), shift_row("M2", 2)], "line = 'L1'")
    return version


def test_f13_killed_inside_the_transaction_the_mes_holds_none_of_the_batch(lake: Lake, mes_url: str, clock: ManualClock, synced: int) -> None:
    killed_step(lake, mes_url, "sync.in_transaction")
    assert state(mes_url) == ({"M1": 1}, [(synced, synced)])
    sync = Sync(lake, mes_url, clock)
    assert sync.step().written == 2
    sync.close()
    assert state(mes_url)[0] == {"M1": 2, "M2": 2}


def test_f14_killed_after_the_commit_the_next_run_writes_nothing(lake: Lake, mes_url: str, clock: ManualClock, synced: int) -> None:
    killed_step(lake, mes_url, "sync.committed")
    assert state(mes_url) == ({"M1": 2, "M2": 2}, [(synced + 1, synced)])
    sync = Sync(lake, mes_url, clock)
    assert (sync.step().written, sync.step().written) == (0, 0)
    sync.close()
    assert state(mes_url)[1] == [(synced + 1, synced + 1)], "what was committed has been read back"


def test_the_loop_waits_for_a_database_that_is_down_and_then_catches_up(tmp_path: Path, clock: ManualClock) -> None:
    settings = Settings(home=tmp_path, mes=MesSettings(interval_s=0.1))
    put(Lake(settings.lake_root), OEE_SHIFT, [shift_row("M1", 5)])
    in_the_way = tmp_path / "mes" / "mes.sqlite"
    in_the_way.mkdir(parents=True)
    with pytest.raises(SourceUnavailable):
        run_sync(settings, clock, threading.Event(), once=True)
    stop, arrived = threading.Event(), threading.Event()

    def on_step(result: SyncResult) -> None:
        if result.written:
            arrived.set()

    loop = threading.Thread(target=run_sync, args=(settings, clock, stop), kwargs={"on_step": on_step})
    loop.start()
    try:
        assert not arrived.wait(0.8)
        in_the_way.rmdir()
        assert arrived.wait(30)
    finally:
        stop.set()
        loop.join(30)
    assert not loop.is_alive()
    assert state(settings.mes_url)[0] == {"M1": 5}
