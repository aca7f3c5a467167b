"""A real asyncua server for tests, on a port of its own, that can be killed, restarted, moved to other namespace indexes and made to misbehave.

`python opcua_double.py PORT OTHERS VALUE` is one as a process, with the one variable `M1.Count`; it prints its namespace index once it answers.
"""

import asyncio
import logging
import socket
import sys
from datetime import UTC, datetime

from asyncua import Server, ua

NAMESPACE = "urn:factolake:test:line"
logging.getLogger("asyncua").setLevel(logging.CRITICAL)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class LineServer:
    """Nodes `ns=N;s=<tag>` below Objects/Plant; `other_namespaces` come first and so move N."""

    def __init__(self, port: int | None = None, other_namespaces: int = 0) -> None:
        self.port = port or free_port()
        self._others = other_namespaces
        self._server: Server | None = None
        self._nodes = {}

    @property
    def url(self) -> str:
        return f"opc.tcp://127.0.0.1:{self.port}/test"

    async def __aenter__(self) -> "LineServer":
        await self.start()
        return self

    async def __aexit__(self, *error) -> None:
        await self.stop()

    async def start(self) -> None:
        server = Server()
        await server.init()
        server.set_endpoint(self.url)
        server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        for number in range(self._others):
            await server.register_namespace(f"urn:other:{number}")
        self.index = await server.register_namespace(NAMESPACE)
        self.plant = await server.nodes.objects.add_folder(self.index, "Plant")
        await server.start()
        self._server, self._nodes = server, {}

    async def stop(self) -> None:
        if self._server is not None:
            server, self._server = self._server, None
            await server.stop()

    @property
    def server(self) -> Server:
        assert self._server is not None
        return self._server

    async def add(self, tag: str, value: object, kind: ua.VariantType, unit: tuple[str, int, str] | None = None):
        """A variable; `unit` is (namespace URI, unit id, display name)."""
        node = await self.plant.add_variable(ua.NodeId(tag, self.index), tag, ua.Variant(value, kind))
        if unit is not None:
            info = ua.EUInformation(NamespaceUri=unit[0], UnitId=unit[1], DisplayName=ua.LocalizedText(unit[2]))
            await node.add_property(0, "EngineeringUnits", info)
        self._nodes[tag] = node
        return node

    async def write(self, tag: str, value: object, kind: ua.VariantType, status: int = 0, source_ts=..., server_ts=...) -> None:
        now = datetime.now(UTC)
        data = ua.DataValue(
            ua.Variant(value, kind),
            ua.StatusCode(status),
            SourceTimestamp=now if source_ts is ... else source_ts,
            ServerTimestamp=now if server_ts is ... else server_ts,
        )
        await self.server.write_attribute_value(self._nodes[tag].nodeid, data)

    async def set_clock(self, now: datetime) -> None:
        """Let the server's CurrentTime stand at `now`, as one that plays a recording does."""
        status = self.server.get_node(ua.ObjectIds.Server_ServerStatus_CurrentTime)
        value = ua.DataValue(ua.Variant(now, ua.VariantType.DateTime))
        self.server.iserver.aspace.set_attribute_value_callback(status.nodeid, ua.AttributeIds.Value, lambda *_: value)


async def serve(port: int, other_namespaces: int, value: int) -> None:
    """Serve `M1.Count` = `value` until killed."""
    async with LineServer(port, other_namespaces) as line:
        await line.add("M1.Count", value, ua.VariantType.Int64)
        print(line.index, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(*map(int, sys.argv[1:])))
