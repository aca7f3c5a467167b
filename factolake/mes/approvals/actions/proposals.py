"""Proposals: asked for, taken back, marked as expired."""

import json
import uuid
from datetime import timedelta

from factolake.domain.action import RULES, Effect, Role
from factolake.mes.approvals.forms import ProposalForm
from factolake.mes.approvals.models import PROPOSAL_STATES, Proposal, ProposalState
from factolake.mes.approvals.policy import deciders, digest_of, minimum, policy_version
from factolake.mes.audit.chain import canonical
from factolake.mes.core.action import ACTIONS, Action, At, Form, On, Request, action, parse_form, place_of
from factolake.mes.core.call import Call, locked
from factolake.mes.core.refusals import Conflict, Gone, Invalid, NotAllowed
from factolake.mes.people.models import Person
from factolake.mes.people.rights import Rights
from factolake.mes.production.forms import WhyForm

ASKERS = set(Role) - {Role.VIEWER}
"""Whoever does more than look may ask, and may do with a proposal what its own rules let them."""
WAITING_CAP = 100
"""Proposals of one requester that may wait at once: people cannot judge more, and a program that floods them hides what matters."""
USUAL_LIFE, LONGEST_LIFE = timedelta(hours=8), timedelta(days=7)
MAX_CHARS = 65_536


def place_of_form(rights: Rights, form: ProposalForm) -> str:
    """Where the proposed action would be done: there the right to propose it is asked."""
    return place_of(requested(form), rights)


def requested(form: ProposalForm) -> Request:
    """What the form proposes. Raises Invalid for an action that is unknown or cannot be proposed, and for a payload that does not fit it."""
    wanted = ACTIONS.get(form.action)
    if wanted is None:
        raise Invalid(f"action: there is no action {form.action!r}; /api/v1/openapi.json lists them")
    if wanted.people_only or wanted.secrets or wanted.noun == Proposal.NOUN:
        raise Invalid(f"action: {wanted.name} cannot be proposed; a person does it themselves")
    if isinstance(wanted.subject, At) and form.key:
        raise Invalid(f"key: {wanted.name} makes a row of its own and takes no key, not {form.key!r}")
    return Request(wanted, form.key, parse_form(wanted, form.payload))


@action("proposal.create", At(place_of=place_of_form), ASKERS, Effect.REVERSIBLE, ProposalForm)
def create_proposal(call: Call, _: None, form: ProposalForm) -> Proposal:
    """Ask for an action that others have to approve."""
    asked = requested(form)
    expires_ts = form.expires_ts or call.at_ts + USUAL_LIFE
    if not call.at_ts < expires_ts <= call.at_ts + LONGEST_LIFE:
        raise Invalid(f"expires_ts: is {expires_ts}; give a time after now and at most {LONGEST_LIFE.days} days away")
    _check_cap(call)
    payload, evidence = _json("payload", asked.form.model_dump(mode="json")), _json("evidence", form.evidence)
    rule, policy = RULES[asked.action.effect], policy_version(asked.action)
    return call.create(
        Proposal(
            proposal_id=uuid.uuid4().hex,
            action=asked.action.name,
            key=asked.key,
            payload=payload,
            evidence=evidence,
            reason=form.reason,
            digest=digest_of(asked.action.name, asked.key, json.loads(payload), policy, expires_ts),
            policy_version=policy,
            place=place_of(asked, call.rights),
            effect=asked.action.effect.value,
            minimum=minimum(rule),
            requested_by=call.actor,
            requested_ts=call.at_ts,
            expires_ts=expires_ts,
        )
    )


@action("proposal.cancel", On(Proposal), ASKERS, Effect.REVERSIBLE, WhyForm)
def cancel_proposal(call: Call, proposal: Proposal, _: WhyForm) -> Proposal:
    """Take a proposal back, approved or not; its requester may, and whoever may decide about it."""
    check_step(call, proposal, ProposalState.CANCELLED)
    check_concerned(call, proposal, action_of(proposal))
    return end(call, proposal, ProposalState.CANCELLED)


@action("proposal.expire", On(Proposal), ASKERS, Effect.REVERSIBLE)
def expire_proposal(call: Call, proposal: Proposal, _: Form) -> Proposal:
    """Mark a proposal whose time is up; it could not happen any more before that either."""
    PROPOSAL_STATES.check(proposal.proposal_id, proposal.state, ProposalState.EXPIRED)
    if not proposal.is_overdue(call.at_ts):
        raise Conflict(f"{proposal} runs until {proposal.expires_ts}; cancel it where it is not wanted")
    return end(call, proposal, ProposalState.EXPIRED)


def check_step(call: Call, proposal: Proposal, to: ProposalState) -> None:
    """Raise Gone for a proposal that was executed or whose time is up, IllegalStep for one that cannot become `to`."""
    if proposal.state == ProposalState.EXECUTED.value:
        raise Gone(f"{proposal} was executed at {proposal.ended_ts} and happens once; propose it again")
    PROPOSAL_STATES.check(proposal.proposal_id, proposal.state, to)
    if proposal.is_overdue(call.at_ts):
        raise Gone(f"{proposal} expired at {proposal.expires_ts}; propose it again")


def check_concerned(call: Call, proposal: Proposal, wanted: Action) -> None:
    """Raise NotAllowed for one who neither asked for it nor may decide about it."""
    if call.actor.person_id != proposal.requested_by_id and not call.rights.holds(deciders(wanted), proposal.place):
        roles = " or ".join(sorted(deciders(wanted)))
        raise NotAllowed(
            f"{call.actor.person_id} has no say in {proposal}: it is {proposal.requested_by_id}'s, and others take the role {roles} there"
        )


def action_of(proposal: Proposal) -> Action:
    """The proposed action. Raises Gone when this version of FactoMES has it no more."""
    if proposal.action not in ACTIONS:
        raise Gone(f"{proposal} is for {proposal.action}, which there is no more; cancel is not needed, it never happens")
    return ACTIONS[proposal.action]


def end(call: Call, proposal: Proposal, to: ProposalState, answer: str = "") -> Proposal:
    """The proposal's last step."""
    return call.change(proposal, state=to.value, ended_by=call.actor, ended_ts=call.at_ts, answer=answer)


def _check_cap(call: Call) -> None:
    locked(Person, call.actor.person_id)  # so that two at once do not both find one place left
    waiting = Proposal.objects.filter(requested_by=call.actor, state=ProposalState.PENDING.value, expires_ts__gt=call.at_ts).count()
    if waiting >= WAITING_CAP:
        raise Conflict(f"{waiting} proposals of {call.actor.person_id} wait already, the most there may be; cancel some or wait for decisions")


def _json(name: str, value: object) -> str:
    try:
        text = canonical(value)
    except ValueError as error:
        raise Invalid(f"{name}: has no canonical JSON form (RFC 8785): {error}") from error
    if len(text) > MAX_CHARS:
        raise Invalid(f"{name}: is {len(text):,} characters as JSON; allowed: {MAX_CHARS:,}")
    return text
