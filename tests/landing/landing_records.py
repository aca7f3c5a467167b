"""Records for the tests of landing."""

import datetime as dt

import pyarrow as pa

from factolake.bus.codec import MESSAGE_SCHEMAS, encode
from factolake.bus.port import EVENTS_SCHEMA, READINGS_SCHEMA, Record

T0 = dt.datetime(2026, 11, 22, 6, tzinfo=dt.UTC)


def readings(seq: int, count: int = 3, source: str = "line1", **changes: object) -> Record:
    """A record of `count` readings; `changes` replace a column by a constant."""
    rows = [
        {
            "source_id": source,
            "epoch": 1,
            "seq": seq,
            "idx": idx,
            "tag": f"M1.T{idx}",
            "value_kind": "f64",
            "value_f64": seq + idx / 10,
            "source_ts": T0 + dt.timedelta(seconds=seq),
            "gateway_ts": T0 + dt.timedelta(seconds=seq),
            "status": 0,
            "flags": 0,
            **changes,
        }
        for idx in range(count)
    ]
    return encode(READINGS_SCHEMA, pa.RecordBatch.from_pylist(rows, schema=MESSAGE_SCHEMAS[READINGS_SCHEMA]))


def event(seq: int, kind: str, payload: str, source: str = "line1") -> Record:
    """A record of one event."""
    row = {
        "source_id": source,
        "epoch": 1,
        "seq": seq,
        "idx": 0,
        "kind": kind,
        "payload": payload,
        "payload_schema": f"{kind}/1",
        "gateway_ts": T0 + dt.timedelta(seconds=seq),
    }
    return encode(EVENTS_SCHEMA, pa.RecordBatch.from_pylist([row], schema=MESSAGE_SCHEMAS[EVENTS_SCHEMA]))


def garbage(seq: int, count: str = "5") -> Record:
    """A record whose bytes are no Arrow stream."""
    headers = {"schema": READINGS_SCHEMA, "source_id": "line1", "epoch": "1", "seq": str(seq), "count": count}
    return Record("records", "line1", b"\x00garbage", headers)
