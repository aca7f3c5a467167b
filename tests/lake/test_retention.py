"""Retention: what the contract no longer keeps goes, and nothing else: no row that is young, unread, counted, or judged by a clock that leapt."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from factolake.contracts import TABLES
from factolake.contracts.bronze import DEAD_LETTER
from factolake.contracts.formats.arrow import arrow_schema
from factolake.contracts.ops import CLOCK, RUNS
from factolake.contracts.silver import READINGS
from factolake.contracts.table import Table
from factolake.lake.retention import SETTLED_DAYS, forget_old, oldest_due
from factolake.lake.tables import Handle, Lake
from factolake.lake.upkeep import Tidied

NOW = dt.datetime(2028, 3, 1, 12, tzinfo=dt.UTC)
TIDIED = Tidied(checkpoint=1)
DAY = dt.timedelta(days=1)


def spans(*rows: tuple[dt.date | None, dt.datetime | None, dt.datetime | None]) -> pa.Table:
    stamp = pa.timestamp("us", tz="UTC")
    columns = zip(*rows, strict=True)
    return pa.table(
        [pa.array(column, kind) for column, kind in zip(columns, (pa.date32(), stamp, stamp), strict=True)], ["partition", "oldest", "newest"]
    )


def dead_letter(landed: dt.datetime, offset: int, log_id: str = "log-1", values: int = 3) -> dict[str, object]:
    place = {"log_id": log_id, "log_offset": offset, "ingest_ts": landed, "ingest_date": landed.date(), "row_idx": -1}
    return place | {"topic": "records", "headers": "", "payload": b"?", "reason": "unreadable", "detail": "by hand", "row_count": values}


def add(handle: Handle, rows: Iterable[dict[str, object]]) -> None:
    handle.append(pa.Table.from_pylist(list(rows), arrow_schema(handle.table)), {})


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """A lake in which landing has lived through the last days before NOW, and dead letters of three days, two of them too old."""
    lake = Lake(tmp_path)
    for table in (CLOCK, DEAD_LETTER):
        lake.ensure(table)
    ticks = [NOW - DAY * days for days in range(SETTLED_DAYS)]
    add(lake.open(CLOCK), [{"tick_ts": tick, "tick_date": tick.date()} for tick in ticks])
    letters = lake.open(DEAD_LETTER)
    for number, days in enumerate((500, 450, 10)):
        add(letters, [dead_letter(NOW - DAY * days, 10 * number + k) for k in range(2)])
    return lake


def days_there(handle: Handle) -> list[int]:
    dates = handle.read(columns=["ingest_date"])["ingest_date"].to_pylist()
    return sorted({(NOW.date() - date).days for date in dates}, reverse=True)


def test_the_oldest_partition_goes_first_and_what_is_young_stays(lake: Lake) -> None:
    letters = lake.open(DEAD_LETTER)
    gone = []
    for _ in range(4):
        gone.append(forget_old(lake, letters, NOW, TIDIED))
    assert (gone, days_there(letters)) == ([2, 2, 0, 0], [10])


def test_whose_rows_went_is_counted_by_log_for_the_ledger(lake: Lake) -> None:
    letters = lake.open(DEAD_LETTER)
    add(letters, [dead_letter(NOW - DAY * 500, 99, "log-2", values=7)])
    for _ in range(2):
        forget_old(lake, letters, NOW, TIDIED)
    # six values of the first log on two days, seven of the second; the number survives a checkpoint and a new process
    letters.checkpoint()
    fresh = lake.open(DEAD_LETTER)
    assert (fresh.forgotten_rows("log-1"), fresh.forgotten_rows("log-2"), fresh.forgotten_rows("log-3")) == (12, 7, 0)


def test_readers_of_the_change_feed_do_not_see_old_rows_go(lake: Lake) -> None:
    letters = lake.open(DEAD_LETTER)
    read_through = letters.version
    forget_old(lake, letters, NOW, TIDIED)
    add(letters, [dead_letter(NOW, 50)])
    forget_old(lake, letters, NOW, TIDIED)
    feed = letters.changes(read_through + 1, letters.version, ["log_offset"])
    assert [(row["log_offset"], row["_change_type"]) for row in feed.to_pylist()] == [(50, "insert")]


@pytest.mark.parametrize("lived", [0, 1, SETTLED_DAYS - 1])
def test_f72_a_clock_that_leapt_empties_nothing_until_landing_has_lived_by_it_for_days(lake: Lake, lived: int) -> None:
    leapt = NOW + DAY * 1000
    ticks = [leapt - DAY * days for days in range(lived)]
    add(lake.open(CLOCK), [{"tick_ts": tick, "tick_date": tick.date()} for tick in ticks])
    letters = lake.open(DEAD_LETTER)
    assert forget_old(lake, letters, leapt, TIDIED) == 0
    assert days_there(letters) == [500, 450, 10]


@pytest.mark.parametrize("done", [Tidied(), Tidied(checkpoint=1, alarm="a consumer is far behind")])
def test_nothing_goes_when_upkeep_did_not_tidy_or_somebody_is_far_behind(lake: Lake, done: Tidied) -> None:
    letters = lake.open(DEAD_LETTER)
    assert forget_old(lake, letters, NOW, done) == 0


def test_another_writer_in_between_puts_it_off_to_the_next_turn(lake: Lake) -> None:
    letters, other = lake.open(DEAD_LETTER), lake.open(DEAD_LETTER)
    add(other, [dead_letter(NOW - DAY * 500, 77)])
    assert [forget_old(lake, letters, NOW, TIDIED) for _ in range(2)] == [0, 3]


def test_a_table_without_partitions_loses_its_old_rows_and_keeps_for_ever_what_says_so(lake: Lake) -> None:
    lake.ensure(RUNS)
    runs = lake.open(RUNS)
    whole = {"refinement": "carry", "duration_us": 1, "slices": 1, "changed_slices": 1, "rows_written": 1, "input_versions": "{}"}
    add(runs, [whole | {"started_ts": NOW - DAY * days} for days in (92, 91.5, 90.5, 89, 0)])
    assert forget_old(lake, runs, NOW, TIDIED) == 3
    assert forget_old(lake, runs, NOW, TIDIED) == 0
    assert runs.read().num_rows == 2
    runs.table = replace(RUNS, retention_days=None)
    assert forget_old(lake, runs, NOW + DAY * 9, TIDIED) == 0


def test_a_recorded_day_of_years_ago_is_judged_by_when_it_was_landed() -> None:
    horizon, long_ago, now = NOW - DAY * 400, dt.date(2021, 5, 4), NOW - DAY
    assert oldest_due(READINGS, spans((long_ago, now, now)), horizon) is None
    old = oldest_due(READINGS, spans((long_ago, horizon - DAY, horizon - DAY), (dt.date(2025, 1, 1), now, now)), horizon)
    assert old is not None and (old.predicate, old.partition) == ("day = DATE '2021-05-04'", "2021-05-04")


@pytest.mark.parametrize("young", [NOW, None])
def test_a_partition_stays_while_one_of_its_files_is_young_or_does_not_say(young: dt.datetime | None) -> None:
    horizon, day = NOW - DAY * 400, dt.date(2026, 1, 1)
    assert oldest_due(READINGS, spans((day, horizon - DAY, horizon - DAY), (day, horizon - DAY, young)), horizon) is None


@pytest.mark.parametrize("table", [table for table in TABLES.values() if table.retention_days is not None], ids=lambda table: table.name)
def test_the_time_a_table_is_judged_by_is_among_the_columns_whose_bounds_each_file_tells(table: Table) -> None:
    """Delta keeps statistics of the first 32 columns; without them nothing would ever go."""
    assert table.column_names.index(table.kept_since) < 32
    assert not table.column(table.kept_since).nullable
