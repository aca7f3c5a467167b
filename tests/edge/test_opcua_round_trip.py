"""Any value a server can hold arrives as it was: written to a real server, read back from the log."""

import asyncio
import math
import struct
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest
from asyncua import ua
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opcua_double import NAMESPACE, LineServer

from factolake.bus.codec import decode
from factolake.domain.clock import SystemClock
from factolake.domain.equipment import Source
from factolake.edge.opcua import OpcUaConnector
from factolake.testing.memory_log import MemoryLog

V = ua.VariantType
RANGES = {V.SByte: (8, True), V.Byte: (8, False), V.Int16: (16, True), V.UInt16: (16, False), V.Int32: (32, True), V.UInt32: (32, False)}
WIDE = {V.Int64: (64, True), V.UInt64: (64, False)}


def whole(bits: int, signed: bool) -> st.SearchStrategy[int]:
    return st.integers(-(1 << bits - 1), (1 << bits - 1) - 1) if signed else st.integers(0, (1 << bits) - 1)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
STRATEGIES = {
    V.Boolean: st.booleans(),
    **{kind: whole(*form) for kind, form in {**RANGES, **WIDE}.items()},
    V.Float: st.floats(width=32),
    V.Double: st.floats(),
    V.String: TEXT,
    V.ByteString: st.binary(max_size=40),
}


class Line:
    """A server and a connector that live in a thread of their own for all examples."""

    def __init__(self) -> None:
        self.log, self.ready, self.stop = MemoryLog(), threading.Event(), asyncio.Event()
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_until_complete, args=(self._live(),))
        self.written = 0
        self.offset = 0

    async def _live(self) -> None:
        async with LineServer() as self.server:
            for kind in STRATEGIES:
                await self.server.add(kind.name, ua.get_default_value(kind), kind)
            source = Source("src", "opcua", self.server.url, NAMESPACE, publishing_interval_ms=50)
            connector = OpcUaConnector(source, [], self.log, SystemClock())
            running = asyncio.create_task(connector.run(self.stop))
            while connector.health().values < len(STRATEGIES):
                await asyncio.sleep(0.02)
            self.ready.set()
            await running

    def send(self, values: dict[ua.VariantType, object]) -> dict[str, dict]:
        """Write one value a type; returns the readings by type name."""
        self.offset = self.log.last_offset()
        self.written += 1
        stamp = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(microseconds=self.written)
        status = 0x00A20000 if self.written % 2 else 0x00960000  # another good status each time, so that an equal value counts as a change

        async def write() -> None:
            for kind, value in values.items():
                await self.server.write(kind.name, value, kind, status, source_ts=stamp, server_ts=None)

        asyncio.run_coroutine_threadsafe(write(), self.loop).result(10)
        deadline = time.monotonic() + 10
        found: dict[str, dict] = {}
        while len(found) < len(values) and time.monotonic() < deadline:
            time.sleep(0.01)
            tables = [decode(stored.record) for stored in self.log.read(self.offset, 100_000)]
            rows = [row for name, table in tables if name == "readings/1" for row in table.to_pylist()]
            found = {row["tag"]: row for row in rows if row["source_ts"] == stamp and row["status"] == status}
        return found


@pytest.fixture(scope="module")
def line():
    line = Line()
    line.thread.start()
    assert line.ready.wait(60)
    yield line
    line.loop.call_soon_threadsafe(line.stop.set)
    line.thread.join(30)


def bits(value: float) -> bytes:
    return struct.pack("<d", value)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(values=st.fixed_dictionaries(STRATEGIES))
def test_values_of_every_built_in_type_arrive_as_they_were(line, values):
    found = line.send(values)
    assert set(found) == {kind.name for kind in values}
    for kind, value in values.items():
        row = found[kind.name]
        columns = {name: row[f"value_{name}"] for name in ("f64", "i64", "u64", "bool", "text", "bytes") if row[f"value_{name}"] is not None}
        assert list(columns) == [row["value_kind"]], kind
        (arrived,) = columns.values()
        if kind in (V.Double, V.Float):
            assert row["value_kind"] == "f64"
            assert math.isnan(arrived) if math.isnan(value) else bits(arrived) == bits(value)
        else:
            assert arrived == value and isinstance(arrived, bool) == (kind is V.Boolean)
            expected = {V.Boolean: "bool", V.String: "text", V.ByteString: "bytes"}
            assert row["value_kind"] == expected.get(kind, "u64" if kind is V.UInt64 and value > (1 << 63) - 1 else "i64")
        assert row["server_ts"] is None
