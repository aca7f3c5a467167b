"""Models that people approve: never alone, never by who asked, once, and exactly the version that was proposed."""

from collections.abc import Callable
from random import Random
from typing import Any

import pytest
from approving import approve, execute, refused, state_of
from pages_client import Pages, text
from record_plant import LINE_PATH, Api, at_once_before_any_commits, do, person

from factolake.domain.action import ActorKind, Role
from factolake.mes.approvals.models import Proposal
from factolake.mes.audit.models import AuditEntry
from factolake.mes.core.models import OutboxEvent
from factolake.mes.core.refusals import Gone, Invalid, NeedsApproval, NotAllowed, NotFound, Refusal
from factolake.mes.model_approvals.models import ModelPromotion
from factolake.mes.model_approvals.payload import payload_sha256
from factolake.mes.people.models import Grant
from models.registry.approval import payload_of

ON_BOTH, ON_ONE = pytest.mark.usefixtures("record"), pytest.mark.usefixtures("sqlite_record")
NAME, SHA256 = "signals.l1-m2", "3f" * 32
ACTION = "model_promotion.create"


def asked(actor: str = "engineer", **more: Any) -> dict[str, Any]:
    """A proposal of version 3, and a second engineer who may decide about it."""
    person("engineer2", Role.ENGINEER, "")
    return proposed(actor, **more)


def proposed(actor: str, **more: Any) -> dict[str, Any]:
    payload = {"name": NAME, "version": 3, "sha256": SHA256, "reason": "fewer false alerts", **more}
    return do(actor, "proposal.create", action=ACTION, payload=payload)


@ON_BOTH
def test_a_model_that_another_person_approved_is_in_the_record_and_on_its_way_to_the_lake() -> None:
    proposal = asked()
    approve("engineer2", proposal)
    execute(proposal, "engineer")
    made = ModelPromotion.objects.get()
    assert (made.model_name, made.model_version, made.sha256, made.payload_sha256) == (NAME, 3, SHA256, payload_of(NAME, 3, SHA256))
    decided = Proposal.objects.get().approvals.get()
    assert (made.requested_by_id, made.approved_by_id, made.approved_ts) == ("engineer", "engineer2", decided.at_ts)
    entry = AuditEntry.objects.get(action=ACTION)
    assert (entry.actor, entry.approval, made.proposal_id) == ("engineer", proposal["proposal_id"], proposal["proposal_id"])
    assert OutboxEvent.objects.filter(kind="mes.model_promotion", object_id=str(made.pk)).count() == 1


@ON_ONE
@pytest.mark.parametrize("actor", ["engineer", "agent", "erp"])
def test_nobody_promotes_alone_whatever_their_role(actor: str) -> None:
    Grant.objects.filter(person_id=actor).update(role=Role.ENGINEER.value)
    refused(NeedsApproval, lambda: do(actor, ACTION, name=NAME, version=3, sha256=SHA256))
    assert Api(actor).post("/model-promotions", {"name": NAME, "version": 3, "sha256": SHA256}).status_code == 403
    assert not ModelPromotion.objects.exists()


@ON_ONE
def test_who_asks_does_not_approve_not_even_with_another_account() -> None:
    proposal = asked()
    refused(NotAllowed, lambda: approve("engineer", proposal))
    person("engineer3", Role.ENGINEER, "")
    do("admin", "person.link", "engineer3", same_as_id="engineer")
    refused(NotAllowed, lambda: approve("engineer3", proposal))
    assert state_of(proposal) == "pending"


@ON_ONE
@pytest.mark.parametrize("role", list(Role))
def test_an_engineer_or_approver_of_the_enterprise_decides(role: Role) -> None:
    proposal = asked("agent")
    person("decider", role, "")
    if role in (Role.ENGINEER, Role.APPROVER):
        assert approve("decider", proposal)["state"] == "approved"
    else:
        refused(NotAllowed, lambda: approve("decider", proposal))


@ON_ONE
def test_an_engineer_of_one_line_does_not_decide_about_models() -> None:
    proposal = asked()
    person("of_line", Role.ENGINEER, LINE_PATH)
    refused(NotFound, lambda: approve("of_line", proposal))


@ON_ONE
@pytest.mark.parametrize("kind", [ActorKind.AGENT, ActorKind.SERVICE])
def test_no_program_decides(kind: ActorKind) -> None:
    proposal = asked()
    person("program", Role.ENGINEER, "", kind)
    refused(NotAllowed, lambda: approve("program", proposal))
    assert state_of(proposal) == "pending"


@ON_ONE
def test_an_approval_is_booked_once() -> None:
    proposal = asked()
    approve("engineer2", proposal)
    execute(proposal, "engineer")
    refused(Gone, lambda: execute(proposal, "engineer"))
    assert ModelPromotion.objects.count() == 1


@ON_BOTH
def test_of_two_who_execute_at_once_one_books_it() -> None:
    proposal = asked()
    approve("engineer2", proposal)

    def one(actor: str) -> Callable[[], str]:
        def run() -> str:
            try:
                execute(proposal, actor)
            except Refusal as refusal:
                return type(refusal).__name__
            return "done"

        return run

    assert sorted(at_once_before_any_commits([one("engineer"), one("engineer2")])) == ["Gone", "done"]
    assert ModelPromotion.objects.count() == 1


@ON_ONE
def test_another_version_put_into_an_approved_proposal_is_not_promoted() -> None:
    proposal = asked()
    approve("engineer2", proposal)
    row = Proposal.objects.get()
    Proposal.objects.update(payload=row.payload.replace('"version":3', '"version":4'))
    assert "does not have its digest" in refused(NotAllowed, lambda: execute(proposal, "engineer"))
    assert not ModelPromotion.objects.exists()


@ON_ONE
def test_a_stopped_capability_promotes_nothing() -> None:
    proposal = asked("agent")
    do("engineer", "kill_switch.create", scope=f"capability:{ACTION}", reason="the new models call too often")
    assert state_of(proposal) == "cancelled"
    later = proposed("engineer")
    approve("engineer2", later)
    refused(NotAllowed, lambda: execute(later, "engineer"))


@ON_ONE
@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"name": "../../etc/passwd"}, "name"),
        ({"name": "Signals"}, "name"),
        ({"name": "a" * 101}, "name"),
        ({"name": "a\n"}, "name"),
        ({"version": 0}, "version"),
        ({"version": 10**12}, "version"),
        ({"sha256": "AB" * 32}, "sha256"),
        ({"sha256": "ab"}, "sha256"),
        ({"approved_by": "engineer"}, "approved_by"),
    ],
)
def test_what_names_no_version_of_a_model_is_not_proposed(given: dict[str, Any], said: str) -> None:
    assert f"{ACTION}: {said}: " in refused(Invalid, lambda: proposed("engineer", **given))


@ON_ONE
def test_the_page_of_approvals_shows_version_hash_and_evidence() -> None:
    evidence = {"kind": "pca", "champion_version": 2, "agreement": "98.8 %", "champion_alerts_a_week": 2.0, "challenger_alerts_a_week": 1.0}
    words = f"promote {NAME} version 3 (hash {SHA256[:12]}): <b>fewer</b> false alerts"
    body = {"name": NAME, "version": 3, "sha256": SHA256}
    do("engineer", "proposal.create", action=ACTION, payload=body, evidence=evidence, reason=words)
    Proposal.objects.update(expires_ts="2036-01-01T00:00:00Z")
    person("decider", Role.APPROVER, "")
    shown = text(Pages("decider").get("/approvals/"))
    assert words.replace("<", "&lt;").replace(">", "&gt;") in shown
    for told in (SHA256, "98.8 %", "Champion alerts a week", ">2<"):
        assert told in shown, told


def test_registry_and_factomes_mean_the_same_by_what_was_approved() -> None:
    draw = Random(7)
    for _ in range(200):
        name = "".join(draw.choices("az09._-", k=draw.randint(1, 30)))
        version, sha256 = draw.randint(1, 999_999_999), draw.randbytes(32).hex()
        assert payload_sha256(name, version, sha256) == payload_of(name, version, sha256)
