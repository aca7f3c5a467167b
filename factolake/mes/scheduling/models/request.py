"""Requests for a new plan: somebody at the line knows what planner software does not."""

from django.db import models

from factolake.mes.core.record import Record
from factolake.mes.equipment.models import Equipment
from factolake.mes.people.models import Person


class ScheduleRequest(Record):
    """Please plan this line anew. Planner software reads it in the lake; its answer is a proposal, or a word in the lake why there is none."""

    NOUN = "schedule_request"
    PLACE = "line__path"

    id = models.BigAutoField(primary_key=True, db_comment="Number, in the order of booking.")
    line = models.ForeignKey(Equipment, on_delete=models.PROTECT, related_name="+", db_comment="Line to be planned anew.")
    why = models.TextField(db_comment="Why, in the words of who asks.")
    requested_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+", db_comment="Who asks.")
    requested_ts = models.DateTimeField(db_comment="When (UTC).")

    class Meta:
        """What was asked of a line is found in time."""

        indexes = (models.Index(fields=("line", "requested_ts"), name="schedule_request_in_time"),)
