"""One turn of preventive maintenance: every plan that is due asks for it, as the service `preventive`."""

from datetime import datetime

from factolake.domain.action import Role
from factolake.mes.maintenance.cycles import due_plans
from factolake.mes.people.services import act, service

PREVENTIVE = "preventive"
"""Id of the service that asks for what is due; it may not sign in."""


def turn(now: datetime) -> int:
    """Make the requests of all plans that are due by time or by what operations counted; returns how many. A counter that is given asks by itself."""
    plans = due_plans(now)
    if not plans:
        return 0
    asker = service(PREVENTIVE, "Preventive maintenance", now)
    for plan_id in plans:
        act(asker, Role.MAINTENANCE, "preventive_plan.request", plan_id, now)
    return len(plans)
