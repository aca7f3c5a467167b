"""Decisions about proposals: by people, each once, never by the one who asked."""

import json
from datetime import datetime, timedelta

from factolake.domain.action import RULES, ActorKind, Effect, Role
from factolake.mes.approvals.actions.proposals import ASKERS, action_of, check_step, end
from factolake.mes.approvals.forms import ApproveForm
from factolake.mes.approvals.models import Approval, Decision, Proposal, ProposalState
from factolake.mes.approvals.policy import deciders, digest_of, is_enough, policy_version
from factolake.mes.core.action import Action, On, action
from factolake.mes.core.call import Call
from factolake.mes.core.refusals import Conflict, NotAllowed
from factolake.mes.people.proof import prove
from factolake.mes.people.rights import Rights, rights_of
from factolake.mes.production.forms import WhyForm

SHORTEST_LOOK = timedelta(seconds=1)
"""Nobody reads a proposal faster: a decision that comes sooner is a script's."""


@action("proposal.approve", On(Proposal), ASKERS, Effect.PRODUCTION, ApproveForm, frozenset({"password"}), people_only=True)
def approve_proposal(call: Call, proposal: Proposal, form: ApproveForm) -> Proposal:
    """Let exactly this happen, as far as it is up to you."""
    check_step(call, proposal, ProposalState.APPROVED)
    wanted = action_of(proposal)
    _check_decider(call, proposal, wanted)
    check_unchanged(proposal, wanted)
    if form.digest != proposal.digest:
        raise NotAllowed(f"{proposal} is not what you saw: its digest is another; read it again")
    proven_ts = None
    if RULES[wanted.effect].fresh_login:
        prove(call.actor, form.password, f"approving {wanted.name}")
        proven_ts = call.at_ts
    _decide(call, proposal, Decision.APPROVE, proven_ts)
    if is_enough(wanted, approving(proposal)):
        call.change(proposal, state=ProposalState.APPROVED.value)
    return proposal


@action("proposal.reject", On(Proposal), ASKERS, Effect.PRODUCTION, WhyForm, people_only=True)
def reject_proposal(call: Call, proposal: Proposal, _: WhyForm) -> Proposal:
    """Say no: it never happens."""
    check_step(call, proposal, ProposalState.REJECTED)
    _check_decider(call, proposal, action_of(proposal))
    _decide(call, proposal, Decision.REJECT, None)
    return end(call, proposal, ProposalState.REJECTED)


def check_unchanged(proposal: Proposal, wanted: Action) -> None:
    """Raise NotAllowed when the row or the rules are not what they were when it was proposed."""
    if policy_version(wanted) != proposal.policy_version:
        raise NotAllowed(f"{proposal} was made under rules that have changed since; propose it again")
    try:
        found = digest_of(proposal.action, proposal.key, json.loads(proposal.payload), proposal.policy_version, proposal.expires_ts)
    except ValueError:
        found = ""
    if found != proposal.digest:
        raise NotAllowed(f"{proposal} was changed after it was made: its content does not have its digest; propose it again")


def approving(proposal: Proposal) -> list[frozenset[Role]]:
    """For each person who approved just this: the roles they decided with and still hold there. The requester and what is no person never count."""
    given = proposal.approvals.select_related("person").filter(decision=Decision.APPROVE.value, digest=proposal.digest)
    people = {one.person.human_id: one for one in given.filter(person__kind=ActorKind.HUMAN.value).order_by("-pk")}
    people.pop(proposal.requested_by.human_id, None)
    return [frozenset(approval.roles.split()) & _roles_at(rights_of(approval.person), proposal.place) for approval in people.values()]


def _check_decider(call: Call, proposal: Proposal, wanted: Action) -> None:
    who = call.actor.person_id
    if call.actor.human_id == proposal.requested_by.human_id:
        raise NotAllowed(f"{proposal} is {who}'s own; nobody decides about what they asked for, somebody else has to")
    if not call.rights.holds(deciders(wanted), proposal.place):
        roles = " or ".join(sorted(deciders(wanted)))
        raise NotAllowed(f"{who} may not decide about {wanted.name} at {proposal.place or 'the enterprise'}: it takes the role {roles} there")
    if call.at_ts - proposal.requested_ts < SHORTEST_LOOK:
        raise Conflict(f"{proposal} was made less than {SHORTEST_LOOK.total_seconds():.0f} s ago; read it first")


def _decide(call: Call, proposal: Proposal, decision: Decision, proven_ts: datetime | None) -> None:
    for earlier in proposal.approvals.select_related("person"):
        if earlier.person.human_id == call.actor.human_id:
            raise Conflict(f"{call.actor.person_id} has decided about {proposal} already, as {earlier.person_id}; somebody else has to as well")
    roles = " ".join(sorted(_roles_at(call.rights, proposal.place)))
    said = Approval(proposal=proposal, person=call.actor, decision=decision.value, roles=roles, digest=proposal.digest, at_ts=call.at_ts)
    said.reauthenticated_ts, said.reason = proven_ts, call.reason
    call.create(said)


def _roles_at(rights: Rights, place: str) -> frozenset[Role]:
    return frozenset(role for role in Role if rights.holds({role}, place))
