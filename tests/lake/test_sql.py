"""SQL over real tables: newest version, UTC, read only, offline, and errors that help."""

import datetime as dt
import shutil
from pathlib import Path

import pyarrow as pa
import pytest

from factolake.contracts.formats.arrow import arrow_schema
from factolake.contracts.ops import CLOCK, GAPS
from factolake.errors import QueryError, TableDamaged
from factolake.lake.sql import connect, query
from factolake.lake.tables import Lake

T0 = dt.datetime(2026, 11, 22, 6, tzinfo=dt.UTC)


def tick(minute: int) -> pa.Table:
    stamp = T0 + dt.timedelta(minutes=minute)
    return pa.table({"tick_ts": [stamp], "tick_date": [stamp.date()]}, schema=arrow_schema(CLOCK))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    lake = Lake(tmp_path / "a plant's lake")
    lake.ensure(CLOCK)
    lake.open(CLOCK).append(tick(1), {})
    return lake


def test_a_question_sees_every_commit_made_before_it(lake: Lake) -> None:
    for minute in (2, 3):
        lake.open(CLOCK).append(tick(minute), {})
        assert query(lake, "select count(*) as n from ops.clock").to_pylist() == [{"n": minute}]


def test_a_table_that_comes_into_being_later_is_seen(lake: Lake) -> None:
    with pytest.raises(QueryError):
        query(lake, "select * from ops.gaps")
    lake.ensure(GAPS)
    assert query(lake, "select * from ops.gaps").schema.names == list(GAPS.column_names)


def test_times_are_utc_whatever_the_machine_says(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    (row,) = query(lake, "select tick_ts, tick_ts::varchar as text from ops.clock").to_pylist()
    assert row["tick_ts"] == T0 + dt.timedelta(minutes=1)
    assert row["text"] == "2026-11-22 06:01:00+00"


def test_an_unknown_table_is_answered_with_those_that_exist(lake: Lake) -> None:
    for question in ("select * from ops.clocks", "select * from gold.oee_shift", "select * from nonsense"):
        with pytest.raises(QueryError, match=r"Tables: ops\.clock$"):
            query(lake, question)


def test_an_empty_lake_says_that_landing_has_not_run(tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="none yet, landing has not run"):
        query(Lake(tmp_path), "select * from bronze.readings")


@pytest.mark.parametrize(
    "statement",
    [
        "create table x (i int)",
        "copy (select 1) to 'x.csv'",
        "attach 'x.db'",
        "select 1; select 2",
        "insert into ops.clock values (1, 2)",
        "",
        "set threads = 1",
    ],
)
def test_only_single_questions_are_answered(lake: Lake, statement: str) -> None:
    with pytest.raises(QueryError, match="one question at a time"):
        query(lake, statement)


def test_wrong_sql_and_wrong_columns_say_what_is_wrong(lake: Lake) -> None:
    with pytest.raises(QueryError, match="no SQL"):
        query(lake, "selct 1")
    with pytest.raises(QueryError, match="minute"):
        query(lake, "select minute_x from ops.clock")


def test_a_missing_data_file_is_damage(lake: Lake) -> None:
    next(Path(lake.path(CLOCK)).glob("*.parquet")).unlink()
    with pytest.raises(TableDamaged, match="cannot be read"):
        query(lake, "select tick_ts from ops.clock")


def test_a_connection_holds_a_view_of_every_table(lake: Lake) -> None:
    with connect(lake) as connection:
        assert connection.execute("select table_schema, table_name from information_schema.tables").fetchall() == [("ops", "clock")]


def test_a_lake_made_anew_at_the_same_place_is_read_anew(lake: Lake) -> None:
    assert query(lake, "select count(*) as n from ops.clock").to_pylist() == [{"n": 1}]
    shutil.rmtree(lake.root)
    lake.ensure(CLOCK)
    assert query(lake, "select count(*) as n from ops.clock").to_pylist() == [{"n": 0}]


def test_f31_a_broken_note_of_the_last_checkpoint_hides_no_row_from_any_reader(sail, lake: Lake) -> None:
    handle = lake.open(CLOCK)
    for minute in (2, 3):
        handle.append(tick(minute), {})
    handle.checkpoint()
    handle.append(tick(4), {})
    Path(lake.path(CLOCK), "_delta_log", "_last_checkpoint").write_bytes(b"\x00junk")
    assert lake.open(CLOCK).read().num_rows == 4
    assert query(lake, "select count(*) as n from ops.clock").to_pylist() == [{"n": 4}]
    assert sail.read_table(lake.path(CLOCK)).count() == 4
    lake.open(CLOCK).append(tick(5), {})
    assert query(lake, "select count(*) as n from ops.clock").to_pylist() == [{"n": 5}]
