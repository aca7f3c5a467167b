"""Shifts, breaks and planned stops: local wall-clock rules resolved to UTC windows.

The lowest scope that declares a calendar wins whole (machine before line before area before site). A shift that crosses midnight
belongs to its start date. On days when the clocks change a shift is as long as it really was.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from enum import StrEnum
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_OFFSET = re.compile(r"^UTC([+-])(\d{2}):(\d{2})$")


def plant_zone(name: str) -> tzinfo:
    """The time zone called `name`: an IANA name or a fixed `UTC+hh:mm`. Raises ValueError for anything else."""
    if match := _OFFSET.match(name):
        offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
        return timezone(-offset if match[1] == "-" else offset, name)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"{name!r} is no IANA time zone and no UTC+hh:mm") from error


class SegmentKind(StrEnum):
    """What the plan says about a stretch of time."""

    BUSY = "busy"
    BREAK = "break"
    PLANNED_STOP = "planned_stop"


@dataclass(frozen=True, slots=True)
class ShiftPattern:
    """A shift as the plant writes it: local start and end (end <= start crosses midnight), weekdays 0 (Monday) .. 6."""

    name: str
    start: time
    end: time
    weekdays: frozenset[int] = frozenset(range(7))


@dataclass(frozen=True, slots=True)
class Break:
    """Planned pause, local time, within any shift that covers it."""

    start: time
    end: time


@dataclass(frozen=True, slots=True)
class Calendar:
    """Shifts, breaks and closed days of one scope (a machine, line, area or site id)."""

    scope: str
    shifts: tuple[ShiftPattern, ...]
    breaks: tuple[Break, ...] = ()
    closed_days: frozenset[date] = frozenset()


@dataclass(frozen=True, slots=True)
class PlannedStop:
    """Planned down time of a scope; `declared_ts` later than `from_ts` makes it a restatement by `author`."""

    scope: str
    from_ts: datetime
    to_ts: datetime
    reason: str
    declared_ts: datetime
    author: str


@dataclass(frozen=True, slots=True)
class ShiftWindow:
    """One shift on one production day, in UTC."""

    shift: str
    production_day: date
    from_ts: datetime
    to_ts: datetime


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of planned operation time of one kind, in UTC, within one shift."""

    from_ts: datetime
    to_ts: datetime
    kind: SegmentKind
    shift: str
    production_day: date


@dataclass(frozen=True, slots=True)
class PlantCalendar:
    """All calendars of a plant with its time zone."""

    zone: tzinfo
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    planned_stops: tuple[PlannedStop, ...] = ()

    def calendar_of(self, scopes: Sequence[str]) -> Calendar | None:
        """The calendar that counts for `scopes`, given lowest first (machine, line, area, site)."""
        return next((self.calendars[scope] for scope in scopes if scope in self.calendars), None)

    def shifts(self, scopes: Sequence[str], from_ts: datetime, to_ts: datetime) -> list[ShiftWindow]:
        """Every shift that overlaps [from_ts, to_ts), whole, in order of start."""
        calendar = self.calendar_of(scopes)
        if calendar is None:
            return []
        windows = [window for day in self._days(from_ts, to_ts) for window in self._shifts_of_day(calendar, day)]
        return sorted((w for w in windows if w.from_ts < to_ts and w.to_ts > from_ts), key=lambda w: w.from_ts)

    def segments(self, scopes: Sequence[str], from_ts: datetime, to_ts: datetime) -> list[Segment]:
        """The plan of every overlapping shift, cut at breaks and planned stops; stretches outside shifts are not listed.

        Segments are whole (not clipped to the span), in order, and do not overlap; a planned stop wins over a break.
        """
        calendar = self.calendar_of(scopes)
        segments: list[Segment] = []
        for window in self.shifts(scopes, from_ts, to_ts):
            assert calendar is not None
            marks = [(b[0], b[1], SegmentKind.BREAK) for b in self._breaks(calendar, window)]
            stops = [s for s in self.planned_stops if s.scope in scopes]
            marks += [(max(s.from_ts, window.from_ts), min(s.to_ts, window.to_ts), SegmentKind.PLANNED_STOP) for s in stops]
            segments += _cut(window, [mark for mark in marks if mark[0] < mark[1]])
        return segments

    def _days(self, from_ts: datetime, to_ts: datetime) -> Iterator[date]:
        day = from_ts.astimezone(self.zone).date() - timedelta(days=1)
        last = to_ts.astimezone(self.zone).date()
        while day <= last:
            yield day
            day += timedelta(days=1)

    def _utc(self, day: date, at: time) -> datetime:
        return datetime.combine(day, at, self.zone).astimezone(UTC)

    def _shifts_of_day(self, calendar: Calendar, day: date) -> Iterator[ShiftWindow]:
        if day in calendar.closed_days:
            return
        for shift in calendar.shifts:
            if day.weekday() in shift.weekdays:
                end_day = day if shift.end > shift.start else day + timedelta(days=1)
                yield ShiftWindow(shift.name, day, self._utc(day, shift.start), self._utc(end_day, shift.end))

    def _breaks(self, calendar: Calendar, window: ShiftWindow) -> Iterator[tuple[datetime, datetime]]:
        for pause in calendar.breaks:
            for day in (window.production_day, window.production_day + timedelta(days=1)):
                end_day = day if pause.end > pause.start else day + timedelta(days=1)
                start, end = self._utc(day, pause.start), self._utc(end_day, pause.end)
                if start >= window.from_ts and end <= window.to_ts:
                    yield start, end


def _cut(window: ShiftWindow, marks: list[tuple[datetime, datetime, SegmentKind]]) -> list[Segment]:
    edges = sorted({window.from_ts, window.to_ts, *(m[0] for m in marks), *(m[1] for m in marks)})
    segments: list[Segment] = []
    for start, end in pairwise(edges):
        kinds = {kind for a, b, kind in marks if a <= start and end <= b}
        kind = next((k for k in (SegmentKind.PLANNED_STOP, SegmentKind.BREAK) if k in kinds), SegmentKind.BUSY)
        if segments and segments[-1].kind is kind and segments[-1].to_ts == start:
            segments[-1] = Segment(segments[-1].from_ts, end, kind, window.shift, window.production_day)
        else:
            segments.append(Segment(start, end, kind, window.shift, window.production_day))
    return segments
