"""Skills: declared, certified, asked for by work, and waived for one operation by a supervisor. Who lacks one does not start the work."""

from datetime import datetime

from django.db.models import Q

from factolake.domain.action import ActorKind, Effect, Role
from factolake.domain.order import OperationState
from factolake.mes.core.action import At, Form, On, action
from factolake.mes.core.call import Call, after_each_action, find
from factolake.mes.core.refusals import Conflict, Invalid
from factolake.mes.core.validity import valid_at
from factolake.mes.equipment.models import Equipment
from factolake.mes.people.models import Person
from factolake.mes.personnel.forms import QualificationForm, RequirementForm, SkillForm, WaiverForm
from factolake.mes.personnel.models import Qualification, Skill, SkillRequirement, SkillWaiver
from factolake.mes.production.models import MaterialDefinition, Operation
from factolake.mes.quality.scope import paths_above

KEEPERS = {Role.ENGINEER, Role.QUALITY, Role.ADMIN}
SUPERVISORS = {Role.PLANNER, Role.ENGINEER, Role.QUALITY}


@action("skill.create", At(), KEEPERS, Effect.PRODUCTION, SkillForm)
def create_skill(call: Call, _: None, form: SkillForm) -> Skill:
    """Declare a skill."""
    return call.create(Skill(skill_id=form.skill_id, name=form.name))


@action("qualification.create", At(), KEEPERS, Effect.PRODUCTION, QualificationForm)
def certify(call: Call, _: None, form: QualificationForm) -> Qualification:
    """Certify that a person holds a skill; nobody certifies themselves."""
    person, skill = find(Person, person_id=form.person_id), find(Skill, skill_id=form.skill_id, is_active=True)
    if person.human_id == call.actor.human_id:
        raise Conflict(f"{form.person_id} cannot certify themselves; ask somebody else with the role")
    valid_from = form.valid_from or call.at_ts
    if form.valid_to is not None and form.valid_to <= valid_from:
        raise Invalid(f"valid_to is {form.valid_to}, which is not after {valid_from}")
    held = Qualification(person=person, skill=skill, valid_from=valid_from, valid_to=form.valid_to, certified_by=call.actor)
    held.certificate = form.certificate
    return call.create(held)


@action("qualification.revoke", On(Qualification), KEEPERS, Effect.PRODUCTION)
def revoke(call: Call, held: Qualification, _: Form) -> Qualification:
    """The person no longer holds the skill, from now on."""
    if held.valid_to is not None and held.valid_to <= call.at_ts:
        raise Conflict(f"qualification {held.pk} ended at {held.valid_to}")
    return call.change(held, valid_to=max(held.valid_from, call.at_ts))


@action("skill_requirement.create", At("equipment_id", Equipment), KEEPERS, Effect.PRODUCTION, RequirementForm)
def require_skill(call: Call, equipment: Equipment | None, form: RequirementForm) -> SkillRequirement:
    """Let some work be started only by people with a skill, from now on."""
    asked = SkillRequirement(skill=find(Skill, skill_id=form.skill_id, is_active=True), equipment=equipment, valid_from=call.at_ts)
    asked.material = find(MaterialDefinition, material_id=form.material_id) if form.material_id else None
    asked.step_number = form.step_number
    return call.create(asked)


@action("skill_requirement.end", On(SkillRequirement), KEEPERS, Effect.PRODUCTION)
def end_requirement(call: Call, asked: SkillRequirement, _: Form) -> SkillRequirement:
    """The skill is no longer asked for."""
    return call.change(asked, valid_to=asked.valid_to or call.at_ts)


@action("operation.waive_skill", On(Operation), SUPERVISORS, Effect.PRODUCTION, WaiverForm)
def waive_skill(call: Call, operation: Operation, form: WaiverForm) -> SkillWaiver:
    """Let a person start this operation without a skill that it asks for; not yourself."""
    person, skill = find(Person, person_id=form.person_id), find(Skill, skill_id=form.skill_id)
    if person.human_id == call.actor.human_id:
        raise Conflict(f"{form.person_id} cannot waive their own skill; ask another supervisor")
    waiver = SkillWaiver(operation=operation, person=person, skill=skill, why=form.reason, allowed_by=call.actor, at_ts=call.at_ts)
    return call.create(waiver)


@after_each_action
def check_skills(call: Call) -> None:
    """Nobody starts an operation that asks for a skill they do not hold. Programs start what somebody qualified set up, so only people are asked."""
    if call.actor.kind != ActorKind.HUMAN.value:
        return
    for change in call.changes:
        if change.noun == "operation" and change.after is not None and change.before is not None:
            if change.after["state"] == OperationState.RUNNING.value != change.before["state"]:
                _check_skill(call.actor, Operation.objects.select_related("equipment", "order").get(pk=change.object_id), call.at_ts)


def _check_skill(person: Person, operation: Operation, now: datetime) -> None:
    missing = missing_skills(person, operation, now)
    if missing:
        named = ", ".join(missing)
        raise Conflict(
            f"operation {operation.operation_id} asks for the skill {named}, which {person.person_id} does not hold now; "
            "somebody qualified starts it, or a supervisor waives it (operation.waive_skill)"
        )


def missing_skills(person: Person, operation: Operation, now: datetime) -> list[str]:
    """Ids of the skills that the operation asks for now and the person neither holds nor has waived for it."""
    here = Q(equipment=None) | Q(equipment__path__in=paths_above(operation.equipment.path))
    of_material = Q(material=None) | (Q(material=operation.order.material_id) & (Q(step_number=None) | Q(step_number=operation.number)))
    asked = set(SkillRequirement.objects.filter(valid_at(now), here, of_material).values_list("skill_id", flat=True))
    if not asked:
        return []
    held = set(Qualification.objects.filter(valid_at(now), person=person, skill__in=asked).values_list("skill_id", flat=True))
    waived = set(SkillWaiver.objects.filter(operation=operation, person=person).values_list("skill_id", flat=True))
    return sorted(asked - held - waived)
