"""Which maintenance an alert has led to: asked for by a person, or by the proposal that was approved and executed."""

import json

from factolake.mes.approvals.models import OPEN_STATES, Proposal, ProposalState
from factolake.mes.maintenance.models import MaintenanceRequest
from factolake.mes.signals.models import MachineAlert


def asked_of(alert: MachineAlert) -> MaintenanceRequest | None:
    """The maintenance request that the alert has led to; None where nobody asked."""
    if alert.request_id is not None:
        return alert.request
    proposal = alert.proposal
    if proposal is None or proposal.state != ProposalState.EXECUTED.value:
        return None
    return MaintenanceRequest.objects.filter(pk=json.loads(proposal.answer)["id"]).first()


def waiting(alert: MachineAlert) -> Proposal | None:
    """The alert's proposal, where it still waits for people."""
    return alert.proposal if alert.proposal is not None and alert.proposal.state in OPEN_STATES else None
