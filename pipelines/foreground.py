"""Running one part in the foreground: lock, logs, and one stop request however it comes (SIGTERM, Ctrl-C, or the supervisor's end)."""

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from types import FrameType

from factolake.config import Settings
from factolake.domain.clock import SystemClock
from pipelines.logs import set_up_logs
from pipelines.open_files import raise_open_files
from pipelines.part_lock import part_lock


class Stop:
    """A request to end, made once; `event` is set and every `on_request` callback called (from any thread)."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self.interrupted = False
        self._callbacks: list[Callable[[], object]] = []

    def on_request(self, callback: Callable[[], object]) -> None:
        """Call `callback` when the request comes, at once if it already came."""
        self._callbacks.append(callback)
        if self.event.is_set():
            callback()

    def request(self) -> None:
        """Ask the part to end."""
        self.event.set()
        for callback in self._callbacks:
            callback()

    def on_signal(self, number: int, _frame: FrameType | None) -> None:
        """Signal handler: the first asks politely, a second Ctrl-C ends at once."""
        if number == signal.SIGINT:
            if self.interrupted:
                raise KeyboardInterrupt
            self.interrupted = True
        self.request()


@contextlib.contextmanager
def foreground(part: str, settings: Settings, *, supervised: bool = False, debug: bool = False) -> Iterator[Stop]:
    """Hold the part's lock and hand out its stop request.

    Raises LeaseHeld, ConfigError when too few files may be open, KeyboardInterrupt after a clean end by Ctrl-C.
    """
    set_up_logs(part, debug=debug)
    raise_open_files()
    with part_lock(settings.run_dir, part, SystemClock()), stop_on_signals() as stop:
        if supervised:
            threading.Thread(target=_stop_at_end_of_input, args=(stop,), daemon=True, name="supervisor-watch").start()
        yield stop


@contextlib.contextmanager
def stop_on_signals() -> Iterator[Stop]:
    """Turn SIGTERM and SIGINT into a stop request inside the block; afterwards Ctrl-C counts as KeyboardInterrupt (exit 130)."""
    stop = Stop()
    before = {number: signal.signal(number, stop.on_signal) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if stop.interrupted:
        raise KeyboardInterrupt


def run_async(stop: Stop, work: Callable[[asyncio.Event], Awaitable[object]]) -> None:
    """Run `work` on an event loop with an asyncio event that follows `stop`."""

    async def main() -> None:
        loop, ended = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            # The request may come after the work ended by itself and its loop is closed.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(ended.set)

        stop.on_request(wake)
        await work(ended)

    asyncio.run(main())


def _stop_at_end_of_input(stop: Stop) -> None:
    # The supervisor holds the other end of our standard input: when it goes, however it goes, this read ends.
    with contextlib.suppress(OSError):
        while os.read(sys.stdin.fileno(), 4096):
            pass
    stop.request()
