"""One turn of preventive maintenance: every plan that is due asks for it, as the service `preventive`."""

from datetime import datetime

from factolake.domain.action import ActorKind, Role
from factolake.mes.core.action import ACTIONS, Request, perform
from factolake.mes.core.call import Call
from factolake.mes.maintenance.cycles import due_plans
from factolake.mes.people.models import Person
from factolake.mes.people.rights import Rights

PREVENTIVE = "preventive"
"""Id of the service that asks for what is due; it may not sign in."""


def turn(now: datetime) -> int:
    """Make the requests of all plans that are due by time or by what operations counted; returns how many. A counter that is given asks by itself."""
    plans = due_plans(now)
    if not plans:
        return 0
    known = {"name": "Preventive maintenance", "kind": ActorKind.SERVICE.value, "is_active": False, "pin": "", "password": "!", "changed_ts": now}
    service, _ = Person.objects.get_or_create(person_id=PREVENTIVE, defaults=known)
    asking = ACTIONS["preventive_plan.request"]
    for plan_id in plans:
        perform(Call(service, now, "job"), Request(asking, plan_id, asking.form()), Rights(frozenset({(Role.MAINTENANCE, "")})))
    return len(plans)
