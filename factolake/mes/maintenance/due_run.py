"""One turn of preventive maintenance: every plan that is due asks for it, as the service `preventive`."""

from datetime import datetime

from factolake.domain.action import Role
from factolake.mes.core.action import ACTIONS, Request, perform
from factolake.mes.core.call import Call
from factolake.mes.maintenance.cycles import due_plans
from factolake.mes.people.rights import Rights
from factolake.mes.people.services import service

PREVENTIVE = "preventive"
"""Id of the service that asks for what is due; it may not sign in."""


def turn(now: datetime) -> int:
    """Make the requests of all plans that are due by time or by what operations counted; returns how many. A counter that is given asks by itself."""
    plans = due_plans(now)
    if not plans:
        return 0
    asker = service(PREVENTIVE, "Preventive maintenance", now)
    asking = ACTIONS["preventive_plan.request"]
    for plan_id in plans:
        perform(Call(asker, now, "job"), Request(asking, plan_id, asking.form()), Rights(frozenset({(Role.MAINTENANCE, "")})))
    return len(plans)
