"""The plan of a line as it is now, and whether a proposal still fits it."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from django.db.models import Q

from factolake.domain.order import OperationState
from factolake.mes.core.record import plain
from factolake.mes.equipment.models import Equipment, EquipmentLevel
from factolake.mes.production.models import Operation, Order
from factolake.mes.production.models.order import OPERATION_STATES
from factolake.mes.scheduling.models import EntryState, ScheduleEntry, ScheduleVersion
from factolake.mes.scheduling.sequence import Place, clashes

OPEN = tuple(state.value for state in OperationState if state not in OPERATION_STATES.final)
_NOT_BEGUN = frozenset({OperationState.WAITING.value, OperationState.READY.value})


def equipment_of(line: Equipment) -> dict[str, Equipment]:
    """The line itself and its machines, by id, in the order of the flow."""
    found = Equipment.objects.filter(Q(pk=line.pk) | Q(path__startswith=f"{line.path}/"))
    return {each.equipment_id: each for each in found.order_by("position", "pk")}


def open_operations(equipment: Mapping[str, Equipment]) -> dict[str, Operation]:
    """Operations at that equipment that are not ended, by id."""
    found = Operation.objects.filter(equipment__in=list(equipment), state__in=OPEN).order_by("pk")
    operations = {operation.operation_id: operation for operation in found}
    orders = Order.objects.in_bulk({operation.order_id for operation in operations.values()})
    for operation in operations.values():  # not joined: with hundreds of them that takes twice as long
        operation.equipment, operation.order = equipment[operation.equipment_id], orders[operation.order_id]
    return operations


def place_of(operation: Operation) -> Place | None:
    """Where and when it is planned; one that has begun is there since then. None where no one knows, and for one that is ended."""
    if operation.state not in OPEN:
        return None
    start_ts = operation.actual_start_ts or operation.planned_start_ts
    if start_ts is None or operation.planned_end_ts is None or operation.planned_end_ts <= start_ts:
        return None
    return _place(operation, operation.equipment, start_ts, operation.planned_end_ts)


def place_in(entry: ScheduleEntry, operation: Operation) -> Place:
    """Where and when the entry plans its operation."""
    return _place(operation, entry.equipment, entry.planned_start_ts, entry.planned_end_ts)


def plan_of(operations: Iterable[Operation]) -> dict[str, Place]:
    """The places of those that have one, by operation."""
    found = ((operation.operation_id, place_of(operation)) for operation in operations)
    return {key: place for key, place in found if place is not None}


def standing(version: ScheduleVersion) -> list[ScheduleEntry]:
    """The changes of the version that nobody rejected, in the order of their starts."""
    found = version.entries.exclude(state=EntryState.REJECTED.value).select_related("equipment", "before_equipment", "operation")
    return list(found.order_by("planned_start_ts", "pk"))


def overtaken(entries: Iterable[ScheduleEntry], operations: Mapping[str, Operation]) -> str:
    """Why a proposal no longer fits the present: the first operation that has changed since, in a sentence. Empty where it still does.

    `operations` are the open ones of the line's equipment and those of the entries.
    """
    proposed = list(entries)
    changed = [(operations[e.operation_id], _change_since(e, operations[e.operation_id])) for e in proposed]
    told = [(operation.changed_ts, operation.operation_id, said) for operation, said in changed if said]
    if told:
        return min(told)[2]
    gone = next((entry for entry in proposed if not entry.equipment.is_active), None)
    if gone is not None:
        return f"{gone.equipment_id}, where {gone.operation_id} was to go, is out of use now"
    wanted = {entry.operation_id: place_in(entry, operations[entry.operation_id]) for entry in proposed}
    clash = next(clashes({**plan_of(operations.values()), **wanted}, wanted), None)
    return clash.told() if clash is not None else ""


def _place(operation: Operation, equipment: Equipment, start_ts: datetime, end_ts: datetime) -> Place:
    return Place(
        operation.operation_id,
        operation.order_id,
        (operation.number, operation.part),
        equipment.equipment_id,
        start_ts,
        end_ts,
        operation.overlaps,
        equipment.level == EquipmentLevel.WORK_UNIT.value,
    )


def _change_since(entry: ScheduleEntry, operation: Operation) -> str:
    key, now, was = operation.operation_id, operation.state, entry.before_state
    if now != was and not {now, was} <= _NOT_BEGUN:
        return f"operation {key} was {was} when it was proposed and is {now} now"
    if now == OperationState.SUSPENDED.value and operation.changed_ts > entry.schedule.made_ts:
        return f"operation {key} was suspended when it was proposed, and was worked on or changed since"
    before = (entry.before_equipment_id, entry.before_start_ts, entry.before_end_ts)
    if (operation.equipment_id, operation.planned_start_ts, operation.planned_end_ts) != before:
        return f"operation {key} was planned at {entry.before_equipment_id} then and somewhere or some time else now"
    if operation.planned_quantity != entry.before_quantity:
        return f"operation {key} was to make {plain(entry.before_quantity)} then and {plain(operation.planned_quantity)} now"
    if operation.order.due_ts != entry.before_due_ts:
        return f"operation {key} is of order {operation.order_id}, whose due date is another now"
    return ""
