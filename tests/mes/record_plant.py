"""A record with the shipped plant, its people, and short ways to ask for actions, in this process and over HTTP."""

import itertools
import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from django.db import connections, transaction
from django.test import Client

from factolake.config import load_plant
from factolake.domain.action import ActorKind, Role
from factolake.mes.core.action import ACTIONS, Request, parse_form, perform
from factolake.mes.core.call import Call
from factolake.mes.equipment.seed import seed
from factolake.mes.people.models import ApiToken, Grant, Person
from factolake.mes.people.secrets import token_hash

NOW = datetime(2026, 3, 2, 7, 0, tzinfo=UTC)
LINE, M1, M2, M3 = "L1", "L1-M1", "L1-M2", "L1-M3"
LINE_PATH = "acme/bremen/assembly/L1"
R = TypeVar("R")
_ticks = itertools.count()


def fill(plant_file: Any) -> None:
    """The plant, one person a role at the line (named like the role), an administrator of everything, a second quality engineer, an ERP, an agent."""
    seed(load_plant(plant_file), NOW)
    for role in Role:
        scope = "" if role in (Role.ADMIN, Role.PLANNER, Role.ENGINEER) else LINE_PATH
        person(role.value, role, scope)
    person("quality2", Role.QUALITY, LINE_PATH)
    person("erp", Role.PLANNER, "", ActorKind.SERVICE)
    person("agent", Role.PLANNER, "", ActorKind.AGENT)
    person("nobody", None, "")


def person(person_id: str, role: Role | None, scope: str, kind: ActorKind = ActorKind.HUMAN) -> Person:
    """Someone with a token `fmes_<id>` and, unless None, one role."""
    made = Person.objects.create(person_id=person_id, name=person_id.title(), kind=kind.value, pin="", changed_ts=NOW)
    if role is not None:
        Grant.objects.create(person=made, role=role.value, scope=scope, changed_ts=NOW)
    token = ApiToken(person=made, label="test", hash=token_hash(f"fmes_{person_id}"), actions="*", changed_ts=NOW)
    token.expires_ts = NOW + timedelta(days=9999)
    token.save()
    return made


def do(actor: str, name: str, key: str = "", /, *, at: datetime | None = None, approval: str = "", once: str = "", **payload: Any) -> dict[str, Any]:
    """Perform action `name` as `actor`; every call is a second later than the one before. `approval`: as if that proposal had been approved."""
    moment = at or NOW + timedelta(seconds=next(_ticks))
    action = ACTIONS[name]
    if approval:
        store_approved(approval, name, key)
    call = Call(Person.objects.get(pk=actor), moment, "command", approval=approval)
    return perform(call, Request(action, key, parse_form(action, payload), once))


def store_approved(proposal_id: str, name: str, key: str) -> None:
    """A row that says the action is approved; for tests of actions that take one, not of approvals."""
    from factolake.mes.approvals.models import Proposal

    values = {"action": name, "key": key, "payload": "{}", "evidence": "{}", "digest": "", "policy_version": "", "effect": "", "minimum": 1}
    stored = {**values, "state": "approved", "requested_by_id": "viewer", "requested_ts": NOW, "expires_ts": NOW, "changed_ts": NOW}
    Proposal.objects.update_or_create(pk=proposal_id, defaults=stored)


def first_row(model: Any) -> Any:
    """The first row of a record; of proposals, whose ids are random, one that did not happen."""
    from factolake.mes.approvals.models import Proposal, ProposalState

    rows = model._default_manager.order_by("pk")
    return (rows.exclude(state=ProposalState.EXECUTED.value) if model is Proposal else rows).first()


def order(order_id: str = "PO-1", quantity: Any = 100, material: str = "G-100", **more: Any) -> str:
    """A released order of a material without routing: one operation on the line."""
    from factolake.mes.production.models import MaterialDefinition

    if not MaterialDefinition.objects.filter(pk=material).exists():
        do("planner", "material.create", material_id=material)
    do("planner", "order.create", order_id=order_id, material_id=material, quantity=quantity, line_id=LINE, **more)
    do("planner", "order.release", order_id)
    return f"{order_id}.10"


def at_once_before_any_commits(calls: Sequence[Callable[[], R]]) -> list[R]:
    """Run each call in a thread of its own, so that all do what they can before one commits: an action waits for the end of the audit chain."""
    from factolake.mes.audit.models import AuditHead

    begun = threading.Barrier(len(calls) + 1)

    def run(call: Callable[[], R]) -> R:
        begun.wait(timeout=10)
        try:
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(calls)) as pool:
        with transaction.atomic():
            AuditHead.objects.select_for_update().get(pk=1)
            running = [pool.submit(run, call) for call in calls]
            begun.wait(timeout=10)
            time.sleep(0.5)
        return [one.result(timeout=20) for one in running]


class Api:
    """FactoMES over its whole HTTP stack, as the holder of a token."""

    def __init__(self, person_id: str | None) -> None:
        sent = {"Authorization": f"Bearer fmes_{person_id}"} if person_id else {}
        self._client = Client(headers=sent, raise_request_exception=False, SERVER_NAME="localhost")

    def get(self, path: str, **headers: str) -> Any:
        return self._client.get(f"/api/v1{path}", headers=headers, secure=True)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        content = json.dumps(body if body is not None else {})
        return self._client.post(f"/api/v1{path}", content, content_type="application/json", headers=named, secure=True)

    def all(self, path: str) -> Iterator[dict[str, Any]]:
        after = ""
        while True:
            page = self.get(f"{path}{'&' if '?' in path else '?'}limit=2{after}").json()
            yield from page["items"]
            if page["next_after"] is None:
                return
            after = f"&after={page['next_after']}"
