import asyncio
import contextlib
import json

import pyarrow as pa
import pytest
from asyncua import ua
from opcua_double import NAMESPACE, LineServer

from factolake.bus.codec import decode
from factolake.domain.clock import SystemClock
from factolake.domain.equipment import Source
from factolake.edge.health import SourceState
from factolake.edge.opcua import OpcUaConnector
from factolake.edge.opcua_session import Timing
from factolake.testing.fault_proxy import Fault, FaultProxy
from factolake.testing.memory_log import MemoryLog

QUICK = Timing(connect_s=1.0, request_s=1.0, heartbeat_s=0.3, keep_alive_s=0.3, node_retry_s=0.3, backoff_min_s=0.05, backoff_max_s=0.2)
DOUBLE = ua.VariantType.Double
INT = ua.VariantType.Int64


def rows(log: MemoryLog, schema: str) -> list[dict]:
    found = [decode(stored.record) for stored in log.read(0, 1_000_000)]
    return [row for name, table in found if name == schema for row in table.to_pylist()]


def readings(log: MemoryLog, tag: str | None = None) -> list[dict]:
    return [row for row in rows(log, "readings/1") if (row["tag"] == tag if tag is not None else row["tag"])]


def events(log: MemoryLog, kind: str) -> list[dict]:
    return [{**row, **json.loads(row["payload"])} for row in rows(log, "events/1") if row["kind"] == kind]


async def until(condition, seconds: float = 20.0):
    async with asyncio.timeout(seconds):
        while not (found := condition()):
            await asyncio.sleep(0.02)
    return found


@contextlib.asynccontextmanager
async def connected(url: str, log: MemoryLog, declared=(), timing: Timing = QUICK, **options):
    source = Source("src", "opcua", url, NAMESPACE, publishing_interval_ms=options.pop("publishing_interval_ms", 50))
    connector = OpcUaConnector(source, declared, log, SystemClock(), timing=timing, **options)
    stop = asyncio.Event()
    running = asyncio.create_task(connector.run(stop))
    try:
        yield connector
    finally:
        stop.set()
        await asyncio.wait_for(running, 15)


async def test_a_changed_value_reaches_the_log_with_its_stamps_status_and_unit():
    log = MemoryLog()
    async with LineServer() as line:
        await line.add("M1.Temp", 20.5, DOUBLE, unit=("http://www.opcfoundation.org/UA/units/un/cefact", 4408652, "°C"))
        await line.add("M1.Odd", 1.0, DOUBLE, unit=("urn:own", 7, "furlong"))
        async with connected(line.url, log, ["M1.Temp"]):
            await until(lambda: readings(log, "M1.Temp") and readings(log, "M1.Odd"))
            await line.write("M1.Temp", 21.5, DOUBLE, status=0x408F0000)
            await until(lambda: len(readings(log, "M1.Temp")) == 2)
    first, second = readings(log, "M1.Temp")
    assert (first["value_kind"], first["value_f64"], first["flags"], first["unit_raw"]) == ("f64", 20.5, 8, "CEL")
    assert (second["value_f64"], second["status"], second["flags"]) == (21.5, 0x408F0000, 0)
    assert second["source_ts"] == second["server_ts"] <= second["gateway_ts"]
    assert readings(log, "M1.Odd")[0]["unit_raw"] == "furlong"
    assert [event["state"] for event in events(log, "session")] == ["opened", "closed"]
    keys = [(row["epoch"], row["seq"], row["idx"]) for row in rows(log, "readings/1") + rows(log, "events/1")]
    assert len(set(keys)) == len(keys)
    assert sorted({seq for _, seq, _ in keys}) == list(range(max(seq for _, seq, _ in keys) + 1))
