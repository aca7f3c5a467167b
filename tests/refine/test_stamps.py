"""F74: stamps in the wrong unit, without a zone, of 1970 and beyond 2038. What is wrong is refused with a reason, what is right stays exact."""

import json
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from factolake.bus.codec import MESSAGE_SCHEMAS, decode, encode
from factolake.bus.port import READINGS_SCHEMA, Record
from factolake.bus.spool_bus import Spool
from factolake.config import Settings
from factolake.contracts import bronze, ops, silver
from factolake.domain.clock import ManualClock
from factolake.errors import UndecodableRecord
from factolake.lake.tables import Lake
from factolake.landing.run import run_landing
from pipelines.refinery import run_refinery

REPOSITORY = Path(__file__).parents[2]
NOW = datetime(2026, 11, 20, 6, 30, tzinfo=UTC)
BEYOND_32_BITS = datetime(2038, 1, 19, 3, 14, 8, tzinfo=UTC)


def us(ts: datetime) -> int:
    return (ts - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def record(seq: int, source_us: int, received: datetime = NOW) -> Record:
    """One vibration value whose source stamp is whatever number the source gave for microseconds."""
    row = {"source_id": "line1-opcua", "epoch": 1, "seq": seq, "idx": 0, "tag": "L1-M1.Vibration", "value_kind": "f64", "value_f64": 5.0}
    row |= {"server_ts": received, "gateway_ts": received, "status": 0, "flags": 0}
    schema = MESSAGE_SCHEMAS[READINGS_SCHEMA]
    batch = pa.RecordBatch.from_pylist([row], schema=schema)
    stamp = pa.array([source_us], pa.int64()).cast(schema.field("source_ts").type)
    return encode(READINGS_SCHEMA, batch.set_column(schema.get_field_index("source_ts"), schema.field("source_ts"), stamp))


@pytest.mark.parametrize(
    "told", [pa.timestamp("us"), pa.timestamp("ms", "UTC"), pa.timestamp("ns", "UTC"), pa.timestamp("s", "UTC"), pa.int64()], ids=str
)
def test_f74_a_record_of_stamps_in_another_unit_or_without_a_zone_is_refused_naming_both(told: pa.DataType) -> None:
    good = record(1, us(NOW))
    rows = pa.ipc.open_stream(good.value).read_all()
    place = rows.schema.get_field_index("source_ts")
    sink = pa.BufferOutputStream()
    other = rows.set_column(place, pa.field("source_ts", told), pa.nulls(1, told))
    with pa.ipc.new_stream(sink, other.schema) as writer:
        writer.write_table(other)
    with pytest.raises(UndecodableRecord) as refused:
        decode(Record(good.topic, good.key, sink.getvalue().to_pybytes(), good.headers))
    assert refused.value.reason == "wrong_columns"
    assert refused.value.detail == f"source_ts is {told}, readings/1 has timestamp[us, tz=UTC]"


def refined(home: Path, records: list[Record], now: datetime) -> Lake:
    """The lake after `records` were landed and refined at `now`."""
    settings, clock = Settings(home=home, plant_file=REPOSITORY / "conf" / "plant.toml"), ManualClock(now)
    spool = Spool(settings.spool_file, 1 << 20, clock)
    spool.append(records)
    spool.close()
    run_landing(settings, clock, threading.Event(), once=True)
    assert run_refinery(settings, clock, threading.Event(), once=True) == []
    return Lake(settings.lake_root)


def test_f74_stamps_of_the_wrong_scale_stay_in_bronze_and_are_quarantined_with_their_rule(tmp_path: Path) -> None:
    moment = us(NOW)
    fates = {
        "too_old": [moment // 1_000_000, moment // 1000, 0, -1, -moment * 1000],
        "future_stamp": [us(BEYOND_32_BITS), moment * 1000, 2**63 - 1],
    }
    told = [(number, rule) for rule, numbers in fates.items() for number in numbers]
    lake = refined(tmp_path, [*(record(seq, number) for seq, (number, _) in enumerate(told)), record(100, moment)], NOW)
    assert lake.open(bronze.READINGS).read(["seq"]).num_rows == len(told) + 1
    refused = {row["seq"]: row["rule"] for row in lake.open(ops.QUARANTINE).read(["seq", "rule"]).to_pylist()}
    assert refused == {seq: rule for seq, (_, rule) in enumerate(told)}
    assert lake.open(silver.READINGS).read(["seq", "ts"]).to_pylist() == [{"seq": 100, "ts": NOW}]
    # One stamp no calendar of Python has must not hide the other rows from a question.
    command = [sys.executable, "-m", "pipelines.cli", "sql", "--json", "select seq, source_ts from bronze.readings"]
    asked = subprocess.run(command, cwd=REPOSITORY, env={"FACTOLAKE_HOME": str(tmp_path)}, capture_output=True, text=True, check=True)
    shown = {row["seq"]: row["source_ts"] for row in json.loads(asked.stdout)}
    assert (shown[6], shown[100]) == (f"{moment * 1000} us since 1970", NOW.isoformat(timespec="microseconds"))


def test_f74_a_plant_beyond_2038_is_refined_to_the_microsecond(tmp_path: Path) -> None:
    later = BEYOND_32_BITS + timedelta(microseconds=1)
    lake = refined(tmp_path, [record(seq, us(ts), ts) for seq, ts in enumerate((BEYOND_32_BITS, later))], later)
    rows = lake.open(silver.READINGS).read(["seq", "ts"]).to_pylist()
    assert {row["seq"]: row["ts"] for row in rows} == {0: BEYOND_32_BITS, 1: later}
