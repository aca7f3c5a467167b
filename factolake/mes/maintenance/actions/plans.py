"""Preventive plans: added, ended, and turned into a request when they are due, once."""

from factolake.domain.action import Effect, Role
from factolake.mes.core.action import At, On, action
from factolake.mes.core.call import Call
from factolake.mes.core.refusals import Conflict, Invalid
from factolake.mes.equipment.models import Equipment
from factolake.mes.maintenance.cycles import cycles_of, due_of
from factolake.mes.maintenance.due import next_due
from factolake.mes.maintenance.forms import DueForm, PlanForm, WhyForm
from factolake.mes.maintenance.models import MaintenanceRequest, PreventivePlan
from factolake.mes.maintenance.models.request import PENDING

PLANNERS = {Role.MAINTENANCE, Role.ENGINEER}


@action("preventive_plan.create", At("equipment_id", Equipment), PLANNERS, Effect.PRODUCTION, PlanForm)
def create_plan(call: Call, equipment: Equipment, form: PlanForm) -> PreventivePlan:
    """Plan something to be done every so many days or cycles, counted from now."""
    plan = PreventivePlan(plan_id=form.plan_id, equipment=equipment, description=form.description, every_days=form.every_days)
    plan.every_cycles, plan.cycles_from = form.every_cycles, form.cycles_from.value
    cycles = cycles_of(plan, form.cycles)
    if form.every_cycles is not None and cycles is None:
        raise Invalid(f"preventive plan {form.plan_id} goes by a counter that is given: give cycles, its value now")
    first = next_due(form.every_days, form.every_cycles, call.at_ts, cycles)
    plan.next_due_ts, plan.next_due_cycles = form.first_due_ts or first.at_ts, first.at_cycles
    return call.create(plan)


@action("preventive_plan.request", On(PreventivePlan), PLANNERS | {Role.PLANNER}, Effect.REVERSIBLE, DueForm)
def request_due(call: Call, plan: PreventivePlan, form: DueForm) -> MaintenanceRequest:
    """Ask for the maintenance that is due. Asked again before it is done, the answer is the same request."""
    pending = plan.requests.filter(state__in=PENDING).first()
    if pending is not None:
        return pending
    if not plan.is_active:
        raise Conflict(f"preventive plan {plan.plan_id} has ended; nothing of it is due")
    cycles = cycles_of(plan, form.cycles)
    if not due_of(plan).is_reached(call.at_ts, cycles):
        raise Conflict(f"preventive plan {plan.plan_id} is due at {plan.next_due_ts or plan.next_due_cycles} and not yet, at {cycles or 0} cycles")
    asked = MaintenanceRequest(equipment=plan.equipment, description=plan.description, plan=plan, requested_by=call.actor, requested_ts=call.at_ts)
    return call.create(asked)


@action("preventive_plan.end", On(PreventivePlan), PLANNERS, Effect.PRODUCTION, WhyForm)
def end_plan(call: Call, plan: PreventivePlan, _: WhyForm) -> PreventivePlan:
    """It is no longer done."""
    return call.change(plan, is_active=False)
