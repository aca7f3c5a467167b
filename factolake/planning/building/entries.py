"""A plan as rows of `gold.schedule`: what it moves or newly places, in the plant's names and times."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from factolake.domain.job import Placed
from factolake.planning.building.assembling import Built

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation that a plan moves or newly places; the names are columns of `gold.schedule`."""

    line: str
    operation_id: str
    machine: str
    planned_start_ts: datetime
    planned_end_ts: datetime
    why: str = ""


def entries(built: Built, schedule: tuple[Placed, ...], why: Mapping[str, str] | None = None) -> tuple[Entry, ...]:
    """The rows of a schedule, by start. Work that stands (running, frozen, kept) has none, nor has what stays on its machine to the second.

    `why`: by operation id, in words.
    """
    return tuple(
        Entry(
            built.orders[built.problem.operations[placed.operation].job].line,
            built.operations[placed.operation].operation_id,
            built.machine_of(placed),
            built.moment(placed.start),
            built.moment(placed.end),
            (why or {}).get(built.operations[placed.operation].operation_id, ""),
        )
        for placed in moved(built, schedule)
    )


def moved(built: Built, schedule: tuple[Placed, ...]) -> tuple[Placed, ...]:
    """The placements that differ from the schedule as it is, by start: another machine, another start or end, or none before."""
    fixed = {placed.operation for placed in built.problem.fixed}
    found = [placed for placed in schedule if placed.operation not in fixed and _differs(built, placed)]
    return tuple(sorted(found, key=lambda placed: (placed.start, placed.end, placed.operation)))


def current(built: Built) -> tuple[Placed, ...]:
    """The schedule as it is, by operation; what should have begun already has a start below 0. Work without a place in it has none here."""
    found = []
    for number, operation in enumerate(built.operations):
        starts, ends = operation.actual_start_ts or operation.planned_start_ts, operation.planned_end_ts
        modes = built.problem.operations[number].modes
        mode = next((place for place, one in enumerate(modes) if built.problem.machines[one.machine].name == operation.equipment), None)
        if starts is not None and ends is not None and mode is not None:
            found.append(Placed(number, mode, built.seconds.before(starts), built.seconds.at(ends)))
    return tuple(found)


def _differs(built: Built, placed: Placed) -> bool:
    operation = built.operations[placed.operation]
    if operation.planned_start_ts is None or operation.planned_end_ts is None or operation.equipment != built.machine_of(placed):
        return True
    shifts = (built.moment(placed.start) - operation.planned_start_ts, built.moment(placed.end) - operation.planned_end_ts)
    return any(abs(shift) >= _SECOND for shift in shifts)
