"""Proposals: what others approve happens once, in time, and only just that (F94, F95, F96, S48, S53)."""

import json
import threading
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from approving import PASSWORD, approve, approved_cancelling, blocked_lot, execute, propose, refused, state_of
from django.db import connections
from record_plant import LINE_PATH, NOW, Api, do, order

from factolake.mes.approvals import policy
from factolake.mes.approvals.actions.proposals import WAITING_CAP
from factolake.mes.approvals.jobs import expire_overdue
from factolake.mes.approvals.models import Approval, Proposal
from factolake.mes.audit.models import AuditEntry
from factolake.mes.core.refusals import Conflict, Gone, IllegalStep, NotAllowed
from factolake.mes.production.models import Operation, Order

pytestmark = pytest.mark.usefixtures("record")


@pytest.fixture
def blocked() -> str:
    return blocked_lot()


@pytest.fixture
def cancelling() -> dict[str, Any]:
    return approved_cancelling()


def test_a_lot_is_released_by_two_people_one_of_them_quality(blocked: str) -> None:
    proposal = propose("operator", "lot.release", blocked, reason="measured again")
    assert (proposal["minimum"], proposal["place"], proposal["effect"]) == (2, LINE_PATH, "release_or_money")
    assert approve("approver", proposal, password=PASSWORD)["state"] == "pending"
    assert "is pending and cannot become executed" in refused(IllegalStep, lambda: execute(proposal, "operator"))
    assert approve("quality", proposal, password=PASSWORD)["state"] == "approved"
    done = execute(proposal, "operator")
    assert (done["state"], done["ended_by_id"], json.loads(done["answer"])["status"]) == ("executed", "operator", "unrestricted")
    entry = AuditEntry.objects.get(action="lot.release")
    assert (entry.approval, entry.actor, entry.reason, entry.subject) == (proposal["proposal_id"], "operator", "measured again", "lot S-1")
    assert json.loads(entry.payload) == {"reason": "measured again"}
    assert all(approval.reauthenticated_ts == approval.at_ts for approval in Approval.objects.all())
    assert PASSWORD not in json.dumps(list(AuditEntry.objects.values()), default=str)


def test_an_approval_is_used_once(cancelling: dict[str, Any]) -> None:
    assert execute(cancelling)["state"] == "executed"
    answer = Api("agent").post(f"/proposals/{cancelling['proposal_id']}/execute")
    assert (answer.status_code, answer.json()["title"]) == (410, "Gone")
    assert "happens once" in refused(Gone, lambda: approve("approver", cancelling))
    assert AuditEntry.objects.filter(approval=cancelling["proposal_id"]).count() == 1


def test_what_has_expired_is_neither_approved_nor_executed(cancelling: dict[str, Any]) -> None:
    late = NOW + timedelta(days=1)
    other = propose("agent", "order.hold", "PO-1", reason="no steel")
    assert "expired at" in refused(Gone, lambda: execute(cancelling, at=late))
    assert "expired at" in refused(Gone, lambda: approve("approver", other, at=late))
    assert "cancel it where it is not wanted" in refused(Conflict, lambda: do("planner", "proposal.expire", other["proposal_id"]))
    assert do("planner", "proposal.expire", other["proposal_id"], at=late)["state"] == "expired"
    assert Order.objects.get().state == "released"


OTHER = {"reason": "another"}
TAMPERINGS: dict[str, dict[str, Any]] = {
    "payload": {"payload": json.dumps(OTHER)},
    "no json": {"payload": "{"},
    "target": {"key": "PO-2"},
    "action": {"action": "order.release"},
    "expiry": {"expires_ts": NOW + timedelta(days=300)},
    "digest": {"digest": "0" * 64},
    "policy": {"policy_version": "0" * 64},
    "place": {"place": "acme/bremen/painting"},
}


@pytest.mark.parametrize("what", TAMPERINGS)
def test_what_was_changed_after_the_approval_does_not_happen(cancelling: dict[str, Any], what: str) -> None:
    order("PO-2")
    Proposal.objects.update(**TAMPERINGS[what])
    refused(NotAllowed, lambda: execute(cancelling))
    assert set(Order.objects.values_list("state", flat=True)) == {"released"}


def test_a_proposal_changed_together_with_its_digest_lacks_its_approvals(cancelling: dict[str, Any]) -> None:
    held = Proposal.objects.get()
    forged = policy.digest_of(held.action, held.key, OTHER, held.policy_version, held.expires_ts)
    Proposal.objects.update(payload=json.dumps(OTHER), digest=forged)
    assert "not approved by enough people" in refused(NotAllowed, lambda: execute(cancelling))
    Proposal.objects.update(state="pending")
    assert "not what you saw" in refused(NotAllowed, lambda: approve("planner", cancelling))


def test_a_refusal_of_the_action_undoes_everything_and_the_approval_stays(cancelling: dict[str, Any]) -> None:
    do("operator", "operation.start", "PO-1.10")
    assert "order PO-1 is running and cannot become cancelled" in refused(IllegalStep, lambda: execute(cancelling))
    assert state_of(cancelling) == "approved"


def test_a_requester_floods_nobody() -> None:
    order("PO-1")
    one = propose("agent", "order.cancel", "PO-1", reason="no customer")
    held = Proposal.objects.filter(pk=one["proposal_id"]).values().get()
    Proposal.objects.bulk_create(Proposal(**{**held, "proposal_id": f"{number:032x}"}) for number in range(WAITING_CAP - 1))
    assert "100 proposals of agent wait already" in refused(Conflict, lambda: propose("agent", "order.cancel", "PO-1", reason="again"))
    propose("erp", "order.cancel", "PO-1", reason="no customer")
    later = NOW + timedelta(days=2)
    do("agent", "proposal.create", at=later, action="order.cancel", key="PO-1", payload={"reason": "x"})


def test_of_two_that_execute_at_once_one_does() -> None:
    operation = order("PO-1", quantity=1000)
    do("operator", "operation.start", operation)
    proposals = [propose("agent", "operation.report", operation, good=1) for _ in range(20)]
    for proposal in proposals:
        approve("approver", proposal)
    barrier, outcomes = threading.Barrier(2), Counter[str]()

    def executor(who: str) -> None:
        try:
            for number, proposal in enumerate(proposals):
                barrier.wait(30)
                try:
                    execute(proposal, who, at=NOW + timedelta(hours=1, seconds=number))
                    outcomes["done"] += 1
                except Gone:
                    outcomes["gone"] += 1
        finally:
            connections.close_all()

    threads = [threading.Thread(target=executor, args=(who,)) for who in ("agent", "approver")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes == {"done": 20, "gone": 20}
    assert Operation.objects.get().good == 20
    assert AuditEntry.objects.exclude(approval="").values("approval").distinct().count() == 20


def test_what_has_expired_is_marked_by_the_clock(cancelling: dict[str, Any]) -> None:
    soon, later = at_ts(cancelling, "requested_ts"), at_ts(cancelling, "expires_ts")
    assert expire_overdue(soon) == 0
    assert Proposal.objects.get().state == "approved"
    assert expire_overdue(later) == 1
    assert (Proposal.objects.get().state, Proposal.objects.get().ended_by_id) == ("expired", "clock")
    assert expire_overdue(later) == 0


def at_ts(row: dict[str, Any], name: str) -> datetime:
    return datetime.fromisoformat(row[name])
