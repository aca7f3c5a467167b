"""Tables of scheduling, a module a noun."""

from factolake.mes.scheduling.models.deviation import ScheduleDeviation
from factolake.mes.scheduling.models.request import ScheduleRequest
from factolake.mes.scheduling.models.version import SCHEDULE_STATES, EntryState, ScheduleEntry, ScheduleState, ScheduleVersion

__all__ = ["SCHEDULE_STATES", "EntryState", "ScheduleDeviation", "ScheduleEntry", "ScheduleRequest", "ScheduleState", "ScheduleVersion"]
