"""Plays a recording over the plant's server: original stamps, file order, as fast as asked and never faster than the listener takes it."""

import asyncio
import contextlib
from collections import Counter
from dataclasses import dataclass
from datetime import datetime

from factolake.plant.recording import Recording
from factolake.plant.server import PlantServer

DONE_TAG = "Player.Done"
LONGEST_PAUSE_S = 5.0
VALUES_PER_DRAIN = 4_000


@dataclass(frozen=True, slots=True)
class Played:
    """How a recording went: values written, of those exact repeats of their predecessor (same stamp and value: the same sample), junk lines."""

    machine: str
    values: int
    repeats: int
    junk_lines: int
    is_whole: bool
    until: datetime


class Player:
    """Plays `recording` on `server`. `speed` times as fast as recorded, None as fast as the listener takes it.

    Recordings begin with the last known values, stamped long before: no pause is longer than `LONGEST_PAUSE_S`.
    """

    def __init__(self, recording: Recording, server: PlantServer, speed: float | None) -> None:
        self._recording, self._server, self._speed = recording, server, speed
        self._now = recording.observations[0].ts
        self.counts: Counter[str] = Counter()

    async def play(self, stop: asyncio.Event) -> Played:
        """Wait for a subscriber, write every observation, and return; the last values stay. Stops early when `stop` is set."""
        repeats = written = 0
        last: dict[str, tuple[datetime, int, str]] = {}
        is_whole = await self._server.wait_for_subscriber(stop)
        for observation in self._recording.observations if is_whole else ():
            if not await self._pace(observation.ts, written, stop):
                is_whole = False
                break
            tag = tag_of(self._recording.machine, observation.item)
            await self._server.write(tag, observation.value, observation.ts, rest_ns=observation.ns_rest)
            repeats += last.get(tag) == (observation.ts, observation.ns_rest, observation.value)
            last[tag] = (observation.ts, observation.ns_rest, observation.value)
            self.counts[tag] += 1
            written += 1
        await self._server.set_time(self._now)
        await self._server.drain(stop)
        return Played(self._recording.machine, written, repeats, self._recording.junk_lines, is_whole, self._now)

    async def _pace(self, ts: datetime, written: int, stop: asyncio.Event) -> bool:
        ahead_s = (ts - self._now).total_seconds()
        self._now = max(self._now, ts)
        if self._speed is not None and ahead_s > 0:
            await self._server.set_time(self._now)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), min(ahead_s / self._speed, LONGEST_PAUSE_S))
        if written % VALUES_PER_DRAIN == VALUES_PER_DRAIN - 1:
            await self._server.set_time(self._now)
            return await self._server.drain(stop)
        return not stop.is_set()


def tag_of(machine: str, item: str) -> str:
    """The tag of a data item of a recorded machine."""
    return f"{machine}.{item}"
