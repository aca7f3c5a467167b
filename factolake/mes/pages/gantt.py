"""A plan as a Gantt drawing: a row for each machine, a bar for each operation, in lanes where several would lie over each other.

Pure: values in, places out.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from factolake.mes.pages.scales import Scale

WIDTH = 1200
LEFT, RIGHT, TOP = 136, 8, 32
BAR, GAP = 28, 6
_LETTER = 8.4
"""Width of a letter of a bar's name (px): one that does not fit is left out, the table has it."""
_NAME_LENGTH = 15
_MARK_HOURS = (1, 2, 3, 4, 6, 12, 24)
_MARKS_MAX = 14
_QUARTER = timedelta(minutes=15)
_NARROWEST = 3.0


@dataclass(frozen=True, slots=True)
class Task:
    """One operation as it is planned. `look` are the words its style is chosen by, `told` what it says when it is pointed at.

    `may_move`: whether a planner may take it to another place on the drawing.
    """

    key: str
    row: str
    start_ts: datetime
    end_ts: datetime
    look: str
    told: str
    anchor: str
    may_move: bool = False


@dataclass(frozen=True, slots=True)
class Shade:
    """Time in which nothing is planned to run: on one row, or on all where `row` is empty."""

    start_ts: datetime
    end_ts: datetime
    told: str
    row: str = ""


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar, px from the left upper corner; `name` is empty where it does not fit."""

    x: float
    y: int
    width: float
    name: str
    task: Task


@dataclass(frozen=True, slots=True)
class Row:
    """The ground of a machine, `key`."""

    key: str
    name: str
    y: int
    height: int


@dataclass(frozen=True, slots=True)
class Ground:
    """A shaded stretch."""

    x: float
    y: int
    width: float
    height: int
    told: str


@dataclass(frozen=True, slots=True)
class Mark:
    """A time under which a line goes down; `is_day`: a day begins."""

    x: float
    text: str
    is_day: bool


@dataclass(frozen=True, slots=True)
class Window:
    """The time that is shown; `local` turns a time into one of the plant's clock."""

    from_ts: datetime
    to_ts: datetime
    local: Callable[[datetime], datetime]

    def scale(self) -> Scale:
        """Seconds since it began to px."""
        return Scale(0, (self.to_ts - self.from_ts).total_seconds(), LEFT, WIDTH - RIGHT)


@dataclass(frozen=True, slots=True)
class Drawing:
    """Everything that is drawn; `now` is None where the present is not in it."""

    rows: tuple[Row, ...]
    bars: tuple[Bar, ...]
    grounds: tuple[Ground, ...]
    marks: tuple[Mark, ...]
    now: float | None
    height: int
    window: Window
    width: int = WIDTH
    left: int = LEFT
    right: int = WIDTH - RIGHT


def draw(window: Window, names: Sequence[tuple[str, str]], tasks: Iterable[Task], shades: Iterable[Shade], now: datetime) -> Drawing:
    """The plan between the window's times; `names` are the rows from the top, each a machine's id and its name."""
    scale = window.scale()

    def x(moment: datetime) -> float:
        return scale((min(max(moment, window.from_ts), window.to_ts) - window.from_ts).total_seconds())

    by_row: dict[str, list[Task]] = {key: [] for key, _ in names}
    for task in tasks:
        if task.row in by_row and task.end_ts > window.from_ts and task.start_ts < window.to_ts:
            by_row[task.row].append(task)
    y, rows, bars = TOP, [], []
    for key, name in names:
        lanes: list[datetime] = []
        for task in sorted(by_row[key], key=lambda each: (each.start_ts, each.end_ts)):
            lane = next((number for number, end in enumerate(lanes) if end <= task.start_ts), len(lanes))
            lanes[lane : lane + 1] = [task.end_ts]
            bars.append(_bar(task, x(task.start_ts), x(task.end_ts), y + GAP + lane * (BAR + GAP)))
        height = max(len(lanes), 1) * (BAR + GAP) + GAP
        rows.append(Row(key, name if len(name) <= _NAME_LENGTH else name[: _NAME_LENGTH - 1] + "…", y, height))
        y += height
    ground_of = {key: row for (key, _), row in zip(names, rows, strict=True)} | {"": Row("", "", TOP, y - TOP)}
    grounds = tuple(
        Ground(start, ground_of[shade.row].y, round(end - start, 1), ground_of[shade.row].height, shade.told)
        for shade in shades
        if shade.row in ground_of and (end := x(shade.end_ts)) > (start := x(shade.start_ts))
    )
    is_in = window.from_ts <= now <= window.to_ts
    return Drawing(tuple(rows), tuple(bars), grounds, _marks(window, scale), x(now) if is_in else None, y + GAP, window)


def _bar(task: Task, start: float, end: float, y: int) -> Bar:
    width = max(round(end - start, 1), _NARROWEST)
    return Bar(start, y, width, task.key if len(task.key) * _LETTER + 8 <= width else "", task)


def _marks(window: Window, scale: Scale) -> tuple[Mark, ...]:
    """Whole hours of the plant's clock, as many as can be read; a day's beginning by its date."""
    hours = (window.to_ts - window.from_ts) / timedelta(hours=1)
    step = next((each for each in _MARK_HOURS if hours / each <= _MARKS_MAX), _MARK_HOURS[-1])
    moment = window.from_ts.replace(minute=window.from_ts.minute // 15 * 15, second=0, microsecond=0)
    found = []
    while moment <= window.to_ts:
        local = window.local(moment)
        if moment >= window.from_ts and local.minute == 0 and local.hour % step == 0:  # clocks jump, and offsets may be quarters of an hour
            is_day = local.hour == 0
            found.append(Mark(scale((moment - window.from_ts).total_seconds()), f"{local:%a %d %b}" if is_day else f"{local:%H:%M}", is_day))
        moment += _QUARTER
    return tuple(found)
