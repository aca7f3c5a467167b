"""After a power cut: what never reached the disk is found, dropped if it may be, and refused if it may not."""

import datetime as dt
import os
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest

from factolake.contracts.formats.arrow import arrow_schema
from factolake.contracts.ops import CLOCK
from factolake.errors import TableDamaged
from factolake.lake.durable import durable_version, entry_file, make_durable, read_entry, repair_tail, verify_tail, versions
from factolake.lake.tables import Lake

T0 = dt.datetime(2026, 11, 22, 6, tzinfo=dt.UTC)
LOG = "log/records-0"


def tick(minute: int) -> pa.Table:
    stamp = T0 + dt.timedelta(minutes=minute)
    return pa.table({"tick_ts": [stamp], "tick_date": [stamp.date()]}, schema=arrow_schema(CLOCK))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Three commits, of which the first two are known to be on disk."""
    lake = Lake(tmp_path)
    lake.ensure(CLOCK)
    handle = lake.open(CLOCK)
    for minute in (1, 2, 3):
        version = handle.append(tick(minute), {LOG: minute})
        if minute < 3:
            make_durable(handle.path, version)
    return lake


def data_file(lake: Lake, version: int) -> Path:
    (name,) = read_entry(lake.path(CLOCK), version).written
    return Path(lake.path(CLOCK), name)


def truncate(file: Path) -> None:
    os.truncate(file, 0)


def remove(file: Path) -> None:
    file.unlink()


def zero(file: Path) -> None:
    file.write_bytes(bytes(file.stat().st_size))


def zero_inside(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[4:60] = bytes(56)
    file.write_bytes(content)


def test_a_whole_tail_passes_and_nothing_is_dropped(lake: Lake) -> None:
    verify_tail(lake.path(CLOCK))
    assert (repair_tail(lake.path(CLOCK)), durable_version(lake.path(CLOCK))) == ([], 2)


@pytest.mark.parametrize("damage", [truncate, remove, zero, zero_inside])
def test_a_data_file_lost_before_it_reached_the_disk_costs_its_commit_alone(lake: Lake, damage: Callable[[Path], None]) -> None:
    path = lake.path(CLOCK)
    damage(data_file(lake, 3))
    with pytest.raises(TableDamaged, match=r"data file .*parquet"):
        verify_tail(path)
    assert repair_tail(path) == [3]
    verify_tail(path)
    handle = lake.open(CLOCK)
    assert (handle.position(LOG), handle.read().num_rows) == (2, 2)
    assert handle.append(tick(3), {LOG: 3}) == 3


@pytest.mark.parametrize("damage", [truncate, zero])
def test_a_torn_log_entry_is_dropped_with_those_after_it(lake: Lake, damage: Callable[[Path], None]) -> None:
    handle = lake.open(CLOCK)
    handle.append(tick(4), {LOG: 4})
    damage(entry_file(lake.path(CLOCK), 3))
    with pytest.raises(TableDamaged, match=r"log entry .*3\.json cannot be read"):
        verify_tail(lake.path(CLOCK))
    assert repair_tail(lake.path(CLOCK)) == [3, 4]
    assert lake.open(CLOCK).position(LOG) == 2


def test_a_missing_log_entry_inside_the_tail_is_found(lake: Lake) -> None:
    handle = lake.open(CLOCK)
    handle.append(tick(4), {LOG: 4})
    entry_file(lake.path(CLOCK), 3).unlink()
    assert repair_tail(lake.path(CLOCK)) == [4]
    assert versions(lake.path(CLOCK)) == [0, 1, 2]


def test_damage_to_what_was_safe_on_disk_is_refused_and_nothing_touched(lake: Lake) -> None:
    truncate(data_file(lake, 2))
    with pytest.raises(TableDamaged, match="commit 2 was safe on disk before"):
        repair_tail(lake.path(CLOCK))
    assert versions(lake.path(CLOCK)) == [0, 1, 2, 3]


def test_a_checkpoint_of_a_dropped_commit_goes_with_it(lake: Lake) -> None:
    lake.open(CLOCK).checkpoint()
    truncate(data_file(lake, 3))
    assert repair_tail(lake.path(CLOCK)) == [3]
    assert lake.open(CLOCK).version == 2
    assert not list(Path(lake.path(CLOCK), "_delta_log").glob("*checkpoint*"))


@pytest.mark.parametrize("damage", [truncate, zero])
def test_a_torn_checkpoint_is_dropped_and_costs_no_commit(lake: Lake, damage: Callable[[Path], None]) -> None:
    lake.open(CLOCK).checkpoint()
    damage(Path(lake.path(CLOCK), "_delta_log", f"{3:020d}.checkpoint.parquet"))
    with pytest.raises(TableDamaged, match=r"checkpoint .* cannot be read"):
        verify_tail(lake.path(CLOCK))
    assert repair_tail(lake.path(CLOCK)) == []
    handle = lake.open(CLOCK)
    assert (handle.position(LOG), handle.read().num_rows) == (3, 3)


def test_an_unreadable_note_of_what_is_durable_counts_as_none(lake: Lake) -> None:
    Path(lake.path(CLOCK), "_durable").write_text("")
    assert durable_version(lake.path(CLOCK)) is None
    make_durable(lake.path(CLOCK), 3)
    assert durable_version(lake.path(CLOCK)) == 3


def test_making_a_commit_durable_whose_file_is_gone_says_so(lake: Lake) -> None:
    remove(data_file(lake, 3))
    with pytest.raises(TableDamaged, match="is missing though the log names it"):
        make_durable(lake.path(CLOCK), 3)
    assert durable_version(lake.path(CLOCK)) == 2


def test_a_table_without_any_log_entry_is_named(lake: Lake) -> None:
    for version in versions(lake.path(CLOCK)):
        entry_file(lake.path(CLOCK), version).unlink()
    with pytest.raises(TableDamaged, match="no log entries"):
        verify_tail(lake.path(CLOCK))
