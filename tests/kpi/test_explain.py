"""An explanation leads from the published value to the bronze rows, by SQL over real tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from deltalake import write_deltalake
from hand_made import Row, a_plant, count, plate, state, table_of
from rich.console import Console

from factolake.contracts import bronze, gold, silver
from factolake.contracts.table import Table
from factolake.domain.calendar import Break, Calendar, ShiftPattern
from factolake.errors import NoSuchRow
from factolake.kpi.explain import explain_shift
from factolake.kpi.explain_text import explanation_text
from factolake.lake.sql import connect
from factolake.lake.tables import Lake

DAY = date(2026, 11, 16)
MODEL = a_plant(
    machines=["M1", "M2"],
    plates=[plate("P", 60), plate("P", 30, machine="M2")],
    calendar=Calendar("site", (ShiftPattern("early", time(6), time(14)),), (Break(time(10), time(10, 30)),)),
)
MINUTE = 60_000_000


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, 16, hour, minute, tzinfo=UTC)


def key(seq: int) -> Row:
    return {"source_id": "s", "epoch": 7, "seq": seq, "idx": 0}


def reading(seq: int, ts: datetime, signal: str, kind: str, tag: str) -> Row:
    return {**key(seq), "machine": "M1", "signal": signal, "kind": kind, "tag": tag, "ts": ts, "hour_ts": ts, "day": ts.date(), "quality": "good",
            "ingest_ts": ts, "log_id": "log-a", "log_offset": 100 + seq}  # fmt: skip


def landed(seq: int, tag: str, value: int) -> Row:
    return {**key(seq), "tag": tag, "value_kind": "i64", "value_i64": value, "log_id": "log-a", "log_offset": 100 + seq, "ingest_date": DAY}


GOLD_ROW: Row = {
    "line": "L1", "equipment": "M1", "equipment_level": "WorkUnit", "production_day": DAY, "shift": "early", "from_ts": at(6), "to_ts": at(14),
    "is_complete": True, "pot_us": 480 * MINUTE, "pdot_us": 30 * MINUTE, "pbt_us": 450 * MINUTE, "apt_us": 390 * MINUTE, "adet_us": 60 * MINUTE,
    "pq": 300, "gq": 270, "sq": 30, "pq_timed": 300, "ideal_us": 300 * MINUTE, "ideal_good_us": 270 * MINUTE, "availability": 390 / 450,
    "effectiveness": 300 / 390, "quality_ratio": 0.9, "oee": 0.6, "coverage": 1.0, "method": "machine", "convention": "iso22400", "kpi_version": 1,
}  # fmt: skip
STATES = [
    *state("M1", at(6), at(10), "producing"),
    *state("M1", at(10), at(10, 30), "waiting"),
    *state("M1", at(10, 30), at(11, 30), "fault"),
    *state("M1", at(11, 30), at(14), "producing"),
]
COUNTS = [{**count("M1", at(13), "total", 300), **key(5)}, {**count("M1", at(13), "good", 270), **key(6)}]
READINGS = [
    reading(3, at(10, 30), "state", "state", "M1.State"),
    reading(5, at(13), "total_count", "counter", "M1.Count.Total"),
    reading(9, at(13, 30), "total_count", "counter", "M1.Count.Total"),
]
BRONZE = [landed(3, "M1.State", 3), landed(5, "M1.Count.Total", 300), landed(9, "M1.Count.Total", 300)]


@pytest.fixture
def lake() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for layer in ("bronze", "silver", "gold"):
            connection.execute(f"CREATE SCHEMA {layer}")
        put(connection, gold.OEE_SHIFT, [GOLD_ROW])
        put(connection, silver.STATE_HOURS, STATES)
        put(connection, silver.COUNTS, COUNTS)
        put(connection, silver.READINGS, READINGS)
        put(connection, bronze.READINGS, BRONZE)
        yield connection


def put(connection: duckdb.DuckDBPyConnection, table: Table, rows: list[Row]) -> None:
    connection.register("given", table_of(table, rows))
    connection.execute(f"CREATE OR REPLACE TABLE {table.name} AS SELECT * FROM given")
    connection.unregister("given")


def query_of(connection: duckdb.DuckDBPyConnection):  # type: ignore[no-untyped-def]
    def query(sql: str) -> pa.Table:
        return connection.execute(sql).to_arrow_table()

    return query


def test_the_value_is_traced_to_formula_pieces_steps_and_bronze_rows(lake: duckdb.DuckDBPyConnection) -> None:
    found = explain_shift(query_of(lake), MODEL, "M1", DAY, "early")
    assert [(f.name, f.value) for f in found.factors] == [
        ("availability", 390 / 450),
        ("effectiveness", 300 / 390),
        ("quality_ratio", 0.9),
        ("oee", 0.6),
    ]
    assert found.factors[0].numbers == f"{390 * MINUTE} / ({450 * MINUTE} - 0)"
    assert [(p.state, p.segment, p.element) for p in found.pieces] == [
        ("producing", "busy", "apt_us"),
        ("waiting", "break", None),
        ("fault", "busy", "adet_us"),
        ("producing", "busy", "apt_us"),
    ]
    assert [(s.counts, s.parts, s.seq) for s in found.steps] == [("good", 270, 6), ("total", 300, 5)]
    assert [(s.tag, s.value, s.source_id, s.seq, s.log_id, s.log_offset) for s in found.sources] == [
        ("M1.State", "3", "s", 3, "log-a", 103),
        ("M1.Count.Total", "300", "s", 5, "log-a", 105),
    ]
    assert found.differences == {}


def test_state_rows_that_disagree_with_gold_are_named(lake: duckdb.DuckDBPyConnection) -> None:
    put(lake, gold.OEE_SHIFT, [{**GOLD_ROW, "apt_us": 400 * MINUTE}])
    assert explain_shift(query_of(lake), MODEL, "M1", DAY, "early").differences == {"apt_us": (400 * MINUTE, 390 * MINUTE)}


def test_a_missing_factor_says_why_in_words(lake: duckdb.DuckDBPyConnection) -> None:
    without = {"effectiveness": None, "effectiveness_reason": "no_nameplate", "oee": None, "oee_reason": "no_nameplate", "ideal_us": None}
    put(lake, gold.OEE_SHIFT, [{**GOLD_ROW, **without}])
    found = explain_shift(query_of(lake), MODEL, "M1", DAY, "early")
    assert found.factors[1].value is None
    assert found.factors[1].reason == "no_nameplate: a product that was made has no planned run time on this machine at that moment"
    assert found.factors[1].numbers == f"null / {390 * MINUTE}"


def test_a_line_is_explained_at_its_bottleneck_and_exit(lake: duckdb.DuckDBPyConnection) -> None:
    put(lake, gold.OEE_SHIFT, [{**GOLD_ROW, "equipment": "L1", "method": "bottleneck"}])
    at_exit = [count("M2", at(13), "good", 250), count("M2", at(13), "total", 260)]
    put(lake, silver.COUNTS, [*COUNTS, *at_exit, count("M1", at(12), "scrap", 4)])
    found = explain_shift(query_of(lake), MODEL, "L1", DAY, "early")
    assert found.time_machine == "M1"
    assert found.factors[-1].formula == "ideal_good_us / (pbt_us - unknown_us)"
    assert {(s.machine, s.counts, s.parts) for s in found.steps} >= {("M2", "good", 250), ("M1", "scrap", 4)}


@pytest.mark.parametrize(
    ("dark", "last_seen", "expected"),
    [
        ((at(5, 30), at(6, 20)), at(5, 25), {"scrap": 3}),
        ((at(5, 30), at(6)), at(5, 25), {"scrap": 3}),
        ((at(5, 30), at(5, 59)), at(5, 25), {}),
        ((at(6), at(6, 20)), at(5, 25), {}),
        ((at(5, 30), at(6, 20)), at(6), {}),
    ],
    ids=["dark over the change", "dark up to the change", "seen before the change", "dark from the change on", "counter seen at the change"],
)
def test_scrap_that_may_be_of_the_shift_before_is_flagged_in_the_shift_it_is_posted_to(
    lake: duckdb.DuckDBPyConnection, dark: tuple[datetime, datetime], last_seen: datetime, expected: dict[str, int]
) -> None:
    # the scrap counter was last read at `last_seen`, the machine was dark, and at 06:21 it shows three parts more
    late = {**count("M1", at(6, 21), "scrap", 3, event="across_unknown", timed=False), "from_ts": last_seen}
    put(lake, silver.COUNTS, [*COUNTS, late])
    put(
        lake,
        silver.STATE_HOURS,
        [*state("M1", at(5), dark[0], "producing"), *state("M1", *dark, "unknown"), *state("M1", dark[1], at(14), "producing")],
    )
    found = explain_shift(query_of(lake), MODEL, "M1", DAY, "early")
    assert found.perhaps_earlier == expected
    console = Console(width=200)
    with console.capture() as printed:
        console.print(explanation_text(found, UTC))
    assert ("perhaps made before it, while nobody saw the machine: 3 scrap." in printed.get()) == bool(expected)


def test_a_shift_that_does_not_exist_is_answered_with_those_that_do(lake: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(NoSuchRow, match=r"no row for 'M1' on 2026-11-16 in shift 'late'; there are: 2026-11-16 early"):
        explain_shift(query_of(lake), MODEL, "M1", DAY, "late")


def test_the_data_file_of_a_bronze_row_is_told_where_the_table_is_known(tmp_path: Path) -> None:
    with connect(Lake(tmp_path), ()) as connection:
        for table, rows in ((gold.OEE_SHIFT, [GOLD_ROW]), (silver.STATE_HOURS, STATES), (silver.COUNTS, COUNTS), (silver.READINGS, READINGS)):
            put(connection, table, rows)
        path = str(tmp_path / "readings")
        for row in BRONZE:
            write_deltalake(path, table_of(bronze.READINGS, [row]), mode="append")
        found = explain_shift(query_of(connection), MODEL, "M1", DAY, "early", readings_path=path)
    files = [source.file for source in found.sources]
    assert len(set(files)) == 2
    assert all(file is not None and Path(file).is_file() for file in files)


def test_json_holds_everything_and_text_holds_the_value(lake: duckdb.DuckDBPyConnection) -> None:
    found = explain_shift(query_of(lake), MODEL, "M1", DAY, "early")
    plain = json.loads(found.to_json())
    assert plain["pieces"][2] == {
        "from_ts": "2026-11-16T10:30:00+00:00", "to_ts": "2026-11-16T11:30:00+00:00", "state": "fault", "segment": "busy", "element": "adet_us",
        "duration_us": 60 * MINUTE,
    }  # fmt: skip
    assert plain["sources"][0]["log_offset"] == 103
    console = Console(width=200, record=True, file=None, quiet=False)
    with console.capture() as printed:
        console.print(explanation_text(found, UTC, rows=1))
    text = printed.get()
    assert "OEE of M1, 2026-11-16 early (06:00:00 - 14:00:00, complete, coverage 100.0%): 60.0%" in text
    assert "Bronze rows, the latest 1 of 2" in text
