"""Materials and the steps that make them."""

from factolake.domain.action import Effect, Role
from factolake.mes.core.action import At, action
from factolake.mes.core.call import Call, find
from factolake.mes.equipment.models import Equipment
from factolake.mes.production.forms import MaterialForm, RoutingStepForm
from factolake.mes.production.models import MaterialDefinition, RoutingStep


@action("material.create", At(), {Role.PLANNER, Role.ENGINEER}, Effect.PRODUCTION, MaterialForm)
def create_material(call: Call, _: None, form: MaterialForm) -> MaterialDefinition:
    """Add a material."""
    material = MaterialDefinition(material_id=form.material_id, description=form.description, base_unit=form.base_unit, tracked_by=form.tracked_by)
    return call.create(material)


@action("routing_step.create", At("equipment_id", Equipment), {Role.PLANNER, Role.ENGINEER}, Effect.PRODUCTION, RoutingStepForm)
def create_routing_step(call: Call, equipment: Equipment, form: RoutingStepForm) -> RoutingStep:
    """Add a step to the way of a material; one with the same number ends now."""
    material = find(MaterialDefinition, material_id=form.material_id)
    for earlier in RoutingStep.objects.filter(material=material, number=form.number, valid_to=None):
        call.change(earlier, valid_to=call.at_ts)
    step = RoutingStep(
        material=material,
        number=form.number,
        description=form.description,
        equipment=equipment,
        planned_setup_s=form.planned_setup_s,
        planned_run_s=form.planned_run_s,
        valid_from=call.at_ts,
    )
    return call.create(step)
