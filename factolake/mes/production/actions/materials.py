"""Materials, what they are made of, and the steps that make them. What another system owns is changed by that system alone."""

from django.db.models import Q

from factolake.domain.action import ActorKind, Effect, Role
from factolake.mes.core.action import At, Form, On, action
from factolake.mes.core.call import Call, find, locked
from factolake.mes.core.record import Record
from factolake.mes.core.refusals import Conflict
from factolake.mes.equipment.models import Equipment
from factolake.mes.production.forms import AlternativeForm, BillItemForm, MaterialForm, RoutingStepForm
from factolake.mes.production.models import BillItem, MaterialDefinition, RoutingAlternative, RoutingStep


@action("material.create", At(), {Role.PLANNER, Role.ENGINEER}, Effect.PRODUCTION, MaterialForm)
def create_material(call: Call, _: None, form: MaterialForm) -> MaterialDefinition:
    """Add a material."""
    material = MaterialDefinition(material_id=form.material_id, description=form.description, base_unit=form.base_unit, tracked_by=form.tracked_by)
    return call.create(material)


@action("bill_item.create", At(), {Role.PLANNER, Role.ENGINEER}, Effect.PRODUCTION, BillItemForm)
def create_bill_item(call: Call, _: None, form: BillItemForm) -> BillItem:
    """Add a component to the bill of a material; the same component at the same step ends now."""
    held = {material_id: locked(MaterialDefinition, material_id) for material_id in sorted({form.material_id, form.component_id})}
    material = held[form.material_id] or find(MaterialDefinition, material_id=form.material_id)
    component = held[form.component_id] or find(MaterialDefinition, material_id=form.component_id)
    check_owner(call, material, material.source_system)
    if material.material_id in _made_of(call, component.material_id):
        raise Conflict(f"material {component.material_id} is made of {material.material_id} and cannot be a part of it")
    for earlier in BillItem.objects.filter(material=material, component=component, step_number=form.step_number, valid_to=None):
        call.change(earlier, valid_to=call.at_ts)
    item = BillItem(material=material, component=component, step_number=form.step_number, quantity=form.quantity, valid_from=call.at_ts)
    return call.create(item)


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
        overlaps=form.overlaps,
        valid_from=call.at_ts,
    )
    return call.create(step)


@action("routing_alternative.create", At("equipment_id", Equipment), {Role.PLANNER, Role.ENGINEER}, Effect.PRODUCTION, AlternativeForm)
def create_alternative(call: Call, equipment: Equipment, form: AlternativeForm) -> RoutingAlternative:
    """Let other equipment do a routing step too; what was said of it there before ends now."""
    material = find(MaterialDefinition, material_id=form.material_id)
    step = RoutingStep.objects.filter(material=material, number=form.step_number, valid_to=None).first()
    if step is None:
        raise Conflict(f"the routing of {material.material_id} has no step {form.step_number}; add the step first")
    if step.equipment_id == equipment.equipment_id:
        raise Conflict(f"step {form.step_number} of {material.material_id} is done at {equipment.equipment_id} anyway; name other equipment")
    there = RoutingAlternative.objects.filter(material=material, step_number=form.step_number, equipment=equipment, valid_to=None)
    for earlier in there:
        call.change(earlier, valid_to=call.at_ts)
    made = RoutingAlternative(material=material, step_number=form.step_number, equipment=equipment, valid_from=call.at_ts)
    made.planned_setup_s, made.planned_run_s = form.planned_setup_s, form.planned_run_s
    return call.create(made)


@action("routing_alternative.end", On(RoutingAlternative), {Role.PLANNER, Role.ENGINEER}, Effect.PRODUCTION)
def end_alternative(call: Call, alternative: RoutingAlternative, _: Form) -> RoutingAlternative:
    """The equipment does the step no more; what is planned there stays until it is planned anew."""
    if alternative.valid_to is not None:
        raise Conflict(f"{alternative.equipment_id} has not done step {alternative.step_number} since {alternative.valid_to}; nothing is to be ended")
    return call.change(alternative, valid_to=call.at_ts)


def check_owner(call: Call, row: Record, source_system: str) -> None:
    """Raise Conflict when another system owns `row` (its `source_system`) and the actor is not the service of that name."""
    is_owner = call.actor.kind == ActorKind.SERVICE.value and call.actor.person_id == source_system
    if source_system and not is_owner:
        raise Conflict(f"{row} belongs to {source_system}; change it there, and it comes from there")


def _made_of(call: Call, material_id: str) -> set[str]:
    """The material and everything that goes into it over all levels, by the bills valid now."""
    is_valid = Q(valid_to=None) | Q(valid_to__gt=call.at_ts)
    found, new = {material_id}, {material_id}
    while new:
        new = set(BillItem.objects.filter(is_valid, material__in=new).values_list("component_id", flat=True)) - found
        found |= new
    return found
