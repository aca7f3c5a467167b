"""Kill switches stop what waits and what agents do, and no person (F100, S35, S50)."""

from typing import Any

import pytest
from approving import PASSWORD, approve, approved_cancelling, blocked_lot, execute, propose, refused, state_of
from record_plant import NOW, do, order

from factolake.mes.approvals.models import KillSwitch
from factolake.mes.audit.models import AuditEntry
from factolake.mes.core.refusals import Conflict, IllegalStep, NotAllowed, NotFound
from factolake.mes.production.models import Order

pytestmark = pytest.mark.usefixtures("record")
SCOPES = ["global", "agent:agent", "capability:order.cancel"]


@pytest.fixture
def blocked() -> str:
    return blocked_lot()


@pytest.fixture
def cancelling() -> dict[str, Any]:
    return approved_cancelling()


@pytest.mark.parametrize("scope", SCOPES)
def test_a_kill_switch_ends_all_that_waits(scope: str) -> None:
    waiting = []
    for number in range(8):
        order(f"PO-{number}")
        waiting.append(propose("agent", "order.cancel", f"PO-{number}", reason="no customer"))
    for proposal in waiting[:4]:
        approve("approver", proposal)
    execute(waiting[0])
    do("operator", "kill_switch.create", scope=scope, reason="it cancels everything")
    entry = AuditEntry.objects.order_by("number").values_list("number", flat=True).last()
    for proposal in waiting[1:]:
        assert state_of(proposal) == "cancelled"
        refused(IllegalStep, lambda proposal=proposal: execute(proposal))
    do("engineer", "kill_switch.release", scope, reason="repaired")
    refused(IllegalStep, lambda: execute(waiting[1]))
    assert AuditEntry.objects.filter(action="order.cancel", number__gt=entry).count() == 0
    assert Order.objects.filter(state="cancelled").count() == 1


@pytest.mark.parametrize("scope", SCOPES)
def test_nothing_approved_passes_a_switch_even_where_it_was_not_cancelled(cancelling: dict[str, Any], scope: str) -> None:
    KillSwitch.objects.create(scope=scope, person_id="operator", set_ts=NOW, reason="x", changed_ts=NOW)
    for who in ("agent", "approver"):
        assert f"stopped by the kill switch {scope}" in refused(NotAllowed, lambda who=who: execute(cancelling, who))
    assert (state_of(cancelling), Order.objects.get().state) == ("approved", "released")


@pytest.mark.parametrize(
    ("scope", "stopped"),
    [
        ("global", {"agent"}),
        ("agent:agent", {"agent"}),
        ("agent:erp", {"erp"}),
        ("capability:order.hold", {"agent", "erp"}),
        ("capability:lot.move", set()),
    ],
)
def test_a_switch_stops_agents_and_named_services_and_never_people(scope: str, stopped: set[str]) -> None:
    order("PO-1")
    do("operator", "kill_switch.create", scope=scope, reason="x")
    for who in ("agent", "erp", "planner"):
        if who in stopped:
            assert f"stopped by the kill switch {scope}" in refused(NotAllowed, lambda who=who: do(who, "order.hold", "PO-1", reason="x"))
        else:
            do(who, "order.hold", "PO-1", reason="x")
            do("planner", "order.resume", "PO-1")


def test_a_switch_is_pulled_by_many_and_released_by_few() -> None:
    do("operator", "kill_switch.create", scope="global", reason="x")
    do("maintenance", "kill_switch.create", scope="global", reason="again: no harm")
    refused(NotAllowed, lambda: do("viewer", "kill_switch.create", scope="global", reason="x"))
    refused(NotFound, lambda: do("nobody", "kill_switch.release", "global", reason="x"))
    refused(NotAllowed, lambda: do("planner", "kill_switch.release", "global", reason="x"))
    assert do("engineer", "kill_switch.release", "global", reason="repaired")["is_on"] is False
    assert "is off already" in refused(Conflict, lambda: do("engineer", "kill_switch.release", "global", reason="x"))
    assert do("operator", "kill_switch.create", scope="global", reason="again")["is_on"] is True
    for scope, said in (("agent:none", "there is no person"), ("agent:planner", "is a person"), ("capability:order.explode", "there is no action")):
        assert said in refused(Conflict, lambda scope=scope: do("operator", "kill_switch.create", scope=scope, reason="x"))


def test_people_release_lots_while_agents_are_stopped(blocked: str) -> None:
    do("operator", "kill_switch.create", scope="global", reason="x")
    proposal = propose("operator", "lot.release", blocked, reason="measured again")
    for who in ("quality", "approver"):
        approve(who, proposal, password=PASSWORD)
    assert execute(proposal, "operator")["state"] == "executed"
