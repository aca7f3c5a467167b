"""What a plan asks of each machine, shift by shift, against the time it is open: as numbers, and as a drawing. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from factolake.mes.pages.scales import Scale
from factolake.planning.situation import Span

WIDTH, LEFT, RIGHT, TOP = 1200, 152, 16, 44
ROW, GAP = 56, 24
"""Height of a machine's row and of the space between two rows (px); a bar as high as its row is a full shift."""
_BAR_SHARE = 0.6
_NAME_LENGTH = 17
_HIGHEST = 1.15
"""A bar ends here, however much more is planned: its number tells."""
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Slot:
    """A shift, or a day where there are no shifts. `title` is shown above its column, `day` above the first of a day (`is_first`)."""

    title: str
    day: str
    from_ts: datetime
    to_ts: datetime
    is_first: bool = True


@dataclass(frozen=True, slots=True)
class Cell:
    """Planned and open hours of a machine in a slot."""

    planned_h: float
    open_h: float

    @property
    def share(self) -> float | None:
        """Planned of open; None where the machine is not open and nothing is planned, infinite where something is."""
        if self.open_h <= 0:
            return None if self.planned_h <= 0 else float("inf")
        return self.planned_h / self.open_h


@dataclass(frozen=True, slots=True)
class Load:
    """A machine's cells, one a slot."""

    machine: str
    name: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar, px from the left upper corner. `look`: full or over; `told` is its numbers, `text` what stands below it."""

    x: float
    y: float
    width: float
    height: float
    look: str
    text: str
    told: str


@dataclass(frozen=True, slots=True)
class LoadDrawing:
    """All bars with the names of rows and columns; `lines` are the grounds of the rows with the height of a full shift."""

    bars: tuple[Bar, ...]
    names: tuple[tuple[int, str], ...]
    columns: tuple[tuple[float, str, str], ...]
    lines: tuple[tuple[int, int], ...]
    height: int
    width: int = WIDTH


def loads(
    slots: Sequence[Slot], machines: Iterable[tuple[str, str]], open_spans: Mapping[str, Sequence[Span]], work: Mapping[str, Sequence[Span]]
) -> list[Load]:
    """The load of each of `machines` (id and name). `work`: when operations are planned on it; breaks they go over do not count.

    Work that lies in a slot but in none of its open time counts as it is: it is planned where it cannot be.
    """
    found = []
    for machine, name in machines:
        opened, work_of = open_spans.get(machine, ()), work.get(machine, ())
        found.append(Load(machine, name, tuple(_cell(slot, opened, work_of) for slot in slots)))
    return found


def draw_load(slots: Sequence[Slot], found: Sequence[Load]) -> LoadDrawing:
    """A row for each machine, a column for each slot, a bar as high as the share of the open time that is planned."""
    x = Scale(0, max(len(slots), 1), LEFT, WIDTH - RIGHT)
    width = round((x(1) - x(0)) * _BAR_SHARE, 1)
    bars, names, lines = [], [], []
    for number, load in enumerate(found):
        floor = TOP + (number + 1) * ROW + number * GAP
        names.append((floor - ROW // 2, load.name if len(load.name) <= _NAME_LENGTH else load.name[: _NAME_LENGTH - 1] + "…"))
        lines.append((floor, floor - round((ROW - 16) / _HIGHEST)))
        for column, (slot, cell) in enumerate(zip(slots, load.cells, strict=True)):
            if cell.share:
                bars.append(_bar(round(x(column + 0.5) - width / 2, 1), floor, width, cell, f"{load.machine}, {slot.day} {slot.title}"))
    columns = tuple((x(column + 0.5), slot.title, slot.day if slot.is_first else "") for column, slot in enumerate(slots))
    return LoadDrawing(tuple(bars), tuple(names), columns, tuple(lines), TOP + len(found) * (ROW + GAP))


def percent(share: float | None) -> str:
    """A share in words: empty where there is nothing to tell."""
    return "" if share is None else "closed" if share == float("inf") else f"{share:.0%}"


def _bar(x: float, floor: int, width: float, cell: Cell, where: str) -> Bar:
    share = cell.share or 0.0  # there is one: the others are not drawn
    height = round(min(share, _HIGHEST) * (ROW - 16) / _HIGHEST, 1)
    look = "over" if share > 1.0005 else "full"
    told = f"{where}: {cell.planned_h:.1f} h planned of {cell.open_h:.1f} h open"
    return Bar(x, round(floor - height, 1), width, height, look, percent(share), told)


def _cell(slot: Slot, opened: Iterable[Span], work: Iterable[Span]) -> Cell:
    pieces = list(_cut(opened, (slot.from_ts, slot.to_ts)))
    planned = timedelta(0)
    for part in _cut(work, (slot.from_ts, slot.to_ts)):
        planned += _length(_cut(pieces, part)) or part[1] - part[0]
    return Cell(planned / HOUR, _length(pieces) / HOUR)


def _cut(spans: Iterable[Span], within: Span) -> Iterator[Span]:
    """The parts of `spans` that lie within the other."""
    from_ts, to_ts = within
    return ((max(start, from_ts), min(end, to_ts)) for start, end in spans if start < to_ts and end > from_ts)


def _length(spans: Iterable[Span]) -> timedelta:
    return sum((end - start for start, end in spans), timedelta(0))
