"""Between a connector and the log: stores messages in order from its own thread, groups them while the disk is busy, and counts what is lost.

While the log refuses (full spool, full disk), `room` makes the connector stop asking its source, which keeps its values. After `full_wait_s` the
oldest messages are given up and counted; the count is reported as soon as the log takes records again.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import pyarrow as pa

from factolake.bus.port import LogWriter, Record
from factolake.crash import crash_point
from factolake.domain.clock import Clock
from factolake.edge.messages import Message, Undecodable

_log = logging.getLogger(__name__)
_MESSAGES_PER_APPEND = 64
_RETRY_S = 0.25


@dataclass(frozen=True, slots=True)
class Loss:
    """Values that were received and could not be stored, between two moments of our clock."""

    values: int
    from_ts: datetime
    to_ts: datetime
    cause: str


class _Waiting(NamedTuple):
    message: Message
    since: datetime


class Outbox:
    """Messages on their way into `log`.

    At most about `max_values` wait in memory. `on_loss` is called in the event loop once the log takes records again after a loss.
    """

    def __init__(self, log: LogWriter, clock: Clock, on_loss: Callable[[Loss], None], max_values: int = 200_000, full_wait_s: float = 30.0) -> None:
        self._log, self._clock, self._on_loss = log, clock, on_loss
        self._max_values, self._full_wait_s = max_values, full_wait_s
        self._waiting: deque[_Waiting] = deque()
        self._storing: list[_Waiting] = []
        self._values = 0
        self._has_some, self._has_room, self._is_empty = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="outbox")
        self._loss: Loss | None = None
        self._refused_at: float | None = None
        self.trouble: str | None = None
        self.lost_values = 0
        self._update()

    @property
    def last(self) -> Message | None:
        """The newest message still growing: it waits in memory and nobody encodes it yet."""
        return self._waiting[-1].message if self._waiting else None

    @property
    def unsafe_since(self) -> datetime | None:
        """The beginning of what a kill would now take with it: received and not on disk, or lost and not yet told. None if there is nothing."""
        lost = [] if self._loss is None else [self._loss.from_ts]
        return min([*lost, *(one.since for one in (*self._storing, *self._waiting))], default=None)

    def put(self, message: Message, since: datetime | None = None) -> None:
        """Queue `message`; its `stored` callbacks run in the event loop after it is safe on disk (or was given up and counted).

        `since` is the beginning of what it tells of, where that is not the present.
        """
        self._waiting.append(_Waiting(message, since or self._clock.now()))
        self.grown(message.count)

    def grown(self, values: int) -> None:
        """`values` more wait, put into a message that is still `last`."""
        self._values += values
        self._update()

    async def room(self) -> None:
        """Return once fewer than `max_values` wait: await it before asking a source for more."""
        await self._has_room.wait()

    async def run(self) -> None:
        """Store until cancelled."""
        try:
            while True:
                await self._has_some.wait()
                await self._store_some()
        finally:
            self._thread.shutdown(wait=False)

    async def drained(self) -> None:
        """Return once nothing waits any more."""
        await self._is_empty.wait()

    async def _store_some(self) -> None:
        self._storing = [self._waiting.popleft() for _ in range(min(len(self._waiting), _MESSAGES_PER_APPEND))]
        batch = [one.message for one in self._storing]
        values = sum(message.count for message in batch)
        if await self._append(batch):
            self._report_loss()
        else:
            self._count_loss(values, min(one.since for one in self._storing))
        for message in batch:
            for stored in message.stored:
                stored()
        self._storing = []
        self._values -= values
        self._update()

    async def _append(self, batch: Sequence[Message]) -> bool:
        loop = asyncio.get_running_loop()
        records = await loop.run_in_executor(self._thread, _encode, batch)
        while True:
            try:
                await loop.run_in_executor(self._thread, self._log.append, records)
            except Exception as error:  # whatever a log raises, values wait for it or are counted
                if self.trouble is None:
                    _log.error("the log takes no records: %s", error)
                self.trouble = str(error)
                self._refused_at = self._refused_at or loop.time()
                if loop.time() - self._refused_at >= self._full_wait_s:
                    return False
                await asyncio.sleep(min(_RETRY_S, self._full_wait_s))
                continue
            crash_point("edge.spooled")
            self.trouble = self._refused_at = None
            return True

    def _count_loss(self, values: int, since: datetime) -> None:
        now, cause = self._clock.now(), self.trouble or "the log refused"
        before = self._loss or Loss(0, min(since, now), now, cause)
        self._loss = Loss(before.values + values, before.from_ts, now, cause)
        self.lost_values += values

    def _report_loss(self) -> None:
        if self._loss is not None:
            loss, self._loss = self._loss, None
            _log.error("%d values were lost: %s", loss.values, loss.cause)
            self._on_loss(loss)

    def _update(self) -> None:
        waits = bool(self._waiting)
        for event, holds in (
            (self._has_some, waits),
            (self._has_room, self._values < self._max_values),
            (self._is_empty, not waits and not self._storing),
        ):
            event.set() if holds else event.clear()


def _encode(batch: Sequence[Message]) -> list[Record]:
    return [_record(message) for message in batch]


def _record(message: Message) -> Record:
    try:
        return message.record()
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:  # a value no column takes must not stop those after it
        _log.error("a message of %d values could not be packed and goes to the dead letters: %s", message.count, error)
        return Undecodable(message.numbering, message.seq, "unpackable/1", repr(message).encode("utf-8", "replace"), str(error)).record()
