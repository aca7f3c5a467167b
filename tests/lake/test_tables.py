"""Handles on real Delta tables: positions in the commit, conflicts, slices, the change feed."""

import datetime as dt
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pytest
from deltalake import DeltaTable

from factolake.contracts.bronze import READINGS
from factolake.contracts.formats.arrow import arrow_schema
from factolake.contracts.ops import CLOCK, LEDGER
from factolake.contracts.silver import DOWNTIME
from factolake.errors import CommitConflict, ContractViolation, LeaseHeld, StalePosition, TableDamaged
from factolake.lake.leases import Lease
from factolake.lake.tables import Handle, Lake

T0 = dt.datetime(2026, 11, 22, 6, tzinfo=dt.UTC)
LOG = "log-a/records-0"


def ticks(*minutes: int) -> pa.Table:
    stamps = [T0 + dt.timedelta(minutes=m) for m in minutes]
    return pa.table({"tick_ts": stamps, "tick_date": [s.date() for s in stamps]}, schema=arrow_schema(CLOCK))


def stops(machine: str, *minutes: int) -> pa.Table:
    rows = [
        {
            "machine": machine,
            "line": "L1",
            "from_ts": T0 + dt.timedelta(minutes=m),
            "to_ts": T0 + dt.timedelta(minutes=m + 1),
            "state": "breakdown",
            "duration_us": 60_000_000,
            "is_open": False,
            "asks_reason": True,
            "from_day": T0.date(),
            "as_of": T0,
        }
        for m in minutes
    ]
    return pa.Table.from_pylist(rows, schema=arrow_schema(DOWNTIME))


def minutes(handle: Handle) -> list[int]:
    return sorted(int((t - T0).total_seconds() // 60) for t in handle.read(["tick_ts"]).column("tick_ts").to_pylist())


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(tmp_path / "lake")
    lake.ensure(CLOCK)
    lake.ensure(DOWNTIME)
    return lake


def test_a_new_table_has_the_contracts_columns_and_the_lowest_reader_version(lake: Lake) -> None:
    lake.ensure(READINGS)
    table = DeltaTable(lake.path(READINGS))
    assert pa.schema(table.schema().to_arrow()).equals(arrow_schema(READINGS))
    assert table.protocol().min_reader_version == 1
    assert table.metadata().partition_columns == ["ingest_date"]
    assert table.metadata().configuration["delta.enableChangeDataFeed"] == "true"
    assert table.metadata().configuration["delta.enableExpiredLogCleanup"] == "false"


def test_ensure_may_race_and_may_repeat(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: Lake(tmp_path).ensure(READINGS), range(16)))
    lake.ensure(READINGS)
    assert lake.open(READINGS).version == 0


def test_ensure_refuses_a_table_of_other_columns(lake: Lake) -> None:
    DeltaTable.create(lake.path(LEDGER), pa.schema([("something", pa.int64())]))
    with pytest.raises(ContractViolation, match=r"ops\.ledger.*differs.*something"):
        lake.ensure(LEDGER)


def test_rows_and_position_commit_together(lake: Lake) -> None:
    handle = lake.open(CLOCK)
    assert handle.position(LOG) is None
    assert handle.append(ticks(0, 1), {LOG: 7}) == 1
    assert (lake.open(CLOCK).position(LOG), minutes(lake.open(CLOCK))) == (7, [0, 1])


def test_empty_data_still_commits_the_position(lake: Lake) -> None:
    handle = lake.open(CLOCK)
    handle.append(ticks(), {LOG: 3})
    handle.commit_positions({LOG: 4, "refine/x/y": 1})
    assert (handle.position(LOG), handle.position("refine/x/y"), minutes(handle)) == (4, 1, [])


@pytest.mark.parametrize("offset", [7, 6])
def test_the_same_or_a_lower_offset_offered_twice_is_refused_and_nothing_written(lake: Lake, offset: int) -> None:
    handle = lake.open(CLOCK)
    handle.append(ticks(0), {LOG: 7})
    for offered in (handle, lake.open(CLOCK)):
        with pytest.raises(StalePosition, match=rf"{LOG} is already 7.*through {offset}"):
            offered.append(ticks(1), {LOG: offset, "other/records-0": 1})
    fresh = lake.open(CLOCK)
    assert (fresh.version, minutes(fresh), fresh.position("other/records-0")) == (1, [0], None)


def test_two_handles_of_the_same_snapshot_cannot_both_land_the_same_offsets(lake: Lake) -> None:
    first, second = lake.open(CLOCK), lake.open(CLOCK)
    assert first.position(LOG) is None and second.position(LOG) is None
    first.append(ticks(0), {LOG: 7})
    with pytest.raises(StalePosition, match="moved position"):
        second.append(ticks(0, 1), {LOG: 8})
    assert minutes(lake.open(CLOCK)) == [0]


def test_a_commit_of_other_rows_in_between_is_passed_over(lake: Lake) -> None:
    first, second = lake.open(CLOCK), lake.open(CLOCK)
    first.append(ticks(0), {"another/records-0": 1})
    second.append(ticks(1), {LOG: 1})
    assert (minutes(lake.open(CLOCK)), lake.open(CLOCK).position(LOG)) == ([0, 1], 1)


def test_many_racing_writers_of_one_offset_land_it_once(lake: Lake) -> None:
    def offer(_: int) -> bool:
        try:
            lake.open(CLOCK).append(ticks(5), {LOG: 1})
        except (StalePosition, CommitConflict):
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(offer, range(16))) == 1
    assert minutes(lake.open(CLOCK)) == [5]


def test_a_slice_is_replaced_in_one_commit_and_the_feed_tells_it(lake: Lake) -> None:
    handle = lake.open(DOWNTIME)
    handle.append(stops("M1", 0, 1), {})
    handle.append(stops("M2", 0), {})
    predicate = "machine = 'M1' AND from_ts >= TIMESTAMP '2026-11-22 06:01:00.000000+00:00' AND from_day = DATE '2026-11-22'"
    version = handle.replace(stops("M1", 2), predicate, {"refine/downtime/silver.machine_states": 5}, meta={"why": "late rows"})
    feed = handle.changes(version, version, ["machine", "from_ts"])
    kept = {(r["machine"], r["from_ts"].minute) for r in handle.read().to_pylist()}
    assert kept == {("M1", 0), ("M1", 2), ("M2", 0)}
    changes = {(r["_change_type"], r["from_ts"].minute) for r in feed.to_pylist()}
    assert changes == {("delete", 1), ("insert", 2)}
    log = Path(lake.path(DOWNTIME), "_delta_log", f"{version:020d}.json").read_text()
    assert json.loads(log.splitlines()[0])["commitInfo"]["why"] == "late rows"


def test_an_empty_replacement_deletes_the_slice_and_commits_the_position(lake: Lake) -> None:
    handle = lake.open(DOWNTIME)
    handle.append(stops("M1", 0, 1), {})
    handle.replace(stops("M1"), "machine = 'M1'", {"p": 1})
    assert (handle.read().num_rows, handle.position("p")) == (0, 1)


def test_rows_outside_the_slice_are_refused(lake: Lake) -> None:
    handle = lake.open(DOWNTIME)
    with pytest.raises(ContractViolation, match=r"silver\.downtime: rows outside what is replaced"):
        handle.replace(stops("M2", 0), "machine = 'M1'", {"p": 1})
    assert (handle.version, handle.position("p")) == (0, None)


def test_rows_that_do_not_fit_the_contract_are_refused(lake: Lake) -> None:
    with pytest.raises(ContractViolation, match=r"ops\.clock\.tick_date"):
        lake.open(CLOCK).append(pa.table({"tick_ts": [T0], "tick_date": pa.array([None], pa.date32())}), {LOG: 1})


def test_the_feed_spans_versions_and_ends_where_asked(lake: Lake) -> None:
    handle = lake.open(CLOCK)
    for minute in range(4):
        handle.append(ticks(minute), {LOG: minute + 1})
    feed = handle.changes(2, 3, ["tick_ts"])
    assert feed.schema.names == ["tick_ts", "_change_type", "_commit_version"]
    assert sorted((r["tick_ts"].minute, r["_commit_version"]) for r in feed.to_pylist()) == [(1, 2), (2, 3)]
    assert handle.changes(5, 4, ["tick_ts"]).num_rows == 0


def test_a_hole_in_the_feed_is_named(lake: Lake) -> None:
    handle = lake.open(CLOCK)
    for minute in range(3):
        handle.append(ticks(minute), {})
    os.remove(Path(lake.path(CLOCK), "_delta_log", f"{2:020d}.json"))
    with pytest.raises(TableDamaged, match=r"ops\.clock.*from version 2 to 3 has a hole"):
        handle.changes(2, 3, ["tick_ts"])


def test_an_older_version_can_be_read(lake: Lake) -> None:
    handle = lake.open(CLOCK)
    for minute in range(3):
        handle.append(ticks(minute), {})
    assert handle.read(version=1).num_rows == 1
    assert handle.read(["tick_ts"], "tick_ts >= TIMESTAMP '2026-11-22 06:01:00.000000+00:00'").num_rows == 2


def test_a_missing_data_file_is_named(lake: Lake) -> None:
    handle = lake.open(CLOCK)
    handle.append(ticks(0), {})
    next(Path(lake.path(CLOCK)).glob("*.parquet")).unlink()
    with pytest.raises(TableDamaged, match=r"ops\.clock"):
        handle.read()


def test_opening_a_table_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(TableDamaged, match=r"ops\.clock"):
        Lake(tmp_path).open(CLOCK)


def test_a_handle_reopened_every_few_commits_goes_on_rightly(lake: Lake) -> None:
    handle = lake.open(CLOCK, reopen_every=3)
    for minute in range(10):
        handle.append(ticks(minute), {LOG: minute + 1})
    assert (minutes(handle), handle.position(LOG), handle.version) == (list(range(10)), 10, 10)


def test_a_paused_owner_that_wakes_with_an_old_epoch_is_refused(lake: Lake, tmp_path: Path) -> None:
    lock = tmp_path / "run" / "clock.lock"
    paused = Lease(lock).acquire()
    sleeper = lake.open(CLOCK, paused)
    sleeper.append(ticks(0), {LOG: 1})
    lock.unlink()
    newer = Lease(lock).acquire(above=lake.lease_epoch([CLOCK]))
    lake.open(CLOCK, newer).append(ticks(1), {LOG: 2})
    for handle in (sleeper, lake.open(CLOCK, paused)):
        with pytest.raises(LeaseHeld, match=r"epoch 1.*epoch 2"):
            handle.append(ticks(2), {"else": 3})
    assert minutes(lake.open(CLOCK)) == [0, 1]
