"""The plant's moments as whole seconds from the beginning of a plan, and its spans as windows."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from math import ceil, floor

from factolake.domain.job import Window
from factolake.planning.situation import Span

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Seconds:
    """Seconds from `beginning_ts`, a whole second (UTC). Between two seconds the later one counts, so that nothing begins before it may."""

    beginning_ts: datetime

    @classmethod
    def from_now(cls, now_ts: datetime) -> "Seconds":
        """From the first whole second that is not before `now_ts`."""
        return cls(now_ts if not now_ts.microsecond else now_ts.replace(microsecond=0) + _SECOND)

    def at(self, moment: datetime) -> int:
        """The first whole second that is not before `moment`; below 0 where it is past."""
        return ceil((moment - self.beginning_ts) / _SECOND)

    def before(self, moment: datetime) -> int:
        """The last whole second that is not after `moment`."""
        return floor((moment - self.beginning_ts) / _SECOND)

    def moment(self, seconds: int) -> datetime:
        """The moment that lies `seconds` after the beginning."""
        return self.beginning_ts + seconds * _SECOND

    def windows(self, spans: Iterable[Span], closed: Iterable[Window] = ()) -> tuple[Window, ...]:
        """Whole seconds of `spans` from 0 on, sorted and apart, without those of `closed`."""
        opened = sorted((max(self.at(start), 0), self.before(end)) for start, end in spans)
        return without(joined(opened), closed)

    def closed(self, spans: Iterable[Span]) -> list[Window]:
        """Every second that `spans` touch."""
        return [(self.before(start), self.at(end)) for start, end in spans]


def told(moment: datetime, now_ts: datetime, zone: tzinfo) -> str:
    """A moment in words as people in `zone` say it at `now_ts`: 13:05 today, Fri 27 Nov 06:00 on another day; in UTC with that word."""
    local = moment.astimezone(zone)
    clock = local.strftime("%H:%M" if local.date() == now_ts.astimezone(zone).date() else "%a %d %b %H:%M")
    return f"{clock} UTC" if zone is UTC else clock


def joined(windows: Iterable[Window]) -> list[Window]:
    """Sorted windows, those that meet or overlap as one; empty ones are gone."""
    found: list[Window] = []
    for start, end in windows:
        if end <= start:
            continue
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def without(windows: Iterable[Window], closed: Iterable[Window]) -> tuple[Window, ...]:
    """What of the sorted `windows` is in none of `closed`."""
    left = list(windows)
    for start, end in joined(sorted(closed)):
        left = [part for window in left for part in _minus(window, start, end)]
    return tuple(left)


def first_open(windows: tuple[Window, ...], time: int) -> int | None:
    """The first open second that is not before `time`; None where there is none."""
    return next((max(start, time) for start, end in windows if end > time), None)


def _minus(window: Window, start: int, end: int) -> list[Window]:
    if end <= window[0] or start >= window[1]:
        return [window]
    return [part for part in ((window[0], start), (end, window[1])) if part[0] < part[1]]
