"""Maintenance requests: asked by anybody at the machine, accepted or rejected by maintenance."""

from datetime import datetime

from factolake.domain.action import Effect, Role
from factolake.mes.core.action import At, Form, On, action
from factolake.mes.core.call import Call
from factolake.mes.core.refusals import Conflict, Invalid
from factolake.mes.equipment.models import Equipment
from factolake.mes.maintenance.forms import RequestForm, WhyForm
from factolake.mes.maintenance.models import MaintenanceKind, MaintenanceOrder, MaintenanceRequest, RequestState
from factolake.mes.maintenance.models.request import REQUEST_STATES
from factolake.mes.production.actions.lots import moment

ASKERS = {Role.OPERATOR, Role.QUALITY, Role.MAINTENANCE, Role.PLANNER, Role.ENGINEER}


@action("maintenance_request.create", At("equipment_id", Equipment), ASKERS, Effect.REVERSIBLE, RequestForm)
def ask_for_maintenance(call: Call, equipment: Equipment, form: RequestForm) -> MaintenanceRequest:
    """Ask for maintenance."""
    if form.stopped_ts is not None and not form.is_stopped:
        raise Invalid(f"stopped_ts is {form.stopped_ts} and is_stopped false; say whether {equipment.equipment_id} stands still")
    stopped_ts: datetime | None = moment(call, form.stopped_ts) if form.is_stopped else None
    asked = MaintenanceRequest(equipment=equipment, description=form.description, priority=form.priority, is_stopped=form.is_stopped)
    asked.stopped_ts, asked.requested_by, asked.requested_ts = stopped_ts, call.actor, moment(call, form.at_ts)
    return call.create(asked)


@action("maintenance_request.accept", On(MaintenanceRequest), {Role.MAINTENANCE}, Effect.PRODUCTION)
def accept_request(call: Call, asked: MaintenanceRequest, _: Form) -> MaintenanceOrder:
    """Make an order of it; of a machine that stands still the first two clocks run since it stopped and was called."""
    step_request(call, asked, RequestState.ACCEPTED)
    kind = MaintenanceKind.PREVENTIVE if asked.plan_id else MaintenanceKind.CORRECTIVE
    order = MaintenanceOrder(equipment=asked.equipment, kind=kind.value, description=asked.description, request=asked, plan=asked.plan)
    if asked.is_stopped:
        order.stopped_ts, order.called_ts = asked.stopped_ts, asked.requested_ts
    return call.create(order)


@action("maintenance_request.reject", On(MaintenanceRequest), {Role.MAINTENANCE}, Effect.PRODUCTION, WhyForm)
def reject_request(call: Call, asked: MaintenanceRequest, form: WhyForm) -> MaintenanceRequest:
    """Nothing is done about it, and why."""
    return step_request(call, asked, RequestState.REJECTED, answer=form.reason)


@action("maintenance_request.withdraw", On(MaintenanceRequest), ASKERS, Effect.REVERSIBLE, WhyForm)
def withdraw_request(call: Call, asked: MaintenanceRequest, form: WhyForm) -> MaintenanceRequest:
    """It is not needed any more; who asked says so."""
    if asked.requested_by_id != call.actor.pk:
        raise Conflict(f"maintenance request {asked.pk} is of {asked.requested_by_id}; they withdraw it, or maintenance rejects it")
    return step_request(call, asked, RequestState.WITHDRAWN, answer=form.reason)


def step_request(call: Call, asked: MaintenanceRequest, to: RequestState, **values: object) -> MaintenanceRequest:
    """Move the request on. Raises IllegalStep."""
    REQUEST_STATES.check(str(asked.pk), asked.state, to)
    return call.change(asked, state=to.value, **values)
