"""Short ways to propose, approve and execute, and what is proposed in the tests of approvals."""

from collections.abc import Callable
from datetime import timedelta
from functools import cache
from typing import Any

import pytest
from django.contrib.auth.hashers import make_password
from django.utils import timezone
from record_plant import LINE, do, order

from factolake.mes.approvals.models import Proposal
from factolake.mes.audit.models import AuditEntry
from factolake.mes.core.refusals import NotAllowed, Refusal
from factolake.mes.people.models import Person

PASSWORD = "long enough, surely"


@cache
def password_hash() -> str:
    return make_password(PASSWORD)


def propose(actor: str, name: str, key: str = "", **payload: Any) -> dict[str, Any]:
    return do(actor, "proposal.create", action=name, key=key, payload=payload)


def proposed_today(actor: str, name: str, key: str = "", **payload: Any) -> dict[str, Any]:
    """A proposal that the server's own clock finds a minute old: for tests over HTTP."""
    return do(actor, "proposal.create", at=timezone.now() - timedelta(minutes=1), action=name, key=key, payload=payload)


def approve(actor: str, proposal: dict[str, Any], **more: Any) -> dict[str, Any]:
    return do(actor, "proposal.approve", proposal["proposal_id"], digest=proposal["digest"], **more)


def execute(proposal: dict[str, Any], actor: str = "agent", **more: Any) -> dict[str, Any]:
    return do(actor, "proposal.execute", proposal["proposal_id"], **more)


def state_of(proposal: dict[str, Any]) -> str:
    return str(Proposal.objects.get(pk=proposal["proposal_id"]).state)


def refused(kind: type[Refusal], ask: Callable[[], object]) -> str:
    """What `ask` is refused with; nothing has happened then."""
    before = AuditEntry.objects.count()
    with pytest.raises(kind) as caught:
        ask()
    assert type(caught.value) is kind or kind is NotAllowed
    assert AuditEntry.objects.count() == before
    return str(caught.value)


def blocked_lot() -> str:
    """A lot on the line that quality has blocked; the people who decide have passwords."""
    Person.objects.filter(pk__in=("quality", "quality2", "approver")).update(password=password_hash())
    do("planner", "material.create", material_id="STEEL")
    do("operator", "lot.create", lot_id="S-1", material_id="STEEL", quantity=10, equipment_id=LINE)
    do("quality", "hold.create", lot_id="S-1", reason="hardness")
    return "S-1"


def approved_cancelling() -> dict[str, Any]:
    """An agent's approved proposal to cancel a released order."""
    order("PO-1")
    proposal = propose("agent", "order.cancel", "PO-1", reason="no customer")
    approve("approver", proposal)
    return proposal
