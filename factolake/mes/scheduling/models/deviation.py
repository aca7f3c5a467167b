"""What was started although another operation was next in the schedule, by whom and why."""

from django.db import models

from factolake.mes.core.record import Record
from factolake.mes.equipment.models import Equipment
from factolake.mes.people.models import Person
from factolake.mes.production.models import Operation
from factolake.mes.scheduling.models.version import ScheduleVersion


class ScheduleDeviation(Record):
    """One start out of the planned sequence."""

    NOUN = "schedule_deviation"
    PLACE = "equipment__path"

    id = models.BigAutoField(primary_key=True, db_comment="Number, in the order of booking.")
    equipment = models.ForeignKey(Equipment, on_delete=models.PROTECT, related_name="+", db_comment="Where.")
    schedule = models.ForeignKey(ScheduleVersion, null=True, on_delete=models.PROTECT, related_name="deviations", db_comment="From which schedule.")
    planned = models.ForeignKey(Operation, on_delete=models.PROTECT, related_name="+", db_comment="Operation that was next.")
    started = models.ForeignKey(Operation, on_delete=models.PROTECT, related_name="+", db_comment="Operation that was started instead.")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_comment="Who started it.")
    at_ts = models.DateTimeField(db_comment="When (UTC).")
    reason = models.TextField(db_comment="Why, in their words.")

    class Meta:
        """What was done otherwise on a machine is found in time."""

        indexes = (models.Index(fields=("equipment", "at_ts"), name="schedule_deviation_in_time"),)
