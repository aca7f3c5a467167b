"""Services of FactoMES itself: who acts when something happens without a person. They may not sign in; their actions are audited under their ids."""

from datetime import datetime
from typing import Any

from factolake.domain.action import ActorKind, Role
from factolake.mes.core.action import ACTIONS, Answer, Request, parse_form, perform
from factolake.mes.core.call import Call
from factolake.mes.core.refusals import Conflict
from factolake.mes.people.models import Person
from factolake.mes.people.rights import Rights


def service(person_id: str, name: str, now: datetime, *, proposes: bool = False) -> Person:
    """The service with this id; made when it acts for the first time. Raises Conflict when the id is a person's or an agent's.

    `proposes`: it is active, since what somebody inactive proposed is never executed; an administrator may disable it. It has no password either.
    """
    known = {"name": name, "kind": ActorKind.SERVICE.value, "is_active": proposes, "pin": "", "password": "!", "changed_ts": now}
    found, _ = Person.objects.get_or_create(person_id=person_id, defaults=known)
    if found.kind != ActorKind.SERVICE.value:
        raise Conflict(f"{person_id} is the id of a {found.kind} and cannot be a service's; give the service another id")
    return found


def act(actor: Person, role: Role, action: str, key: str, now: datetime, via: str = "job", *, once: str = "", **payload: Any) -> Answer:
    """Do an action with `payload`, as a service that holds `role` everywhere; with `once`, an idempotency key, only the first time.

    Raises what the action refuses with.
    """
    wanted = ACTIONS[action]
    return perform(Call(actor, now, via), Request(wanted, key, parse_form(wanted, payload), once), Rights(frozenset({(role, "")})))
