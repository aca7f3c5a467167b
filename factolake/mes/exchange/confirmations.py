"""Confirmations are written here, in the transaction of the action they tell about: production cannot know of the ERP, so the call is listened to.

Told are operations of orders that another system owns: quantities with each report, times with the final confirmation, material with each movement.
"""

import uuid
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal

from factolake.domain.order import OperationState
from factolake.mes.core.call import Call, Change, after_each_action
from factolake.mes.exchange.models import ConfirmationKind, ErpConfirmation, OperationClock
from factolake.mes.exchange.setup_time import setup_s
from factolake.mes.production.models import Consumption, Lot, Operation, Production
from factolake.mes.production.models.order import OPERATION_STATES

RECEIPT, RECEIPT_BACK, ISSUE, ISSUE_BACK = "101", "102", "261", "262"
_FACTS = frozenset({"production", "consumption"})


@after_each_action
def confirm(call: Call) -> None:
    """Write the confirmations of what the action has done."""
    told = [change for change in call.changes if _is_told(change)]
    operations = _operations_of_erps(call, told)
    for change in told:
        operation = operations.get(_operation_id(change))
        if operation is None:
            continue
        if change.noun == "production":
            _tell_production(call, change, operation)
        elif change.noun == "consumption":
            _tell_consumption(call, change, operation)
        else:
            _tell_step(call, change, operation)


def _is_told(change: Change) -> bool:
    if change.after is None:
        return False
    if change.before is None:
        return change.noun in _FACTS
    return change.noun == Operation.NOUN and change.before["state"] != change.after["state"]


def _operation_id(change: Change) -> str:
    assert change.after is not None
    return str(change.after["operation_id"])


def _operations_of_erps(call: Call, told: Iterable[Change]) -> dict[str, Operation]:
    """Those of orders that another system owns; what a system tells us itself it is not told again."""
    ours = ("", call.actor.person_id)
    wanted, found = set(), {}
    for change in told:
        operation = _in_hand(change)
        if operation is None:
            wanted.add(_operation_id(change))
        elif operation.order.source_system not in ours:
            found[operation.operation_id] = operation
    if wanted:
        rows = Operation.objects.filter(pk__in=wanted).exclude(order__source_system__in=ours)
        found |= {operation.operation_id: operation for operation in rows.select_related("order__material")}
    return found


def _in_hand(change: Change) -> Operation | None:
    """The operation of a fact as the action has read it, with its order; None where it has not."""
    row = change.row
    if not isinstance(row, (Production, Consumption)) or not row._meta.get_field("operation").is_cached(row):
        return None
    return row.operation if Operation._meta.get_field("order").is_cached(row.operation) else None


def _tell_production(call: Call, change: Change, operation: Operation) -> None:
    fact = _values(change)
    good, scrap, rework = (Decimal(fact[name]) for name in ("good", "scrap", "rework"))
    row = _confirmation(call, change, operation, ConfirmationKind.OPERATION)
    row.good, row.scrap, row.rework, row.cause_id = good, scrap, rework, fact["cause_id"]
    row.unit = operation.order.material.base_unit
    call.create(row)
    if good and not operation.order.operations.filter(number__gt=operation.number).exists():
        movement = _confirmation(call, change, operation, ConfirmationKind.GOODS_RECEIPT)
        movement.movement = RECEIPT if good > 0 else RECEIPT_BACK
        movement.material, movement.lot_id = operation.order.material, fact["lot_id"] or None
        movement.quantity, movement.unit = abs(good), operation.order.material.base_unit
        call.create(movement)


def _tell_consumption(call: Call, change: Change, operation: Operation) -> None:
    fact = _values(change)
    lot = Lot.objects.select_related("material").get(pk=fact["lot_id"])
    row = _confirmation(call, change, operation, ConfirmationKind.GOODS_ISSUE)
    row.movement = ISSUE_BACK if fact["reverses_id"] else ISSUE
    row.material, row.lot, row.quantity, row.unit = lot.material, lot, abs(Decimal(fact["quantity"])), lot.material.base_unit
    call.create(row)


def _tell_step(call: Call, change: Change, operation: Operation) -> None:
    """Run or stop the operation's clock; with its completion its times are told."""
    assert change.before is not None
    clock = OperationClock.objects.filter(pk=operation.pk).first() or call.create(OperationClock(operation=operation))
    at_ts = _told_ts(call, change, operation)
    if operation.state == OperationState.RUNNING.value:
        call.change(clock, running_since_ts=at_ts)
    elif change.before["state"] == OperationState.RUNNING.value and clock.running_since_ts is not None:
        worked_s = clock.worked_s + max((at_ts - clock.running_since_ts).total_seconds(), 0.0)
        call.change(clock, running_since_ts=None, worked_s=worked_s)
    if operation.state == OperationState.COMPLETED.value:
        row = _confirmation(call, change, operation, ConfirmationKind.OPERATION)
        row.is_final, row.unit = not _has_open_parts(operation), operation.order.material.base_unit
        row.setup_s = setup_s(operation, clock.worked_s, at_ts)
        row.run_s = max(clock.worked_s - (row.setup_s or 0.0), 0.0)
        call.create(row)


def _has_open_parts(operation: Operation) -> bool:
    """Whether the rest of an interrupted operation is still made elsewhere: to the ERP it is one operation."""
    ended = [state.value for state in OPERATION_STATES.final]
    return operation.order.operations.filter(number=operation.number).exclude(state__in=ended).exists()


def _told_ts(call: Call, change: Change, operation: Operation) -> datetime:
    """When the step happened: a beginning and an end may have been told late."""
    assert change.before is not None
    if operation.state == OperationState.COMPLETED.value and operation.actual_end_ts is not None:
        return operation.actual_end_ts
    if change.before["actual_start_ts"] is None and operation.actual_start_ts is not None:
        return operation.actual_start_ts
    return call.at_ts


def _confirmation(call: Call, change: Change, operation: Operation, kind: ConfirmationKind) -> ErpConfirmation:
    """What every confirmation of a fact says."""
    fact = _values(change)
    order = operation.order
    row = ErpConfirmation(idempotency_key=uuid.uuid4().hex, source_system=order.source_system, order=order, kind=kind.value)
    row.operation = operation if not operation.part else order.operations.get(number=operation.number, part=0)  # the one that the ERP knows
    row.told_by, row.reported_by = f"{change.noun} {change.object_id}", call.actor
    row.at_ts = datetime.fromisoformat(fact["at_ts"]) if change.noun in _FACTS else call.at_ts
    if fact.get("reverses_id"):
        row.reverses = ErpConfirmation.objects.filter(told_by=f"{change.noun} {fact['reverses_id']}", kind=kind.value).first()
    return row


def _values(change: Change) -> dict[str, str]:
    """The fact's columns as text; "" for none."""
    assert change.after is not None
    return {name: "" if value is None else str(value) for name, value in change.after.items()}
