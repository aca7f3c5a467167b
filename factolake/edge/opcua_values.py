"""OPC UA publish responses to column values, straight from their bytes (OPC UA Part 6, binary encoding).

asyncua builds several objects for every value and cuts time stamps at microseconds; this reads the common scalar types in place and leaves
arrays, structures and the like to asyncua. Typed so: floats f64; integers i64, beyond 63 bits u64; booleans, strings and byte strings as they
are; everything else as JSON text.
"""

import base64
import json
import math
import struct
import uuid
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.object_ids import ObjectIds
from asyncua.ua.ua_binary import nodeid_from_binary, struct_from_binary, variant_from_binary
from asyncua.ua.uaerrors import UaError

from factolake.edge.messages import Columns

UNIX_EPOCH_TICKS = 116_444_736_000_000_000
MAX_TICKS = 2_650_467_743_990_000_000
OVERFLOW_BITS = 0x480
I64_MAX = (1 << 63) - 1
_ITEM = struct.Struct("<IB")
_U32, _I32, _I64, _U16 = struct.Struct("<I"), struct.Struct("<i"), struct.Struct("<q"), struct.Struct("<H")
_Scalar = tuple[Callable[..., tuple[Any, ...]], int, str]
_SCALARS: dict[int, _Scalar] = {
    code: (struct.Struct(form).unpack_from, struct.calcsize(form), kind)
    for code, form, kind in (
        (1, "<?", "bool"),
        (2, "<b", "i64"),
        (3, "<B", "i64"),
        (4, "<h", "i64"),
        (5, "<H", "i64"),
        (6, "<i", "i64"),
        (7, "<I", "i64"),
        (8, "<q", "i64"),
        (10, "<f", "f64"),
        (11, "<d", "f64"),
    )
}
_UINT64, _STRING, _DATETIME, _BYTES = 9, 12, 13, 15
_DECODE_ERRORS = (struct.error, IndexError, ValueError, TypeError, KeyError, AttributeError, UaError)


class Undecodable(Exception):
    """A publish response whose bytes make no sense."""


@dataclass(slots=True)
class Publish:
    """One publish response: `sequence` is that of the notification (of the next one, when it is only a sign of life)."""

    subscription_id: int
    sequence: int
    is_keep_alive: bool
    values: Columns
    subscription_status: int | None = None


def decode_publish(body: Buffer) -> Publish:
    """The publish response in `body`.

    Raises ua.UaStatusCodeError when the server refuses, Undecodable when the bytes make no sense.
    """
    data = bytes(body)
    try:
        buffer = Buffer(data)
        nodeid_from_binary(buffer)
        header = struct_from_binary(ua.ResponseHeader, buffer)
    except _DECODE_ERRORS as error:
        raise Undecodable(f"header of a publish response: {error}") from error
    header.ServiceResult.check()
    try:
        return _parameters(data, buffer.cur_pos)
    except _DECODE_ERRORS as error:
        raise Undecodable(f"publish response of {len(data)} bytes: {type(error).__name__} {error}") from error


def _parameters(data: bytes, pos: int) -> Publish:
    (subscription_id,) = _U32.unpack_from(data, pos)
    (available,) = _I32.unpack_from(data, pos + 4)
    pos += 8 + 4 * max(available, 0) + 1
    (sequence,) = _U32.unpack_from(data, pos)
    (parts,) = _I32.unpack_from(data, pos + 12)
    pos += 16
    publish = Publish(subscription_id, sequence, parts <= 0, Columns())
    for _ in range(max(parts, 0)):
        buffer = Buffer(data, pos)
        type_id = nodeid_from_binary(buffer).Identifier
        (length,) = _I32.unpack_from(data, buffer.cur_pos + 1)
        start = buffer.cur_pos + 5
        if type_id == ObjectIds.DataChangeNotification_Encoding_DefaultBinary:
            _data_changes(data, start, publish.values)
        elif type_id == ObjectIds.StatusChangeNotification_Encoding_DefaultBinary:
            (publish.subscription_status,) = _U32.unpack_from(data, start)
        pos = start + length
    return publish


def _data_changes(data: bytes, pos: int, out: Columns) -> None:
    (count,) = _I32.unpack_from(data, pos)
    pos += 4
    item, scalars = _ITEM.unpack_from, _SCALARS
    for _ in range(count):
        handle, mask = item(data, pos)
        pos += 5
        kind: str = "null"
        value: Any = None
        if mask & 1:
            scalar = scalars.get(data[pos])
            if scalar is not None:
                value, kind = scalar[0](data, pos + 1)[0], scalar[2]
                pos += 1 + scalar[1]
            else:
                kind, value, pos = _variant(data, pos)
        pos = _stamps(data, pos, mask, out)
        out.handles.append(handle)
        out.kinds.append(kind)
        out.values.append(value)


def _stamps(data: bytes, pos: int, mask: int, out: Columns) -> int:
    status, source, rest, server = 0, None, None, None
    if mask & 0x02:
        (status,) = _U32.unpack_from(data, pos)
        pos += 4
    if mask & 0x04:
        (ticks,) = _I64.unpack_from(data, pos)
        pos += 8
        if ticks > 0:
            source, rest = ticks_to_us(ticks), ticks % 10 * 100
    if mask & 0x10:
        (tens_of_ps,) = _U16.unpack_from(data, pos)
        pos += 2
        if rest is not None:
            rest += min(tens_of_ps, 9999) // 100
    if mask & 0x08:
        (ticks,) = _I64.unpack_from(data, pos)
        pos += 8
        server = ticks_to_us(ticks) if ticks > 0 else None
    if mask & 0x20:
        pos += 2
    out.status.append(status)
    out.source_us.append(source)
    out.source_rest.append(rest)
    out.server_us.append(server)
    return pos


def ticks_to_us(ticks: int) -> int:
    """100 ns since 1601 to whole microseconds since 1970; everything past the year 9999 is its last second, as the standard has it."""
    return (min(ticks, MAX_TICKS) - UNIX_EPOCH_TICKS) // 10


def _variant(data: bytes, pos: int) -> tuple[str, Any, int]:
    code = data[pos]
    if code in (_STRING, _BYTES):
        (length,) = _I32.unpack_from(data, pos + 1)
        end = pos + 5 + max(length, 0)
        if end > len(data):
            raise IndexError(f"a text of {length} bytes reaches past the end")
        return *_text(code, data[pos + 5 : end], length), end
    if code == _UINT64:
        value = int.from_bytes(data[pos + 1 : pos + 9], "little")
        return ("i64" if value <= I64_MAX else "u64"), value, pos + 9
    if code == _DATETIME:
        (ticks,) = _I64.unpack_from(data, pos + 1)
        return "text", json.dumps(_iso(ticks)), pos + 9
    buffer = Buffer(data, pos)
    variant = variant_from_binary(buffer)
    if variant.VariantType is ua.VariantType.Null:
        return "null", None, buffer.cur_pos
    return "text", as_json(variant.Value), buffer.cur_pos


def _text(code: int, raw: bytes, length: int) -> tuple[str, Any]:
    if length < 0:
        return "null", None
    if code == _BYTES:
        return "bytes", raw
    try:
        return "text", raw.decode("utf-8")
    except UnicodeDecodeError:
        return "bytes", raw  # a string in another encoding: kept to the byte, not guessed at


def _iso(ticks: int) -> str | None:
    if ticks <= 0:
        return None
    seconds, tenths_of_us = divmod(min(ticks, MAX_TICKS) - UNIX_EPOCH_TICKS, 10_000_000)
    whole = datetime(1970, 1, 1) + timedelta(seconds=seconds)
    return f"{whole.isoformat()}.{tenths_of_us:07d}Z"


def as_json(value: object) -> str:
    """Any OPC UA value as JSON text; NaN and infinities as the strings `NaN`, `Infinity`, `-Infinity`, bytes as base64."""
    return json.dumps(_plain(value), separators=(",", ":"))


def _plain(value: Any) -> object:
    if isinstance(value, float):
        return value if math.isfinite(value) else {"inf": "Infinity", "-inf": "-Infinity"}.get(str(value), "NaN")
    if isinstance(value, Enum):
        return value.value
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, uuid.UUID):
        return str(value)
    return _plain_structure(value)


def _plain_structure(value: Any) -> object:
    if isinstance(value, ua.NodeId):
        return value.to_string()
    if isinstance(value, ua.StatusCode):
        return value.value
    if isinstance(value, ua.Variant):
        return _plain(value.Value)
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value) if field.name != "Encoding"}
    return str(value)
