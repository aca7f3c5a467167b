"""A connector on a server of the tests, and what it has put into its log."""

import asyncio
import contextlib
import json

from asyncua import ua
from opcua_double import NAMESPACE

from factolake.bus.codec import decode
from factolake.domain.clock import Clock, SystemClock
from factolake.domain.equipment import Source
from factolake.edge.opcua import OpcUaConnector
from factolake.edge.opcua_session import Timing
from factolake.testing.memory_log import MemoryLog

QUICK = Timing(connect_s=1.0, request_s=1.0, heartbeat_s=0.3, keep_alive_s=0.3, node_retry_s=0.3, backoff_min_s=0.05, backoff_max_s=0.2)
DOUBLE = ua.VariantType.Double
INT = ua.VariantType.Int64


def rows(log: MemoryLog, schema: str) -> list[dict]:
    records = [stored.record for stored in log.read(0, 1_000_000)]
    found = [decode(record) for record in records if record.headers["schema"] == schema]
    return [row for name, table in found if name == schema for row in table.to_pylist()]


def readings(log: MemoryLog, tag: str | None = None) -> list[dict]:
    return [row for row in rows(log, "readings/1") if (row["tag"] == tag if tag is not None else row["tag"])]


def events(log: MemoryLog, kind: str) -> list[dict]:
    return [{**row, **json.loads(row["payload"])} for row in rows(log, "events/1") if row["kind"] == kind]


async def until(condition, seconds: float = 10.0):
    async with asyncio.timeout(seconds):
        while not (found := condition()):
            await asyncio.sleep(0.02)
    return found


@contextlib.asynccontextmanager
async def connected(url: str, log: MemoryLog, declared=(), timing: Timing = QUICK, clock: Clock | None = None, **options):
    source = Source("src", "opcua", url, NAMESPACE, publishing_interval_ms=options.pop("publishing_interval_ms", 50))
    connector = OpcUaConnector(source, declared, log, clock or SystemClock(), timing=timing, **options)
    stop = asyncio.Event()
    running = asyncio.create_task(connector.run(stop))
    try:
        yield connector
    finally:
        stop.set()
        await asyncio.wait_for(running, 15)
