"""One stream with every kind of bad input through spool, landing and refinery: each value ends in one place, with a reason, and stops nothing.

The judge is the list the stream is made from: for each value it names where it must end.
"""

import random
import sqlite3
import threading
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from factolake.bus.codec import MESSAGE_SCHEMAS, encode
from factolake.bus.port import EVENTS_SCHEMA, READINGS_SCHEMA, Record
from factolake.bus.spool_bus import Spool
from factolake.config import Settings
from factolake.contracts import bronze, gold, ops, silver
from factolake.contracts.table import Table
from factolake.domain.clock import ManualClock
from factolake.lake.tables import Lake
from factolake.landing.run import run_landing
from pipelines.refinery import run_refinery

PLANT_FILE = Path(__file__).parents[2] / "conf" / "plant.toml"
SOURCE = "line1-opcua"
T0 = datetime(2026, 11, 20, 6, tzinfo=UTC)
RECEIVED = T0 + timedelta(minutes=30)
EPOCH = 1_000_000
SILVER = "silver"
GOOD = 0
NO_END = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
YEAR_ONE = datetime(1, 1, 1, tzinfo=UTC)

Key = tuple[int, int, int]
"""Epoch, message and place in it."""


@dataclass
class Stream:
    """Records in the order they are sent, and for each value where it must end: `silver`, a rule of quarantine, a reason of a dead letter."""

    records: list[Record] = field(default_factory=list)
    fates: dict[Key, str] = field(default_factory=dict)
    sent: int = 0

    def send(self, *rows: tuple[str, dict[str, object]], epoch: int = EPOCH) -> Record:
        """Pack rows of (fate, columns) as the next message."""
        seq = len(self.records) + 1
        own = {"source_id": SOURCE, "epoch": epoch, "seq": seq, "status": GOOD, "flags": 0, "server_ts": T0, "gateway_ts": RECEIVED}
        packed = [{**own, "idx": idx, **columns} for idx, (_, columns) in enumerate(rows)]
        record = encode(READINGS_SCHEMA, pa.RecordBatch.from_pylist(packed, schema=MESSAGE_SCHEMAS[READINGS_SCHEMA]))
        self.add(record, len(rows))
        self.fates |= {(epoch, seq, idx): fate for idx, (fate, _) in enumerate(rows)}
        return record

    def add(self, record: Record, values: int) -> None:
        """Send a record as it is; `values` is what its header says, 1 when it says nothing."""
        self.records.append(record)
        self.sent += values


def f64(value: float, minute: float = 1.0, tag: str = "L1-M1.Vibration", **other: object) -> dict[str, object]:
    return {"tag": tag, "value_kind": "f64", "value_f64": value, "source_ts": T0 + timedelta(minutes=minute), **other}


def i64(tag: str, value: int, minute: float, **other: object) -> dict[str, object]:
    return {"tag": tag, "value_kind": "i64", "value_i64": value, "source_ts": T0 + timedelta(minutes=minute), **other}


def text(value: str, minute: float, tag: str = "L1-M1.Vibration") -> dict[str, object]:
    return {"tag": tag, "value_kind": "text", "value_text": value, "source_ts": T0 + timedelta(minutes=minute)}


def good_minute(minute: int) -> list[tuple[str, dict[str, object]]]:
    """What a healthy machine says in a minute: alive every 10 s, producing, one part, one process value."""
    beats = [(SILVER, i64("L1-M1.Heartbeat", minute * 6 + n, minute + n / 6)) for n in range(6)]
    rest = [i64("L1-M1.State", 1, minute), i64("L1-M1.Count.Total", minute, minute), i64("L1-M1.Count.Good", minute, minute), f64(5.0, minute + 0.01)]
    return [*beats, *((SILVER, row) for row in rest)]


def bad_values() -> list[tuple[str, dict[str, object]]]:
    """Every value that silver must refuse, and those on the edge that it must not."""
    counter = "L1-M1.Count.Scrap"
    return [
        ("not_finite", f64(float("nan"), 1.1)),
        ("not_finite", f64(float("inf"), 1.2)),
        ("not_finite", f64(float("-inf"), 1.3)),
        ("not_finite", text("NaN", 1.4)),
        ("wrong_type", text("fast", 1.5)),
        ("wrong_type", text("0x1F", 1.55)),
        ("wrong_type", i64(counter, -3, 1.6)),
        ("wrong_type", f64(2.5, 1.7, counter)),
        ("wrong_type", {**f64(0.0, 1.8, counter), "value_kind": "u64", "value_f64": None, "value_u64": Decimal(2**64 - 1)}),
        ("wrong_unit", f64(5.0, 1.9, unit_raw="RPM")),
        ("out_of_range", f64(1e9, 2.0)),
        ("future_stamp", f64(5.0, 90)),
        ("future_stamp", f64(5.0, source_ts=NO_END)),
        ("too_old", f64(5.0, source_ts=datetime(1970, 1, 1, tzinfo=UTC))),
        ("too_old", f64(5.0, source_ts=YEAR_ONE)),
        ("no_stamp", f64(5.0, source_ts=None, server_ts=None)),
        ("unknown_tag", f64(5.0, 2.1, "L1-M1.Vibratoin")),
        ("unknown_tag", f64(5.0, 2.2, "'; DROP TABLE silver.readings; --")),
        ("contract", f64(5.0, 2.3, status=-1)),
        ("contract", f64(5.0, 2.4, value_kind="complex")),
        ("contract", f64(5.0, 2.5, status=2**32)),
        (SILVER, text(" 5.25 ", 2.6)),
        (SILVER, f64(5.0, 2.7, unit_raw="C16")),
        (SILVER, f64(5.0, 2.8, status=0x80310000)),
        (SILVER, f64(5.0, source_ts=None)),
        (SILVER, i64(counter, 2**63 - 1, 2.9)),
    ]


def event(seq: int, kind: str, subject: str, payload: str) -> Record:
    row = {"source_id": SOURCE, "epoch": EPOCH, "seq": seq, "idx": 0, "kind": kind, "subject": subject, "payload": payload}
    row |= {"payload_schema": f"{kind}/1", "gateway_ts": RECEIVED}
    return encode(EVENTS_SCHEMA, pa.RecordBatch.from_pylist([row], schema=MESSAGE_SCHEMAS[EVENTS_SCHEMA]))


def unreadable(stream: Stream) -> dict[int, str]:
    """Records that nobody can read among the others; offset -> reason."""
    whole = stream.send(("count_differs", f64(1.0, 3.1)), ("count_differs", f64(1.0, 3.2)))
    stream.records.pop()
    stream.sent -= 2
    other = pa.BufferOutputStream()
    with pa.ipc.new_stream(other, pa.schema([("tag", pa.string())])) as writer:
        writer.write_batch(pa.record_batch({"tag": ["x"]}))
    header = dict(whole.headers)
    made = {}
    for reason, value, changed, values in (
        ("count_differs", whole.value, {"count": "3"}, 3),
        ("not_arrow", b"\x00garbage", {}, 2),
        ("not_arrow", whole.value[:200], {}, 2),
        ("wrong_columns", other.getvalue().to_pybytes(), {"count": "1"}, 1),
        ("unknown_schema", whole.value, {"schema": "readings/99"}, 2),
        ("unknown_schema", b"", {"schema": "", "count": "many"}, 1),
    ):
        stream.add(Record("records", SOURCE, value, header | changed), values)
        made[len(stream.records)] = reason
    stream.fates = {key: fate for key, fate in stream.fates.items() if fate != "count_differs"}
    return made


def rows(lake: Lake, table: Table) -> list[dict[str, object]]:
    return lake.open(table).read().to_pylist()


@pytest.fixture(scope="module")
def stream() -> Stream:
    made = Stream()
    for minute in range(10):
        made.send(*good_minute(minute))
    bad = bad_values()
    random.Random(7).shuffle(bad)
    for start in range(0, len(bad), 4):
        made.send(*bad[start : start + 4], *good_minute(11 + start // 4))
    # Out of order: the later minutes first, and within a message the last value first.
    for minute in (24, 22, 23, 20):
        made.send(*reversed(good_minute(minute)))
    return made


@pytest.mark.slow
def test_every_bad_value_ends_in_one_place_with_a_reason_and_stops_nothing(stream: Stream, tmp_path: Path) -> None:
    letters = unreadable(stream)
    # A message delivered twice, and its samples once more by a later session.
    first = stream.records[0]
    stream.add(first, 10)
    stream.send(*(("repeated", row) for _, row in good_minute(0)), epoch=EPOCH + 1)
    for kind, subject, payload in (
        ("node_error", "L1-M9.State", '{"tag": "L1-M9.State", "status_code": 2150891520, "status": "BadNodeIdUnknown", "message": "no such node"}'),
        ("loss", SOURCE, "this is no JSON"),
    ):
        stream.add(event(len(stream.records) + 1, kind, subject, payload), 1)
    settings = Settings(home=tmp_path, plant_file=PLANT_FILE)
    clock = ManualClock(RECEIVED)
    spool = Spool(settings.spool_file, 1 << 30, clock)
    spool.append(stream.records)
    spool.append([first])
    broken = spool.last_offset()
    with sqlite3.connect(settings.spool_file) as db:
        db.execute("UPDATE records SET headers = '{\"schema' WHERE offset = ?", (broken,))
    letters[broken] = "unknown_schema"
    run_landing(settings, clock, threading.Event(), once=True)
    spool.close()
    assert run_refinery(settings, clock, threading.Event(), once=True) == []

    lake = Lake(settings.lake_root)
    found: dict[Key, list[str]] = defaultdict(list)
    for row in rows(lake, silver.READINGS):
        found[row["epoch"], row["seq"], row["idx"]].append(SILVER)
    for row in rows(lake, ops.QUARANTINE):
        found[row["epoch"], row["seq"], row["idx"]].append(row["rule"])
        assert row["detail"]
    dead = rows(lake, bronze.DEAD_LETTER)
    for row in dead:
        assert row["detail"]
        assert row["payload"] is not None
        if row["row_idx"] >= 0:
            found[EPOCH, row["log_offset"], row["row_idx"]].append(row["reason"])
    assert dict(found) == {key: [fate] for key, fate in stream.fates.items() if fate != "repeated"}
    assert {row["log_offset"]: row["reason"] for row in dead if row["row_idx"] < 0} == letters

    (books,) = rows(lake, ops.LEDGER)
    assert books["sent"] == stream.sent + 1
    assert books["difference"] == 0
    assert books["dead_letter"] == sum(row["row_count"] for row in dead)
    assert {row["kind"]: row["subject"] for row in rows(lake, bronze.EVENTS)} == {"node_error": "L1-M9.State", "loss": SOURCE}
    assert [row["lost_rows"] for row in rows(lake, ops.LOSSES)] == [-1]
    failed = [row["error"] for row in rows(lake, ops.RUNS) if row["error"]]
    assert failed == []
    # The machine among all that: producing, with a part a minute, and the jump of its scrap counter is no scrap.
    (shift,) = (row for row in rows(lake, gold.OEE_SHIFT) if row["equipment"] == "L1-M1")
    assert {row["state"] for row in rows(lake, silver.MACHINE_STATES) if row["from_ts"] < T0 + timedelta(minutes=9)} == {"producing"}
    assert shift["pq"] == 24
    assert shift["gq"] == 24
