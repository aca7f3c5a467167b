"""What a connector puts into the log: values, events and undecodable bytes, numbered within one session of the source."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

import numpy as np
import pyarrow as pa

from factolake.bus.codec import MESSAGE_SCHEMAS, encode, encode_event
from factolake.bus.port import READINGS_SCHEMA, Record

TOPIC = "records"
FLAG_OVERFLOW, FLAG_REPLAYED, FLAG_HEARTBEAT, FLAG_FIRST = 1, 2, 4, 8
_SCHEMA = MESSAGE_SCHEMAS[READINGS_SCHEMA]
_VALUE_KINDS = ("f64", "i64", "u64", "bool", "text", "bytes")


def micros(ts: datetime) -> int:
    """Microseconds since 1970 of an aware time stamp, exact."""
    delta = ts - datetime.fromtimestamp(0, ts.tzinfo)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


@dataclass(slots=True)
class Numbering:
    """Names every message of one source session: `epoch` is its start in microseconds since 1970, seq counts from 0."""

    source_id: str
    epoch: int
    next_seq: int = 0

    def take(self) -> int:
        """The next message number."""
        seq, self.next_seq = self.next_seq, self.next_seq + 1
        return seq


class Message(Protocol):
    """Something the outbox can store; `stored` is called when it is safe on disk or was given up."""

    numbering: Numbering
    seq: int
    stored: list[Callable[[], None]]

    @property
    def count(self) -> int:
        """Values or events inside."""
        ...

    def record(self) -> Record:
        """Its bytes for the log."""
        ...


@dataclass(slots=True)
class Columns:
    """Values as they came out of a protocol, column by column; stamps are microseconds since 1970 or None, `handles` number the tags."""

    handles: list[int] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)
    status: list[int] = field(default_factory=list)
    source_us: list[int | None] = field(default_factory=list)
    source_rest: list[int | None] = field(default_factory=list)
    server_us: list[int | None] = field(default_factory=list)


@dataclass(slots=True)
class Readings:
    """Values of one session, column by column; grows until it is stored.

    `tags[i]` and `units[i]` belong to handle i; `arrivals` are (number of values, our stamp in microseconds since 1970) pairs.
    """

    numbering: Numbering
    seq: int
    tags: Sequence[str]
    units: Sequence[str | None]
    columns: Columns = field(default_factory=Columns)
    flags: list[int] = field(default_factory=list)
    arrivals: list[tuple[int, int]] = field(default_factory=list)
    stored: list[Callable[[], None]] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Values inside."""
        return len(self.flags)

    def extend(self, found: "Columns", flags: list[int], gateway_us: int) -> None:
        """Take over values that arrived together at `gateway_us`."""
        into = self.columns
        into.handles += found.handles
        into.kinds += found.kinds
        into.values += found.values
        into.status += found.status
        into.source_us += found.source_us
        into.source_rest += found.source_rest
        into.server_us += found.server_us
        self.flags += flags
        self.arrivals.append((len(flags), gateway_us))

    def record(self) -> Record:
        """One record of schema readings/1 with all values."""
        n, found = self.count, self.columns
        handles = np.asarray(found.handles, dtype=np.int64)
        gateway = np.repeat([us for _, us in self.arrivals], [count for count, _ in self.arrivals])
        columns = {
            **_numbers(self.numbering, self.seq, n),
            "tag": pa.array(self.tags, pa.string()).take(pa.array(handles)),
            "value_kind": pa.array(found.kinds, pa.string()),
            **{f"value_{kind}": _values(kind, found.kinds, found.values) for kind in _VALUE_KINDS},
            "unit_raw": pa.array(self.units, pa.string()).take(pa.array(handles)),
            "source_ts": _stamps(found.source_us),
            "source_ts_ns_rest": pa.array(found.source_rest, pa.int32()),
            "server_ts": _stamps(found.server_us),
            "gateway_ts": pa.array(gateway, pa.int64()).cast(_SCHEMA.field("gateway_ts").type),
            "status": pa.array(found.status, pa.int64()),
            "flags": pa.array(self.flags, pa.int32()),
        }
        return encode(READINGS_SCHEMA, pa.record_batch([columns[name] for name in _SCHEMA.names], schema=_SCHEMA), TOPIC)


@dataclass(slots=True)
class Event:
    """One discrete event of one session; `payload` becomes JSON text, `source_ts` is null for what the gateway itself noticed."""

    numbering: Numbering
    seq: int
    kind: str
    subject: str | None
    payload: dict[str, Any]
    gateway_ts: datetime
    source_ts: datetime | None = None
    stored: list[Callable[[], None]] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Always 1."""
        return 1

    def record(self) -> Record:
        """A record of schema events/1."""
        key = (self.numbering.source_id, self.numbering.epoch, self.seq)
        payload = json.dumps(self.payload, separators=(",", ":"))
        return encode_event(key, self.kind, self.subject, payload, self.gateway_ts, self.source_ts, TOPIC)


@dataclass(slots=True)
class Undecodable:
    """Bytes of a source that nobody could read: they travel on as they are, so that landing sets them aside with the reason."""

    numbering: Numbering
    seq: int
    schema: str
    value: bytes
    reason: str
    stored: list[Callable[[], None]] = field(default_factory=list)

    @property
    def count(self) -> int:
        """1: how many values it held nobody knows."""
        return 1

    def record(self) -> Record:
        """A record of a schema that landing does not know."""
        numbers = {"source_id": self.numbering.source_id, "epoch": str(self.numbering.epoch), "seq": str(self.seq), "count": "1"}
        return Record(TOPIC, self.numbering.source_id, self.value, {"schema": self.schema, **numbers, "reason": self.reason})


def _numbers(numbering: Numbering, seq: int, n: int) -> dict[str, pa.Array]:
    return {
        "source_id": pa.repeat(pa.scalar(numbering.source_id, pa.string()), n),
        "epoch": pa.repeat(pa.scalar(numbering.epoch, pa.int64()), n),
        "seq": pa.repeat(pa.scalar(seq, pa.int64()), n),
        "idx": pa.array(np.arange(n, dtype=np.int32)),
    }


def _values(kind: str, kinds: list[str], values: list[Any]) -> pa.Array:
    wanted = _SCHEMA.field(f"value_{kind}").type
    hits = kinds.count(kind)
    if not hits:
        return pa.nulls(len(kinds), wanted)
    column = values if hits == len(kinds) else [value if found == kind else None for found, value in zip(kinds, values, strict=True)]
    return pa.array(column, wanted, from_pandas=False)


def _stamps(stamps: list[int | None]) -> pa.Array:
    return pa.array(stamps, pa.int64()).cast(_SCHEMA.field("source_ts").type)
