from datetime import UTC, datetime
from decimal import Decimal

import pytest

from factolake.bus.codec import decode
from factolake.bus.port import READINGS_SCHEMA, Record
from factolake.edge.messages import Columns, Event, Numbering, Readings, Undecodable, micros
from factolake.errors import UndecodableRecord

NOW = datetime(2026, 11, 22, 8, 30, 0, 123456, tzinfo=UTC)


def readings() -> Readings:
    message = Readings(Numbering("src", 17), 4, ("a", "b"), ("CEL", None))
    columns = Columns(
        [1, 0, 0], ["u64", "f64", "null"], [(1 << 64) - 1, -0.0, None], [0, 0x80000000, 5], [micros(NOW), None, 0], [700, None, 0], [None] * 3
    )
    message.extend(columns, [8, 0, 1], micros(NOW))
    return message


def test_readings_survive_the_log_with_types_and_nulls():
    record = readings().record()
    assert dict(record.headers) == {"schema": "readings/1", "count": "3", "source_id": "src", "epoch": "17", "seq": "4"}
    schema, table = decode(record)
    rows = table.to_pylist()
    assert schema == READINGS_SCHEMA
    assert [(row["source_id"], row["epoch"], row["seq"], row["idx"]) for row in rows] == [("src", 17, 4, idx) for idx in range(3)]
    assert [(row["tag"], row["unit_raw"]) for row in rows] == [("b", None), ("a", "CEL"), ("a", "CEL")]
    assert rows[0]["value_u64"] == Decimal((1 << 64) - 1) and str(rows[1]["value_f64"]) == "-0.0"
    assert [row["source_ts"] for row in rows] == [NOW, None, datetime(1970, 1, 1, tzinfo=UTC)]
    assert [(row["status"], row["flags"], row["gateway_ts"]) for row in rows] == [(0, 8, NOW), (0x80000000, 0, NOW), (5, 1, NOW)]


def test_values_that_arrived_at_different_times_keep_their_own_arrival():
    message = Readings(Numbering("src", 1), 0, ("a",), (None,))
    for second in (1, 2):
        message.extend(Columns([0], ["i64"], [second], [0], [None], [None], [None]), [0], second * 1_000_000)
    assert [row["gateway_ts"].second for row in decode(message.record())[1].to_pylist()] == [1, 2]


def test_events_survive_the_log():
    schema, table = decode(Event(Numbering("src", 17), 5, "loss", "tag", {"lost_rows": -1, "ü": None}, NOW).record())
    (row,) = table.to_pylist()
    assert (schema, row["kind"], row["subject"], row["payload_schema"], row["source_ts"]) == ("events/1", "loss", "tag", "loss/1", None)
    assert row["payload"] == '{"lost_rows":-1,"\\u00fc":null}'


def test_each_way_a_record_can_be_wrong_has_its_own_word():
    good = readings().record()
    wrong = {
        "unknown_schema": Record("records", "src", good.value, {**good.headers, "schema": "readings/9"}),
        "not_arrow": Record("records", "src", good.value[:-40], good.headers),
        "wrong_columns": Record("records", "src", good.value, {**good.headers, "schema": "events/1"}),
        "count_differs": Record("records", "src", good.value, {**good.headers, "count": "2"}),
    }
    for reason, record in wrong.items():
        with pytest.raises(UndecodableRecord) as caught:
            decode(record)
        assert caught.value.reason == reason


def test_bytes_nobody_could_read_travel_on_unchanged():
    record = Undecodable(Numbering("src", 1), 2, "opcua-publish/1", b"\x00junk", "why").record()
    assert (record.value, record.headers["reason"], record.headers["count"]) == (b"\x00junk", "why", "1")
    with pytest.raises(UndecodableRecord, match="unknown_schema"):
        decode(record)
