"""Execution: what was approved happens, once, in one transaction with the proposal's end and the action's own audit entry."""

import json

from factolake.domain.action import Effect, Role
from factolake.mes.approvals.actions.decisions import approving, check_unchanged
from factolake.mes.approvals.actions.proposals import ASKERS, action_of, check_concerned, check_step, end
from factolake.mes.approvals.models import Proposal, ProposalState
from factolake.mes.approvals.policy import is_enough
from factolake.mes.core.action import Action, Answer, Form, On, Request, action, parse_form, perform, place_of
from factolake.mes.core.call import Call
from factolake.mes.core.refusals import NotAllowed
from factolake.mes.people.rights import Rights

EVERYTHING = Rights(frozenset((role, "") for role in Role))


@action("proposal.execute", On(Proposal), ASKERS, Effect.REVERSIBLE)
def execute_proposal(call: Call, proposal: Proposal, _: Form) -> Proposal:
    """Do what was approved; where the action refuses, nothing has happened and the proposal stays approved."""
    check_step(call, proposal, ProposalState.EXECUTED)
    wanted = action_of(proposal)
    check_concerned(call, proposal, wanted)
    if not proposal.requested_by.is_active:
        raise NotAllowed(f"{proposal} was asked for by {proposal.requested_by_id}, who may not act any more; propose it again")
    check_unchanged(proposal, wanted)
    if not is_enough(wanted, approving(proposal)):
        raise NotAllowed(f"{proposal} is not approved by enough people who may still do so; propose it again")
    answer = _perform(call, proposal, wanted)
    return end(call, proposal, ProposalState.EXECUTED, json.dumps(answer, sort_keys=True))


def _perform(call: Call, proposal: Proposal, wanted: Action) -> Answer:
    """The action itself. The right to it comes from the approval and reaches no further than the place that was approved."""
    asked = Request(wanted, proposal.key, parse_form(wanted, json.loads(proposal.payload)))
    if place_of(asked, EVERYTHING) != proposal.place:
        raise NotAllowed(f"{proposal} is for {proposal.place or 'the enterprise'}, and what it is done to is elsewhere now; propose it again")
    rights = Rights(frozenset((role, proposal.place) for role in wanted.roles))
    inner = Call(call.actor, call.at_ts, call.via, proposal.reason, call.request_id, approval=proposal.proposal_id)
    return perform(inner, asked, rights)
