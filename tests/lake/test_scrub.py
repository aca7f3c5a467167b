"""Scrub: one flipped byte anywhere in the lake is named, whatever writers and upkeep do meanwhile, and nothing whole ever is."""

import datetime as dt
import os
import random
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from deltalake import DeltaTable
from structlog.testing import capture_logs

from factolake.contracts import bronze, gold, ops, silver
from factolake.contracts.table import Table
from factolake.errors import StorageRefused, TableDamaged
from factolake.lake.checksums import MISSING, Checksums, Known, judged
from factolake.lake.scrub import Damage, Scrubbed, last_scrub, log_damages, scrub, to_look_at
from factolake.lake.tables import Handle, Lake
from factolake.lake.upkeep import Upkeep
from factolake.testing.damage import data_files, flip, rows

DAY_S = 86_400.0
NOON = dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC)
TABLES = (bronze.READINGS, bronze.EVENTS, silver.READINGS, silver.DOWNTIME, gold.OEE_SHIFT, gold.LOSSES, ops.CLOCK)


def later(seconds: float) -> dt.datetime:
    return NOON + dt.timedelta(seconds=seconds)


def now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "a lake")


def filled(lake: Lake, table: Table, commits: int = 3, count: int = 20) -> Handle:
    lake.ensure(table)
    handle = lake.open(table)
    for number in range(commits):
        handle.append(rows(table, number * count, count), {})
    return handle


def whole(lake: Lake, table: Table, when: dt.datetime) -> Scrubbed:
    return scrub(lake, table, when, 0, whole=True)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_f29_a_flipped_bit_in_any_table_is_found_and_named(lake: Lake, table: Table, seed: int) -> None:
    handle = filled(lake, table)
    assert whole(lake, table, NOON).damages == ()
    victim = random.Random(seed).choice(data_files(handle))
    before = flip(victim, seed)
    found = scrub(lake, table, later(DAY_S))
    (damage,) = found.damages
    assert (damage.folder / damage.name, damage.table, found.news) == (victim, table, found.damages)
    with capture_logs() as told:
        log_damages(found.news)
    assert (told[0]["log_level"], told[0]["table"]) == ("error", table.name)
    assert all(text in told[0]["cause"] for text in (str(victim), str(damage.recorded)[:12], damage.found[:12]))
    assert ("restore this file from a backup" if table.layer in ("bronze", "ops") else "made again from bronze") in told[0]["remedy"]
    last = last_scrub(lake, table)
    assert last is not None and last.damages == found.damages
    again = scrub(lake, table, later(DAY_S + 60))
    assert (again.damages, again.news) == (found.damages, ())
    victim.write_bytes(before)
    assert scrub(lake, table, later(DAY_S + 120)).damages == ()


def test_nothing_is_named_while_the_table_is_appended_to_merged_replaced_tidied_and_vacuumed(lake: Lake) -> None:
    table = silver.DOWNTIME
    handle = filled(lake, table)
    upkeep = Upkeep(handle, retention_s=0.0)
    for turn in range(1, 6):
        handle.append(rows(table, 100 * turn, 5), {})
        assert whole(lake, table, now()).damages == ()
        upkeep.merge(now())
        handle.replace(rows(table, 3, 1), "machine = 'word 3'", {})
        upkeep.tidy(now(), None)
        assert whole(lake, table, now()).damages == ()
    DeltaTable(handle.path).vacuum(0, dry_run=False, enforce_retention_duration=False, full=True)
    done = whole(lake, table, now())
    assert (done.damages, done.new, done.files) == ((), 0, len(handle.files()))
    assert Checksums(handle.path).file.exists()


def test_a_missing_file_of_the_snapshot_is_named_and_forgiven_when_it_is_back(lake: Lake) -> None:
    handle = filled(lake, bronze.EVENTS)
    scrub(lake, bronze.EVENTS, NOON)
    victim = data_files(handle)[1]
    kept = victim.rename(victim.with_suffix(".kept"))
    (damage,) = scrub(lake, bronze.EVENTS, later(DAY_S)).damages
    assert (damage.found, damage.cause) == (MISSING, f"data file {victim} is missing")
    kept.rename(victim)
    assert scrub(lake, bronze.EVENTS, later(DAY_S + 60)).damages == ()


def test_a_file_that_was_missing_from_the_start_is_named_too(lake: Lake) -> None:
    handle = filled(lake, bronze.EVENTS)
    data_files(handle)[0].unlink()
    assert [damage.recorded for damage in scrub(lake, bronze.EVENTS, NOON).damages] == [None]


def test_a_file_flipped_before_its_first_record_counts_as_right(lake: Lake) -> None:
    handle = filled(lake, bronze.EVENTS)
    flip(data_files(handle)[0], 1)
    assert (scrub(lake, bronze.EVENTS, NOON).damages, whole(lake, bronze.EVENTS, later(60)).damages) == ((), ())


@pytest.mark.parametrize("seed", range(6))
def test_damage_is_not_merged_into_a_new_file(lake: Lake, seed: int) -> None:
    handle = filled(lake, bronze.READINGS)
    scrub(lake, bronze.READINGS, NOON)
    handle.append(rows(bronze.READINGS, 90, 5), {})
    victim = Path(handle.path, random.Random(seed).choice(sorted(Checksums(handle.path).read())))
    before = flip(victim, seed)
    with capture_logs() as told:
        assert Upkeep(handle).merge(later(60)) is None
    assert [line["table"] for line in told] == ["bronze.readings"] and str(victim) in told[0]["cause"]
    last = last_scrub(lake, bronze.READINGS)
    assert last is not None and len(last.damages) == 1
    victim.write_bytes(before)
    assert Upkeep(handle).merge(later(120)) == handle.version
    assert whole(lake, bronze.READINGS, later(180)).damages == ()
    assert handle.read().num_rows == 65


def test_damage_that_a_commit_rewrote_stays_named_until_the_table_is_made_anew(lake: Lake) -> None:
    table = silver.DOWNTIME
    handle = filled(lake, table, commits=1)
    scrub(lake, table, NOON)
    (victim,) = data_files(handle)
    before = flip(victim, 1)
    assert len(scrub(lake, table, later(DAY_S)).damages) == 1
    victim.write_bytes(before)  # the commit has to be able to read it
    handle.replace(rows(table, 3, 1), "machine = 'word 3'", {})
    for day in (2, 3):
        (damage,) = whole(lake, table, later(day * DAY_S)).damages
        assert not damage.is_live and "a commit rewrote it since" in damage.cause
    shutil.rmtree(handle.path)
    filled(lake, table)
    assert whole(lake, table, later(4 * DAY_S)).damages == ()


def test_an_old_file_is_read_once_a_period_and_a_turn_reads_no_more_than_its_share(lake: Lake) -> None:
    filled(lake, bronze.EVENTS, commits=4)
    size = data_files(lake.open(bronze.EVENTS))[0].stat().st_size
    turns = [scrub(lake, bronze.EVENTS, later(second), turn_bytes=size + size // 2) for second in range(6)]
    assert [(turn.new, turn.looked_at) for turn in turns] == [(1, 1)] * 4 + [(0, 0)] * 2
    turns = [scrub(lake, bronze.EVENTS, later(DAY_S + second), turn_bytes=1) for second in (1.5, 2.5, 2.6, 2.7)]
    assert [turn.looked_at for turn in turns] == [1, 1, 1, 0]
    assert whole(lake, bronze.EVENTS, later(DAY_S + 10)).looked_at == 4


def test_what_is_due_comes_oldest_first_after_what_is_new_and_a_wrong_clock_hides_nothing() -> None:
    known = {
        "old": Known("aa", later(-2 * DAY_S)),
        "older": Known("aa", later(-3 * DAY_S)),
        "fresh": Known("aa", later(-60)),
        "damaged": Known("aa", later(-60), "ab", later(-60)),
        "future": Known("aa", later(400 * DAY_S)),
        "gone": Known("aa", later(-9 * DAY_S)),
    }
    named = {"new b", "new a", "old", "older", "fresh", "damaged", "future"}
    assert to_look_at(known, named, NOON, DAY_S) == ["new a", "new b", "older", "old", "damaged", "future"]


def test_the_first_checksum_is_the_right_one_whoever_records_last(lake: Lake) -> None:
    handle = filled(lake, bronze.EVENTS)
    one, other = Checksums(handle.path), Checksums(handle.path)
    one.note({"a": "aa"}, NOON)
    assert other.note({"a": "ab"}, later(1))["a"] == Known("aa", later(1), "ab", later(1))
    assert one.note({"a": "ab"}, later(2))["a"] == Known("aa", later(2), "ab", later(1))
    assert one.note({"a": "aa"}, later(3))["a"] == judged(None, "aa", later(3))
    assert one.note({}, later(4), gone=["a"]) == {}


def test_a_record_that_cannot_be_read_is_named_stops_no_merge_and_is_made_anew(lake: Lake) -> None:
    handle = filled(lake, bronze.EVENTS)
    scrub(lake, bronze.EVENTS, NOON)
    file = Checksums(handle.path).file
    file.write_bytes(b"no database" * 1000)
    with pytest.raises(TableDamaged, match=r"_checksums.*delete it"):
        scrub(lake, bronze.EVENTS, later(60))
    assert Upkeep(handle).merge(later(60)) is not None
    file.unlink()
    assert scrub(lake, bronze.EVENTS, later(120)).new == 1


def test_a_table_that_cannot_be_written_to_is_one_sentence(lake: Lake) -> None:
    handle = filled(lake, bronze.EVENTS)
    scrub(lake, bronze.EVENTS, NOON)
    file = Checksums(handle.path).file
    shutil.rmtree(file.parent)
    file.parent.symlink_to("/proc/self/attr")  # where nobody, not even root, may make a file
    with pytest.raises(StorageRefused, match="_checksums"):
        scrub(lake, bronze.EVENTS, later(60))


SCRUB = """
import datetime as dt, sys
from pathlib import Path
from factolake.contracts import bronze
from factolake.lake.scrub import scrub
from factolake.lake.tables import Lake
print(scrub(Lake(Path(sys.argv[1])), bronze.EVENTS, dt.datetime.now(dt.UTC), 0, whole=True, turn_bytes=1).damages)
"""


@pytest.mark.parametrize("point", ["looked:1", "looked:3", "noting:1", "noting:2"])
@pytest.mark.parametrize("is_damaged", [False, True], ids=["whole", "damaged"])
def test_f29_a_scrub_killed_anywhere_leaves_a_record_the_next_one_goes_on_with(lake: Lake, point: str, is_damaged: bool) -> None:
    handle = filled(lake, bronze.EVENTS, commits=4)
    if is_damaged:
        scrub(lake, bronze.EVENTS, NOON)
        victim = data_files(handle)[2]
        flip(victim, 1)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    killed = subprocess.run(
        [sys.executable, "-c", SCRUB, str(lake.root)],
        env={**environment, "FACTOLAKE_CRASH": f"scrub.{point}"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert killed.returncode == -9, killed.stderr
    done = whole(lake, bronze.EVENTS, now())
    assert [damage.folder / damage.name for damage in done.damages] == ([victim] if is_damaged else [])
    if not is_damaged:
        flip(data_files(handle)[0], 2)
        assert len(whole(lake, bronze.EVENTS, now()).damages) == 1


def test_scrubs_beside_a_writer_and_its_upkeep_name_nothing_and_disturb_nobody(lake: Lake) -> None:
    handle = filled(lake, bronze.EVENTS, commits=1)
    damages: list[Damage] = []
    failures: list[str] = []
    scrubs: list[int] = []
    done = threading.Event()

    def look(turn: Callable[[], Scrubbed]) -> None:
        while not done.is_set():
            try:
                damages.extend(turn().damages)
                scrubs.append(1)
            except Exception as error:
                failures.append(f"{type(error).__name__}: {error}")
                return

    turns = (lambda: whole(lake, bronze.EVENTS, now()), lambda: scrub(lake, bronze.EVENTS, now(), 0, turn_bytes=1))
    lookers = [threading.Thread(target=look, args=(turn,)) for turn in turns]
    for looker in lookers:
        looker.start()
    upkeep = Upkeep(handle, retention_s=0.0)
    for turn in range(25):
        for number in range(3):
            handle.append(rows(bronze.EVENTS, 20 + 3 * turn + number, 1), {})
        upkeep.merge(now())
        upkeep.tidy(now(), oldest_needed=handle.version)
        # What no entry names goes at once, not after an hour as in a plant.
        for file in Path(handle.path).rglob("*.parquet"):
            os.utime(file, (0, 0))
    done.set()
    for looker in lookers:
        looker.join()
    assert (failures, damages) == ([], [])
    assert len(scrubs) > 10
    assert lake.open(bronze.EVENTS).read().num_rows == 95
    assert whole(lake, bronze.EVENTS, now()).files == len(lake.open(bronze.EVENTS).files())
