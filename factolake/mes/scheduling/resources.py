"""What can be read of scheduling."""

from factolake.mes.core.resource import resource
from factolake.mes.scheduling.models import ScheduleDeviation, ScheduleEntry, ScheduleRequest, ScheduleVersion

resource("schedules", ScheduleVersion, filters=("line_id", "state", "made_by_id"))
resource("schedule-entries", ScheduleEntry, filters=("schedule_id", "operation_id", "state"))
resource("schedule-deviations", ScheduleDeviation, filters=("equipment_id", "schedule_id", "person_id"))
resource("schedule-requests", ScheduleRequest, filters=("line_id", "requested_by_id"))
