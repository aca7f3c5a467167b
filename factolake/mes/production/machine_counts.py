"""What machines counted of an operation, hour by hour, from the lake's sums by machine, order and hour. The judgement is pure; one query reads.

As in the lake, good is the good counter, else total less scrap and rework; scrap is the scrap counter, else what total leaves over. What is left over
belongs to no certain hour: it is put to hours that have room for it, and scrap that is only left over counts once the operation rests, since a part
under way is in the total and not yet in the good ones.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Sum

from factolake.domain.order import OperationState
from factolake.mes.core.lake import is_there, rows, utc
from factolake.mes.equipment.models import Equipment, EquipmentLevel
from factolake.mes.production.amounts import KINDS as BOOKED
from factolake.mes.production.amounts import Amounts, Source
from factolake.mes.production.models import CountedBy, Operation, Production

TABLE = "lake_order_count"
LAKE = "lake"
"""The system that tells of machines, as its service is called."""
HOUR = timedelta(hours=1)
KINDS = ("total", "good", "scrap", "rework")
NOTHING = Amounts()
Counters = Callable[[str], frozenset[str]]


@dataclass(frozen=True, slots=True)
class HourCount:
    """A row of the lake: parts of an order that a machine counted in an hour; None where no counter of the kind counted any."""

    machine: str
    hour_ts: datetime
    last_ts: datetime
    total: int | None = None
    good: int | None = None
    scrap: int | None = None
    rework: int | None = None

    @property
    def source(self) -> Source:
        """What a report of this row names as its source."""
        return Source(CountedBy.MACHINE, LAKE, f"{self.machine} {self.hour_ts:%Y-%m-%dT%H:%MZ}")


def amounts(hours: Sequence[HourCount], counters: frozenset[str], *, is_resting: bool) -> list[Amounts]:
    """Good, scrap and rework of each hour of one machine, in order; `counters` are the kinds that the machine has.

    >>> hours = [HourCount("M1", moment, moment, total=10, scrap=0), HourCount("M1", moment, moment, total=0, scrap=1)]
    >>> [int(one.good) for one in amounts(hours, frozenset({"total", "scrap"}), is_resting=True)]
    [9, 0]
    """
    good, scrap, rework, total = (_parts(hours, kind) for kind in ("good", "scrap", "rework", "total"))
    if "scrap" not in counters and {"total", "good"} <= counters:
        left = [total[i] - good[i] - rework[i] for i in range(len(hours))]
        scrap = _spread(left) if is_resting else [0] * len(hours)
    if "good" not in counters:
        made = total if "total" in counters else [scrap[i] + rework[i] for i in range(len(hours))]
        good = _spread([made[i] - scrap[i] - rework[i] for i in range(len(hours))])
    return [Amounts(*map(Decimal, one)) for one in zip(good, scrap, rework, strict=True)]


def told_of(operation: Operation, counters: Counters) -> list[tuple[HourCount, Amounts]]:
    """What the lake tells of an operation now, hour by hour; none before the sync has run.

    A machine's own operation has all it counted for the order since it began. One on a line has the good parts of the line's last machine, and scrap
    and rework of all its machines, but what belongs to their own operations.
    """
    is_resting = operation.state != OperationState.RUNNING.value
    beside = list(Operation.objects.filter(order=operation.order_id).exclude(actual_start_ts=None).select_related("equipment"))
    found: list[tuple[HourCount, Amounts]] = []
    for machine, is_last in _machines(operation):
        own = [one for one in beside if one.equipment_id == machine.pk]
        over = [one for one in beside if machine.path.startswith(f"{one.equipment.path}/")]
        hours = [one for one in _hours(machine.pk, operation.order_id) if _operation_of(one, own, over) == operation.pk]
        for hour, one in zip(hours, amounts(hours, counters(machine.pk), is_resting=is_resting), strict=True) if hours else ():
            found.append((hour, one if is_last else Amounts(Decimal(0), one.scrap, one.rework)))
    return found


def counters_of(machine: str) -> frozenset[str]:
    """The kinds that the machine has ever counted: the first reading of a counter is a row of no parts."""
    query = f"SELECT 1 FROM {TABLE} WHERE machine = %s AND {{}} IS NOT NULL LIMIT 1"
    return frozenset(kind for kind in KINDS if next(iter(rows(query.format(kind), [machine])), None))


def unbooked(operation: Operation, counters: Counters = counters_of) -> list[tuple[Source, Amounts, datetime]]:
    """Where the reports differ from what the lake tells now: source, what it tells, and when that was counted.

    `counters` tells the kinds of a machine: who asks about many operations need not read them anew for each.
    """
    told = {hour.source.row: (hour, one) for hour, one in told_of(operation, counters)}
    sums = {f"{kind}_sum": Sum(kind) for kind in BOOKED}
    reports = Production.objects.filter(operation=operation, source_system=LAKE).values("source_row").annotate(**sums).order_by("source_row")
    booked = {row["source_row"]: Amounts(*(row[name] for name in sums)) for row in reports}
    gone = [row for row, one in booked.items() if row not in told and one != NOTHING]
    withdrawn = [(Source(CountedBy.MACHINE, LAKE, row), NOTHING, operation.changed_ts) for row in gone]
    return withdrawn + [(hour.source, one, hour.last_ts) for row, (hour, one) in told.items() if booked.get(row, NOTHING) != one]


def _parts(hours: Iterable[HourCount], kind: str) -> list[int]:
    return [getattr(one, kind) or 0 for one in hours]


def _spread(left: Sequence[int]) -> list[int]:
    """What is left over in all, never below 0, put to the hours that have something left over, the first ones first."""
    rest, given = max(sum(left), 0), []
    for one in left:
        given.append(min(max(one, 0), rest))
        rest -= given[-1]
    return given


def _machines(operation: Operation) -> list[tuple[Equipment, bool]]:
    """The machines that count for the operation, and whether what is good there is good at its end."""
    if operation.equipment.level != EquipmentLevel.PRODUCTION_LINE.value:
        return [(operation.equipment, True)]
    below = Equipment.objects.filter(path__startswith=f"{operation.equipment.path}/", level=EquipmentLevel.WORK_UNIT.value)
    machines = list(below.order_by("position", "equipment_id"))
    return [(machine, machine == machines[-1]) for machine in machines]


def _operation_of(hour: HourCount, own: Iterable[Operation], over: Iterable[Operation]) -> str:
    """Which operation an hour of a machine belongs to, of the order's at the machine (`own`) and on its line (`over`).

    Of several it is the one that began last before the hour's end, at the machine before those on the line; where none had begun, the first.
    """
    begun = [sorted((one.actual_start_ts, one.pk) for one in place if one.actual_start_ts is not None) for place in (own, over)]
    for place in begun:
        before = [key for start_ts, key in place if start_ts <= hour.last_ts]
        if before:
            return before[-1]
    return next((place[0][1] for place in begun if place), "")


def _hours(machine: str, order_id: str) -> list[HourCount]:
    if not is_there(TABLE):
        return []
    query = f"SELECT * FROM {TABLE} WHERE machine = %s AND order_id = %s ORDER BY hour_ts"
    return [_hour(row) for row in rows(query, [machine, order_id])]


def _hour(row: Mapping[str, Any]) -> HourCount:
    return HourCount(row["machine"], utc(row["hour_ts"]), utc(row["last_ts"]), **{kind: row[kind] for kind in KINDS})
