"""Inspection plans: added and ended. A plan is never changed: what was checked was judged by it."""

from factolake.domain.action import Effect, Role
from factolake.mes.core.action import At, On, action
from factolake.mes.core.call import Call, find
from factolake.mes.core.refusals import Conflict
from factolake.mes.equipment.models import Equipment
from factolake.mes.production.models import MaterialDefinition
from factolake.mes.quality.forms import PlanForm, WhyForm
from factolake.mes.quality.models import Gauge, InspectionPlan


@action("inspection_plan.create", At("equipment_id", Equipment), {Role.QUALITY, Role.ENGINEER}, Effect.PRODUCTION, PlanForm)
def create_plan(call: Call, equipment: Equipment, form: PlanForm) -> InspectionPlan:
    """Check a characteristic from now on; its plan until now, of the same place, material and step, ends."""
    material = find(MaterialDefinition, material_id=form.material_id) if form.material_id else None
    same = {"equipment": equipment, "material": material, "step_number": form.step_number, "characteristic": form.characteristic}
    for earlier in InspectionPlan.objects.filter(**same, valid_to=None):
        call.change(earlier, valid_to=call.at_ts)
    plan = InspectionPlan(**same, kind=form.kind.value, unit=form.unit, nominal=form.nominal, lower=form.lower, upper=form.upper)
    plan.sampled_per, plan.sampled_every = form.sampled_per.value, form.sampled_every
    plan.sample_size, plan.accept_up_to = form.sample_size, form.accept_up_to
    plan.gauge = find(Gauge, gauge_id=form.gauge_id) if form.gauge_id else None
    plan.holds_on_failure, plan.valid_from = form.holds_on_failure, call.at_ts
    return call.create(plan)


@action("inspection_plan.end", On(InspectionPlan), {Role.QUALITY, Role.ENGINEER}, Effect.PRODUCTION, WhyForm)
def end_plan(call: Call, plan: InspectionPlan, _: WhyForm) -> InspectionPlan:
    """The characteristic is no longer checked there."""
    if plan.valid_to is not None:
        raise Conflict(f"inspection plan {plan.pk} ended at {plan.valid_to} already")
    return call.change(plan, valid_to=call.at_ts)
