"""Corrective actions: begun with all their steps, worked off one after the other, checked by somebody else whether they helped."""

from factolake.domain.action import Effect, Role
from factolake.mes.core.action import At, On, action
from factolake.mes.core.call import Call, find, locked
from factolake.mes.core.refusals import Conflict, Invalid
from factolake.mes.equipment.models import Equipment
from factolake.mes.people.models import Person
from factolake.mes.quality.forms import AssignForm, CorrectiveForm, FindingForm, VerifyForm, WhyForm
from factolake.mes.quality.models import CorrectiveAction, CorrectiveState, CorrectiveStep, Nonconformance
from factolake.mes.quality.models.corrective import CORRECTIVE_STATES, METHOD_STEPS, ROOT_CAUSE_STEPS

OWNERS = {Role.QUALITY, Role.ENGINEER}
TEAM = {Role.QUALITY, Role.ENGINEER, Role.MAINTENANCE, Role.PLANNER, Role.OPERATOR}


@action("corrective_action.create", At("equipment_id", Equipment), OWNERS, Effect.REVERSIBLE, CorrectiveForm)
def begin(call: Call, equipment: Equipment, form: CorrectiveForm) -> CorrectiveAction:
    """Begin a corrective action with the steps of its method, all of its owner until they are assigned."""
    if not call.at_ts < form.due_ts < form.check_due_ts:
        raise Invalid(f"due_ts is {form.due_ts}, check_due_ts {form.check_due_ts}; the steps are due first, then the check, both still to come")
    owner = find(Person, person_id=form.owner_id, is_active=True)
    begun = CorrectiveAction(equipment=equipment, method=form.method.value, problem=form.problem, owner=owner, due_ts=form.due_ts)
    begun.effectiveness_check, begun.check_due_ts = form.effectiveness_check, form.check_due_ts
    begun.nonconformance = find(Nonconformance, pk=form.nonconformance_id) if form.nonconformance_id is not None else None
    call.create(begun)
    for number, (code, name) in enumerate(METHOD_STEPS[form.method]):
        call.create(CorrectiveStep(corrective_action=begun, number=number, code=code, name=name, owner=owner, due_ts=form.due_ts))
    return begun


@action("corrective_step.assign", On(CorrectiveStep), OWNERS, Effect.REVERSIBLE, AssignForm)
def assign(call: Call, step: CorrectiveStep, form: AssignForm) -> CorrectiveStep:
    """Say who does the step by when."""
    _check_to_do(step)
    return call.change(step, owner=find(Person, person_id=form.owner_id, is_active=True), due_ts=form.due_ts)


@action("corrective_step.complete", On(CorrectiveStep), TEAM, Effect.PRODUCTION, FindingForm)
def complete(call: Call, step: CorrectiveStep, form: FindingForm) -> CorrectiveStep:
    """The step is done, by its owner or by quality; with the last one the action is implemented."""
    _check_to_do(step)
    if call.actor.pk != step.owner_id and not call.rights.holds({Role.QUALITY}, step.place):
        raise Conflict(f"step {step.code} of corrective action {step.corrective_action_id} is of {step.owner_id}; they complete it, or quality does")
    begun = _of(step)
    before = begun.steps.filter(done_ts=None, number__lt=step.number).first()
    if before is not None:
        raise Conflict(f"step {before.code} of corrective action {begun.pk} comes before {step.code} and is not done; complete that first")
    call.change(step, finding=form.finding, done_by=call.actor, done_ts=call.at_ts)
    if not begun.steps.filter(done_ts=None).exists():
        _step(call, begun, CorrectiveState.IMPLEMENTED)
    return step


@action("corrective_action.verify", On(CorrectiveAction), {Role.QUALITY}, Effect.PRODUCTION, VerifyForm)
def verify(call: Call, begun: CorrectiveAction, form: VerifyForm) -> CorrectiveAction:
    """Say whether it helped, as somebody else than its owner. When it did not, the work begins anew at the root cause."""
    if call.actor.human_id == begun.owner.human_id:
        raise Conflict(f"corrective action {begun.pk} is of {begun.owner_id}, who does not check their own work; let somebody else of quality do it")
    seen = {"evidence": form.evidence, "verified_by": call.actor, "verified_ts": call.at_ts}
    if form.is_effective:
        return _step(call, begun, CorrectiveState.EFFECTIVE, **seen)
    _step(call, begun, CorrectiveState.OPEN, rounds=begun.rounds + 1, **seen)
    steps = list(begun.steps.order_by("number"))
    root = next(step.number for step in steps if step.code in ROOT_CAUSE_STEPS)
    for step in steps[root:]:
        call.change(step, done_by=None, done_ts=None)
    return begun


@action("corrective_action.cancel", On(CorrectiveAction), {Role.QUALITY}, Effect.PRODUCTION, WhyForm)
def cancel(call: Call, begun: CorrectiveAction, _: WhyForm) -> CorrectiveAction:
    """Give it up."""
    return _step(call, begun, CorrectiveState.CANCELLED)


def _of(step: CorrectiveStep) -> CorrectiveAction:
    begun = locked(CorrectiveAction, step.corrective_action_id)
    assert begun is not None  # a step's foreign key protects it
    return begun


def _check_to_do(step: CorrectiveStep) -> None:
    state = step.corrective_action.state
    if state != CorrectiveState.OPEN.value or step.done_ts is not None:
        done = "done" if step.done_ts else "open"
        raise Conflict(
            f"step {step.code} of corrective action {step.corrective_action_id} is {done} and the action {state}; only open ones are worked on"
        )


def _step(call: Call, begun: CorrectiveAction, to: CorrectiveState, **values: object) -> CorrectiveAction:
    CORRECTIVE_STATES.check(str(begun.pk), begun.state, to)
    return call.change(begun, state=to.value, **values)
