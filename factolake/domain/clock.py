"""Time as something handed in: logic never asks the wall clock itself."""

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Where a process gets the present from."""

    def now(self) -> datetime:
        """The present, timezone-aware UTC, microsecond resolution."""
        ...


def is_due(last: datetime | None, now: datetime, every: timedelta) -> bool:
    """Whether what was done at `last` (None: never) and is to be done `every` so often is due at `now`; at once after a clock was set back."""
    return last is None or not timedelta(0) <= now - last < every


class SystemClock:
    """The machine's own clock."""

    def now(self) -> datetime:
        """The present, UTC."""
        return datetime.now(UTC)


class ManualClock:
    """A clock that moves only when told; ships for tests and replays."""

    def __init__(self, start: datetime) -> None:
        self._now = start

    def now(self) -> datetime:
        """The time last set."""
        return self._now

    def advance(self, seconds: float) -> None:
        """Move forward (or back, if negative) by `seconds`."""
        self._now += timedelta(seconds=seconds)
