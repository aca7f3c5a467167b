"""Who knew of a stop, and how long after it began."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
from hand_made import Row, a_plant, make

from factolake.kpi.knowledge_lag import KNOWLEDGE_LAG
from factolake.refine.refinement import Horizon

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

MODEL = a_plant(machines=["M1", "M2"])
DAY = date(2026, 11, 16)


def at(hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 11, 16, hour, minute, second, tzinfo=UTC)


def stop(from_ts: datetime, minutes: int, state: str = "fault", machine: str = "M1") -> Row:
    ends = from_ts + timedelta(minutes=minutes)
    return {
        "machine": machine, "line": "L1", "from_ts": from_ts, "to_ts": ends, "state": state, "duration_us": minutes * 60_000_000,
        "from_day": from_ts.date(), "first_gateway_ts": from_ts + timedelta(seconds=3),
    }  # fmt: skip


def said(ts: datetime, gateway: datetime, ingest: datetime, flags: int = 0, machine: str = "M1") -> Row:
    stamps = {"ts": ts, "gateway_ts": gateway, "ingest_ts": ingest, "day": ts.date(), "hour_ts": ts}
    return {"machine": machine, "signal": "state", "kind": "state", "quality": "good", "flags": flags, **stamps}


def record(seq: int, happened: str, known: str, machine: str = "M1", *, payload: str | None = None) -> Row:
    text = payload or json.dumps({"system": "legacy-mes", "machine": machine, "event_kind": "breakdown", "happened_ts": happened, "known_ts": known})
    return {"source_id": "mes", "seq": seq, "kind": "mes_record", "subject": machine, "payload": text, "payload_schema": "mes/1", "ingest_date": DAY}


def run(spark: SparkSession, **rows: list[Row]) -> list[Row]:
    return make(spark, KNOWLEDGE_LAG, MODEL, [("M1", DAY)], rows)


def test_every_system_that_knew_has_its_own_lag_and_a_replayed_stop_is_not_late(spark: SparkSession) -> None:
    rows = run(
        spark,
        downtime=[
            stop(at(9, 12), 38),
            stop(at(11), 2, "fault"),
            stop(at(12), 4, "stopped"),
            stop(at(13), 6, "stopped"),
            stop(at(9, 12), 9, machine="M2"),
        ],
        readings=[
            said(at(9, 12), at(9, 12, 1), at(9, 12, 2)),
            said(at(9, 12), at(9, 12, 5), at(9, 12, 9)),
            said(at(11), at(15), at(15, 0, 1), flags=10),
        ],
        events=[
            record(1, "2026-11-16T10:12:20+01:00", "2026-11-16T09:52:00+00:00"),
            record(2, "2026-11-16T09:12:00+00:00", "2026-11-16T09:55:00+00:00"),
            record(3, "2026-11-16T09:14:00+00:00", "2026-11-16T09:30:00+00:00"),
            record(4, "", "", payload="not json"),
        ],
    )
    in_time = sorted(rows, key=lambda r: (str(r["happened_ts"]), str(r["system"])))
    assert [(r["happened_ts"], r["system"], r["event_kind"], r["known_ts"], r["lag_us"], r["is_replayed"]) for r in in_time] == [
        (at(9, 12), "factolake", "fault", at(9, 12, 2), 2_000_000, False),
        (at(9, 12), "legacy-mes", "fault", at(9, 52), 2_400_000_000, False),
        (at(11), "factolake", "fault", at(11, 0, 1), 1_000_000, True),
        (at(13), "factolake", "stopped", at(13, 0, 3), 3_000_000, False),
    ]


def test_a_record_touches_the_day_it_speaks_of_and_an_unreadable_one_touches_nothing() -> None:
    payload = '{"happened_ts": "2026-11-16T23:59:30+00:00"}'
    feed = pa.table({"kind": ["mes_record", "mes_record", "alarm"], "subject": ["M1", "M1", "M2"], "payload": [payload, "{", payload]})
    touched = KNOWLEDGE_LAG.inputs[2].touch(feed, Horizon(MODEL, at(12)))
    assert touched == {("M1", date(2026, 11, 16)), ("M1", date(2026, 11, 17))}
