"""After a crash nobody knows what an agent was about to do: it is stopped until a person has looked."""

from datetime import datetime

from factolake.domain.action import Role
from factolake.mes.approvals.actions.switches import GLOBAL
from factolake.mes.core.action import ACTIONS, Request, parse_form, perform
from factolake.mes.core.call import Call
from factolake.mes.people.rights import Rights
from factolake.mes.people.services import service

STARTER = "starter"
"""Id of the service that pulls the switch."""
WHY = "FactoMES ended without being asked to; look what was under way, then release the switch"


def stop_agents(now: datetime) -> None:
    """Pull the switch `global`; people, and services that only tell what happened, work on."""
    action = ACTIONS["kill_switch.create"]
    call = Call(service(STARTER, "The start of FactoMES", now), now, "start")
    perform(call, Request(action, "", parse_form(action, {"scope": GLOBAL, "reason": WHY})), Rights(frozenset({(Role.ENGINEER, "")})))
