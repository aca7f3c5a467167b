"""Where a run may start, cut into stretches in which its end, its open time and what its energy costs follow the start on straight lines."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from factolake.domain.job import Problem, Window
from models.planning.exact.open_time import covers, end_of, is_open, pieces, until

CLOSE = 1e-9


@dataclass(frozen=True, slots=True)
class Run:
    """Operations that start and end together: one, or a batch. `duration` of open time; `people` and `tools` of all of them."""

    operations: tuple[int, ...]
    machine: int
    start: int
    end: int
    duration: int
    pauses: bool
    people: tuple[int, ...]
    tools: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Stretch:
    """Starts from `first` to `last`: the end is `span` later, open time from 0 to the start is `shift` more than it; cost at `first`, and by unit."""

    first: int
    last: int
    span: int
    shift: int
    cost: float
    slope: float


Price = Callable[[Run, int, int], float]
"""What the energy of a run from its start to its end costs."""


def stretches(problem: Problem, run: Run, low: int, high: int, steps: Iterable[int], price: Price) -> list[Stretch]:
    """All starts from `low` to `high` that machine, people and tools allow, in their order. `steps`: times at which the price changes."""
    windows = problem.machines[run.machine].windows
    bends = _bends(problem, run, steps)
    points = sorted(
        {low, high, *(time for bend in bends for time in (bend, _start_for(windows, run, bend)) if time is not None and low < time < high)}
    )
    parts = [(point, point) for point in points] + [(one + 1, other - 1) for one, other in pairwise(points) if one + 1 < other]
    found: list[Stretch] = []
    for first, last in sorted(parts):
        one = _stretch(problem, run, first, last, price)
        if one is None:
            continue
        joined = _joined(found[-1], one) if found else None
        if joined is not None:
            found[-1] = joined
        else:
            found.append(one)
    return found


def end_at(problem: Problem, run: Run, start: int) -> int | None:
    """When the run ends if it starts then; None where it may not."""
    windows = problem.machines[run.machine].windows
    if not is_open(windows, start):
        return None
    end = end_of(windows, start, run.duration) if run.pauses else start + run.duration
    if end is None or (not run.pauses and not _within(windows, start, end)):
        return None
    work = list(pieces(windows, start, end))
    are_there = all(covers(problem.people[person].windows, *piece) for person in run.people for piece in work)
    return end if are_there and all(_within(problem.tools[tool].windows, start, end) for tool in run.tools) else None


def _within(windows: tuple[Window, ...] | None, start: int, end: int) -> bool:
    return windows is None or any(opens <= start < closes and end <= closes for opens, closes in windows)


def _bends(problem: Problem, run: Run, steps: Iterable[int]) -> set[int]:
    """Times at which something begins or ends that the run depends on."""
    calendars: Sequence[tuple[Window, ...] | None] = (
        problem.machines[run.machine].windows,
        *(problem.people[person].windows for person in run.people),
        *(problem.tools[tool].windows for tool in run.tools),
    )
    return {*steps, *(time for windows in calendars for window in windows or () for time in window)}


def _start_for(windows: tuple[Window, ...] | None, run: Run, end: int) -> int | None:
    """The start that leads to that end."""
    if windows is None or not run.pauses:
        return end - run.duration
    wanted = until(windows, end) - run.duration
    for opens, closes in windows:
        if wanted < closes - opens:
            return opens + wanted if wanted >= 0 else None
        wanted -= closes - opens
    return None


def _stretch(problem: Problem, run: Run, first: int, last: int, price: Price) -> Stretch | None:
    """Between two bends nothing but the start changes, so both ends tell of all."""
    windows = problem.machines[run.machine].windows
    ends = end_at(problem, run, first), end_at(problem, run, last)
    if ends[0] is None or ends[1] is None:
        return None
    costs = price(run, first, ends[0]), price(run, last, ends[1])
    slope = (costs[1] - costs[0]) / (last - first) if last > first else 0.0
    return Stretch(first, last, ends[0] - first, until(windows, first) - first, costs[0], slope)


def _joined(one: Stretch, other: Stretch) -> Stretch | None:
    """Both as one, where they meet and go on in the same line."""
    if (one.last + 1, one.span, one.shift) != (other.first, other.span, other.shift):
        return None
    step = other.cost - (one.cost + one.slope * (one.last - one.first))
    slopes = [part.slope for part in (one, other) if part.last > part.first]
    if any(abs(slope - step) > CLOSE * max(1.0, abs(step)) for slope in slopes):
        return None
    return Stretch(one.first, other.last, one.span, one.shift, one.cost, step)
