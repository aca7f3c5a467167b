"""Services of FactoMES itself: who acts when something happens without a person. They may not sign in; their actions are audited under their ids."""

from datetime import datetime

from factolake.domain.action import ActorKind, Role
from factolake.mes.core.action import ACTIONS, Answer, Request, perform
from factolake.mes.core.call import Call
from factolake.mes.people.models import Person
from factolake.mes.people.rights import Rights


def service(person_id: str, name: str, now: datetime) -> Person:
    """The service with this id; made when it acts for the first time."""
    known = {"name": name, "kind": ActorKind.SERVICE.value, "is_active": False, "pin": "", "password": "!", "changed_ts": now}
    found, _ = Person.objects.get_or_create(person_id=person_id, defaults=known)
    return found


def act(actor: Person, role: Role, action: str, key: str, now: datetime, via: str = "job") -> Answer:
    """Do an action that asks for nothing, as a service that holds `role` everywhere. Raises what the action refuses with."""
    wanted = ACTIONS[action]
    return perform(Call(actor, now, via), Request(wanted, key, wanted.form()), Rights(frozenset({(role, "")})))
