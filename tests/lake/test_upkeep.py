"""Upkeep: fewer files, a short log, nothing a consumer or reader still needs gone."""

import datetime as dt
import os
import subprocess
import sys
import threading
from pathlib import Path

import pyarrow as pa
import pytest

from factolake.contracts.bronze import READINGS
from factolake.contracts.formats.arrow import arrow_schema
from factolake.contracts.ops import CLOCK
from factolake.contracts.silver import READINGS as SILVER_READINGS
from factolake.errors import TableDamaged
from factolake.lake.durable import verify_tail, versions
from factolake.lake.positions import refine_position
from factolake.lake.tables import Handle, Lake
from factolake.lake.upkeep import Upkeep, oldest_needed

T0 = dt.datetime(2026, 11, 22, 6, tzinfo=dt.UTC)
LOG = "log/records-0"


def tick(minute: int) -> pa.Table:
    stamp = T0 + dt.timedelta(minutes=minute)
    return pa.table({"tick_ts": [stamp], "tick_date": [stamp.date()]}, schema=arrow_schema(CLOCK))


def fill(handle: Handle, start: int, count: int) -> None:
    for minute in range(start, start + count):
        handle.append(tick(minute), {LOG: minute})


def parquet(lake: Lake) -> int:
    return len(list(Path(lake.path(CLOCK)).glob("*.parquet")))


def grow_old(lake: Lake, seconds: float) -> None:
    """Make everything on disk look as if it had been written `seconds` earlier."""
    for file in Path(lake.path(CLOCK)).rglob("*"):
        when = file.stat().st_mtime - seconds
        os.utime(file, (when, when))


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(tmp_path)
    lake.ensure(CLOCK)
    return lake


def test_a_merge_changes_no_row_no_position_and_nothing_in_the_feed(lake: Lake) -> None:
    handle = lake.open(CLOCK)
    fill(handle, 1, 12)
    merged = Upkeep(handle).merge(T0)
    assert merged == 13
    assert (len(handle.files()), handle.read().num_rows, handle.position(LOG)) == (1, 12, 12)
    assert handle.changes(13, 13, ["tick_ts"]).num_rows == 0
    assert handle.append(tick(13), {LOG: 13}) == 14
    assert Upkeep(handle).merge(T0) == 15
    assert Upkeep(handle).merge(T0) is None


def test_old_entries_and_files_go_once_everybody_has_read_them(lake: Lake) -> None:
    handle = lake.open(CLOCK)
    upkeep = Upkeep(handle)
    fill(handle, 1, 10)
    upkeep.merge(now())
    fill(handle, 11, 3)
    upkeep.tidy(now(), None)
    fill(handle, 14, 1)
    grow_old(lake, 7200)
    done = upkeep.tidy(now(), oldest_needed=15)
    assert (done.entries_removed, done.files_removed) == (14, 10)
    assert versions(lake.path(CLOCK))[0] == 14
    fresh = lake.open(CLOCK)
    assert (fresh.read().num_rows, fresh.position(LOG)) == (14, 14)
    verify_tail(lake.path(CLOCK))


def test_nothing_a_consumer_still_has_to_read_goes_and_half_the_retention_alarms(lake: Lake) -> None:
    handle = lake.open(CLOCK)
    upkeep = Upkeep(handle)
    fill(handle, 1, 10)
    upkeep.merge(now())
    upkeep.tidy(now(), None)
    grow_old(lake, 7200)
    done = upkeep.tidy(now(), oldest_needed=4)
    assert (done.entries_removed, done.files_removed, parquet(lake)) == (0, 0, 11)
    assert done.behind_s > 7000 and done.alarm is not None and "still has to read version 4" in done.alarm
    assert sorted(r["tick_ts"].minute for r in lake.open(CLOCK).changes(4, 10, ["tick_ts"]).to_pylist()) == list(range(4, 11))


def test_young_history_stays_though_everybody_has_read_it(lake: Lake) -> None:
    handle = lake.open(CLOCK)
    upkeep = Upkeep(handle)
    fill(handle, 1, 5)
    upkeep.merge(now())
    for _ in range(2):
        done = upkeep.tidy(now(), oldest_needed=7)
        assert (done.entries_removed, done.files_removed, done.alarm) == (0, 0, None)


def test_files_of_no_commit_go_when_they_are_old_enough(lake: Lake) -> None:
    handle = lake.open(CLOCK)
    fill(handle, 1, 2)
    stray = Path(lake.path(CLOCK), "part-stray.parquet")
    stray.write_bytes(b"PAR1")
    assert Upkeep(handle).tidy(now(), None).files_removed == 0
    os.utime(stray, (0, 0))
    assert Upkeep(handle).tidy(now(), None).files_removed == 1
    assert handle.read().num_rows == 2


def test_change_files_of_replaced_slices_go_with_their_entries(lake: Lake) -> None:
    handle = lake.open(CLOCK)
    upkeep = Upkeep(handle)
    fill(handle, 1, 3)
    handle.replace(tick(9).slice(0, 0), "tick_ts = TIMESTAMP '2026-11-22 06:02:00.000000+00:00'", {})
    folder = Path(lake.path(CLOCK), "_change_data")
    assert len(list(folder.rglob("*.parquet"))) == 1
    upkeep.tidy(now(), None)
    fill(handle, 4, 1)
    upkeep.tidy(now(), None)
    grow_old(lake, 7200)
    upkeep.tidy(now(), None)
    assert list(folder.rglob("*.parquet")) == []
    assert lake.open(CLOCK).read().num_rows == 3


def test_a_snapshot_that_lacks_a_file_stops_the_clean_up_before_it_deletes(lake: Lake) -> None:
    handle = lake.open(CLOCK)
    fill(handle, 1, 2)
    next(Path(lake.path(CLOCK)).glob("*.parquet")).unlink()
    with pytest.raises(TableDamaged, match="nothing was tidied"):
        Upkeep(handle).tidy(now(), None)


def test_merge_and_clean_up_come_when_they_are_due(lake: Lake) -> None:
    handle = lake.open(CLOCK)
    fill(handle, 1, 3)
    upkeep = Upkeep(handle, compact_every_s=60, checkpoint_every_s=600)
    assert upkeep.step(T0, None).compacted is None
    assert upkeep.step(T0 + dt.timedelta(seconds=59), None).compacted is None
    assert upkeep.step(T0 + dt.timedelta(seconds=61), None).compacted == 4
    fill(handle, 4, 1)
    done = upkeep.step(T0 + dt.timedelta(seconds=601), None)
    assert (done.compacted, done.checkpoint) == (6, 6)


def test_a_clock_that_was_set_back_does_not_put_upkeep_off(lake: Lake) -> None:
    handle = lake.open(CLOCK)
    upkeep = Upkeep(handle, compact_every_s=60, checkpoint_every_s=600)
    assert upkeep.due(T0) == (False, False)
    assert upkeep.due(T0 - dt.timedelta(days=1)) == (True, True)
    fill(handle, 0, 4)
    upkeep.step(T0 - dt.timedelta(days=1), None)
    assert upkeep.due(T0 - dt.timedelta(days=1) + dt.timedelta(seconds=59)) == (False, False)


def test_the_oldest_reader_is_found_in_the_outputs_positions(lake: Lake) -> None:
    for table in (READINGS, SILVER_READINGS):
        lake.ensure(table)
    assert oldest_needed(lake, READINGS) is None
    name = SILVER_READINGS.writer.removeprefix("refine/")
    lake.open(SILVER_READINGS).commit_positions({refine_position(name, READINGS.name, lake.open(READINGS).history): 41})
    assert (oldest_needed(lake, READINGS), oldest_needed(lake, CLOCK)) == (42, None)


def test_who_had_read_another_history_of_a_table_needs_no_version_of_this_one(lake: Lake) -> None:
    for table in (READINGS, SILVER_READINGS):
        lake.ensure(table)
    name, handle = SILVER_READINGS.writer.removeprefix("refine/"), lake.open(READINGS)
    lake.open(SILVER_READINGS).commit_positions({refine_position(name, READINGS.name, handle.history): 41})
    handle.begin_history()
    assert oldest_needed(lake, READINGS) is None
    assert lake.open(READINGS).history == handle.history


def test_upkeep_racing_readers_never_breaks_a_reader(lake: Lake) -> None:
    handle = lake.open(CLOCK)
    fill(handle, 1, 1)
    failures: list[str] = []
    counts: list[int] = []
    done = threading.Event()

    def read() -> None:
        last, old = 0, lake.open(CLOCK)
        while not done.is_set():
            try:
                old.refresh()
                count = old.read().num_rows
                fresh = lake.open(CLOCK)
                assert fresh.read().num_rows >= count >= last
                if fresh.version > 2:
                    fresh.changes(fresh.version - 1, fresh.version, ["tick_ts"])
                last = count
                counts.append(count)
            except Exception as error:
                failures.append(f"{type(error).__name__}: {error}")
                return

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    # No history is kept beyond what a consumer two versions behind needs: far harsher than in a plant.
    upkeep = Upkeep(handle, retention_s=0.0)
    for turn in range(25):
        fill(handle, 2 + turn * 3, 3)
        upkeep.merge(now())
        upkeep.tidy(now(), oldest_needed=max(1, handle.version - 8))
    done.set()
    for reader in readers:
        reader.join()
    assert failures == []
    assert counts and lake.open(CLOCK).read().num_rows == 76


TEND = """
import datetime as dt, sys
from pathlib import Path
from factolake.contracts.ops import CLOCK
from factolake.lake.tables import Lake
from factolake.lake.upkeep import Upkeep
upkeep, now = Upkeep(Lake(Path(sys.argv[1])).open(CLOCK)), dt.datetime.now(dt.UTC)
print(upkeep.tidy(now, None, upkeep.merge(now)))
"""


@pytest.mark.parametrize("point", ["merged", "entry_removed:1", "entry_removed:3", "file_removed:1", "file_removed:2", "checkpointed"])
def test_f9_upkeep_killed_anywhere_leaves_a_table_that_reads_alike_and_is_tended_by_the_next(lake: Lake, point: str) -> None:
    handle = lake.open(CLOCK)
    for start in (1, 5):
        fill(handle, start, 4)
        Upkeep(handle).merge(now())
        Upkeep(handle).tidy(now(), None)
    grow_old(lake, 7200)
    fill(handle, 9, 4)
    rows = sorted(handle.read()["tick_ts"].to_pylist())
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", TEND, str(lake.root)]
    armed = {**environment, "FACTOLAKE_CRASH": f"upkeep.{point}"}
    killed = subprocess.run(command, env=armed, capture_output=True, text=True, timeout=120, check=False)
    assert killed.returncode == -9, killed.stderr + killed.stdout
    fresh = lake.open(CLOCK)
    assert sorted(fresh.read()["tick_ts"].to_pylist()) == rows
    assert fresh.position(LOG) == 12
    tended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert tended.returncode == 0, tended.stderr
    fill(lake.open(CLOCK), 13, 1)
    assert len(lake.open(CLOCK).read()) == 13
    verify_tail(lake.path(CLOCK))
