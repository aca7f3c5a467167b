"""Who may ask, who may decide, and what an approval is worth later (S33, S34, S37, S52). No database matters here."""

import hashlib
import json
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from action_examples import EXAMPLES
from approving import PASSWORD, approve, approved_cancelling, blocked_lot, execute, password_hash, propose, proposed_today, refused
from django.utils import timezone
from record_plant import LINE_PATH, NOW, Api, do, order, person

from factolake.domain.action import RULES, ActorKind, Effect, EffectRule, Role
from factolake.mes.approvals import policy
from factolake.mes.approvals.models import Approval, Proposal
from factolake.mes.audit.chain import canonical
from factolake.mes.core.action import ACTIONS, Request, parse_form, perform
from factolake.mes.core.call import Call
from factolake.mes.core.refusals import Conflict, IllegalStep, Invalid, NotAllowed
from factolake.mes.people.models import Grant, Person
from factolake.mes.production.models import Lot

pytestmark = pytest.mark.usefixtures("sqlite_record")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def blocked() -> str:
    return blocked_lot()


@pytest.fixture
def cancelling() -> dict[str, Any]:
    return approved_cancelling()


def test_two_approvers_without_quality_are_not_enough(blocked: str) -> None:
    person("approver2", Role.APPROVER, LINE_PATH)
    Person.objects.filter(pk="approver2").update(password=password_hash())
    proposal = propose("operator", "lot.release", blocked, reason="measured again")
    for who, state in (("approver", "pending"), ("approver2", "pending"), ("quality", "approved")):
        assert approve(who, proposal, password=PASSWORD)["state"] == state


@pytest.mark.parametrize("role", list(Role))
def test_who_may_decide_is_who_may_do_it_or_an_approver(blocked: str, role: Role) -> None:
    Person.objects.filter(pk=role.value).update(password=password_hash())
    proposal = propose("agent", "lot.release", blocked, reason="measured again")
    if role in (Role.QUALITY, Role.APPROVER):
        assert approve(role.value, proposal, password=PASSWORD)["state"] == "pending"
        assert Approval.objects.get().person_id == role.value
    else:
        refused(NotAllowed, lambda: approve(role.value, proposal, password=PASSWORD))
        refused(NotAllowed, lambda: do(role.value, "proposal.reject", proposal["proposal_id"], reason="no"))


def test_nobody_decides_about_what_they_asked_for(blocked: str) -> None:
    proposal = proposed_today("quality", "lot.release", blocked, reason="measured again")
    answer = Api("quality").post(f"/proposals/{proposal['proposal_id']}/approve", {"digest": proposal["digest"], "password": PASSWORD})
    assert (answer.status_code, answer.json()["title"]) == (403, "NotAllowed")
    assert "is quality's own" in refused(NotAllowed, lambda: do("quality", "proposal.reject", proposal["proposal_id"], reason="no"))
    assert Approval.objects.count() == 0


def test_two_accounts_of_one_human_are_one_person(blocked: str) -> None:
    """Whoever asked does not decide with another account, nobody decides twice, and what was decided so before it was known no longer counts."""
    person("quality3", Role.QUALITY, LINE_PATH)
    Person.objects.filter(pk="quality3").update(password=password_hash())
    proposal = propose("operator", "lot.release", blocked, reason="measured again")
    approve("quality", proposal, password=PASSWORD)
    approve("quality3", proposal, password=PASSWORD)
    assert Proposal.objects.get().state == "approved"
    do("admin", "person.link", "quality3", same_as_id="quality")
    assert "not approved by enough people" in refused(NotAllowed, lambda: execute(proposal, "operator"))
    again = proposed_today("operator", "lot.release", blocked, reason="measured again")
    approve("quality", again, password=PASSWORD, at=timezone.now())
    body = {"digest": again["digest"], "password": PASSWORD}
    answer = Api("quality3").post(f"/proposals/{again['proposal_id']}/approve", body)
    assert (answer.status_code, "as quality;" in answer.json()["detail"]) == (409, True)
    own = proposed_today("quality3", "lot.release", blocked, reason="measured again")
    body = {"digest": own["digest"], "password": PASSWORD}
    answer = Api("quality").post(f"/proposals/{own['proposal_id']}/approve", body)
    assert (answer.status_code, "own; nobody decides" in answer.json()["detail"]) == (403, True)


def test_an_account_is_linked_to_the_first_one_of_its_human() -> None:
    do("admin", "person.create", person_id="anna2", name="Anna", password="long enough, surely", same_as_id="viewer")
    assert do("admin", "person.link", "quality2", same_as_id="anna2")["same_as_id"] == "viewer"
    assert "is itself the first account" in refused(Conflict, lambda: do("admin", "person.link", "viewer", same_as_id="planner"))
    for wrong in ("viewer", "agent"):
        refused(Conflict, lambda wrong=wrong: do("admin", "person.link", "viewer", same_as_id=wrong))
    assert do("admin", "person.link", "quality2")["same_as_id"] is None


@pytest.mark.parametrize("kind", [ActorKind.AGENT, ActorKind.SERVICE])
def test_only_people_decide(kind: ActorKind) -> None:
    order("PO-1")
    person("judge", Role.APPROVER, "", kind)
    proposal = proposed_today("agent", "order.cancel", "PO-1", reason="no customer")
    for verb, body in (("approve", {"digest": proposal["digest"]}), ("reject", {"reason": "no"})):
        answer = Api("judge").post(f"/proposals/{proposal['proposal_id']}/{verb}", body)
        assert (answer.status_code, answer.json()["detail"].partition(",")[0]) == (403, f"judge is of kind {kind.value}")
    Approval.objects.create(
        proposal_id=proposal["proposal_id"],
        person_id="judge",
        decision="approve",
        roles="approver",
        digest=proposal["digest"],
        at_ts=NOW,
        changed_ts=NOW,
    )
    Proposal.objects.update(state="approved")
    assert "not approved by enough people" in refused(NotAllowed, lambda: execute(proposal, at=timezone.now()))


def test_a_person_decides_once(blocked: str) -> None:
    proposal = propose("operator", "lot.release", blocked, reason="measured again")
    approve("quality", proposal, password=PASSWORD)
    assert "has decided about" in refused(Conflict, lambda: approve("quality", proposal, password=PASSWORD))
    assert "has decided about" in refused(Conflict, lambda: do("quality", "proposal.reject", proposal["proposal_id"], reason="after all"))


def test_a_decision_in_the_second_of_the_proposal_is_a_scripts() -> None:
    order("PO-1")
    at = NOW + timedelta(hours=1)
    proposal = do("agent", "proposal.create", at=at, action="order.cancel", key="PO-1", payload={"reason": "no customer"})
    soon = at + timedelta(milliseconds=900)
    assert "read it first" in refused(Conflict, lambda: approve("approver", proposal, at=soon))
    assert approve("approver", proposal, at=at + timedelta(seconds=1))["state"] == "approved"


@pytest.mark.parametrize("password", ["", "wrong"])
def test_the_highest_class_takes_a_fresh_login(blocked: str, password: str) -> None:
    proposal = proposed_today("operator", "lot.release", blocked, reason="measured again")
    path, body = f"/proposals/{proposal['proposal_id']}/approve", {"digest": proposal["digest"], "password": password}
    answer = Api("quality").post(path, body)
    wanted = "the password is not quality's; try again" if password else "approving lot.release takes your password once more; send it as password"
    assert (answer.status_code, answer.json()["detail"]) == (403, wanted)
    assert Approval.objects.count() == 0
    answer = Api("quality").post(path, {**body, "password": PASSWORD})
    assert (answer.status_code, answer.json()["state"]) == (200, "pending")


def test_guessing_the_password_ends_in_a_lockout(blocked: str) -> None:
    proposal = propose("operator", "lot.release", blocked, reason="measured again")
    said = Counter(refused(NotAllowed, lambda: approve("quality", proposal, password="guess")).partition(";")[0] for _ in range(7))
    assert said == {"the password is not quality's": 5, "quality is locked out after too many wrong passwords": 2}
    assert "locked out" in refused(NotAllowed, lambda: approve("quality", proposal, password=PASSWORD))
    assert approve("quality2", proposal, password=PASSWORD)["state"] == "pending"


@pytest.mark.parametrize("days", [0, -1, 8])
def test_a_proposal_lives_for_a_week_at_most(days: int) -> None:
    order("PO-1")
    at = NOW + timedelta(hours=2)
    body = {"action": "order.cancel", "key": "PO-1", "payload": {"reason": "x"}, "expires_ts": at + timedelta(days=days)}
    assert "expires_ts" in refused(Invalid, lambda: do("agent", "proposal.create", at=at, **body))


@pytest.mark.parametrize("how", ["rejected", "cancelled"])
def test_what_was_rejected_or_taken_back_never_happens(how: str) -> None:
    order("PO-1")
    proposal = propose("agent", "order.cancel", "PO-1", reason="no customer")
    key = proposal["proposal_id"]
    refused(NotAllowed, lambda: do("operator", "proposal.cancel", key, reason="not mine"))
    do("approver", "proposal.reject", key, reason="no") if how == "rejected" else do("agent", "proposal.cancel", key, reason="no")
    for ask in (lambda: approve("planner", proposal), lambda: execute(proposal)):
        assert f"is {how} and cannot become" in refused(IllegalStep, ask)


def test_a_state_set_by_hand_is_no_approval() -> None:
    order("PO-1")
    proposal = propose("agent", "order.cancel", "PO-1", reason="no customer")
    Proposal.objects.update(state="approved", minimum=0)
    assert "not approved by enough people" in refused(NotAllowed, lambda: execute(proposal))


def test_an_approval_under_rules_that_changed_is_void(cancelling: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(RULES, Effect.REVERSIBLE, EffectRule(1))
    assert "rules that have changed" in refused(NotAllowed, lambda: execute(cancelling, "approver"))


def test_an_approver_who_may_no_longer_decide_does_not_count(cancelling: dict[str, Any]) -> None:
    Grant.objects.filter(person_id="approver").delete()
    assert "not approved by enough people" in refused(NotAllowed, lambda: execute(cancelling))


def test_what_a_disabled_agent_asked_for_does_not_happen(cancelling: dict[str, Any]) -> None:
    do("admin", "person.disable", "agent")
    assert "may not act any more" in refused(NotAllowed, lambda: execute(cancelling, "approver"))


def test_what_moved_elsewhere_is_not_what_was_approved(blocked: str) -> None:
    proposal = propose("agent", "lot.release", blocked, reason="measured again")
    for who in ("quality", "quality2"):
        approve(who, proposal, password=PASSWORD)
    Lot.objects.update(place_path="acme/bremen/painting")
    assert "is elsewhere now" in refused(NotAllowed, lambda: execute(proposal))


def test_proposing_takes_a_role_where_it_would_happen(blocked: str) -> None:
    person("far", Role.QUALITY, "acme/bremen/painting")
    body = {"action": "lot.release", "key": blocked, "payload": {"reason": "x"}}
    there, missing = Api("far").post("/proposals", body), Api("far").post("/proposals", {**body, "key": "S-2"})
    assert (there.status_code, there.json()["detail"]) == (404, "there is no lot S-1")
    assert (missing.status_code, missing.json()["detail"]) == (404, "there is no lot S-2")
    assert Api("viewer").post("/proposals", body).status_code == 403
    made = Api("operator").post("/proposals", body)
    assert made.status_code == 201
    assert Api("far").get(f"/proposals/{made.json()['proposal_id']}").status_code == 404
    assert Api("viewer").get(f"/proposals/{made.json()['proposal_id']}").json()["payload"] == '{"reason":"x"}'


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"action": "order.explode"}, "there is no action 'order.explode'"),
        ({"action": "person.set_password", "key": "agent", "payload": {"password": "long enough, surely"}}, "cannot be proposed"),
        ({"action": "proposal.approve", "key": "x"}, "cannot be proposed"),
        ({"action": "proposal.execute", "key": "x"}, "cannot be proposed"),
        ({"action": "kill_switch.release", "key": "global", "payload": {"reason": "x"}}, "cannot be proposed"),
        ({"action": "material.create", "key": "M-1", "payload": {"material_id": "M-1"}}, "takes no key, not 'M-1'"),
        ({"action": "material.create", "payload": {"material_id": ""}}, "material_id"),
        ({"action": "material.create", "payload": {"material_id": "M-1", "colour": "red"}}, "colour"),
        ({"action": "material.create", "payload": {"material_id": "M-1"}, "evidence": {"p": float("nan")}}, "evidence"),
        ({"action": "material.create", "payload": {"material_id": "M-1"}, "evidence": {"text": "x" * 70_000}}, "allowed: 65,536"),
    ],
)
def test_what_cannot_be_proposed_is_one_sentence(body: dict[str, Any], said: str) -> None:
    assert said in refused(Invalid, lambda: do("agent", "proposal.create", **body))


def test_the_digest_is_sha256_over_canonical_json() -> None:
    order("PO-1")
    proposal = propose("agent", "order.cancel", "PO-1", reason="größer")
    expires = Proposal.objects.get().expires_ts.strftime("%Y-%m-%dT%H:%M:%S.%f+00:00")
    text = (
        f'{{"action":"order.cancel","expires":"{expires}","key":"PO-1","payload":{{"reason":"größer"}},'
        f'"policy_version":"{policy.policy_version(ACTIONS["order.cancel"])}"}}'
    )
    assert proposal["digest"] == hashlib.sha256(text.encode()).hexdigest()


def test_what_was_stored_as_json_is_asked_for_as_it_was_proposed() -> None:
    for name in sorted(ACTIONS.keys() & EXAMPLES.keys()):
        form = parse_form(ACTIONS[name], {"reason": "tried", **EXAMPLES[name]})
        assert parse_form(ACTIONS[name], json.loads(canonical(form.model_dump(mode="json")))) == form, name


def test_an_approval_that_is_none_lets_nothing_happen(blocked: str, cancelling: dict[str, Any]) -> None:
    for approval in ("x", cancelling["proposal_id"]):
        call = Call(Person.objects.get(pk="quality"), NOW, approval=approval)
        action = ACTIONS["lot.release"]
        asked = Request(action, blocked, parse_form(action, {"reason": "x"}))
        assert "which is none for it" in refused(NotAllowed, lambda call=call, asked=asked: perform(call, asked))
    files = [file for file in (ROOT / "factolake" / "mes").rglob("*.py") if "migrations" not in file.parts]
    setters = {file.name for file in files if "approval=" in file.read_text(encoding="utf-8")}
    assert setters == {"execution.py", "action.py"}  # the audit entry of `action.py` says which it was
