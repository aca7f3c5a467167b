"""Data is back within ten seconds of the server's return, with the waits that are shipped, however and however often the server goes away."""

import asyncio
import sys
from itertools import pairwise
from pathlib import Path

import pytest
from connector_log import INT, connected, events, readings, until
from opcua_double import LineServer, free_port

from factolake.edge.health import SourceState
from factolake.edge.opcua_session import Timing
from factolake.testing.fault_proxy import Fault, FaultProxy
from factolake.testing.memory_log import MemoryLog

WITHIN_S = 10
SHIPPED = {"timing": Timing(), "publishing_interval_ms": 500}


class KilledServer:
    """The server as a process, so that it can be killed as a power cut would."""

    def __init__(self, port: int) -> None:
        self.port, self.url = port, f"opc.tcp://127.0.0.1:{port}/test"

    async def start(self, other_namespaces: int, value: int) -> int:
        """The namespace index, once the server answers."""
        arguments = [str(Path(__file__).with_name("opcua_double.py")), *map(str, (self.port, other_namespaces, value))]
        self.process = await asyncio.create_subprocess_exec(sys.executable, *arguments, stdout=asyncio.subprocess.PIPE)
        return int(await self.process.stdout.readline())

    async def kill(self) -> None:
        self.process.kill()
        await self.process.wait()


def values(log: MemoryLog) -> list[int]:
    return [row["value_i64"] for row in readings(log, "M1.Count")]


@pytest.mark.slow
async def test_a1_data_is_back_after_each_of_ten_kills_also_under_another_namespace_index():
    log, server = MemoryLog(), KilledServer(free_port())
    indexes = [await server.start(0, 0)]
    try:
        async with connected(server.url, log, ["M1.Count"], **SHIPPED):
            await until(lambda: values(log) == [0])
            for count in range(1, 11):
                await server.kill()
                indexes.append(await server.start(count % 3, count))
                await until(lambda count=count: values(log)[-1] == count, WITHIN_S)
    finally:
        await server.kill()
    assert values(log) == list(range(11))
    assert len(set(indexes)) == 3 and all(a != b for a, b in pairwise(indexes))
    epochs = [row["epoch"] for row in readings(log, "M1.Count")]
    assert epochs == sorted(set(epochs))
    assert len(events(log, "gap")) == 10


@pytest.mark.slow
async def test_a1_data_is_back_after_packets_were_dropped_in_silence():
    log = MemoryLog()
    async with LineServer() as line, FaultProxy("127.0.0.1", line.port) as proxy:
        await line.add("M1.Count", 1, INT)
        async with connected(f"opc.tcp://127.0.0.1:{proxy.port}/test", log, ["M1.Count"], **SHIPPED) as connector:
            await until(lambda: values(log) == [1])
            proxy.set(Fault.DROP)
            await until(lambda: connector.health().state is SourceState.DISCONNECTED, 20)
            await line.write("M1.Count", 2, INT)
            # A new attempt hangs in the silence too: it must be given up for a fresh one.
            await asyncio.sleep(1)
            proxy.set(Fault.PASS)
            await until(lambda: values(log)[-1] == 2, WITHIN_S)
    assert values(log) == [1, 2]
    assert len(events(log, "gap")) == 1
