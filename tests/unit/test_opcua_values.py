"""The decoder against asyncua's own encoder, and against bytes that no library would send."""

import json
import math
import struct
import uuid
from datetime import UTC, datetime

import pytest
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import struct_to_binary

from factolake.edge.opcua_values import MAX_TICKS, Undecodable, decode_publish, ticks_to_us

STAMP = datetime(2026, 11, 22, 8, 30, 0, 123456, tzinfo=UTC)
V = ua.VariantType


def response(*items: ua.MonitoredItemNotification, sequence: int = 7) -> bytes:
    answer = ua.PublishResponse()
    answer.Parameters.SubscriptionId = 3
    answer.Parameters.AvailableSequenceNumbers = [5, 6]
    answer.Parameters.NotificationMessage.SequenceNumber = sequence
    if items:
        answer.Parameters.NotificationMessage.NotificationData = [ua.DataChangeNotification(MonitoredItems=list(items))]
    return struct_to_binary(answer)


def item(handle: int, value: object, kind: ua.VariantType | None = None, **rest: object) -> ua.MonitoredItemNotification:
    return ua.MonitoredItemNotification(ClientHandle=handle, Value=ua.DataValue(ua.Variant(value, kind), **rest))


def decoded(*items: ua.MonitoredItemNotification):
    return decode_publish(Buffer(response(*items)))


def test_envelope_and_columns_line_up():
    publish = decoded(item(4, 1.5, SourceTimestamp=STAMP), item(2, "x"), item(4, True))
    assert (publish.subscription_id, publish.sequence, publish.is_keep_alive) == (3, 7, False)
    values = publish.values
    assert (values.handles, values.kinds, values.values) == ([4, 2, 4], ["f64", "text", "bool"], [1.5, "x", True])
    assert values.source_us == [round(STAMP.timestamp() * 1e6), None, None]
    assert values.source_rest == [0, None, None]


def test_a_response_without_values_is_a_sign_of_life():
    assert decode_publish(Buffer(response())).is_keep_alive


def test_the_part_of_a_stamp_below_a_microsecond_is_kept():
    ticks = ua.datetime_to_win_epoch(STAMP)
    raw = response(item(1, 1.0, SourceTimestamp=STAMP))
    values = decode_publish(Buffer(raw.replace(struct.pack("<q", ticks), struct.pack("<q", ticks + 7)))).values
    assert (values.source_us[0], values.source_rest[0]) == (round(STAMP.timestamp() * 1e6), 700)


def test_picoseconds_count_into_the_rest_in_the_standards_field_order():
    body = response(item(0xCAFE, 1.0))
    start = body.index(struct.pack("<IB", 0xCAFE, 0x03))
    value, rest = body[start + 5 : start + 14], body[start + 18 :]
    ticks = ua.datetime_to_win_epoch(STAMP)
    stamped = struct.pack("<IB", 0xCAFE, 0x3D) + value + struct.pack("<qHqH", ticks + 3, 4500, ticks, 9)
    values = decode_publish(Buffer(body[:start] + stamped + rest)).values
    assert (values.values, values.source_rest) == ([1.0], [345])
    assert values.server_us == [round(STAMP.timestamp() * 1e6)]


@pytest.mark.parametrize(("ticks", "year"), [(MAX_TICKS, 9999), ((1 << 63) - 1, 9999), (116_444_736_000_000_000, 1970)])
def test_stamps_at_the_ends_of_time_stay_dates(ticks, year):
    assert datetime.fromtimestamp(ticks_to_us(ticks) // 1_000_000, UTC).year == year


def test_a_zero_stamp_is_no_stamp():
    raw = response(item(1, 1.0, SourceTimestamp=STAMP)).replace(struct.pack("<q", ua.datetime_to_win_epoch(STAMP)), bytes(8))
    assert decode_publish(Buffer(raw)).values.source_us == [None]


@pytest.mark.parametrize(
    ("value", "kind", "expected"),
    [
        ([1, 2, 3], V.Int32, [1, 2, 3]),
        ([1.5, math.nan, -math.inf], V.Double, [1.5, "NaN", "-Infinity"]),
        ([], V.Int16, []),
        (uuid.UUID(int=5), V.Guid, str(uuid.UUID(int=5))),
        (ua.LocalizedText("an", "de"), V.LocalizedText, {"Locale": "de", "Text": "an"}),
        (ua.NodeId("a", 2), V.NodeId, "ns=2;s=a"),
        (STAMP, V.DateTime, "2026-11-22T08:30:00.1234560Z"),
        ([b"\x00\xff"], V.ByteString, ["AP8="]),
        (ua.Range(1.0, 2.0), V.ExtensionObject, {"Low": 1.0, "High": 2.0}),
    ],
)
def test_other_types_become_json_text_and_the_next_value_is_still_found(value, kind, expected):
    values = decoded(item(1, value, kind), item(2, 4.5)).values
    assert values.kinds == ["text", "f64"] and values.values[1] == 4.5
    assert json.loads(values.values[0]) == expected


def test_no_value_is_null_and_text_in_another_encoding_keeps_its_bytes():
    values = decoded(item(1, None), item(2, None, V.String), item(3, "müde", V.String)).values
    assert values.kinds == ["null", "null", "text"]
    raw = response(item(3, "mXde", V.String)).replace(b"mXde", b"m\xfcde")
    assert decode_publish(Buffer(raw)).values.values == [b"m\xfcde"]


def test_bytes_cut_anywhere_are_refused_as_undecodable_never_misread():
    whole = response(item(1, 1.5, SourceTimestamp=STAMP), item(2, "text"), item(3, [1, 2], V.Int32))
    full = decode_publish(Buffer(whole)).values
    for end in range(len(whole)):
        try:
            found = decode_publish(Buffer(whole[:end])).values
        except (Undecodable, ua.UaError):
            continue
        assert found.values == full.values[: len(found.values)]


def test_a_fault_of_the_server_is_raised_as_such():
    fault = ua.ServiceFault()
    fault.ResponseHeader.ServiceResult = ua.StatusCode(ua.StatusCodes.BadSessionClosed)
    with pytest.raises(ua.uaerrors.BadSessionClosed):
        decode_publish(Buffer(struct_to_binary(fault)))


def test_a_status_change_of_the_subscription_is_seen():
    answer = ua.PublishResponse()
    answer.Parameters.NotificationMessage.NotificationData = [ua.StatusChangeNotification(Status=ua.StatusCode(ua.StatusCodes.BadTimeout))]
    assert decode_publish(Buffer(struct_to_binary(answer))).subscription_status == ua.StatusCodes.BadTimeout
