"""Kill switches: pulled by anybody who works here, released by few; honoured at the last moment before a commit."""

from collections.abc import Iterable

from django.db.models import Q

from factolake.domain.action import ActorKind, Effect, Role
from factolake.mes.approvals.actions.proposals import ASKERS, end
from factolake.mes.approvals.forms import SwitchForm
from factolake.mes.approvals.models import OPEN_STATES, KillSwitch, Proposal, ProposalState
from factolake.mes.core.action import ACTIONS, At, On, action
from factolake.mes.core.call import Call, find, locked
from factolake.mes.core.checks import last_check
from factolake.mes.core.refusals import Conflict, NotAllowed
from factolake.mes.people.models import Person
from factolake.mes.people.rights import Rights
from factolake.mes.production.forms import WhyForm

GLOBAL = "global"


def _anywhere(rights: Rights, _: SwitchForm) -> str:
    """Stopping needs a role somewhere, not everywhere: who stands beside it stops it."""
    return min((scope for role, scope in rights.grants if role in ASKERS), default="")


@action("kill_switch.create", At(place_of=_anywhere), ASKERS, Effect.CONTAIN, SwitchForm)
def pull_switch(call: Call, _: None, form: SwitchForm) -> KillSwitch:
    """Stop all agents, one of them, or one action; what waits for approval or execution there is cancelled, so that it does not come back later."""
    kind, _colon, name = form.scope.partition(":")
    if kind == "agent" and find(Person, person_id=name).kind == ActorKind.HUMAN.value:
        raise Conflict(f"{name} is a person; disable them instead")
    if kind == "capability" and name not in ACTIONS:
        raise Conflict(f"there is no action {name}; /api/v1/openapi.json lists them")
    switch = locked(KillSwitch, form.scope)
    if switch is None:
        switch = call.create(KillSwitch(scope=form.scope, person=call.actor, set_ts=call.at_ts, reason=form.reason))
    elif not switch.is_on:
        call.change(switch, is_on=True, person=call.actor, set_ts=call.at_ts, reason=form.reason)
    concerned = {"agent": Q(requested_by_id=name), "capability": Q(action=name)}.get(kind, ~Q(requested_by__kind=ActorKind.HUMAN.value))
    for proposal in Proposal.objects.select_for_update(of=("self",), no_key=True).filter(concerned, state__in=OPEN_STATES).order_by("pk"):
        end(call, proposal, ProposalState.CANCELLED)
    return switch


@action("kill_switch.release", On(KillSwitch), {Role.ADMIN, Role.ENGINEER, Role.APPROVER}, Effect.PRODUCTION, WhyForm, people_only=True)
def release_switch(call: Call, switch: KillSwitch, form: WhyForm) -> KillSwitch:
    """Let it go on; what was cancelled has to be proposed again."""
    if not switch.is_on:
        raise Conflict(f"{switch} is off already, since {switch.set_ts}")
    return call.change(switch, is_on=False, person=call.actor, set_ts=call.at_ts, reason=form.reason)


@last_check
def honour_switches(call: Call, action_name: str) -> None:
    """Raise NotAllowed for what a switch stops. People acting for themselves are never stopped; an approval is looked at as well as the actor.

    `global` stops agents, and every proposal that no person asked for; services, whose imports only tell what happened, are stopped by name.
    """
    if call.actor.kind == ActorKind.HUMAN.value and not call.approval:
        return
    actors = [call.actor]
    if call.approval:
        actors.append(_requester(call.approval, action_name))
    check_not_stopped(action_name, actors, is_proposed=bool(call.approval))


def check_not_stopped(action_name: str, actors: Iterable[Person], *, is_proposed: bool) -> None:
    """Raise NotAllowed where a switch stops the action, or one of `actors` that is no person; `is_proposed`: others let it happen for them."""
    machines = [actor for actor in actors if actor.kind != ActorKind.HUMAN.value]
    scopes = {f"capability:{action_name}"} | {f"agent:{actor.person_id}" for actor in machines}
    if any(is_proposed or actor.kind == ActorKind.AGENT.value for actor in machines):
        scopes.add(GLOBAL)
    stopped = KillSwitch.objects.filter(scope__in=scopes, is_on=True).order_by("scope").first()
    if stopped is not None:
        raise NotAllowed(f"{action_name} is stopped by the kill switch {stopped.scope}, set by {stopped.person_id} at {stopped.set_ts}")


def _requester(approval: str, action_name: str) -> Person:
    """Who asked for what is being executed. Raises NotAllowed where `approval` names no approved proposal of this action."""
    approved = Proposal.objects.filter(pk=approval, action=action_name, state=ProposalState.APPROVED.value)
    for proposal in approved.select_related("requested_by"):
        requester: Person = proposal.requested_by
        return requester
    raise NotAllowed(f"{action_name} came with the approval {approval}, which is none for it; propose it")
