"""Operations: started, suspended, completed; what they make and use is reported; a wrong report is reversed."""

from collections.abc import Mapping
from decimal import Decimal

from factolake.domain.action import Effect, Role
from factolake.mes.core.action import Form, On, action
from factolake.mes.core.call import Call, find, locked
from factolake.mes.core.refusals import Conflict, Invalid
from factolake.mes.equipment.models import Reason, ReasonKind
from factolake.mes.production.actions.lots import locked_lots, moment, short
from factolake.mes.production.actions.orders import make_next_ready, step_order
from factolake.mes.production.forms import ConsumeForm, ReportForm, WhyForm
from factolake.mes.production.genealogy import would_cycle
from factolake.mes.production.models import Consumption, Lot, LotStatus, Operation, OperationState, OrderState, Production
from factolake.mes.production.models.order import OPERATION_STATES, Order

SHOP = {Role.OPERATOR, Role.PLANNER}


@action("operation.start", On(Operation), SHOP, Effect.PRODUCTION)
def start_operation(call: Call, operation: Operation, _: Form) -> Operation:
    """Begin the operation or go on with it; the first one starts its order."""
    _step(operation, OperationState.RUNNING)
    busy = Operation.objects.filter(equipment=operation.equipment, state=OperationState.RUNNING.value).exclude(pk=operation.pk).first()
    if busy is not None and operation.equipment.level == "WorkUnit":
        raise Conflict(f"{operation.equipment_id} is at work on {busy.operation_id}; suspend or complete that first")
    order = _order_of(operation)
    if order.state == OrderState.RELEASED.value:
        step_order(call, order, OrderState.RUNNING)
    return call.change(operation, state=OperationState.RUNNING.value, actual_start_ts=operation.actual_start_ts or call.at_ts)


@action("operation.suspend", On(Operation), SHOP, Effect.PRODUCTION)
def suspend_operation(call: Call, operation: Operation, _: Form) -> Operation:
    """Leave the operation for now; the equipment is free."""
    _step(operation, OperationState.SUSPENDED)
    return call.change(operation, state=OperationState.SUSPENDED.value)


@action("operation.complete", On(Operation), SHOP, Effect.PRODUCTION)
def complete_operation(call: Call, operation: Operation, _: Form) -> Operation:
    """The operation is done; the next one is ready, and with the last one the order is completed."""
    _step(operation, OperationState.COMPLETED)
    call.change(operation, state=OperationState.COMPLETED.value, actual_end_ts=call.at_ts)
    order = _order_of(operation)
    make_next_ready(call, order)
    done = [OperationState.COMPLETED.value, OperationState.CANCELLED.value]
    if not order.operations.exclude(state__in=done).exists():
        step_order(call, order, OrderState.COMPLETED)
    return operation


@action("operation.report", On(Operation), SHOP, Effect.PRODUCTION, ReportForm)
def report_production(call: Call, operation: Operation, form: ReportForm) -> Production:
    """Report what was made. Scrap and rework take a reason."""
    _must_be_begun(operation)
    if not (form.good or form.scrap or form.rework):
        raise Invalid(f"the report of {operation.operation_id} is empty: give good, scrap or rework above 0")
    cause = _cause_of(form)
    lot = _lot_for(call, operation, form) if form.lot_id else None
    report = Production(operation=operation, lot=lot, cause=cause, reported_by=call.actor, at_ts=moment(call, form.at_ts))
    report.good, report.scrap, report.rework = form.good, form.scrap, form.rework
    call.create(report)
    _count(call, operation, report)
    return report


@action("production.reverse", On(Production), SHOP, Effect.PRODUCTION, WhyForm)
def reverse_production(call: Call, report: Production, _: WhyForm) -> Production:
    """Take a wrong report back by one of the opposite sign."""
    if report.reverses_id is not None or Production.objects.filter(reverses=report).exists():
        raise Conflict(f"report {report.pk} is a reversal or was reversed already; report what is right instead")
    operation = locked(Operation, report.operation_id)
    assert operation is not None  # a report's foreign key protects it
    back = Production(operation=operation, lot=report.lot, cause=report.cause, reported_by=call.actor, at_ts=report.at_ts, reverses=report)
    back.good, back.scrap, back.rework = -report.good, -report.scrap, -report.rework
    call.create(back)
    _count(call, operation, back)
    if report.lot_id is not None:
        _move(call, locked_lots(report.lot_id)[report.lot_id], -report.good, made=True)
    return back


@action("operation.consume", On(Operation), SHOP, Effect.PRODUCTION, ConsumeForm)
def consume(call: Call, operation: Operation, form: ConsumeForm) -> Consumption:
    """Use so much of a lot; blocked lots, more than is left and a lot that would go into itself are refused."""
    _must_be_begun(operation)
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
    _move(call, lot, -form.quantity, made=False)
    return used


@action("consumption.reverse", On(Consumption), SHOP, Effect.PRODUCTION, WhyForm)
def reverse_consumption(call: Call, used: Consumption, _: WhyForm) -> Consumption:
    """Take a wrong consumption back by one of the opposite sign; the lot has it again."""
    if used.reverses_id is not None or Consumption.objects.filter(reverses=used).exists():
        raise Conflict(f"consumption {used.pk} is a reversal or was reversed already; report what is right instead")
    back = Consumption(operation=used.operation, lot=used.lot, into_lot=used.into_lot, quantity=-used.quantity, reported_by=call.actor)
    back.at_ts, back.reverses = used.at_ts, used
    call.create(back)
    _move(call, locked_lots(used.lot_id)[used.lot_id], used.quantity, made=False)
    return back


def _step(operation: Operation, to: OperationState) -> None:
    OPERATION_STATES.check(operation.operation_id, operation.state, to)


def _order_of(operation: Operation) -> Order:
    order = locked(Order, operation.order_id)
    assert order is not None  # an operation's foreign key protects it
    return order


def _must_be_begun(operation: Operation) -> None:
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
    return _move(call, lot, form.good, made=True)


def _own_lot(call: Call, operation: Operation, lot_id: str, held: Mapping[str, Lot]) -> Lot:
    lot = held.get(lot_id)
    if lot is None:
        new = Lot(lot_id=lot_id, material=operation.order.material, made_by=operation, made_ts=call.at_ts, place_path=operation.equipment.path)
        new.kind = "serial" if operation.order.material.tracked_by == "serial" else "lot"
        new.quantity = new.remaining = Decimal(0)
        return call.create(new)
    if lot.material_id != operation.order.material_id or lot.made_by is None or lot.made_by.order_id != operation.order_id:
        raise Conflict(f"lot {lot_id} is of {lot.material_id} and not made by order {operation.order_id}; take another number")
    return lot


def _known(held: Mapping[str, Lot], lot_id: str) -> Lot:
    if lot_id not in held:
        raise Conflict(f"there is no lot {lot_id}; receive it first")
    return held[lot_id]


def _move(call: Call, lot: Lot, quantity: Decimal, *, made: bool) -> Lot:
    """More or less of `lot`; `made` says whether it was made (or unmade) rather than used (or given back)."""
    remaining = lot.remaining + quantity
    if remaining < 0:
        raise Conflict(f"lot {lot.lot_id} has {short(lot.remaining)} left; {short(-quantity)} of it were used already")
    grown = lot.quantity + quantity if made else lot.quantity
    if lot.kind == "serial" and grown > 1:
        raise Conflict(f"serial {lot.lot_id} is one piece and is there already")
    return call.change(lot, remaining=remaining, quantity=grown)


def _count(call: Call, operation: Operation, report: Production) -> None:
    """The operation's sums; never below 0."""
    sums = {name: getattr(operation, name) + getattr(report, name) for name in ("good", "scrap", "rework")}
    call.change(operation, **sums)
