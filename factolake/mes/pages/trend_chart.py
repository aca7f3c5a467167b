"""What a signal did before, in and after an alert, as a drawing: its means, its usual band, and how long the alert lasted. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise

from factolake.domain.alert import Band
from factolake.mes.pages.scales import Scale, short, spread, ticks

WIDTH, HEIGHT = 640, 280
LEFT, RIGHT, TOP, BOTTOM = 88, 16, 16, 40
"""The ground and its margins (px): small enough that a phone shows all of it, with large letters."""
TABLE_MAX = 24
_MARKS_MAX = 5
_ONE_DAY = timedelta(hours=26)
_STEPS = tuple(timedelta(hours=hours) for hours in (0.5, 1, 2, 3, 6, 12, 24, 48, 96, 168))
_GAP = 1.5
"""A step longer than this many usual ones is a gap: nothing is drawn over it."""


@dataclass(frozen=True, slots=True)
class Point:
    """A signal in a stretch of some minutes: its mean, lowest and highest value."""

    at_ts: datetime
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Trend:
    """What is drawn on a ground of `width` x `height` px. `line` is an SVG path; `usual` and `span` are places and lengths, None where not known."""

    name: str
    line: str
    dots: tuple[tuple[float, float], ...]
    span: tuple[float, float]
    usual: tuple[float, float] | None
    values: tuple[tuple[float, str], ...]
    times: tuple[tuple[float, str], ...]
    rows: tuple[Point, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM
    inner_width: int = WIDTH - LEFT - RIGHT
    inner_height: int = HEIGHT - TOP - BOTTOM


def draw(name: str, points: Sequence[Point], usual: Band | None, onset_ts: datetime, end_ts: datetime) -> Trend:
    """The signal `name` with its usual band and an alert from `onset_ts` to `end_ts`; `points` in order of time, at least one."""
    first, last = points[0].at_ts, max(points[-1].at_ts, end_ts, points[0].at_ts + _STEPS[0])
    x = Scale(first.timestamp(), last.timestamp(), LEFT, WIDTH - RIGHT)
    ends = [*(point.mean for point in points), *((usual.low, usual.high) if usual is not None else ())]
    y = Scale(*spread(min(ends), max(ends), 0.08), HEIGHT - BOTTOM, TOP)
    pieces = _pieces(points)
    begin, end = (x(min(max(time, first), last).timestamp()) for time in (onset_ts, end_ts))
    return Trend(
        name,
        line=" ".join("M" + " L".join(f"{x(point.at_ts.timestamp())} {y(point.mean)}" for point in piece) for piece in pieces if len(piece) > 1),
        dots=tuple((x(piece[0].at_ts.timestamp()), y(piece[0].mean)) for piece in pieces if len(piece) == 1),
        span=(begin, max(round(end - begin, 1), 2.0)),
        usual=(y(usual.high), max(round(y(usual.low) - y(usual.high), 1), 2.0)) if usual is not None else None,
        values=tuple((y(value), short(value)) for value in ticks(y.low, y.high, 4)),
        times=tuple((x(time.timestamp()), f"{time:%H:%M}" if last - first <= _ONE_DAY else f"{time:%m-%d}") for time in _times(first, last)),
        rows=tuple(points[:: max(1, -(-len(points) // TABLE_MAX))]),
    )


def _pieces(points: Sequence[Point]) -> list[list[Point]]:
    """The points between gaps; a usual step is the shortest there is."""
    step = min((after.at_ts - before.at_ts for before, after in pairwise(points)), default=timedelta(0))
    pieces = [[points[0]]]
    for before, after in pairwise(points):
        if after.at_ts - before.at_ts > step * _GAP:
            pieces.append([])
        pieces[-1].append(after)
    return pieces


def _times(first: datetime, last: datetime) -> list[datetime]:
    """Marks at whole steps of the clock that the times are shown in."""
    step = next((each for each in _STEPS if (last - first) / each <= _MARKS_MAX), _STEPS[-1])
    midnight = first.replace(hour=0, minute=0, second=0, microsecond=0)
    count = -(-(first - midnight) // step)
    times = (midnight + step * number for number in range(count, count + int((last - first) / step) + 2))
    return [time for time in times if first <= time <= last]
