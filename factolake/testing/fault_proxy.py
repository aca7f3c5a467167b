"""A TCP proxy that passes, swallows or cuts: the network between gateway and machine on a bad day."""

import asyncio
import contextlib
from enum import StrEnum
from types import TracebackType


class Fault(StrEnum):
    """What the proxy does with bytes and connections."""

    PASS = "pass"
    DROP = "drop"
    CUT = "cut"


class FaultProxy:
    """Listens on loopback (`port` is chosen by the system) and forwards to `target_host`:`target_port`.

    DROP keeps connections open, accepts new ones and swallows every byte, both ways; CUT closes what is open and closes new ones at once.
    """

    def __init__(self, target_host: str, target_port: int) -> None:
        self._target = (target_host, target_port)
        self._fault = Fault.PASS
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def __aenter__(self) -> "FaultProxy":
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.set(Fault.CUT)
        for task in list(self._tasks):
            task.cancel()
        if self._server is not None:
            self._server.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def set(self, fault: Fault) -> None:
        """From now on behave like `fault`."""
        self._fault = fault
        if fault is Fault.CUT:
            for writer in self._writers:
                writer.transport.abort()
            self._writers.clear()

    def redirect(self, target_host: str, target_port: int) -> None:
        """Send connections made from now on to another server."""
        self._target = (target_host, target_port)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        if self._fault is Fault.CUT:
            writer.transport.abort()
            return
        self._writers.add(writer)
        try:
            out_reader, out_writer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        self._writers.add(out_writer)
        try:
            with contextlib.suppress(asyncio.CancelledError):  # this task is the whole connection; asyncio would log its cancelling as an error
                await asyncio.gather(self._pump(reader, out_writer), self._pump(out_reader, writer))
        finally:
            for end in (writer, out_writer):
                self._writers.discard(end)
                end.transport.abort()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                if self._fault is Fault.PASS:
                    writer.write(data)
                    await writer.drain()
        if self._fault is not Fault.DROP:
            writer.transport.abort()
