"""A line as it is now, for plans: rows of the record made a `Situation`. Nothing is kept between two readings.

What the record does not know is left out, and the Situation's defaults say what plans then assume: setups by family, transports and buffers.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import chain

from django.utils import timezone

from factolake.domain.order import OperationState, OrderState
from factolake.domain.states import MachineState
from factolake.mes.downtime.models import Stop, StopState
from factolake.mes.equipment.models import Equipment
from factolake.mes.production.models import Operation
from factolake.mes.production.ways import elsewhere
from factolake.mes.scheduling.calendar import Pause, pauses
from factolake.mes.scheduling.means import NOTHING, Means, means_of
from factolake.mes.scheduling.models import ScheduleState, ScheduleVersion
from factolake.mes.scheduling.present import equipment_of, open_operations
from factolake.planning.reacting import SHORT_STOP
from factolake.planning.situation import Alternative, Order, OrderOperation, Situation, Span, WorkUnit

AHEAD = timedelta(days=14)
"""How far the calendar is looked at beyond the last planned end: there has to be room for what is moved."""

Wishes = Mapping[str, Collection[str]]
"""Machines that operations are to go to, by operation."""


def situation_of(line: Equipment, now: datetime, wishes: Wishes | None = None) -> Situation:
    """The line's open orders, their operations, and all that they take. `wishes`: other machines that may do an operation, beside its own."""
    equipment = equipment_of(line)
    operations = open_operations(equipment)
    current = ScheduleVersion.objects.filter(line=line, state=ScheduleState.ACCEPTED.value).values_list("pk", flat=True).first()
    return situation(line, equipment, operations, now, wishes or {}, current or "", has_means=True)


def situation(
    line: Equipment,
    equipment: Mapping[str, Equipment],
    operations: Mapping[str, Operation],
    now: datetime,
    wishes: Wishes,
    schedule_id: str = "",
    *,
    has_means: bool = False,
) -> Situation:
    """The same of what was read already: the line's equipment and its open operations. `has_means`: with people, tools and materials."""
    orders = {each.order_id: each.order for each in operations.values()}
    ended = Operation.objects.filter(order__in=list(orders), state=OperationState.COMPLETED.value, equipment__in=list(equipment))
    steps = [*operations.values(), *ended]
    until = max([now, *(each.planned_end_ts for each in operations.values() if each.planned_end_ts is not None)]) + AHEAD
    used = {each.equipment_id for each in steps} | set(chain.from_iterable(wishes.values()))
    places = [each for each in equipment.values() if each.pk in used or (each.pk != line.pk and each.is_active)]
    closed = pauses(line.pk, now, until)
    opened = open_spans([each for each in closed if not each.machine], now, until)
    means = means_of(line, [*operations.values()], places, opened, now, until) if has_means else NOTHING
    others = _others([operations[key] for key in wishes if key in operations], wishes, now)
    return Situation(
        now_ts=now,
        orders=tuple(
            Order(each.order_id, line.pk, each.material_id, float(each.quantity), each.due_ts, each.priority, OrderState(each.state))
            for each in orders.values()
        ),
        operations=tuple(_operation(each, others.get(each.operation_id, ()), means) for each in steps),
        machines=tuple(_machines(line, places, closed, opened)),
        workers=means.workers,
        tools=means.tools,
        stocks=means.stocks,
        schedule_id=schedule_id,
        zone=timezone.get_current_timezone(),
    )


def _others(rows: list[Operation], wishes: Wishes, now: datetime) -> dict[str, list[Alternative]]:
    """The machines wished for, in the times that the routing has for them; one that it does not name takes those of the operation's own machine."""
    ways = {key: {each.equipment: each for each in found} for key, found in elsewhere(rows, now).items()}
    return {
        row.pk: [ways.get(row.pk, {}).get(each, Alternative(each)) for each in sorted(wishes[row.pk]) if each != row.equipment_id] for row in rows
    }


def _operation(row: Operation, others: Iterable[Alternative], means: Means) -> OrderOperation:
    return OrderOperation(
        operation_id=row.operation_id,
        order_id=row.order_id,
        number=row.number,
        equipment=row.equipment_id,
        state=OperationState(row.state),
        part=row.part,
        quantity=None if row.quantity is None else float(row.quantity),
        planned_run_s=row.planned_run_s if row.planned_run_s is not None else _run_s(row),
        planned_setup_s=row.planned_setup_s,
        overlaps=row.overlaps,
        good=float(row.good),
        scrap=float(row.scrap),
        planned_start_ts=row.planned_start_ts,
        planned_end_ts=row.planned_end_ts,
        actual_start_ts=row.actual_start_ts,
        actual_end_ts=row.actual_end_ts,
        waits_until_ts=row.waits_until_ts,
        alternatives=tuple(replace(each, skills=means.skills.get((row.operation_id, each.equipment), ())) for each in others),
        skills=means.skills.get((row.operation_id, row.equipment_id), ()),
        tool_classes=means.tool_classes.get(row.operation_id, ()),
        needs=means.needs.get(row.operation_id, {}),
        taken=means.taken.get(row.operation_id, {}),
        pegs=means.pegs.get(row.operation_id, ()),
    )


def _run_s(row: Operation) -> float | None:
    """Where no run time of an item is known: what the planned times give; None without those."""
    if row.planned_start_ts is None or row.planned_end_ts is None or row.state == OperationState.COMPLETED.value:
        return None
    planned_s = Decimal((row.planned_end_ts - row.planned_start_ts).total_seconds()) - Decimal(row.planned_setup_s)
    return float(max(planned_s, Decimal(0)) / row.planned_quantity)


def _machines(line: Equipment, places: Iterable[Equipment], closed: Iterable[Pause], opened: tuple[Span, ...]) -> Iterator[WorkUnit]:
    down = _down(places)
    for place in places:
        own = tuple((each.from_ts, each.to_ts) for each in closed if each.machine == place.pk)
        yield WorkUnit(place.pk, line.pk, opened if place.is_active else (), own, *down.get(place.pk, (None, None)))


def open_spans(closed: Iterable[Pause], from_ts: datetime, to_ts: datetime) -> tuple[Span, ...]:
    """What is left between the two times when the pauses are taken out; a line without a calendar is always open."""
    spans, opens = [], from_ts
    for each in sorted(closed, key=lambda each: each.from_ts):
        if each.from_ts > opens:
            spans.append((opens, each.from_ts))
        opens = max(opens, each.to_ts)
    return (*spans, (opens, to_ts)) if to_ts > opens else tuple(spans)


def _down(places: Iterable[Equipment]) -> dict[str, tuple[datetime, datetime | None]]:
    """Machines that stand still for a failure: since when, and until when as somebody who waits there has estimated."""
    waits = Operation.objects.filter(equipment__in=list(places), state=OperationState.SUSPENDED.value, waits_until_ts__isnull=False)
    until = dict(waits.values_list("equipment_id", "waits_until_ts"))
    stops = Stop.objects.filter(equipment__in=list(places), state=StopState.CURRENT.value, is_open=True).select_related("reason")
    return {
        each.equipment_id: (each.from_ts, until.get(each.equipment_id))
        for each in stops
        if each.equipment_id in until or (not each.reason.planned if each.reason else _is_long(each))
    }


def _is_long(stop: Stop) -> bool:
    return stop.machine_state == MachineState.FAULT.value and stop.to_ts - stop.from_ts >= SHORT_STOP
