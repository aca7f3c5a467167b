"""Landing of real records into real tables: what arrives, once, in order, whatever is wrong with it."""

import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
from landing_records import T0, event, garbage, readings

from factolake.bus.codec import MESSAGE_SCHEMAS
from factolake.bus.port import READINGS_SCHEMA, Record, StoredRecord
from factolake.config.settings import LandingSettings
from factolake.contracts.bronze import DEAD_LETTER, EVENTS, READINGS
from factolake.contracts.ops import CLOCK, GAPS, LEDGER, LOSSES
from factolake.contracts.table import Table
from factolake.domain.clock import ManualClock
from factolake.errors import LeaseHeld, LogReplaced
from factolake.lake.positions import log_position
from factolake.lake.tables import Lake
from factolake.landing import ledger
from factolake.landing.bronze import BronzeTables
from factolake.landing.land import Landing
from factolake.landing.run import Chores
from factolake.testing.memory_log import MemoryLog

Start = Callable[..., Landing]


def rows(lake: Lake, table: Table, *columns: str) -> list[dict[str, object]]:
    return lake.open(table).read(columns or None).to_pylist()


def keys(lake: Lake) -> list[tuple[object, ...]]:
    return sorted((r["seq"], r["idx"], r["log_offset"], r["value_f64"]) for r in rows(lake, READINGS, "seq", "idx", "log_offset", "value_f64"))


class NamedLog(MemoryLog):
    """A log whose identity is given."""

    log_id = "same-log"


class TornLog(MemoryLog):
    """A log that lacks some offsets, or ends before it did."""

    lacks: frozenset[int] = frozenset()
    ends_at: int | None = None

    def read(self, after: int, max_records: int) -> list[StoredRecord]:
        return [one for one in super().read(after, max_records) if one.offset not in self.lacks]

    def last_offset(self) -> int:
        return super().last_offset() if self.ends_at is None else self.ends_at


class KeepingLog(MemoryLog):
    """A log that hears of no release, as if the process had died before it."""

    def release(self, through: int) -> None:
        pass


def run_out(landing: Landing) -> None:
    while landing.step().more:
        pass


def test_readings_land_unchanged_with_where_they_came_from(lake: Lake, landing: Start, clock: ManualClock) -> None:
    log = MemoryLog()
    log.append([readings(1), readings(2, 2)])
    result = landing(log).step()
    assert (result.records, result.rows, result.dead_letters, result.through, result.more) == (2, 5, 0, 2, False)
    landed = sorted(rows(lake, READINGS), key=lambda r: (r["seq"], r["idx"]))
    assert [(r["tag"], r["value_f64"], r["log_offset"]) for r in landed[:2]] == [("M1.T0", 1.0, 1), ("M1.T1", 1.1, 1)]
    assert {(r["log_id"], r["ingest_ts"], r["ingest_date"]) for r in landed} == {(log.log_id, clock.now(), clock.now().date())}
    assert (log.depth().records, lake.open(READINGS).position(log_position(log.log_id))) == (0, 2)


def test_every_value_type_survives(lake: Lake, landing: Start) -> None:
    log = MemoryLog()
    log.append([readings(1, 1, value_kind="u64", value_f64=None, value_u64=2**64 - 1)])
    log.append([readings(2, 1, value_kind="i64", value_f64=None, value_i64=-(2**63))])
    log.append([readings(3, 1, value_kind="bytes", value_f64=None, value_bytes=b"\x00\xff")])
    log.append([readings(4, 1, value_f64=float("inf")), readings(5, 1, value_kind="text", value_f64=None, value_text="läuft")])
    landing(log).step()
    found = {r["seq"]: r for r in rows(lake, READINGS)}
    assert (found[1]["value_u64"], found[2]["value_i64"], found[3]["value_bytes"]) == (2**64 - 1, -(2**63), b"\x00\xff")
    assert (found[4]["value_f64"], found[5]["value_text"]) == (float("inf"), "läuft")


def test_a_trigger_with_nothing_new_commits_nothing_but_the_minute(lake: Lake, landing: Start, clock: ManualClock) -> None:
    log = MemoryLog()
    one = landing(log)
    for _ in range(3):
        one.step()
        clock.advance(20)
    before = lake.open(READINGS).version
    clock.advance(60)
    one.step()
    clock.advance(-3600)
    one.step()
    assert [r["tick_ts"] for r in sorted(rows(lake, CLOCK), key=lambda r: str(r["tick_ts"]))] == [
        T0 + dt.timedelta(hours=1),
        T0 + dt.timedelta(hours=1, minutes=2),
    ]
    assert lake.open(READINGS).version == before


def test_landing_restarted_with_other_batch_borders_gives_identical_bronze(tmp_path: Path, clock: ManualClock) -> None:
    records = [readings(s) if s % 5 else garbage(s) if s % 10 else event(s, "alarm", "{}") for s in range(1, 40)]
    results = []
    for borders in ([1000], [1, 30, 9, 60, 21]):
        home = tmp_path / str(len(borders))
        log = NamedLog()
        log.append(records)
        for turn in range(100):
            if not log.depth().records:
                break
            tables = BronzeTables(Lake(home / "lake"), home / "run", 3)
            one = Landing(log, tables, LandingSettings(max_rows=borders[turn % len(borders)]), clock)
            one.start()
            one.step()
            tables.close()
        lake = Lake(home / "lake")
        results.append([sorted(map(str, rows(lake, table))) for table in (READINGS, EVENTS, DEAD_LETTER)])
    assert results[0] == results[1]
    assert [len(r) for r in results[0]] == [32 * 3, 3, 4]


def test_a_batch_offered_again_after_a_stop_before_release_lands_once(tmp_path: Path, clock: ManualClock) -> None:
    log = KeepingLog()
    log.append([readings(1), event(2, "loss", '{"cause":"spool_full","lost_rows":4}'), garbage(3)])

    lake = Lake(tmp_path / "lake")
    for _ in range(2):
        tables = BronzeTables(lake, tmp_path / "run", 50)
        one = Landing(log, tables, LandingSettings(), clock)
        one.start()
        one.step()
        tables.close()
    assert [lake.open(t).read().num_rows for t in (READINGS, EVENTS, DEAD_LETTER, LOSSES)] == [3, 1, 1, 1]


def test_an_unreadable_spool_record_is_a_dead_letter_with_its_bytes(lake: Lake, landing: Start) -> None:
    log = MemoryLog()
    log.append(
        [readings(1), garbage(2, "5"), garbage(3, "many"), Record("records", "x", b"?", {"schema": "nonsense/9", "reason": "why"}), readings(5)]
    )
    result = landing(log).step()
    assert (result.rows, result.dead_letters) == (6, 3)
    letters = sorted(rows(lake, DEAD_LETTER), key=lambda r: r["log_offset"])
    assert [(r["log_offset"], r["row_idx"], r["reason"], r["row_count"]) for r in letters] == [
        (2, -1, "not_arrow", 5),
        (3, -1, "not_arrow", 1),
        (4, -1, "unknown_schema", 1),
    ]
    assert (letters[0]["payload"], json.loads(str(letters[2]["headers"]))["reason"]) == (b"\x00garbage", "why")


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"value_kind": "f16"}, "value_kind is 'f16'"),
        ({"flags": -1}, "flags is -1"),
        ({"status": 2**40}, "status is 1099511627776"),
        ({"tag": None}, "tag is None"),
    ],
)
def test_a_row_that_breaks_the_contract_is_split_off_and_the_others_land(lake: Lake, landing: Start, changes: dict[str, object], says: str) -> None:
    good = readings(1)
    values = pa.ipc.open_stream(good.value).read_all().to_pylist()
    values[1] |= changes
    schema = MESSAGE_SCHEMAS[READINGS_SCHEMA]
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as writer:
        writer.write_table(pa.Table.from_arrays([pa.array([v[f.name] for v in values], f.type) for f in schema], schema=schema))
    log = MemoryLog()
    log.append([Record("records", "line1", sink.getvalue().to_pybytes(), good.headers), readings(2)])
    landing(log).step()
    assert [k[:2] for k in keys(lake)] == [(1, 0), (1, 2), (2, 0), (2, 1), (2, 2)]
    (letter,) = rows(lake, DEAD_LETTER)
    assert (letter["row_idx"], letter["reason"], letter["row_count"]) == (1, "contract", 1)
    assert says in str(letter["detail"])
    assert pa.ipc.open_stream(letter["payload"]).read_all().num_rows == 1


def test_a_row_the_table_format_refuses_is_found_by_halving(
    lake: Lake, tables: BronzeTables, landing: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    from factolake.errors import ContractViolation
    from factolake.lake.tables import Handle

    honest = Handle.append

    def picky(self: Handle, data: pa.Table, positions: dict[str, int], **meta: object) -> int:
        if self.table is READINGS and 77.1 in data.column("value_f64").to_pylist():
            raise ContractViolation("the format cannot hold 77.1")
        return honest(self, data, positions, **meta)  # type: ignore[arg-type]

    monkeypatch.setattr(Handle, "append", picky)
    log = MemoryLog()
    log.append([readings(s) for s in (1, 77, 2)] + [garbage(4)])
    landing(log).step()
    assert [k[:2] for k in keys(lake)] == [(1, 0), (1, 1), (1, 2), (2, 0), (2, 1), (2, 2), (77, 0), (77, 2)]
    letters = {(r["log_offset"], r["row_idx"]): r["reason"] for r in rows(lake, DEAD_LETTER)}
    assert letters == {(2, 1): "refused", (4, -1): "not_arrow"}
    assert ledger.check(tables, log, T0)["difference"] == 0


def test_gap_and_loss_events_become_rows_of_ops(lake: Lake, landing: Start) -> None:
    log = MemoryLog()
    gap = {"from_ts": "2026-11-22T06:00:00+00:00", "to_ts": None, "cause": "session lost", "status": "open", "missing_records": None}
    log.append([event(1, "gap", json.dumps(gap)), event(2, "loss", '{"cause":"server_overflow","lost_rows":-1}'), event(3, "gap", "no json")])
    landing(log).step()
    gaps = sorted(rows(lake, GAPS), key=lambda r: str(r["cause"]))
    assert [(g["from_ts"], g["to_ts"], g["cause"], g["status"]) for g in gaps] == [
        (T0 + dt.timedelta(seconds=3), None, "not said", "open"),
        (T0, None, "session lost", "open"),
    ]
    (loss,) = rows(lake, LOSSES)
    assert (loss["seq"], loss["cause"], loss["lost_rows"]) == (2, "server_overflow", -1)
    assert lake.open(EVENTS).read().num_rows == 3


def test_records_deleted_underneath_open_a_gap_and_landing_goes_on(lake: Lake, tables: BronzeTables, landing: Start) -> None:
    log = TornLog()
    log.append([readings(s) for s in range(1, 4)])
    one = landing(log)
    one.step()
    log.append([readings(s) for s in range(4, 11)])
    log.release(5)
    log.lacks = frozenset({8})
    run_out(one)
    assert sorted({k[0] for k in keys(lake)}) == [1, 2, 3, 6, 7, 9, 10]
    gaps = sorted(rows(lake, GAPS), key=lambda r: str(r["cause"]))
    assert [(g["source_id"], g["missing_records"], g["status"]) for g in gaps] == [(f"log/{log.log_id}", n, "unrecoverable") for n in (2, 1)]
    books = ledger.check(tables, log, T0)
    assert (books["sent"], books["bronze"], books["gaps"], books["difference"]) == (24, 21, 3, 0)


def test_a_log_that_ends_below_the_position_stops_landing_and_opens_one_gap(lake: Lake, landing: Start) -> None:
    log = TornLog()
    log.append([readings(s) for s in range(1, 6)])
    landing(log).step()
    log.ends_at = 3
    for _ in range(2):
        with pytest.raises(LogReplaced, match="ends at offset 3, but the lake has landed it through 5"):
            landing(log)
    assert len(rows(lake, GAPS)) == 1


def test_a_new_log_starts_at_its_own_beginning(lake: Lake, landing: Start) -> None:
    for _ in range(2):
        log = MemoryLog()
        log.append([readings(s) for s in range(1, 6)])
        landing(log).step()
    assert len(rows(lake, READINGS)) == 30


def test_two_landings_cannot_run_at_once(lake: Lake, tables: BronzeTables, tmp_path: Path) -> None:
    with pytest.raises(LeaseHeld, match="landing is already run by process"):
        BronzeTables(lake, tmp_path / "run", 50)


def test_the_ledger_counts_across_restarts_and_sees_a_lost_row(lake: Lake, tables: BronzeTables, landing: Start, clock: ManualClock) -> None:
    log = MemoryLog()
    log.append([readings(s) for s in range(1, 4)] + [garbage(4, "7"), event(5, "alarm", "{}")])
    landing(log, max_rows=4).step()
    run_out(landing(log))
    books = ledger.check(tables, log, clock.now())
    assert (books["sent"], books["bronze"], books["dead_letter"], books["gaps"], books["difference"]) == (17, 10, 7, 0, 0)
    lake.open(READINGS).replace(lake.open(READINGS).read().slice(0, 0), "seq = 2 AND idx = 1", {})
    tables.refresh()
    assert ledger.check(tables, log, clock.now() + dt.timedelta(hours=1))["difference"] == 1
    assert len(rows(lake, LEDGER)) == 2


def test_reading_stops_at_the_row_limit_and_says_that_more_waits(landing: Start) -> None:
    log = MemoryLog()
    log.append([readings(s) for s in range(1, 11)])
    result = landing(log, max_rows=7).step()
    assert (result.records, result.rows, result.more) == (3, 9, True)
    assert isinstance(log.read(0, 1)[0], StoredRecord)


def test_f72_the_books_are_balanced_in_time_also_after_the_clock_was_set_back(lake: Lake, tables: BronzeTables, landing: Start) -> None:
    log = MemoryLog()
    log.append([readings(1)])
    landing(log).step()
    chores = Chores(tables, LandingSettings(ledger_every_s=600))
    for minutes in (0, 5, -1440, -1436, -1430):
        chores.step(T0 + dt.timedelta(minutes=minutes), log)
    assert sorted(row["checked_ts"] for row in rows(lake, LEDGER)) == [T0 + dt.timedelta(minutes=minutes) for minutes in (-1440, -1430)]
    assert {row["difference"] for row in rows(lake, LEDGER)} == {0}
