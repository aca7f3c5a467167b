"""Asking planner software for a new plan."""

from factolake.domain.action import Effect, Role
from factolake.mes.core.action import At, action
from factolake.mes.core.call import Call
from factolake.mes.core.refusals import Invalid
from factolake.mes.equipment.models import Equipment, EquipmentLevel
from factolake.mes.scheduling.forms import ScheduleRequestForm
from factolake.mes.scheduling.models import ScheduleRequest

ASKERS = {Role.OPERATOR, Role.QUALITY, Role.MAINTENANCE, Role.PLANNER, Role.ENGINEER}


@action("schedule_request.create", At("line_id", Equipment), ASKERS, Effect.REVERSIBLE, ScheduleRequestForm)
def ask_for_plan(call: Call, line: Equipment, form: ScheduleRequestForm) -> ScheduleRequest:
    """Ask for a new plan of a line, where something is known that no machine tells: a person is absent, material comes late, an order is urgent."""
    if line.level != EquipmentLevel.PRODUCTION_LINE.value:
        raise Invalid(f"line_id: {line.equipment_id} is no production line; plans are of lines")
    return call.create(ScheduleRequest(line=line, why=form.reason, requested_by=call.actor, requested_ts=call.at_ts))
