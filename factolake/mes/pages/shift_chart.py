"""A shift as two drawings over one time axis: good parts against the planned speed, and the states of each station as a band. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from factolake.mes.pages.scales import Scale, short, ticks

WIDTH = 960
LEFT, RIGHT = 152, 32
COUNTS_HEIGHT, TOP, BOTTOM = 200, 16, 28
BAND, GAP = 24, 8
COLUMNS = 240
"""Columns of a band: of a shift of eight hours two minutes each; a shorter state is drawn when it took most of its column."""
_INSETS = {"bad": 0, "wait": 3, "unknown": 5, "busy": 6, "good": 8, "idle": 10}
"""How much lower a band is in each colour: what is wrong stands out without its colour too (px at top and bottom)."""
_NAME_LENGTH = 18
_TIME_MARKS = (timedelta(minutes=15), timedelta(hours=1), timedelta(hours=2), timedelta(hours=4), timedelta(hours=12), timedelta(days=1))
_MARKS_MAX = 9


@dataclass(frozen=True, slots=True)
class Hour:
    """What the line's last station counted in an hour; `ideal_s` is what its parts take at the planned speed, None where none is known."""

    start: datetime
    good: int
    produced: int
    busy_s: float
    ideal_s: float | None


@dataclass(frozen=True, slots=True)
class Interval:
    """A station in one state."""

    from_ts: datetime
    to_ts: datetime
    state: str


@dataclass(frozen=True, slots=True)
class Shift:
    """From when to when, in words too; `until` is how far it is known."""

    name: str
    from_ts: datetime
    to_ts: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Counts:
    """The upper drawing. Lines are SVG paths; `target` is empty where no planned speed is known. `rows` are its numbers, summed up."""

    good: str
    target: str
    values: tuple[tuple[float, str], ...]
    rows: tuple[tuple[datetime, int, int | None], ...]
    made: int
    wanted: int | None
    height: int = COUNTS_HEIGHT


@dataclass(frozen=True, slots=True)
class Band:
    """One station's band: `stretches` are a path for each colour; `minutes` each state with its time, the longest first."""

    name: str
    y: int
    stretches: tuple[tuple[str, str], ...]
    minutes: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Bands:
    """The lower drawing."""

    bands: tuple[Band, ...]
    height: int


def time_scale(shift: Shift) -> Scale:
    """Seconds since the shift began to px."""
    return Scale(0, (shift.to_ts - shift.from_ts).total_seconds(), LEFT, WIDTH - RIGHT)


def time_marks(shift: Shift) -> tuple[tuple[float, datetime], ...]:
    """Places and times of the marks under both drawings: as many whole hours, or parts of one, as can be read."""
    x, length = time_scale(shift), shift.to_ts - shift.from_ts
    step = next((each for each in _TIME_MARKS if length / each <= _MARKS_MAX), _TIME_MARKS[-1])
    count = int(length / step)
    times = (shift.from_ts + step * n for n in range(count + 1))
    return tuple((x((time - shift.from_ts).total_seconds()), time) for time in times)


def draw_counts(shift: Shift, hours: Sequence[Hour]) -> Counts:
    """Good parts, hour by hour summed up, and what the busy time gives at the planned speed: breaks count for nothing."""
    ideal, produced = sum(hour.ideal_s or 0.0 for hour in hours), sum(hour.produced for hour in hours)
    per_part_s = ideal / produced if ideal > 0 and produced > 0 else None
    good, wanted, rows = 0, 0.0, [(shift.from_ts, 0, 0 if per_part_s else None)]
    for hour in hours:
        good += hour.good
        wanted += hour.busy_s / per_part_s if per_part_s else 0.0
        end = min(hour.start + timedelta(hours=1), max(shift.until, hour.start), shift.to_ts)
        rows.append((end, good, round(wanted) if per_part_s else None))
    highest = max(max(made, target or 0) for _, made, target in rows)
    x, y = time_scale(shift), Scale(0, max(highest, 1) * 1.08, COUNTS_HEIGHT - BOTTOM, TOP)

    def path(values: Iterable[tuple[datetime, int]]) -> str:
        return "M" + " L".join(f"{x((at - shift.from_ts).total_seconds())} {y(value)}" for at, value in values)

    target = path((at, wanted_by) for at, _, wanted_by in rows if wanted_by is not None) if per_part_s else ""
    marks = tuple((y(value), short(value)) for value in ticks(0, y.high, 4) if value == int(value))
    return Counts(path((at, made) for at, made, _ in rows), target, marks, tuple(rows[1:]), good, round(wanted) if per_part_s else None)


def draw_bands(shift: Shift, stations: Sequence[tuple[str, Sequence[Interval]]], colours: Mapping[str, str]) -> Bands:
    """A band for each station; `colours` maps a state to its colour's name, one that is not there is unknown. Time without a state stays empty."""
    bands = []
    for row, (name, intervals) in enumerate(stations):
        inside = [cut for each in intervals if (cut := _cut(each, shift)) is not None]
        y = row * (BAND + GAP)
        minutes: dict[str, float] = {}
        for each in inside:
            minutes[each.state] = minutes.get(each.state, 0.0) + (each.to_ts - each.from_ts).total_seconds() / 60
        told = tuple((state, round(spent)) for state, spent in sorted(minutes.items(), key=lambda item: -item[1]))
        title = name if len(name) <= _NAME_LENGTH else name[: _NAME_LENGTH - 1] + "…"
        bands.append(Band(title, y, _stretches(_columns(shift, inside), colours, y), told))
    return Bands(tuple(bands), len(bands) * (BAND + GAP) - GAP + BOTTOM)


def _cut(interval: Interval, shift: Shift) -> Interval | None:
    start, end = max(interval.from_ts, shift.from_ts), min(interval.to_ts, shift.until, shift.to_ts)
    return Interval(start, end, interval.state) if end > start else None


def _columns(shift: Shift, intervals: Sequence[Interval]) -> list[str]:
    """The state that took most of each column; "" where none is known."""
    width = (shift.to_ts - shift.from_ts) / COLUMNS
    spent: list[dict[str, timedelta]] = [{} for _ in range(COLUMNS)]
    for each in intervals:
        first, last = int((each.from_ts - shift.from_ts) / width), min(int((each.to_ts - shift.from_ts) / width), COLUMNS - 1)
        for column in range(first, last + 1):
            start = shift.from_ts + width * column
            part = min(each.to_ts, start + width) - max(each.from_ts, start)
            if part > timedelta(0):
                spent[column][each.state] = spent[column].get(each.state, timedelta(0)) + part
    return [max(column, key=lambda state: column[state]) if column else "" for column in spent]


def _stretches(columns: Sequence[str], colours: Mapping[str, str], y: int) -> tuple[tuple[str, str], ...]:
    paths: dict[str, str] = {}
    step, at = (WIDTH - LEFT - RIGHT) / COLUMNS, 0
    for colour, run in groupby(columns, key=lambda state: colours.get(state, "unknown") if state else ""):
        length = len(list(run))
        if colour:
            width, inset = round(length * step, 1), _INSETS[colour]
            paths[colour] = paths.get(colour, "") + f"M{round(LEFT + at * step, 1)} {y + inset}h{width}v{BAND - 2 * inset}h-{width}z"
        at += length
    return tuple(paths.items())
