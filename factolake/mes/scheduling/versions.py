"""The plan as it was, or would be, after a version of a line's schedule: put together from what each version changed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from factolake.mes.equipment.models import Equipment
from factolake.mes.production.models import Operation
from factolake.mes.scheduling.models import EntryState, ScheduleEntry, ScheduleState, ScheduleVersion

APPLIED = (ScheduleState.ACCEPTED.value, ScheduleState.SUPERSEDED.value)
"""Versions whose changes stand in the plan of today; the others were never made, or taken back."""


@dataclass(frozen=True, slots=True)
class Stand:
    """Where and when an operation is planned, and why it went there."""

    equipment_id: str
    start_ts: datetime
    end_ts: datetime
    why: str = ""


Stands = dict[str, Stand]
"""By operation."""


def stands_now(operations: Iterable[Operation]) -> Stands:
    """The plan of today: what has begun stands since then."""
    found = {}
    for each in operations:
        start, end = each.actual_start_ts or each.planned_start_ts, each.planned_end_ts
        if start is not None and end is not None and end > start:
            found[each.operation_id] = Stand(each.equipment_id, start, end)
    return found


def stands_after(version: ScheduleVersion, now: Mapping[str, Stand]) -> Stands:
    """The plan after `version`, of the operations in `now`: their plan of today.

    A version that stands in the plan is followed back from today. One that does not is laid over the version that was current when it was made.
    """
    if version.state in APPLIED:
        return _back(version.line, version.number, now)
    based_on = version.based_on
    before = dict(now) if based_on is None or version.state == ScheduleState.PROPOSED.value else _back(version.line, based_on.number, now)
    entries = version.entries.all() if version.state != ScheduleState.PROPOSED.value else version.entries.exclude(state=EntryState.REJECTED.value)
    return before | {entry.operation_id: _after(entry) for entry in entries if entry.operation_id in now}


def _back(line: Equipment, number: int, now: Mapping[str, Stand]) -> Stands:
    """Today's plan without what versions after `number` changed."""
    found = dict(now)
    made = ScheduleEntry.objects.filter(schedule__line=line, schedule__state__in=APPLIED, state=EntryState.ACCEPTED.value, operation__in=list(now))
    columns = ("schedule__number", "operation_id", "why", "before_equipment_id", "before_start_ts", "before_end_ts")
    for made_in, key, why, *before in made.filter(schedule__number__gte=number).order_by("-schedule__number").values_list(*columns):
        if key in found and made_in == number:
            found[key] = replace(found[key], why=why)
        elif key in found and None not in before:
            found[key] = Stand(*before)
        elif made_in > number:
            found.pop(key, None)
    return found


def _after(entry: ScheduleEntry) -> Stand:
    return Stand(entry.equipment_id, entry.planned_start_ts, entry.planned_end_ts, entry.why)
