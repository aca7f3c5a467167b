"""Promotion of a model: proposed by who made it, approved by an engineer or approver, booked when it is executed. Nobody does it alone."""

from factolake.domain.action import ActorKind, Effect, Role
from factolake.mes.approvals.models import Approval, Decision, Proposal
from factolake.mes.core.action import At, action
from factolake.mes.core.call import Call, find
from factolake.mes.core.refusals import NotAllowed
from factolake.mes.model_approvals.forms import PromotionForm
from factolake.mes.model_approvals.models import ModelPromotion
from factolake.mes.model_approvals.payload import payload_sha256


@action("model_promotion.create", At(), {Role.ENGINEER}, Effect.PRODUCTION, PromotionForm, proposed_only=True)
def promote_model(call: Call, _: None, form: PromotionForm) -> ModelPromotion:
    """Let a version of a model become champion; the registry of models takes it over."""
    proposal = find(Proposal, pk=call.approval)
    decision = _decision(proposal)
    promotion = ModelPromotion(model_name=form.name, model_version=form.version, sha256=form.sha256, proposal=proposal)
    promotion.payload_sha256 = payload_sha256(form.name, form.version, form.sha256)
    promotion.requested_by, promotion.approved_by, promotion.approved_ts = proposal.requested_by, decision.person, decision.at_ts
    return call.create(promotion)


def _decision(proposal: Proposal) -> Approval:
    """The approval that was given last: with it there were enough. Raises NotAllowed where no other person approved just this."""
    given = proposal.approvals.select_related("person").filter(decision=Decision.APPROVE.value, digest=proposal.digest)
    for one in given.filter(person__kind=ActorKind.HUMAN.value).order_by("-pk"):
        if one.person.human_id != proposal.requested_by.human_id:
            return one
    raise NotAllowed(f"{proposal} has no approval of another person; propose it again")
