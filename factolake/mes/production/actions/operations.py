"""Operations: started, suspended, completed; what they make and use is reported; a wrong report is reversed."""

from collections.abc import Mapping
from decimal import Decimal

from factolake.domain.action import Effect, Role
from factolake.domain.order import OperationState, OrderState
from factolake.mes.core.action import Form, On, action
from factolake.mes.core.call import Call, find, locked
from factolake.mes.core.refusals import Conflict, Invalid
from factolake.mes.equipment.models import Reason, ReasonKind
from factolake.mes.production.actions.booking import book, held_operation, move, take_back
from factolake.mes.production.actions.lots import locked_lots, moment, short
from factolake.mes.production.actions.orders import make_next_ready, step_order
from factolake.mes.production.forms import ConsumeForm, ReportForm, StepForm, WhyForm
from factolake.mes.production.genealogy import would_cycle
from factolake.mes.production.models import Consumption, CountedBy, Lot, LotStatus, Operation, Production
from factolake.mes.production.models.order import OPERATION_STATES, Order

SHOP = {Role.OPERATOR, Role.PLANNER}


@action("operation.start", On(Operation), SHOP, Effect.PRODUCTION, StepForm)
def start_operation(call: Call, operation: Operation, form: StepForm) -> Operation:
    """Begin the operation or go on with it; the first one starts its order."""
    if operation.actual_start_ts is not None and form.at_ts is not None:
        raise Invalid(f"operation {operation.operation_id} began at {operation.actual_start_ts}; at_ts says when one begins, leave it out to go on")
    _step(operation, OperationState.RUNNING)
    busy = Operation.objects.filter(equipment=operation.equipment, state=OperationState.RUNNING.value).exclude(pk=operation.pk).first()
    if busy is not None and operation.equipment.level == "WorkUnit":
        raise Conflict(f"{operation.equipment_id} is at work on {busy.operation_id}; suspend or complete that first")
    order = _order_of(operation)
    if order.state == OrderState.RELEASED.value:
        step_order(call, order, OrderState.RUNNING)
    start_ts = operation.actual_start_ts or moment(call, form.at_ts)
    call.change(operation, state=OperationState.RUNNING.value, actual_start_ts=start_ts, waits_until_ts=None)
    make_next_ready(call, order)
    return operation


@action("operation.suspend", On(Operation), SHOP, Effect.PRODUCTION)
def suspend_operation(call: Call, operation: Operation, _: Form) -> Operation:
    """Leave the operation for now; the equipment is free."""
    _step(operation, OperationState.SUSPENDED)
    return call.change(operation, state=OperationState.SUSPENDED.value)


@action("operation.complete", On(Operation), SHOP, Effect.PRODUCTION, StepForm)
def complete_operation(call: Call, operation: Operation, form: StepForm) -> Operation:
    """The operation is done; the next one is ready, and with the last one the order is completed."""
    _step(operation, OperationState.COMPLETED)
    end_ts = moment(call, form.at_ts)
    if operation.actual_start_ts is not None and end_ts < operation.actual_start_ts:
        raise Invalid(f"operation {operation.operation_id} began at {operation.actual_start_ts}; it cannot have ended at {end_ts}")
    call.change(operation, state=OperationState.COMPLETED.value, actual_end_ts=end_ts, waits_until_ts=None)
    order = _order_of(operation)
    make_next_ready(call, order)
    done = [OperationState.COMPLETED.value, OperationState.CANCELLED.value]
    if not order.operations.exclude(state__in=done).exists():
        step_order(call, order, OrderState.COMPLETED)
    return operation


@action("operation.report", On(Operation), SHOP, Effect.PRODUCTION, ReportForm)
def report_production(call: Call, operation: Operation, form: ReportForm) -> Production:
    """Report what was made. Scrap and rework take a reason."""
    must_be_begun(operation)
    if not (form.good or form.scrap or form.rework):
        raise Invalid(f"the report of {operation.operation_id} is empty: give good, scrap or rework above 0")
    if form.good and operation.order.counted_by == CountedBy.MACHINE.value:
        raise Conflict(
            f"order {operation.order_id} is counted by its machine: report the scrap and rework it does not see, or let a planner change who counts"
        )
    cause = _cause_of(form)
    lot = _lot_for(call, operation, form) if form.lot_id else None
    report = Production(operation=operation, lot=lot, cause=cause, reported_by=call.actor, at_ts=moment(call, form.at_ts))
    report.good, report.scrap, report.rework = form.good, form.scrap, form.rework
    return book(call, report)


@action("production.reverse", On(Production), SHOP, Effect.PRODUCTION, WhyForm)
def reverse_production(call: Call, report: Production, _: WhyForm) -> Production:
    """Take a wrong report back by one of the opposite sign."""
    if report.reverses_id is not None or Production.objects.filter(reverses=report).exists():
        raise Conflict(f"report {report.pk} is a reversal or was reversed already; report what is right instead")
    if report.source_row:
        raise Conflict(f"report {report.pk} is what {report.source_system or 'FactoMES'} told of {report.source_row}; it is put right there")
    report.operation = held_operation(report.operation_id)
    return take_back(call, report)


@action("operation.consume", On(Operation), SHOP, Effect.PRODUCTION, ConsumeForm)
def consume(call: Call, operation: Operation, form: ConsumeForm) -> Consumption:
    """Use so much of a lot; blocked lots, more than is left and a lot that would go into itself are refused."""
    must_be_begun(operation)
    held = locked_lots(form.lot_id, form.into_lot_id)
    lot = _known(held, form.lot_id)
    if lot.status != LotStatus.UNRESTRICTED.value:
        raise Conflict(f"lot {lot.lot_id} is {lot.status} and cannot be used; take another lot or ask quality")
    if form.quantity > lot.remaining:
        raise Conflict(f"lot {lot.lot_id} has {short(lot.remaining)} left, not {short(form.quantity)}")
    into = _own_lot(call, operation, form.into_lot_id, held) if form.into_lot_id else None
    if into is not None and would_cycle(lot.lot_id, into.lot_id):
        raise Conflict(f"lot {lot.lot_id} is made of lot {into.lot_id} and cannot go into it")
    used = Consumption(operation=operation, lot=lot, into_lot=into, quantity=form.quantity, reported_by=call.actor)
    used.at_ts = moment(call, form.at_ts)
    call.create(used)
    move(call, lot, -form.quantity, made=False)
    return used


@action("consumption.reverse", On(Consumption), SHOP, Effect.PRODUCTION, WhyForm)
def reverse_consumption(call: Call, used: Consumption, _: WhyForm) -> Consumption:
    """Take a wrong consumption back by one of the opposite sign; the lot has it again."""
    if used.reverses_id is not None or Consumption.objects.filter(reverses=used).exists():
        raise Conflict(f"consumption {used.pk} is a reversal or was reversed already; report what is right instead")
    back = Consumption(operation=used.operation, lot=used.lot, into_lot=used.into_lot, quantity=-used.quantity, reported_by=call.actor)
    back.at_ts, back.reverses = used.at_ts, used
    call.create(back)
    move(call, locked_lots(used.lot_id)[used.lot_id], used.quantity, made=False)
    return back


def _step(operation: Operation, to: OperationState) -> None:
    OPERATION_STATES.check(operation.operation_id, operation.state, to)


def _order_of(operation: Operation) -> Order:
    order = locked(Order, operation.order_id)
    assert order is not None  # an operation's foreign key protects it
    return order


def must_be_begun(operation: Operation) -> None:
    """Raise Conflict unless something may be reported of the operation now."""
    if operation.actual_start_ts is None or operation.state in (OperationState.HELD.value, OperationState.CANCELLED.value):
        raise Conflict(f"operation {operation.operation_id} is {operation.state}; start it before you report on it")
    if operation.order.state == OrderState.CLOSED.value:
        raise Conflict(f"order {operation.order_id} is closed; nothing more is reported for it")


def _cause_of(form: ReportForm) -> Reason | None:
    if not (form.scrap or form.rework):
        return None
    if not form.cause_id:
        raise Invalid("scrap and rework take a reason: give cause_id")
    kinds = [ReasonKind.SCRAP.value, ReasonKind.REWORK.value]
    return find(Reason, reason_id=form.cause_id, kind__in=kinds, is_active=True)


def _lot_for(call: Call, operation: Operation, form: ReportForm) -> Lot:
    """The lot the good ones belong to, grown by them; made when it is not there."""
    lot = _own_lot(call, operation, str(form.lot_id), locked_lots(form.lot_id))
    if form.good and lot.status != LotStatus.UNRESTRICTED.value:
        raise Conflict(f"lot {lot.lot_id} is {lot.status}: good parts cannot be confirmed into it; take another lot or ask quality")
    return move(call, lot, form.good, made=True)


def _own_lot(call: Call, operation: Operation, lot_id: str, held: Mapping[str, Lot]) -> Lot:
    lot = held.get(lot_id)
    if lot is None:
        new = Lot(lot_id=lot_id, material=operation.order.material, made_by=operation, made_ts=call.at_ts, place_path=operation.equipment.path)
        new.kind = "serial" if operation.order.material.tracked_by == "serial" else "lot"
        new.quantity = new.remaining = Decimal(0)
        return call.create(new)
    is_own = lot.made_by_id == operation.pk or (lot.made_by is not None and lot.made_by.order_id == operation.order_id)
    if lot.material_id != operation.order.material_id or not is_own:
        raise Conflict(f"lot {lot_id} is of {lot.material_id} and not made by order {operation.order_id}; take another number")
    return lot


def _known(held: Mapping[str, Lot], lot_id: str) -> Lot:
    if lot_id not in held:
        raise Conflict(f"there is no lot {lot_id}; receive it first")
    return held[lot_id]
