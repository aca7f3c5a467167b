"""The landing process killed, cut off from power, starved of disk and handles: afterwards every row is there once."""

import datetime as dt
import os
import resource
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from landing_records import T0, event, garbage, readings

from factolake.bus.captures import Capture, encode_capture
from factolake.bus.spool_bus import Spool
from factolake.config.settings import LandingSettings, Settings
from factolake.contracts.bronze import DEAD_LETTER, EVENTS, READINGS, WAVEFORMS
from factolake.contracts.ops import GAPS, LEDGER, LOSSES
from factolake.domain.clock import SystemClock
from factolake.errors import DiskFull, LeaseHeld, LogReplaced, SourceUnavailable
from factolake.lake.durable import entry_file, read_entry
from factolake.lake.tables import Lake
from factolake.landing.bronze import BronzeTables
from factolake.landing.run import run_landing

POINTS = (
    "land.read",
    "land.dead_letter.committed",
    "land.events.committed",
    "land.waveforms.committed",
    "land.before_readings",
    "land.readings.committed",
    "land.synced",
    "land.released",
)
PROGRAM = """
import sys, threading
from pathlib import Path
from factolake.config.settings import LandingSettings, Settings
from factolake.domain.clock import SystemClock
from factolake.landing.run import run_landing
run_landing(Settings(home=Path(sys.argv[1]), landing=LandingSettings(max_rows=6)), SystemClock(), threading.Event(), once=True)
"""
CAPTURES = [
    encode_capture(("daq", 1, number), Capture("L1-M2", "drive_end", T0 + dt.timedelta(minutes=minute), 8192.0, np.ones(9, np.float32)), T0)
    for number, minute in enumerate((0, 0, 10, 0))
]
RECORDS = [
    readings(1),
    *CAPTURES[:2],
    event(2, "loss", '{"cause":"spool_full","lost_rows":2}'),
    garbage(3, "4"),
    readings(4),
    event(5, "gap", '{"cause":"session lost","from_ts":"2026-11-22T06:00:00+00:00"}'),
    readings(6),
    *CAPTURES[2:],
    garbage(7, "2"),
    readings(8),
]


def spool_of(home: Path) -> Spool:
    return Spool(Settings(home=home).spool_file, 1 << 30, SystemClock())


def land_once(home: Path, **landing: int) -> None:
    run_landing(Settings(home=home, landing=LandingSettings(**landing)), SystemClock(), threading.Event(), once=True)


def keys(home: Path) -> list[tuple[int, int]]:
    found = Lake(home / "lake").open(READINGS).read(["seq", "idx"]).to_pylist()
    return sorted((r["seq"], r["idx"]) for r in found)


def counts(home: Path) -> list[int]:
    lake = Lake(home / "lake")
    return [lake.open(t).read().num_rows for t in (READINGS, EVENTS, DEAD_LETTER, GAPS, LOSSES, WAVEFORMS)]


def books(home: Path) -> dict[str, object]:
    rows = Lake(home / "lake").open(LEDGER).read().to_pylist()
    return max(rows, key=lambda r: r["checked_ts"])


@pytest.mark.parametrize(("point", "passes"), [(point, 1 + i % 2) for i, point in enumerate(POINTS)])
def test_killed_at_any_point_the_next_start_completes_it_once(tmp_path: Path, point: str, passes: int) -> None:
    spool = spool_of(tmp_path)
    spool.append(RECORDS)
    environment = {**os.environ, "FACTOLAKE_CRASH": f"{point}:{passes}", "PYTHONPATH": os.pathsep.join(sys.path)}
    killed = subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path)], env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert killed.returncode == -9, killed.stderr
    assert f"crash point {point}" in killed.stderr
    land_once(tmp_path)
    assert counts(tmp_path) == [12, 2, 2, 1, 1, 2]
    assert len(set(keys(tmp_path))) == 12
    assert (books(tmp_path)["sent"], books(tmp_path)["difference"]) == (24, 0)
    assert spool.depth().records == 0


def test_power_lost_after_an_unsynced_commit_is_repaired_and_landed_again(tmp_path: Path) -> None:
    spool = spool_of(tmp_path)
    spool.append([readings(s) for s in (1, 2)])
    land_once(tmp_path)
    spool.append([readings(3), event(4, "alarm", "{}"), readings(5)])
    environment = {**os.environ, "FACTOLAKE_CRASH": "land.readings.committed", "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path)], env=environment, capture_output=True, timeout=120, check=False)
    path = Lake(tmp_path / "lake").path(READINGS)
    version = Lake(tmp_path / "lake").open(READINGS).version
    Path(path, "_durable").write_text(str(version - 1))
    (name,) = read_entry(path, version).added
    os.truncate(Path(path, name), 100)
    land_once(tmp_path)
    assert keys(tmp_path) == [(s, i) for s in (1, 2, 3, 5) for i in range(3)]
    assert (counts(tmp_path)[1], books(tmp_path)["difference"]) == (1, 0)


def test_power_lost_with_a_torn_log_entry_is_repaired_too(tmp_path: Path) -> None:
    spool = spool_of(tmp_path)
    spool.append([readings(1)])
    environment = {**os.environ, "FACTOLAKE_CRASH": "land.readings.committed", "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path)], env=environment, capture_output=True, timeout=120, check=False)
    path = Lake(tmp_path / "lake").path(READINGS)
    Path(path, "_durable").write_text("0")
    os.truncate(entry_file(path, 1), 0)
    land_once(tmp_path)
    assert keys(tmp_path) == [(1, 0), (1, 1), (1, 2)]


def test_a_spool_set_back_stops_landing_with_one_sentence(tmp_path: Path) -> None:
    spool = spool_of(tmp_path)
    spool.append([readings(1)])
    spool.close()
    file = Settings(home=tmp_path).spool_file
    copy = file.read_bytes()
    spool = spool_of(tmp_path)
    spool.append([readings(2)])
    land_once(tmp_path)
    spool.close()
    for side in file.parent.glob("*"):
        side.unlink()
    file.write_bytes(copy)
    with pytest.raises(LogReplaced, match="ends at offset 1, but the lake has landed it through 2"):
        land_once(tmp_path)
    assert len(keys(tmp_path)) == 6
    assert counts(tmp_path)[3] == 1


def test_a_new_spool_file_is_landed_from_its_own_start(tmp_path: Path) -> None:
    for seq in (1, 2):
        spool = spool_of(tmp_path)
        spool.append([readings(seq)])
        land_once(tmp_path)
        spool.close()
        for side in Settings(home=tmp_path).spool_file.parent.glob("*"):
            side.unlink()
    assert len(keys(tmp_path)) == 6


def test_a_spool_replaced_while_landing_runs_opens_a_gap_and_the_new_one_is_landed(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, landing=LandingSettings(trigger_ms=50))
    spool = spool_of(tmp_path)
    spool.append([readings(1)])
    stop = threading.Event()
    thread = threading.Thread(target=run_landing, args=(settings, SystemClock(), stop))
    thread.start()
    try:
        until(lambda: Lake(settings.lake_root).exists(READINGS) and len(keys(tmp_path)) == 3)
        spool.close()
        for side in settings.spool_file.parent.glob("*"):
            side.unlink()
        spool = spool_of(tmp_path)
        spool.append([readings(2)])
        until(lambda: len(keys(tmp_path)) == 6)
    finally:
        stop.set()
        thread.join(60)
    assert not thread.is_alive()
    (gap,) = Lake(settings.lake_root).open(GAPS).read().to_pylist()
    assert "removed or replaced while open" in gap["cause"]


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    waited = threading.Event()
    for _ in range(int(seconds / 0.05)):
        if condition():
            return
        waited.wait(0.05)
    raise AssertionError("it did not happen")


def test_without_a_spool_landing_waits_or_with_once_says_so(tmp_path: Path) -> None:
    with pytest.raises(SourceUnavailable, match="no spool"):
        land_once(tmp_path)
    stop = threading.Event()
    stop.set()
    with pytest.raises(SourceUnavailable):
        run_landing(Settings(home=tmp_path), SystemClock(), stop)


def test_a_second_landing_is_refused_naming_the_first(tmp_path: Path) -> None:
    spool_of(tmp_path).append([readings(1)])
    tables = BronzeTables(Lake(tmp_path / "lake"), tmp_path / "run", 50)
    with pytest.raises(LeaseHeld, match=f"process {os.getpid()}"):
        land_once(tmp_path)
    tables.close()
    land_once(tmp_path)
    assert len(keys(tmp_path)) == 3


def test_asked_to_stop_it_lands_what_waits_first(tmp_path: Path) -> None:
    spool_of(tmp_path).append([readings(s) for s in range(1, 4)])
    stop = threading.Event()
    stop.set()
    run_landing(Settings(home=tmp_path), SystemClock(), stop)
    assert len(keys(tmp_path)) == 9
    assert books(tmp_path)["difference"] == 0


def test_many_commits_keep_few_files_open(tmp_path: Path) -> None:
    spool = spool_of(tmp_path)
    spool.append([readings(s) for s in range(1, 41)])
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    held = len(os.listdir("/proc/self/fd"))
    resource.setrlimit(resource.RLIMIT_NOFILE, (held + 60, limits[1]))
    try:
        land_once(tmp_path, max_rows=1)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert len(keys(tmp_path)) == 120


@pytest.mark.skipif(os.geteuid() != 0, reason="making a small file system needs root")
def test_a_full_disk_is_one_clear_sentence_and_nothing_is_lost(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(small)], capture_output=True, text=True, check=False)
    if mounted.returncode != 0:
        pytest.skip(f"no small file system can be mounted here: {mounted.stderr.strip()}")
    try:
        home = tmp_path / "home"
        home.mkdir()
        (home / "lake").symlink_to(small)
        spool = spool_of(home)
        spool.append([readings(1)])
        land_once(home)
        filler = small / "filler"
        with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
            while True:
                file.write(bytes(4096))
        spool.append([readings(s, 400) for s in range(2, 12)])
        with pytest.raises(DiskFull, match="the disk under the lake is full; free space there"):
            land_once(home)
        filler.unlink()
        land_once(home)
        assert len(keys(home)) == 3 + 4000
        assert len(set(keys(home))) == 3 + 4000
    finally:
        subprocess.run(["umount", str(small)], check=True)
