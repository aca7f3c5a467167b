"""Maintenance orders: opened, moved on by their clocks, diagnosed, closed. Closing one of a plan sets when the plan is due next."""

from factolake.domain.action import Effect, Role
from factolake.mes.core.action import At, On, action
from factolake.mes.core.call import Call, find, locked
from factolake.mes.core.refusals import Conflict, Invalid
from factolake.mes.equipment.models import Equipment
from factolake.mes.maintenance.actions.requests import step_request
from factolake.mes.maintenance.clocks import NEEDED, Clock, check_clock
from factolake.mes.maintenance.cycles import cycles_of
from factolake.mes.maintenance.due import next_due
from factolake.mes.maintenance.forms import ClockForm, CloseForm, DiagnosisForm, OrderForm, WhyForm
from factolake.mes.maintenance.models import (
    CodeKind,
    FailureCode,
    MaintenanceKind,
    MaintenanceOrder,
    MaintenanceOrderState,
    MaintenanceRequest,
    PreventivePlan,
    RequestState,
)
from factolake.mes.maintenance.models.order import MAINTENANCE_ORDER_STATES

SHOP = {Role.OPERATOR, Role.MAINTENANCE}
FITTERS = {Role.MAINTENANCE}


@action("maintenance_order.create", At("equipment_id", Equipment), FITTERS, Effect.PRODUCTION, OrderForm)
def open_order(call: Call, equipment: Equipment, form: OrderForm) -> MaintenanceOrder:
    """Open an order that nobody had to ask for."""
    order = MaintenanceOrder(equipment=equipment, kind=form.kind.value, description=form.description)
    if form.stopped_ts is not None:
        check_clock(form.kind, {}, Clock.STOPPED, form.stopped_ts, call.at_ts)
        order.stopped_ts = form.stopped_ts
    return call.create(order)


@action("maintenance_order.stop", On(MaintenanceOrder), SHOP, Effect.PRODUCTION, ClockForm)
def record_stop(call: Call, order: MaintenanceOrder, form: ClockForm) -> MaintenanceOrder:
    """Clock 1: the equipment stopped."""
    return _set(call, order, Clock.STOPPED, form)


@action("maintenance_order.call", On(MaintenanceOrder), SHOP, Effect.PRODUCTION, ClockForm)
def record_call(call: Call, order: MaintenanceOrder, form: ClockForm) -> MaintenanceOrder:
    """Clock 2: maintenance was called."""
    return _set(call, order, Clock.CALLED, form)


@action("maintenance_order.arrive", On(MaintenanceOrder), FITTERS, Effect.PRODUCTION, ClockForm)
def record_arrival(call: Call, order: MaintenanceOrder, form: ClockForm) -> MaintenanceOrder:
    """Clock 3: maintenance is there and works on it."""
    return _set(call, order, Clock.ARRIVED, form, MaintenanceOrderState.WORKING)


@action("maintenance_order.repair", On(MaintenanceOrder), FITTERS, Effect.PRODUCTION, ClockForm)
def record_repair(call: Call, order: MaintenanceOrder, form: ClockForm) -> MaintenanceOrder:
    """Clock 4: the work is done."""
    return _set(call, order, Clock.REPAIRED, form, MaintenanceOrderState.REPAIRED)


@action("maintenance_order.prove", On(MaintenanceOrder), SHOP, Effect.PRODUCTION, ClockForm)
def record_first_good(call: Call, order: MaintenanceOrder, form: ClockForm) -> MaintenanceOrder:
    """Clock 5: the first good part."""
    return _set(call, order, Clock.FIRST_GOOD, form, MaintenanceOrderState.PROVEN)


@action("maintenance_order.diagnose", On(MaintenanceOrder), {Role.MAINTENANCE, Role.ENGINEER}, Effect.PRODUCTION, DiagnosisForm)
def diagnose(call: Call, order: MaintenanceOrder, form: DiagnosisForm) -> MaintenanceOrder:
    """Say how, by what and why it failed, and how that was found."""
    if MaintenanceOrderState(order.state) in MAINTENANCE_ORDER_STATES.final:
        raise Conflict(f"maintenance order {order.pk} is {order.state}; what it found stays as it is")
    asked = {kind: getattr(form, f"{kind.value}_id") for kind in CodeKind}
    codes = {kind.value: find(FailureCode, code_id=key, kind=kind.value, is_active=True) for kind, key in asked.items() if key is not None}
    return call.change(order, **codes, finding=form.finding or order.finding)


@action("maintenance_order.close", On(MaintenanceOrder), FITTERS, Effect.PRODUCTION, CloseForm)
def close_order(call: Call, order: MaintenanceOrder, form: CloseForm) -> MaintenanceOrder:
    """Nothing more is to be done. A failure has its failure mode and all its clocks; a plan is due an interval from now."""
    missing = next((clock for clock in Clock if clock in NEEDED[MaintenanceKind(order.kind)] and getattr(order, clock.value) is None), None)
    if missing is not None:
        raise Conflict(f"clock {missing.word} of maintenance order {order.pk} is not set; set it before you close the order")
    if order.kind == MaintenanceKind.CORRECTIVE.value and order.mode_id is None:
        raise Conflict(f"maintenance order {order.pk} has no failure mode; diagnose it first, mode.UNK where nobody knows")
    if form.cycles is not None and order.plan_id is None:
        raise Invalid(f"maintenance order {order.pk} is of no plan; leave out cycles")
    _step(call, order, MaintenanceOrderState.CLOSED, closed_by=call.actor, closed_ts=call.at_ts)
    if order.request_id is not None:
        _step_request_of(call, order, RequestState.DONE)
    if order.plan_id is not None:
        _plan_next(call, order, form)
    return order


@action("maintenance_order.cancel", On(MaintenanceOrder), FITTERS, Effect.PRODUCTION, WhyForm)
def cancel_order(call: Call, order: MaintenanceOrder, form: WhyForm) -> MaintenanceOrder:
    """Give the order up before work on it begins; its request is open again."""
    _step(call, order, MaintenanceOrderState.CANCELLED, finding=form.reason)
    if order.request_id is not None:
        _step_request_of(call, order, RequestState.OPEN)
    return order


def _set(call: Call, order: MaintenanceOrder, clock: Clock, form: ClockForm, to: MaintenanceOrderState | None = None) -> MaintenanceOrder:
    if order.state == MaintenanceOrderState.CANCELLED.value:
        raise Conflict(f"maintenance order {order.pk} is cancelled; its clocks stand still")
    at_ts = form.at_ts or call.at_ts
    check_clock(MaintenanceKind(order.kind), {one: getattr(order, one.value) for one in Clock}, clock, at_ts, call.at_ts)
    values = {clock.value: at_ts}
    return call.change(order, **values) if to is None else _step(call, order, to, **values)


def _step(call: Call, order: MaintenanceOrder, to: MaintenanceOrderState, **values: object) -> MaintenanceOrder:
    MAINTENANCE_ORDER_STATES.check(str(order.pk), order.state, to)
    return call.change(order, state=to.value, **values)


def _step_request_of(call: Call, order: MaintenanceOrder, to: RequestState) -> None:
    asked = locked(MaintenanceRequest, order.request_id)
    assert asked is not None  # the order's foreign key protects it
    step_request(call, asked, to)


def _plan_next(call: Call, order: MaintenanceOrder, form: CloseForm) -> None:
    plan = locked(PreventivePlan, order.plan_id)
    assert plan is not None and order.repaired_ts is not None  # its foreign key protects the plan; the clock is needed to close
    cycles = cycles_of(plan, form.cycles)
    if plan.every_cycles is not None and cycles is None:
        raise Invalid(f"preventive plan {plan.plan_id} goes by a counter: give cycles, the value it had when the work was done")
    following = next_due(plan.every_days, plan.every_cycles, order.repaired_ts, cycles)
    call.change(plan, last_done_ts=order.repaired_ts, next_due_ts=following.at_ts, next_due_cycles=following.at_cycles)
