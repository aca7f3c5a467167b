"""Services of FactoMES itself: who acts when something happens without a person. They may not sign in; their actions are audited under their ids."""

from datetime import datetime

from factolake.domain.action import ActorKind
from factolake.mes.people.models import Person


def service(person_id: str, name: str, now: datetime) -> Person:
    """The service with this id; made when it acts for the first time."""
    known = {"name": name, "kind": ActorKind.SERVICE.value, "is_active": False, "pin": "", "password": "!", "changed_ts": now}
    found, _ = Person.objects.get_or_create(person_id=person_id, defaults=known)
    return found
